#!/bin/sh
# Converting an ONNX model to opset 11 or later moves what it draws, in ONNX Runtime's quantization too.
#
# Versions: onnx 1.23.2, ONNX Runtime 1.32.0, NumPy 2.2.6, Python 3, x86-64.
#
# Behaviour: up to opset 10, Upsample and Resize take pixel x of the output from x / scale. Opset 11 gave Resize the
# attributes coordinate_transformation_mode and nearest_mode, whose defaults mean (x + 0.5) / scale - 0.5, rounded.
# onnx.version_converter adds the inputs that opset 11 wants (resize_10_11.h), but neither attribute, so each linear
# doubling moves the picture by half a pixel, and nearest may pick another pixel. Hardmax counts as unchanged from
# opset 12 to 13 (convert.h), though its axis now means one dimension, not all from there on. Softmax, which changed
# in the same way, is converted. The checker accepts the models.
#
# Why it matters: decoders and upscalers consist of doublings, and every half pixel is doubled by those that follow:
# with four, as from 16x16 to 256x256, the picture is 7.5 pixels off. quantize_dynamic converts models below opset 10
# by itself, and the shift counts as its error. Setting coordinate_transformation_mode to asymmetric and nearest_mode
# to floor after the conversion gives the old result. (Issue 8480 of onnx, which is open, reports the attributes.)
#
# Output seen (a dot in the middle of 16x16; where the middle of the dot is):
#   opset 9, doubled once: 15.0 (converted to 10: 15.0, 11: 15.5, 21: 15.5)
#   opset 9, doubled twice: 30.0 (converted to 10: 30.0, 11: 31.5, 21: 31.5)
#   opset 9, doubled 4 times: 120.0 (converted to 10: 120.0, 11: 127.5, 21: 127.5)
#   opset 9, doubled 4 times: 120.0 (after quantize_dynamic, opset 11: 127.5; with both attributes: 120.0)
#   opset 10, nearest, a quarter of 16x16: first pixel from row 0, column 0 (converted to 11: row 1, column 1)
#   opset 12, Hardmax of 4096x16x16, axis 1: ones 1 (converted to 13: 256)
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
cd "$tmp"
fail() { echo "CHANGED: $*"; exit 1; }
python3 -m pip -q install --no-deps --only-binary :all: --target site onnxruntime==1.32.0 onnx==1.23.2 numpy==2.2.6 \
    ml_dtypes==0.6.0 protobuf==7.36.2 flatbuffers==25.12.19 packaging==26.4 typing_extensions==4.16.0 >pip.log 2>&1 ||
    { echo "skipped: pip cannot install onnxruntime, onnx and what they need"; tail -n 3 pip.log; exit 77; }
cat >convert.py <<'EOF'
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.version_converter import convert_version
from onnxruntime.quantization import quantize_dynamic

def model(opset, nodes, shape, scale=None):
    scales = [numpy_helper.from_array(np.array([1, 1, scale, scale], np.float32), "scales")] if scale else []
    graph = helper.make_graph(nodes, "model", [helper.make_tensor_value_info("x0", TensorProto.FLOAT, shape)],
                              [helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, list("nchw"))],
                              scales)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)

def run(model, x):
    onnx.checker.check_model(model, full_check=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
    return session.run(None, {"x0": x})[0]

def resize(opset, times, mode, scale):
    operator = "Upsample" if opset < 10 else "Resize"
    nodes = [helper.make_node(operator, [f"x{i}", "scales"], [f"x{i + 1}"], mode=mode) for i in range(times)]
    return model(opset, nodes, [1, 1, 16, 16], scale)

rows, columns = np.mgrid[:16, :16]
dot = np.exp(-((columns - 7.5) ** 2 + (rows - 7.5) ** 2) / 4).astype(np.float32).reshape(1, 1, 16, 16)

# The column of the dot's middle, which is its row too.
def middle(model):
    picture = run(model, dot)[0, 0].astype(np.float64)
    return f"{(picture * np.arange(picture.shape[1])).sum() / picture.sum():.1f}"

for times, name in ((1, "once"), (2, "twice"), (4, "4 times")):
    old = resize(9, times, "linear", 2)
    print(f"opset 9, doubled {name}: {middle(old)} (converted to",
          ", ".join(f"{opset}: {middle(convert_version(old, opset))}" for opset in (10, 11, 21)) + ")")

old = resize(9, 4, "linear", 2)
onnx.save(old, "old.onnx")
quantize_dynamic("old.onnx", "quantized.onnx")
quantized = onnx.load("quantized.onnx")
mended = onnx.load("quantized.onnx")
for node in mended.graph.node:
    if node.op_type == "Resize":
        node.attribute.extend([helper.make_attribute("coordinate_transformation_mode", "asymmetric"),
                               helper.make_attribute("nearest_mode", "floor")])
print(f"opset 9, doubled 4 times: {middle(old)} (after quantize_dynamic, opset {quantized.opset_import[0].version}:",
      f"{middle(quantized)}; with both attributes: {middle(mended)})")

old = resize(10, 1, "nearest", 0.25)
numbers = np.arange(256, dtype=np.float32).reshape(1, 1, 16, 16)
first = [divmod(int(run(model, numbers)[0, 0, 0, 0]), 16) for model in (old, convert_version(old, 11))]
print("opset 10, nearest, a quarter of 16x16: first pixel from row {}, column {} (converted to 11: "
      "row {}, column {})".format(*first[0], *first[1]))

shape = (1, 4096, 16, 16)
old = model(12, [helper.make_node("Hardmax", ["x0"], ["y"], axis=1)], shape)
logits = np.random.default_rng(0).standard_normal(shape, np.float32)
ones = [int(run(model, logits).sum()) for model in (old, convert_version(old, 13))]
print(f"opset 12, Hardmax of 4096x16x16, axis 1: ones {ones[0]} (converted to 13: {ones[1]})")
EOF
PYTHONPATH=site python3 -W ignore convert.py >seen 2>log || { tail -n 3 log; fail "onnx or ONNX Runtime fails"; }
cat seen
cat >expected <<'EOF'
opset 9, doubled once: 15.0 (converted to 10: 15.0, 11: 15.5, 21: 15.5)
opset 9, doubled twice: 30.0 (converted to 10: 30.0, 11: 31.5, 21: 31.5)
opset 9, doubled 4 times: 120.0 (converted to 10: 120.0, 11: 127.5, 21: 127.5)
opset 9, doubled 4 times: 120.0 (after quantize_dynamic, opset 11: 127.5; with both attributes: 120.0)
opset 10, nearest, a quarter of 16x16: first pixel from row 0, column 0 (converted to 11: row 1, column 1)
opset 12, Hardmax of 4096x16x16, axis 1: ones 1 (converted to 13: 256)
EOF
cmp -s seen expected || fail "pictures move otherwise"
echo "as recorded"
