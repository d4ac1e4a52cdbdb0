#!/bin/sh
# GGUF's Q8_0 erases small weights that Q4_0 keeps, and keeps large ones that F16 and Q4_0 lose.
#
# Versions: gguf 0.19.0 (the Python package of llama.cpp), NumPy 2.2.6, PyYAML 6.0.2, Python 3, x86-64.
#
# Behaviour: a block of 32 weights shares a scale, which is a 16-bit float: the largest weight divided by 127 in
# Q8_0, by 16 in Q5_0, by 8 in Q4_0. So the type with the most bits is the first whose scale underflows.
# Weights up to 1e-5 come back four times as wrong from Q8_0 as from Q4_0. Weights up to 3e-6 become zeros
# in Q8_0, while Q4_0 is about as good as ever. At the other end the order is reversed: weights up to 1e6 are
# safe in Q8_0, infinite in F16, and NaN in Q4_0, because its scale is infinite and meets a zero.
#
# Why it matters: Q8_0 counts as the type that loses next to nothing, so nobody looks for zeros there. A layer
# with small weights needs F32 or BF16, or its factor moved to a neighbouring layer.
#
# Output seen (64 weights evenly spaced from -LARGEST to LARGEST; error in percent of their norm):
#   largest 1:     Q8_0 0.4, Q5_0 3.1, Q4_0 6.1, F16 0.0, BF16 0.1
#   largest 1e-05: Q8_0 24.2, Q5_0 6.6, Q4_0 6.1, F16 0.3, BF16 0.2
#   largest 3e-06: Q8_0 100.0, Q5_0 6.6, Q4_0 8.2, F16 1.0, BF16 0.2
#   largest 5e-07: Q8_0 100.0, Q5_0 88.0, Q4_0 8.2, F16 5.9, BF16 0.1
#   largest 1e+06: Q8_0 0.4, Q5_0 3.1, Q4_0 nan, F16 inf, BF16 0.1
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
cd "$tmp"
fail() { echo "CHANGED: $*"; exit 1; }
python3 -m pip -q install --no-deps --only-binary :all: --target site gguf==0.19.0 numpy==2.2.6 pyyaml==6.0.2 \
    >pip.log 2>&1 || { echo "skipped: pip cannot install gguf, numpy and pyyaml"; tail -n 3 pip.log; exit 77; }
cat >quantize.py <<'EOF'
import numpy as np
from gguf import GGMLQuantizationType
from gguf.quants import dequantize, quantize

np.seterr(all="ignore")
for largest in ("1", "1e-05", "3e-06", "5e-07", "1e+06"):
    weights = np.linspace(-1, 1, 64, dtype=np.float32).reshape(2, 32) * np.float32(largest)
    errors = []
    for name in ("Q8_0", "Q5_0", "Q4_0", "F16", "BF16"):
        kind = GGMLQuantizationType[name]
        wrong = np.linalg.norm(dequantize(quantize(weights, kind), kind) - weights)
        errors.append(f"{name} {100 * wrong / np.linalg.norm(weights):.1f}")
    print(f"{'largest ' + largest + ':':14}", ", ".join(errors))
EOF
PYTHONPATH=site python3 quantize.py >seen || fail "gguf cannot quantize"
cat seen
cat >expected <<EOF
largest 1:     Q8_0 0.4, Q5_0 3.1, Q4_0 6.1, F16 0.0, BF16 0.1
largest 1e-05: Q8_0 24.2, Q5_0 6.6, Q4_0 6.1, F16 0.3, BF16 0.2
largest 3e-06: Q8_0 100.0, Q5_0 6.6, Q4_0 8.2, F16 1.0, BF16 0.2
largest 5e-07: Q8_0 100.0, Q5_0 88.0, Q4_0 8.2, F16 5.9, BF16 0.1
largest 1e+06: Q8_0 0.4, Q5_0 3.1, Q4_0 nan, F16 inf, BF16 0.1
EOF
cmp -s seen expected || fail "the errors differ"
echo "as recorded"
