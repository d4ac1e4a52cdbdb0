#!/bin/sh
# OpenVINO's normal noise is not normal: an ONNX RandomNormal without a seed gives no number below -1.21.
#
# Versions: OpenVINO 2026.4.1 (2024.6.0 gives the same), ONNX Runtime 1.32.0, onnx 1.23.2, NumPy 2.2.6, Python 3,
# x86-64.
#
# Behaviour: OpenVINO makes RandomNormal of two RandomUniform nodes, by the Box-Muller transform: the square root of
# -2 log u, times cos(2 pi v) (random_normal_helper.cpp). Without a seed, both get seed 0, which stands for a new
# one each time. When the model is converted or compiled, SharedOpOptimization (shared_ops_optimization.cpp) merges
# nodes with the same inputs and attributes, and makes no exception for random ones, so v is u. Half of the numbers
# are positive, as they should be, but 28 percent lie between -1.21 and -0.75, none below. A seed avoids it,
# since the second node then gets that seed plus 10000, but a seed of 0 does not. RandomNormalLike is the same,
# and several such nodes with one input become one node: their noises add up to one, but stronger.
#
# Why it matters: torch.randn and randn_like become such nodes without a seed when models are exported, so latents
# of diffusion models, the samples of a VAE and the noise of a GAN's layers are skewed. Mean (0.06) and deviation
# (1.06) look right. Noise that the model gets as an input is not affected.
#
# Output seen (1024x1024 numbers, in percent):
#   ONNX Runtime, no seed: below -1.3 10, to -0.75 13, to 0 27, to 0.75 27, to 1.3 13, above 10
#   OpenVINO, seed 1:      below -1.3 10, to -0.75 13, to 0 27, to 0.75 27, to 1.3 13, above 10
#   OpenVINO, seed 0:      below -1.3 0, to -0.75 28, to 0 22, to 0.75 32, to 1.3 5, above 14
#   OpenVINO, no seed:     below -1.3 0, to -0.75 28, to 0 22, to 0.75 32, to 1.3 5, above 14
#   RandomUniform nodes of RandomNormal without a seed: 2 when read, 1 when converted
#   sum of 4 RandomNormalLike nodes, deviation: ONNX Runtime 2.0, OpenVINO 4.2
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
cd "$tmp"
fail() { echo "CHANGED: $*"; exit 1; }
python3 -m pip -q install --no-deps --only-binary :all: --target site openvino==2026.4.1 onnxruntime==1.32.0 \
    onnx==1.23.2 numpy==2.2.6 ml_dtypes==0.6.0 protobuf==7.36.2 flatbuffers==25.12.19 packaging==26.4 \
    typing_extensions==4.16.0 >pip.log 2>&1 ||
    { echo "skipped: pip cannot install openvino, onnxruntime, onnx and what they need"; tail -n 3 pip.log; exit 77; }
cat >noise.py <<'EOF'
import numpy as np
import onnx
import onnxruntime
import openvino
from onnx import TensorProto, helper

shape = [1, 1, 1024, 1024]
core = openvino.Core()

def model(operator, count=1, **attributes):
    inputs = ["x"] if operator == "RandomNormalLike" else []
    if not inputs:
        attributes["shape"] = shape
    nodes = [helper.make_node(operator, inputs, [f"n{i}"], **attributes) for i in range(count)]
    nodes.append(helper.make_node("Sum", [f"n{i}" for i in range(count)], ["y"]))
    graph = helper.make_graph(nodes, "noise", [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
                                               for name in inputs],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(model)
    return model.SerializeToString()

def inputs_of(model):
    return {entry.name: np.zeros(shape, np.float32) for entry in onnx.load_from_string(model).graph.input}

def openvino_noise(model):
    options = {"INFERENCE_PRECISION_HINT": "f32"}
    return core.compile_model(core.read_model(model, b""), "CPU", options)(inputs_of(model))[0]

def onnxruntime_noise(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, ["CPUExecutionProvider"])
    return session.run(None, inputs_of(model))[0]

def shares(noise):
    parts = np.histogram(noise, [-np.inf, -1.3, -0.75, 0, 0.75, 1.3, np.inf])[0] / noise.size * 100
    return "below -1.3 {:.0f}, to -0.75 {:.0f}, to 0 {:.0f}, to 0.75 {:.0f}, to 1.3 {:.0f}, above {:.0f}".format(*parts)

print("ONNX Runtime, no seed:", shares(onnxruntime_noise(model("RandomNormal"))))
print("OpenVINO, seed 1:     ", shares(openvino_noise(model("RandomNormal", seed=1.0))))
print("OpenVINO, seed 0:     ", shares(openvino_noise(model("RandomNormal", seed=0.0))))
print("OpenVINO, no seed:    ", shares(openvino_noise(model("RandomNormal"))))

def uniforms(model):
    return [node.get_type_name() for node in model.get_ordered_ops()].count("RandomUniform")

with open("noise.onnx", "wb") as file:
    file.write(model("RandomNormal"))
print(f"RandomUniform nodes of RandomNormal without a seed: {uniforms(core.read_model('noise.onnx'))} when read,",
      f"{uniforms(openvino.convert_model('noise.onnx'))} when converted")
several = model("RandomNormalLike", 4)
print(f"sum of 4 RandomNormalLike nodes, deviation: ONNX Runtime {onnxruntime_noise(several).std():.1f},",
      f"OpenVINO {openvino_noise(several).std():.1f}")
EOF
PYTHONPATH=site python3 -W ignore noise.py >seen 2>log || { tail -n 3 log; fail "OpenVINO or ONNX Runtime fails"; }
cat seen
cat >expected <<'EOF'
ONNX Runtime, no seed: below -1.3 10, to -0.75 13, to 0 27, to 0.75 27, to 1.3 13, above 10
OpenVINO, seed 1:      below -1.3 10, to -0.75 13, to 0 27, to 0.75 27, to 1.3 13, above 10
OpenVINO, seed 0:      below -1.3 0, to -0.75 28, to 0 22, to 0.75 32, to 1.3 5, above 14
OpenVINO, no seed:     below -1.3 0, to -0.75 28, to 0 22, to 0.75 32, to 1.3 5, above 14
RandomUniform nodes of RandomNormal without a seed: 2 when read, 1 when converted
sum of 4 RandomNormalLike nodes, deviation: ONNX Runtime 2.0, OpenVINO 4.2
EOF
cmp -s seen expected || fail "other noise"
echo "as recorded"
