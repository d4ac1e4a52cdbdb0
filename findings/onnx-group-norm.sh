#!/bin/sh
# ONNX Runtime's GroupNormalization turns flat pictures into NaN; its InstanceNormalization, the same formula, does not.
#
# Versions: onnxruntime 1.32.0, onnx 1.23.2, NumPy 2.2.6, Python 3.11, x86-64. No GPU needed.
#
# Behaviour: with as many groups as channels, GroupNormalization is InstanceNormalization. ONNX Runtime has a kernel
# for the latter, and puts ONNX's own function in the place of the former. That function (onnx/defs/nn/defs.cc)
# subtracts the square of the mean from the mean of the squares to get the variance. Where the deviation is
# small next to the mean, rounding leaves any number, large, small or negative. Below -epsilon, the square
# root is NaN. The text of the standard has (x - mean) / sqrt(variance + epsilon), and nothing on how. The range
# of the pixels, 0 to 255 or 0 to 1 or -1 to 1, does not help.
#
# Why it matters: decoders of image generators normalize groups. PyTorch 2.15 exports that as GroupNormalization for
# opset 21 and later, as InstanceNormalization for earlier ones. So a newer opset alone can turn a flat
# feature map into NaN, and as a rule NaN ends as black.
#
# Output seen (3 channels of 256x256, 3 groups; largest error, next to float64):
#   GroupNormalization computes: Var = Sub (MeanOfSquare, SquareOfMean)
#   white, 0 to 255:             GroupNormalization nan, InstanceNormalization 0
#   nearly white, 0 to 1:        GroupNormalization nan, InstanceNormalization 0.004
#   nearly white, -1 to 1:       GroupNormalization nan, InstanceNormalization 0.008
#   halves of 128 and 129:       GroupNormalization nan, InstanceNormalization 2e-05
#   pixels of 200 and 201:       GroupNormalization 0.6, InstanceNormalization 1e-05
#   a gradient from 0 to 255:    GroupNormalization 9e-05, InstanceNormalization 4e-06
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
cd "$tmp"
fail() { echo "CHANGED: $*"; exit 1; }
python3 -m pip -q install --no-deps --only-binary :all: --target site onnxruntime==1.32.0 onnx==1.23.2 numpy==2.2.6 \
    ml_dtypes==0.6.0 protobuf==7.36.2 flatbuffers==25.12.19 packaging==26.4 typing_extensions==4.16.0 >pip.log 2>&1 ||
    { echo "skipped: pip cannot install onnxruntime, onnx and what they need"; tail -n 3 pip.log; exit 77; }
cat >normalize.py <<'EOF'
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

size, channels = 256, 3
shape = [1, channels, size, size]

def session(operator, **attributes):
    node = helper.make_node(operator, ["x", "scale", "bias"], ["y"], **attributes)
    inputs = [("x", shape), ("scale", [channels]), ("bias", [channels])]
    graph = helper.make_graph(
        [node], operator, [helper.make_tensor_value_info(name, TensorProto.FLOAT, dims) for name, dims in inputs],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])

# How ONNX defines the operator, as a function of other operators.
def variance():
    node = helper.make_node("GroupNormalization", ["x", "scale", "bias"], ["y"], num_groups=channels)
    types = [helper.make_tensor_type_proto(TensorProto.FLOAT, dims) for dims in (shape, [channels], [channels])]
    function = onnx.FunctionProto.FromString(
        onnx.defs.get_schema("GroupNormalization", 21).get_context_dependent_function_with_opset_version(
            21, node.SerializeToString(), [kind.SerializeToString() for kind in types]))
    lines = onnx.printer.to_text(function).splitlines()
    return next(line.strip() for line in lines if line.strip().startswith("Var ="))

sessions = {
    "GroupNormalization": session("GroupNormalization", num_groups=channels),
    "InstanceNormalization": session("InstanceNormalization"),
}

def largest_errors(picture):
    x = np.broadcast_to(picture, shape).astype(np.float32)
    plane = x[0, 0].astype(np.float64)
    exact = (plane - plane.mean()) / np.sqrt(plane.var() + 1e-5)
    inputs = {"x": x, "scale": np.ones(channels, np.float32), "bias": np.zeros(channels, np.float32)}
    return ", ".join(f"{operator} {np.abs(session.run(None, inputs)[0] - exact).max():.1g}"
                     for operator, session in sessions.items())

rows, columns = np.mgrid[:size, :size]
print("GroupNormalization computes:", variance())
for name, picture in {
    "white, 0 to 255": 255,
    "nearly white, 0 to 1": 254 / 255,
    "nearly white, -1 to 1": 254 / 127.5 - 1,
    "halves of 128 and 129": 128 + (columns >= size // 2),
    "pixels of 200 and 201": 200 + (columns + rows) % 2,
    "a gradient from 0 to 255": columns,
}.items():
    print(f"{name + ':':28}", largest_errors(picture))
EOF
PYTHONPATH=site python3 normalize.py >seen || fail "ONNX Runtime fails"
cat seen
cat >expected <<'EOF'
GroupNormalization computes: Var = Sub (MeanOfSquare, SquareOfMean)
white, 0 to 255:             GroupNormalization nan, InstanceNormalization 0
nearly white, 0 to 1:        GroupNormalization nan, InstanceNormalization 0.004
nearly white, -1 to 1:       GroupNormalization nan, InstanceNormalization 0.008
halves of 128 and 129:       GroupNormalization nan, InstanceNormalization 2e-05
pixels of 200 and 201:       GroupNormalization 0.6, InstanceNormalization 1e-05
a gradient from 0 to 255:    GroupNormalization 9e-05, InstanceNormalization 4e-06
EOF
cmp -s seen expected || fail "other errors"
echo "as recorded"
