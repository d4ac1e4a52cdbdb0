#!/bin/sh
# OpenBLAS's dsdot, a dot product of floats in double precision, works in single precision from 32 elements on.
#
# Versions: OpenBLAS 0.3.21 (libopenblas0-pthread 0.3.21+ds-4, Debian 12) and 0.3.34 (scipy-openblas32 0.3.34.481.3
# from PyPI), the reference BLAS 3.11.0 (libblas3 3.11.0-2), x86-64 with AVX2.
#
# Behaviour: BLAS has sdot for floats, ddot for doubles, and dsdot, which takes floats, but multiplies and adds
# in double precision, and returns a double. OpenBLAS does so for fewer than 32 elements, for elements that
# are not adjacent, and on processors that it has no fast kernel for (PRESCOTT). Otherwise,
# kernel/x86_64/sdot.c gives each 32 elements to the kernel of sdot and adds only its results in double
# precision. A product below 1e-45 is 0 there, one above 3.4e38 infinite, and a large one swallows small ones.
#
# Why it matters: dsdot is chosen where a float does not suffice, such as for the norm of a layer's weights.
# In Debian, libblas.so.3 is one library or the other, depending on what was installed. Tests with
# short vectors pass with both.
#
# Output seen (dsdot of a vector with itself: 31 and 32 elements of 1e-25; 31 and 32 elements of 1e25; one element
# of 8192 and 30 or 31 of 1):
#   reference BLAS:                           3.1e-49, 3.2e-49, 3.1e+51, 3.2e+51, 67108894, 67108895
#   OpenBLAS 0.3.21, PRESCOTT:                3.1e-49, 3.2e-49, 3.1e+51, 3.2e+51, 67108894, 67108895
#   OpenBLAS 0.3.21, NEHALEM:                 3.1e-49, 0, 3.1e+51, inf, 67108894, 67108888
#   OpenBLAS 0.3.21, HASWELL:                 3.1e-49, 0, 3.1e+51, inf, 67108894, 67108888
#   OpenBLAS 0.3.34, HASWELL:                 3.1e-49, 0, 3.1e+51, inf, 67108894, 67108888
#   OpenBLAS 0.3.34, HASWELL, every 2nd one:  3.1e-49, 3.2e-49, 3.1e+51, 3.2e+51, 67108894, 67108895
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
cd "$tmp"
fail() { echo "CHANGED: $*"; exit 1; }
grep -qw avx2 /proc/cpuinfo || { echo "skipped: this CPU has no AVX2"; exit 77; }
apt-get -q download libopenblas0-pthread=0.3.21+ds-4 libblas3=3.11.0-2 libgfortran5=12.2.0-14+deb12u1 \
    libquadmath0=12.2.0-14+deb12u1 >apt.log 2>&1 ||
    { echo "skipped: apt-get cannot download these versions (run apt-get update first?)"; tail -n 3 apt.log; exit 77; }
python3 -m pip -q install --no-deps --only-binary :all: --target site scipy-openblas32==0.3.34.481.3 >pip.log 2>&1 ||
    { echo "skipped: pip cannot install scipy-openblas32"; tail -n 3 pip.log; exit 77; }
for deb in *.deb; do dpkg -x "$deb" root; done
lib=$tmp/root/usr/lib/x86_64-linux-gnu
export LD_LIBRARY_PATH="$lib"
cat >dsdot.py <<'EOF'
import ctypes, sys

library, name, step = *sys.argv[1:3], int(sys.argv[3])
dsdot = getattr(ctypes.CDLL(library), name)
dsdot.restype = ctypes.c_double
results = []
for count, first, rest in [(31, 1e-25, 1e-25), (32, 1e-25, 1e-25), (31, 1e25, 1e25), (32, 1e25, 1e25),
                           (31, 8192, 1), (32, 8192, 1)]:
    vector = (ctypes.c_float * (count * step))()
    vector[::step] = [first] + [rest] * (count - 1)
    result = dsdot(count, vector, step, vector, step)
    results.append(f"{result:.0f}" if 1 < result < 1e9 else f"{result:.2g}")
print(", ".join(results))
EOF
# line TEXT CORE LIBRARY FUNCTION STEP: the results with the kernels for that processor.
line() {
    results=$(OPENBLAS_CORETYPE=$2 python3 dsdot.py "$3" "$4" "$5") || results=none
    printf '%-41s %s\n' "$1:" "$results"
}
debian=$lib/openblas-pthread/libopenblas.so.0
pypi=$tmp/site/scipy_openblas32/lib/libscipy_openblas.so
{
    line "reference BLAS" "" "$lib/blas/libblas.so.3" cblas_dsdot 1
    line "OpenBLAS 0.3.21, PRESCOTT" PRESCOTT "$debian" cblas_dsdot 1
    line "OpenBLAS 0.3.21, NEHALEM" NEHALEM "$debian" cblas_dsdot 1
    line "OpenBLAS 0.3.21, HASWELL" HASWELL "$debian" cblas_dsdot 1
    line "OpenBLAS 0.3.34, HASWELL" HASWELL "$pypi" scipy_cblas_dsdot 1
    line "OpenBLAS 0.3.34, HASWELL, every 2nd one" HASWELL "$pypi" scipy_cblas_dsdot 2
} >seen
cat seen
cat >expected <<'EOF'
reference BLAS:                           3.1e-49, 3.2e-49, 3.1e+51, 3.2e+51, 67108894, 67108895
OpenBLAS 0.3.21, PRESCOTT:                3.1e-49, 3.2e-49, 3.1e+51, 3.2e+51, 67108894, 67108895
OpenBLAS 0.3.21, NEHALEM:                 3.1e-49, 0, 3.1e+51, inf, 67108894, 67108888
OpenBLAS 0.3.21, HASWELL:                 3.1e-49, 0, 3.1e+51, inf, 67108894, 67108888
OpenBLAS 0.3.34, HASWELL:                 3.1e-49, 0, 3.1e+51, inf, 67108894, 67108888
OpenBLAS 0.3.34, HASWELL, every 2nd one:  3.1e-49, 3.2e-49, 3.1e+51, 3.2e+51, 67108894, 67108895
EOF
cmp -s seen expected || fail "the results differ"
echo "as recorded"
