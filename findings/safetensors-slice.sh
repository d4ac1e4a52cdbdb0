#!/bin/sh
# safetensors 0.7.0 ignores the step of a slice and takes a mask for one position, without an error.
#
# Versions: safetensors 0.7.0 and 0.8.0, NumPy 2.2.6, Python 3, x86-64.
#
# Behaviour: safe_open(...).get_slice(name) stands for a tensor in a file and reads the part that is asked for.
# 0.7.0 drops the step: [::2] and [::-1] return the whole tensor, in its order, although the
# docstring of get_slice itself shows [:, ::8]. An array as the index is read as a tuple: rows [0, 2] become
# the one element in row 0, column 2, and the mask of rows 1 and 3 becomes the element in row 0, column 1,
# since False and True count as 0 and 1 and the rest is dropped. 0.8.0 honours positive steps and refuses arrays.
#
# Why it matters: interleaved weights (gates and values, the shares of several devices) are taken apart with a
# step. With 0.7.0 each part gets all of them, and another version of the package gets other numbers.
#
# Output seen (a tensor of 4 rows and 6 columns that holds 0 to 23; shape and first elements):
#   [::2]: NumPy 2x6 0 1 2, 0.7.0 4x6 0 1 2, 0.8.0 2x6 0 1 2
#   [:, 1::2]: NumPy 4x3 1 3 5, 0.7.0 4x5 1 2 3, 0.8.0 4x3 1 3 5
#   [::-1]: NumPy 4x6 18 19 20, 0.7.0 4x6 0 1 2, 0.8.0 refuses
#   [rows]: NumPy 2x6 0 1 2, 0.7.0 scalar 2, 0.8.0 refuses
#   [mask]: NumPy 2x6 6 7 8, 0.7.0 scalar 1, 0.8.0 refuses
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
cd "$tmp"
fail() { echo "CHANGED: $*"; exit 1; }
pip() {
    python3 -m pip -q install --no-deps --only-binary :all: --target "$@" >pip.log 2>&1 ||
        { echo "skipped: pip cannot install $*"; tail -n 3 pip.log; exit 77; }
}
pip site numpy==2.2.6
pip 0.7.0 safetensors==0.7.0
pip 0.8.0 safetensors==0.8.0
cat >slices.py <<'EOF'
import sys
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

def show(tensor, index):
    try:
        part = tensor[index]
    except SafetensorError:
        return "refuses"
    shape = "x".join(str(size) for size in part.shape) or "scalar"
    return " ".join([shape, *(f"{value:g}" for value in part.ravel()[:3])])

whole = np.arange(24, dtype=np.float32).reshape(4, 6)
save_file({"tensor": whole}, "file.safetensors")
with safe_open("file.safetensors", "np") as file:
    lazy = file.get_slice("tensor")
    for name, index in {
        "[::2]": np.s_[::2],
        "[:, 1::2]": np.s_[:, 1::2],
        "[::-1]": np.s_[::-1],
        "[rows]": np.array([0, 2]),
        "[mask]": np.array([False, True, False, True]),
    }.items():
        print(f"{name}: NumPy {show(whole, index)}, {sys.argv[1]} {show(lazy, index)}")
EOF
PYTHONPATH=site:0.7.0 python3 -W ignore slices.py 0.7.0 >old || fail "0.7.0 fails"
PYTHONPATH=site:0.8.0 python3 -W ignore slices.py 0.8.0 | sed 's/.*, 0/0/' >new || fail "0.8.0 fails"
paste -d, old new | sed 's/,0\.8/, 0.8/' >seen
cat seen
cat >expected <<EOF
[::2]: NumPy 2x6 0 1 2, 0.7.0 4x6 0 1 2, 0.8.0 2x6 0 1 2
[:, 1::2]: NumPy 4x3 1 3 5, 0.7.0 4x5 1 2 3, 0.8.0 4x3 1 3 5
[::-1]: NumPy 4x6 18 19 20, 0.7.0 4x6 0 1 2, 0.8.0 refuses
[rows]: NumPy 2x6 0 1 2, 0.7.0 scalar 2, 0.8.0 refuses
[mask]: NumPy 2x6 6 7 8, 0.7.0 scalar 1, 0.8.0 refuses
EOF
cmp -s seen expected || fail "slices return other elements"
grep -q '\[:, ::8\]' 0.7.0/safetensors/__init__.pyi || fail "the docstring shows another slice"
echo "as recorded"
