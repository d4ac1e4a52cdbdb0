#!/bin/sh
# NVRTC fuses a * b + c of bfloat16 for compute capability 9.0 and not for 8.0, so H100 and A100 round differently.
#
# Versions: nvidia-cuda-nvrtc 13.2.78, nvidia-cuda-runtime 13.2.75 (cuda_bf16.h and cuda_fp16.h) and
# nvidia-cuda-nvdisasm 13.2.78 from PyPI, x86-64. No GPU and no driver needed. NVRTC 12.9.86 gives the same PTX.
#
# Behaviour: contraction of products and sums (-fmad) is on unless it is switched off, and float, double and half
# are contracted for both. For 8.0, which has no multiplication of bfloat16, cuda_bf16.hpp writes a * b as
# fma(a, b, -0) and x + c as fma(x, 1, c), in assembly that nothing may fuse: two roundings, whatever -fmad says.
# For 9.0 it writes mul.bf16 and add.bf16 without a rounding mode, which ptxas turns into one instruction with
# one rounding. With a = b = 1 + 2^-7 and c = -(1 + 2^-6), two roundings make 0 and one makes 2^-14.
#
# Why it matters: goldens of bfloat16 kernels from one generation of GPUs fail on the next, from the same source
# with the same options. -fmad=false, or __hmul_rn, gives two roundings on both; __hfma gives one.
#
# Output seen (instructions that a * b + c becomes):
#   float: sm_80 FFMA, sm_90 FFMA; with -fmad=false sm_80 FMUL FADD, sm_90 FMUL FADD
#   __half: sm_80 HFMA2, sm_90 HFMA2; with -fmad=false sm_80 HMUL2 HADD2, sm_90 HMUL2 HADD2
#   __nv_bfloat16: sm_80 HFMA2 HFMA2, sm_90 HFMA2; with -fmad=false sm_80 HFMA2 HFMA2, sm_90 HMUL2 HADD2
#   PTX of __nv_bfloat16: sm_80 fma.rn.bf16 fma.rn.bf16, sm_90 mul.bf16 add.bf16
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
cd "$tmp"
fail() { echo "CHANGED: $*"; exit 1; }
python3 -m pip -q install --no-deps --only-binary :all: --target site nvidia-cuda-nvrtc==13.2.78 \
    nvidia-cuda-runtime==13.2.75 nvidia-cuda-nvdisasm==13.2.78 >pip.log 2>&1 ||
    { echo "skipped: pip cannot install NVRTC, the CUDA headers and nvdisasm"; tail -n 3 pip.log; exit 77; }
cat >compile.py <<'EOF'
import ctypes, re, subprocess, sys

cuda = "site/nvidia/cu13/"
nvrtc = ctypes.CDLL(cuda + "lib/libnvrtc.so.13")

def call(name, *arguments):
    status = getattr(nvrtc, name)(*arguments)
    if status: sys.exit(f"{name} returned {status}")

def output(program, kind):
    size = ctypes.c_size_t()
    call(f"nvrtcGet{kind}Size", program, ctypes.byref(size))
    data = ctypes.create_string_buffer(size.value)
    call(f"nvrtcGet{kind}", program, data)
    return data.raw

# The PTX instructions and the machine instructions of a * b + c.
def instructions(kind, target, *options):
    header = {"__half": "#include <cuda_fp16.h>\n", "__nv_bfloat16": "#include <cuda_bf16.h>\n"}.get(kind, "")
    source = f'{header}extern "C" __global__ void k({kind} *out, {kind} a, {kind} b, {kind} c) {{ *out = a * b + c; }}'
    options = [f"-arch={target}", f"-I{cuda}include", *options]
    program = ctypes.c_void_p()
    call("nvrtcCreateProgram", ctypes.byref(program), source.encode(), b"k.cu", 0, None, None)
    call("nvrtcCompileProgram", program, len(options),
         (ctypes.c_char_p * len(options))(*(option.encode() for option in options)))
    with open("k.cubin", "wb") as file:
        file.write(output(program, "CUBIN"))
    machine = subprocess.check_output([cuda + "bin/nvdisasm", "-c", "k.cubin"], text=True)
    ptx = output(program, "PTX").decode()
    return (" ".join(re.findall(r"\b(?:mul|add|fma)\.[a-z.]*b?f(?:16|32)\b", ptx)),
            " ".join(re.findall(r"\b[HF](?:MUL|ADD|FMA)2?\b", machine)))

for kind in ("float", "__half", "__nv_bfloat16"):
    both = [", ".join(f"{target} {instructions(kind, target, *options)[1]}" for target in ("sm_80", "sm_90"))
            for options in ([], ["-fmad=false"])]
    print(f"{kind}: {both[0]}; with -fmad=false {both[1]}")
print("PTX of __nv_bfloat16:",
      ", ".join(f"{target} {instructions('__nv_bfloat16', target)[0]}" for target in ("sm_80", "sm_90")))
EOF
chmod +x site/nvidia/cu13/bin/nvdisasm
python3 compile.py >seen || fail "NVRTC or nvdisasm fails"
cat seen
cat >expected <<'TEXT'
float: sm_80 FFMA, sm_90 FFMA; with -fmad=false sm_80 FMUL FADD, sm_90 FMUL FADD
__half: sm_80 HFMA2, sm_90 HFMA2; with -fmad=false sm_80 HMUL2 HADD2, sm_90 HMUL2 HADD2
__nv_bfloat16: sm_80 HFMA2 HFMA2, sm_90 HFMA2; with -fmad=false sm_80 HFMA2 HFMA2, sm_90 HMUL2 HADD2
PTX of __nv_bfloat16: sm_80 fma.rn.bf16 fma.rn.bf16, sm_90 mul.bf16 add.bf16
TEXT
cmp -s seen expected || fail "other instructions"
echo "as recorded"
