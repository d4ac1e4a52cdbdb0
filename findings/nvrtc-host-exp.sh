#!/bin/sh
# NVRTC asks the host's C library for exp(3.625): the PTX for a GPU depends on the CPU that compiles it.
#
# Versions: nvidia-cuda-nvrtc-cu12 12.9.86, glibc 2.36 (Debian 12), x86-64 with FMA. No GPU and no driver needed.
#
# Behaviour: NVRTC replaces the exp() of a constant by its value. It has no exp of its own for that: it calls
# the one of libm.so.6, and glibc picks its code at run time, with or without fused multiply-add. The two
# round exp(3.625) differently, so the same NVRTC, source and options for the same compute_80 target give
# PTX with two different constants. Hiding FMA from glibc (GLIBC_TUNABLES) stands in for an older
# build machine. Fast-math does not matter either: --use_fast_math embeds the same constants.
#
# Why it matters: a cache of kernels keyed by source, options and NVRTC version is not reproducible
# from one build machine to another; the last bit comes from the build machine's CPU.
#
# Output seen:
#   with FMA:    exp(3.625) = 0x1.2c32a20e4f855p+5
#   without FMA: exp(3.625) = 0x1.2c32a20e4f854p+5
#   1 of the PTX lines differs; --use_fast_math changes neither file
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
cd "$tmp"
fail() { echo "CHANGED: $*"; exit 1; }
grep -qw fma /proc/cpuinfo || { echo "skipped: this CPU has no FMA to hide"; exit 77; }
[ "$(getconf GNU_LIBC_VERSION)" = "glibc 2.36" ] || { echo "skipped: the C library is not glibc 2.36"; exit 77; }
python3 -m pip -q install --no-deps --only-binary :all: --target site nvidia-cuda-nvrtc-cu12==12.9.86 >pip.log 2>&1 ||
    { echo "skipped: pip cannot install nvidia-cuda-nvrtc-cu12 12.9.86"; tail -n 3 pip.log; exit 77; }
cat >compile.py <<'EOF'
import ctypes, re, struct, sys

nvrtc = ctypes.CDLL("site/nvidia/cuda_nvrtc/lib/libnvrtc.so.12")
source = b'extern "C" __global__ void k(double *out) { *out = exp(3.625); }'
options = [b"--gpu-architecture=compute_80"] + [option.encode() for option in sys.argv[2:]]
program, size = ctypes.c_void_p(), ctypes.c_size_t()

def call(name, *arguments):
    status = getattr(nvrtc, name)(*arguments)
    if status: sys.exit(f"{name} returned {status}")

call("nvrtcCreateProgram", ctypes.byref(program), source, b"k.cu", 0, None, None)
call("nvrtcCompileProgram", program, len(options), (ctypes.c_char_p * len(options))(*options))
call("nvrtcGetPTXSize", program, ctypes.byref(size))
ptx = ctypes.create_string_buffer(size.value)
call("nvrtcGetPTX", program, ptx)
text = ptx.value.decode()
with open(sys.argv[1], "w") as file:
    file.write(text)
bits = re.search(r"mov\.[bu]64\s+%rd\d+, (\d+);", text)
print(struct.unpack("<d", struct.pack("<Q", int(bits[1])))[0].hex() if bits else "not a constant")
EOF
hide=glibc.cpu.hwcaps=-FMA,-AVX2
{
    echo "with FMA:    exp(3.625) = $(python3 compile.py fma.ptx)"
    echo "without FMA: exp(3.625) = $(GLIBC_TUNABLES=$hide python3 compile.py plain.ptx)"
} >seen
cat seen
python3 compile.py fma-fast.ptx --use_fast_math >/dev/null
GLIBC_TUNABLES=$hide python3 compile.py plain-fast.ptx --use_fast_math >/dev/null
cat >expected <<EOF
with FMA:    exp(3.625) = 0x1.2c32a20e4f855p+5
without FMA: exp(3.625) = 0x1.2c32a20e4f854p+5
EOF
cmp -s seen expected || fail "NVRTC embeds other constants"
[ "$(diff fma.ptx plain.ptx | grep -c '^<')" -eq 1 ] || fail "more than the constant differs"
cmp -s fma.ptx fma-fast.ptx || fail "--use_fast_math changes the PTX (with FMA)"
cmp -s plain.ptx plain-fast.ptx || fail "--use_fast_math changes the PTX (without FMA)"
echo "1 of the PTX lines differs; --use_fast_math changes neither file"
echo "as recorded"
