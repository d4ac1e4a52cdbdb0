#!/bin/sh
# ONNX Runtime's noise of seed 3 is that of seed 1 plus that of seed 2, and two nodes always differ by the same noise.
#
# Versions: ONNX Runtime 1.32.0, onnx 1.23.2, NumPy 2.2.6, Python 3, x86-64.
#
# Behaviour: the CPU kernels of RandomUniform, RandomNormal, Bernoulli and Multinomial (random.h) draw from
# std::default_random_engine, which is implementation-defined. In the Linux package it is libstdc++'s minstd_rand0:
# the number n of seed s is s * 16807^n mod 2^31 - 1. It is linear in s, so RandomUniform's tensors add up as their
# seeds do, and their first pixel grows with the seed from almost 0. Seed 0 counts as 1. A node without a seed gets
# a global seed plus its index in the graph, so that no two nodes make the same noise. But neighbours then differ
# by the noise of seed 1, in every run, whatever the global seed, and after set_seed(5) the second node makes
# what the first makes after set_seed(6). RandomNormal discards some of the numbers, which hides the sums, but
# shifts seeds in the same way.
#
# Why it matters: pictures of consecutive seeds, and the noises of one model, are taken for independent. With
# Multinomial and equal chances, the first token of seed s is s times that of seed 1, modulo their number. Noise
# that a model gets as an input, from NumPy or PyTorch, has no such pattern.
#
# Output seen (RandomUniform and RandomNormal of 64x64):
#   RandomUniform, seed 1 + seed 2 - seed 3: whole numbers
#   RandomUniform, first pixel of seeds 1 to 1000: 0.00001 to 0.00783
#   RandomUniform, two nodes without a seed, in two processes: other noises, same difference, that of seed 1
#   RandomNormal, seeds 0 and 1: same
#   RandomNormal, second node after set_seed(5), first after set_seed(6): same
#   Multinomial of 4096 equal chances, first token of seeds 1 to 6: 538 1077 1616 2155 2693 3232
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
cd "$tmp"
fail() { echo "CHANGED: $*"; exit 1; }
python3 -m pip -q install --no-deps --only-binary :all: --target site onnxruntime==1.32.0 onnx==1.23.2 numpy==2.2.6 \
    ml_dtypes==0.6.0 protobuf==7.36.2 flatbuffers==25.12.19 packaging==26.4 typing_extensions==4.16.0 >pip.log 2>&1 ||
    { echo "skipped: pip cannot install onnxruntime, onnx and what they need"; tail -n 3 pip.log; exit 77; }
cat >common.py <<'EOF'
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

# Runs a model of nodes that have no input but "x".
def run(nodes, inputs={}):
    outputs = [helper.make_tensor_value_info(node.output[0], TensorProto.INT32 if node.op_type == "Multinomial"
                                             else TensorProto.FLOAT, ["rows", "columns"]) for node in nodes]
    known = [helper.make_tensor_value_info(name, TensorProto.FLOAT, value.shape) for name, value in inputs.items()]
    model = helper.make_model(helper.make_graph(nodes, "noise", known, outputs),
                              opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
    return session.run(None, inputs)

def noise(operator, *seeds):
    return run([helper.make_node(operator, [], [f"y{index}"], shape=[64, 64],
                                 **({} if seed is None else {"seed": seed})) for index, seed in enumerate(seeds)])

# How far numbers are from whole ones.
def rest(numbers):
    return np.abs(numbers - np.rint(numbers)).max()
EOF
cat >pair.py <<'EOF'
import sys
from common import *

np.save(sys.argv[1], noise("RandomUniform", None, None))
EOF
cat >seeds.py <<'EOF'
from common import *

one, two, three = noise("RandomUniform", 1.0, 2.0, 3.0)
print("RandomUniform, seed 1 + seed 2 - seed 3:",
      "whole numbers" if rest(one + two - three) < 1e-6 else "other numbers")
first = [noise("RandomUniform", float(seed))[0][0, 0] for seed in range(1, 1001)]
print(f"RandomUniform, first pixel of seeds 1 to 1000: {min(first):.5f} to {max(first):.5f}")
(a, b), (c, d) = np.load("first.npy"), np.load("second.npy")
print("RandomUniform, two nodes without a seed, in two processes:",
      "same noises," if np.array_equal(a, c) else "other noises,",
      "same difference," if rest((b - a) - (d - c)) < 1e-6 else "other difference,",
      "that of seed 1" if rest(b - a - one) < 1e-6 else "not that of seed 1")

def same(one, other):
    return "same" if np.array_equal(one, other) else "other"

print("RandomNormal, seeds 0 and 1:", same(*noise("RandomNormal", 0.0, 1.0)))
onnxruntime.set_seed(5)
second = noise("RandomNormal", None, None)[1]
onnxruntime.set_seed(6)
print("RandomNormal, second node after set_seed(5), first after set_seed(6):",
      same(second, noise("RandomNormal", None, None)[0]))
equal = {"x": np.zeros((1, 4096), np.float32)}
print("Multinomial of 4096 equal chances, first token of seeds 1 to 6:", *(
    run([helper.make_node("Multinomial", ["x"], ["y"], seed=float(seed))], equal)[0][0, 0] for seed in range(1, 7)))
EOF
export PYTHONPATH=site
{ python3 pair.py first.npy && python3 pair.py second.npy && python3 seeds.py >seen; } || fail "ONNX Runtime fails"
cat seen
cat >expected <<'EOF'
RandomUniform, seed 1 + seed 2 - seed 3: whole numbers
RandomUniform, first pixel of seeds 1 to 1000: 0.00001 to 0.00783
RandomUniform, two nodes without a seed, in two processes: other noises, same difference, that of seed 1
RandomNormal, seeds 0 and 1: same
RandomNormal, second node after set_seed(5), first after set_seed(6): same
Multinomial of 4096 equal chances, first token of seeds 1 to 6: 538 1077 1616 2155 2693 3232
EOF
cmp -s seen expected || fail "other noises"
echo "as recorded"
