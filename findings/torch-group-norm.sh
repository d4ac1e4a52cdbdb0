#!/bin/sh
# PyTorch's group_norm on the CPU loses its digits in channels_last, the layout that is advised for speed.
#
# Versions: PyTorch 1.13.1 (python3-torch 1.13.1+dfsg-4, Debian 12), x86-64. PyTorch 2.15.0 of PyPI gives the same.
# The script downloads 260 MB, since Debian's PyTorch depends on OpenCV.
#
# Behaviour: a memory format says how a tensor lies in memory, not what is computed. For contiguous tensors,
# group_norm takes the variance with Welford's algorithm (RowwiseMoments in moments_utils.h), which replaced
# "mean of the squares minus square of the mean" in 2021, for its errors. The kernel for channels_last
# (GroupNormKernelImplChannelsLastInternal in group_norm_kernel.cpp) has that formula, with sums in float, and
# 0 where it gives less. At a mean of 10, its error can exceed that of bfloat16; at a mean of 1000, results that
# should be 1.7 at most are 1 off, or come out as 300.
#
# Why it matters: decoders of image generators are convolutions and group norms, and channels_last is the usual way
# to make the convolutions fast. It then changes the pictures, and a comparison with another engine blames
# the wrong one. layer_norm and instance_norm give the same for both layouts.
#
# Output seen (64 channels in 8 groups, values evenly from mean - 1 to mean + 1; largest error, next to float64):
#   16x16, mean 0:    contiguous 1e-07, channels_last 5e-07
#   16x16, mean 10:   contiguous 3e-06, channels_last 0.0002
#   16x16, mean 100:  contiguous 8e-05, channels_last 0.09
#   16x16, mean 1000: contiguous 0.0001, channels_last 3e+02
#   64x64, mean 0:    contiguous 3e-07, channels_last 2e-06
#   64x64, mean 10:   contiguous 3e-07, channels_last 0.009
#   64x64, mean 100:  contiguous 1e-07, channels_last 0.1
#   64x64, mean 1000: contiguous 5e-05, channels_last 1
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
cd "$tmp"
fail() { echo "CHANGED: $*"; exit 1; }
grep -qw avx2 /proc/cpuinfo || { echo "skipped: this CPU has no AVX2"; exit 77; }
python3 -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "skipped: not Python 3.11"; exit 77; }
# With an empty list of installed packages, apt-get downloads all that PyTorch needs.
mkdir -p debs/partial
: >status
apt-get -q -y --no-install-recommends --download-only -o Dir::State::status="$tmp/status" -o Debug::NoLocking=1 \
    -o Dir::Cache::archives="$tmp/debs" install python3-torch=1.13.1+dfsg-4 >apt.log 2>&1 ||
    { echo "skipped: apt-get cannot download PyTorch (run apt-get update first?)"; tail -n 3 apt.log; exit 77; }
rm -f debs/libc6_*.deb debs/libc-bin_*.deb
for deb in debs/*.deb; do dpkg -x "$deb" root; done
lib=$tmp/root/usr/lib/x86_64-linux-gnu
cat >normalize.py <<'EOF'
import torch
from torch.nn.functional import group_norm

torch.set_num_threads(1)
channels, groups = 64, 8
for size in (16, 64):
    for mean in (0, 10, 100, 1000):
        x = mean + torch.linspace(-1, 1, channels * size * size, dtype=torch.float64)
        x = x.reshape(1, size, size, channels).permute(0, 3, 1, 2).float()
        exact = group_norm(x.double().contiguous(), groups)
        errors = []
        for name in ("contiguous", "channels_last"):
            layout = torch.channels_last if name == "channels_last" else torch.contiguous_format
            error = (group_norm(x.contiguous(memory_format=layout), groups) - exact).abs().max().item()
            errors.append(f"{name} {error:.1g}")
        print(f"{f'{size}x{size}, mean {mean}:':17}", ", ".join(errors))
EOF
LD_LIBRARY_PATH="$lib:$lib/blas:$lib/lapack:$lib/pulseaudio" PYTHONPATH=root/usr/lib/python3/dist-packages \
    ATEN_CPU_CAPABILITY=avx2 python3 normalize.py >seen || fail "PyTorch fails"
cat seen
cat >expected <<'EOF'
16x16, mean 0:    contiguous 1e-07, channels_last 5e-07
16x16, mean 10:   contiguous 3e-06, channels_last 0.0002
16x16, mean 100:  contiguous 8e-05, channels_last 0.09
16x16, mean 1000: contiguous 0.0001, channels_last 3e+02
64x64, mean 0:    contiguous 3e-07, channels_last 2e-06
64x64, mean 10:   contiguous 3e-07, channels_last 0.009
64x64, mean 100:  contiguous 1e-07, channels_last 0.1
64x64, mean 1000: contiguous 5e-05, channels_last 1
EOF
cmp -s seen expected || fail "other errors"
echo "as recorded"
