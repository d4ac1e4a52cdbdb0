#!/bin/sh
# onnxsim, onnxslim and onnxoptimizer make one noise of several: a sampler draws the same token twice.
#
# Versions: onnxoptimizer 0.4.2, onnxsim 0.8.1, onnxslim 0.1.98, ONNX Runtime 1.32.0, onnx 1.23.2, NumPy 2.2.6,
# Python 3.11, x86-64.
#
# Behaviour: all three merge nodes with the same operator, inputs and attributes, since these compute the same
# (eliminate_common_subexpression in onnxoptimizer, which onnxsim contains, and subexpression_elimination.py in
# onnxslim, for nodes with an input). Random nodes without a seed have nothing that tells them apart, so all that
# have one shape become one. onnxoptimizer looks at the kinds of the attributes only (cse_util.h). onnxsim knows the
# random operators, but keeps them from constant folding alone. ONNX Runtime's own optimizer leaves them as they are.
#
# Why it matters: torch.randn_like, torch.rand and torch.multinomial are exported without a seed. In a merged model
# the noises of a generator's layers are one noise, several times as strong; dither of two uniform noises cancels
# out; and two tokens drawn from the same logits are the same. A check of the simplified model by comparison
# with the original, as onnxsim has, cannot tell, since random outputs always differ. A seed for each node avoids it.
#
# Output seen (4 nodes of 512x512; 2 nodes that draw 256 of 4096 equal tokens):
#   original:            normal noises 4, sum's deviation 2.0; uniform noises 2, difference up to 1.0; same tokens: few
#   onnxoptimizer:       normal noises 1, sum's deviation 4.0; uniform noises 1, difference up to 0.0; same tokens: all
#   onnxsim:             normal noises 1, sum's deviation 4.0; uniform noises 1, difference up to 0.0; same tokens: all
#   onnxslim:            normal noises 1, sum's deviation 4.0; uniform noises 1, difference up to 0.0; same tokens: all
#   onnxsim, with seeds: normal noises 4, sum's deviation 2.0; uniform noises 2, difference up to 1.0; same tokens: few
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
cd "$tmp"
fail() { echo "CHANGED: $*"; exit 1; }
python3 -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "skipped: not Python 3.11"; exit 77; }
python3 -m pip -q install --no-deps --only-binary :all: --target site onnxoptimizer==0.4.2 onnxsim==0.8.1 \
    onnxslim==0.1.98 sympy==1.14.0 mpmath==1.3.0 colorama==0.4.6 onnxruntime==1.32.0 onnx==1.23.2 numpy==2.2.6 \
    ml_dtypes==0.6.0 protobuf==7.36.2 flatbuffers==25.12.19 packaging==26.4 typing_extensions==4.16.0 >pip.log 2>&1 ||
    { echo "skipped: pip cannot install the optimizers, onnxruntime and what they need"; tail -n 3 pip.log; exit 77; }
cat >merge.py <<'EOF'
import numpy as np
import onnx
import onnxoptimizer
import onnxruntime
import onnxsim
import onnxslim
from onnx import TensorProto, helper

shape = [1, 1, 512, 512]

# A model that draws with several nodes and combines what they draw.
def model(operator, count, combine, size, seeds, **attributes):
    nodes = []
    for i in range(count):
        seed = {"seed": 7919.0 * (i + 1) ** 3 + 13} if seeds else {}
        nodes.append(helper.make_node(operator, ["x"], [f"n{i}"], **seed, **attributes))
    nodes.append(helper.make_node(combine, [f"n{i}" for i in range(count)], ["y"]))
    kind = TensorProto.BOOL if combine == "Equal" else TensorProto.FLOAT
    graph = helper.make_graph(nodes, "model", [helper.make_tensor_value_info("x", TensorProto.FLOAT, size)],
                              [helper.make_tensor_value_info("y", kind, [None] * len(size))])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model

def run(model, size):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
    return session.run(None, {"x": np.zeros(size, np.float32)})[0]

def report(name, optimize, seeds=False):
    normal = optimize(model("RandomNormalLike", 4, "Sum", shape, seeds))
    uniform = optimize(model("RandomUniformLike", 2, "Sub", shape, seeds))
    tokens = optimize(model("Multinomial", 2, "Equal", [1, 4096], seeds, sample_size=256))
    same = run(tokens, [1, 4096]).sum()
    print(f"{name + ':':20} normal noises {len(normal.graph.node) - 1},",
          f"sum's deviation {run(normal, shape).std():.1f}; uniform noises {len(uniform.graph.node) - 1},",
          f"difference up to {run(uniform, shape).max():.1f};",
          "same tokens:", "all" if same == 256 else "few" if same < 10 else same)

report("original", lambda model: model)
report("onnxoptimizer", onnxoptimizer.optimize)
report("onnxsim", lambda model: onnxsim.simplify(model)[0])
report("onnxslim", onnxslim.slim)
report("onnxsim, with seeds", lambda model: onnxsim.simplify(model)[0], seeds=True)
EOF
PYTHONPATH=site python3 -W ignore merge.py >seen 2>log || { tail -n 3 log; fail "an optimizer or ONNX Runtime fails"; }
cat seen
cat >expected <<'EOF'
original:            normal noises 4, sum's deviation 2.0; uniform noises 2, difference up to 1.0; same tokens: few
onnxoptimizer:       normal noises 1, sum's deviation 4.0; uniform noises 1, difference up to 0.0; same tokens: all
onnxsim:             normal noises 1, sum's deviation 4.0; uniform noises 1, difference up to 0.0; same tokens: all
onnxslim:            normal noises 1, sum's deviation 4.0; uniform noises 1, difference up to 0.0; same tokens: all
onnxsim, with seeds: normal noises 4, sum's deviation 2.0; uniform noises 2, difference up to 1.0; same tokens: few
EOF
cmp -s seen expected || fail "other nodes are merged"
echo "as recorded"
