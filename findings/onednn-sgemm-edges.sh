#!/bin/sh
# oneDNN's dnnl_sgemm ignores beta if K is 0, and its zero depends on the instruction set.
#
# Versions: oneDNN 2.6.3 (libdnnl2 2.6.3-1), OpenBLAS 0.3.21 (libopenblas0-pthread 0.3.21+ds-4), Debian 12, x86-64.
#
# Behaviour: both libraries promise C = alpha * A * B + beta * C, with the argument order of BLAS.
# - K = 0 (A and B are empty): cblas_sgemm leaves beta * C, as BLAS does. dnnl_sgemm returns success and
#   leaves C alone, so beta = 0 does not even clear it.
# - alpha = 0 and beta = 0 with a C that holds NaN (uninitialized memory, say): OpenBLAS clears C, and so
#   does oneDNN with AVX or AVX2. With its SSE4.1 code the NaN stays. With alpha = 1 and beta = 0 it
#   is overwritten by all of them.
# Thread counts 1 and 4 give the same.
#
# Why it matters: a reduction over an empty set (no tokens, no channels) keeps the previous result instead
# of 0, and a test with DNNL_MAX_CPU_ISA, the switch for such checks, finds NaN where the default has 0.
#
# Output seen (a 2 x 2 matrix C, all elements equal):
#   K=0 beta=2 C=5:              OpenBLAS 10, oneDNN SSE41 5, AVX 5, AVX2 5
#   K=0 beta=0 C=5:              OpenBLAS 0, oneDNN SSE41 5, AVX 5, AVX2 5
#   K=2 alpha=0 beta=0 C=nan:    OpenBLAS 0, oneDNN SSE41 nan, AVX 0, AVX2 0
#   K=2 alpha=1 beta=0 C=nan:    OpenBLAS 2, oneDNN SSE41 2, AVX 2, AVX2 2
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
cd "$tmp"
fail() { echo "CHANGED: $*"; exit 1; }
grep -qw avx2 /proc/cpuinfo || { echo "skipped: this CPU has no AVX2"; exit 77; }
apt-get -q download libdnnl2=2.6.3-1 ocl-icd-libopencl1=2.3.1-1 libgomp1=12.2.0-14+deb12u1 \
    libopenblas0-pthread=0.3.21+ds-4 libgfortran5=12.2.0-14+deb12u1 libquadmath0=12.2.0-14+deb12u1 >apt.log 2>&1 ||
    { echo "skipped: apt-get cannot download these versions (run apt-get update first?)"; tail -n 3 apt.log; exit 77; }
for deb in *.deb; do dpkg -x "$deb" root; done
lib=$tmp/root/usr/lib/x86_64-linux-gnu
cat >gemm.py <<'EOF'
import ctypes, sys

name, *numbers = sys.argv[1:]
k, alpha, beta, c = int(numbers[0]), *map(float, numbers[1:])
one = (ctypes.c_float * 4)(1, 1, 1, 1)
out = (ctypes.c_float * 4)(c, c, c, c)
number, size = ctypes.c_float, ctypes.c_int64
if name == "oneDNN":
    no = ctypes.c_char(b"N")
    status = ctypes.CDLL("libdnnl.so.2").dnnl_sgemm(
        no, no, size(2), size(2), size(k), number(alpha), one, size(2), one, size(2), number(beta), out, size(2))
    if status: sys.exit(f"dnnl_sgemm returned {status}")
else:  # 101: row-major, 111: not transposed
    ctypes.CDLL("libopenblas.so.0").cblas_sgemm(
        101, 111, 111, 2, 2, k, number(alpha), one, 2, one, 2, number(beta), out, 2)
values = {f"{value:g}" for value in out}
print(values.pop() if len(values) == 1 else "mixed")
EOF
run() { LD_LIBRARY_PATH="$lib:$lib/openblas-pthread" python3 gemm.py "$@"; }
# line TEXT K ALPHA BETA C: one line of results, with the current number of threads.
line() {
    text=$1
    shift
    results="OpenBLAS $(run OpenBLAS "$@"), oneDNN"
    for isa in SSE41 AVX AVX2; do results="$results $isa $(DNNL_MAX_CPU_ISA=$isa run oneDNN "$@"),"; done
    printf '%-28s %s\n' "$text:" "${results%,}"
}
cat >expected <<EOF
K=0 beta=2 C=5:              OpenBLAS 10, oneDNN SSE41 5, AVX 5, AVX2 5
K=0 beta=0 C=5:              OpenBLAS 0, oneDNN SSE41 5, AVX 5, AVX2 5
K=2 alpha=0 beta=0 C=nan:    OpenBLAS 0, oneDNN SSE41 nan, AVX 0, AVX2 0
K=2 alpha=1 beta=0 C=nan:    OpenBLAS 2, oneDNN SSE41 2, AVX 2, AVX2 2
EOF
for threads in 1 4; do
    export OMP_NUM_THREADS=$threads
    {
        line "K=0 beta=2 C=5" 0 1 2 5
        line "K=0 beta=0 C=5" 0 1 0 5
        line "K=2 alpha=0 beta=0 C=nan" 2 0 0 nan
        line "K=2 alpha=1 beta=0 C=nan" 2 1 0 nan
    } >seen
    cat seen
    cmp -s seen expected || fail "the results differ (with $threads threads)"
done
echo "as recorded"
