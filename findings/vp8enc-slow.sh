#!/bin/sh
# VP8 and VP9 encoders give a picture of eleven seconds 1/300 of the bits that they give one of ten seconds.
#
# Versions: GStreamer 1.22.0: vp8enc of gstreamer1.0-plugins-good 1.22.0-5+deb12u4 with libvpx7 1.12.0-1+deb12u5
# (Debian 12); PyAV 15.1.0 with the FFmpeg and libvpx it brings; NumPy 2.2.6; x86-64.
#
# Behaviour: libvpx shares the bitrate out by a frame rate, which it takes from the time stamps, and counts any rate
# below 0.1 as 30 (vp8_new_framerate in onyx_if.c and vp9_new_framerate in vp9_encoder.c, also in August 2026;
# av1_new_framerate in libaom has the same line). A picture that stays for ten seconds may use ten seconds of the
# bitrate; one that stays for eleven, 1/30 s. Without a bitrate (crf of VP9) nothing changes.
#
# Why it matters: with one picture in ten seconds, slides and slow generators look well; with one in eleven, all but
# the first are blurred, at the same bitrate. Repeat the pictures (videorate), or set target-bitrate 300 times as high.
#
# Output seen (error of the first of 6 pictures and mean error of the others, in grey levels):
#   1 s each: vp8enc 1 1, FFmpeg VP8 1 1, VP9 1 2, VP9 with crf 1 3
#   10 s each: vp8enc 1 1, FFmpeg VP8 1 1, VP9 1 2, VP9 with crf 1 3
#   11 s each: vp8enc 1 11, FFmpeg VP8 1 11, VP9 1 4, VP9 with crf 1 3
#   60 s each: vp8enc 1 11, FFmpeg VP8 1 11, VP9 5 6, VP9 with crf 1 3
#   11 s each: vp8enc target-bitrate=80000000 1 1
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
cd "$tmp"
command -v python3 >/dev/null || { echo "skipped: python3 is not installed"; exit 77; }
apt-get -q download libgstreamer1.0-0=1.22.0-2+deb12u1 gstreamer1.0-tools=1.22.0-2+deb12u1 \
    libgstreamer-plugins-base1.0-0=1.22.0-3+deb12u7 gstreamer1.0-plugins-base=1.22.0-3+deb12u7 \
    gstreamer1.0-plugins-good=1.22.0-5+deb12u4 libvpx7=1.12.0-1+deb12u5 \
    libglib2.0-0=2.74.6-2+deb12u9 liborc-0.4-0=1:0.4.33-2 libdw1=0.188-2.1 libelf1=0.188-2.1 \
    libunwind8=1.6.2-3 libffi8=3.4.4-1 >apt.log 2>&1 ||
    { echo "skipped: apt-get cannot download these versions (run apt-get update first?)"; tail -n 3 apt.log; exit 77; }
python3 -m pip -q install --no-deps --only-binary :all: --target site numpy==2.2.6 av==15.1.0 >pip.log 2>&1 ||
    { echo "skipped: pip cannot install numpy and av"; tail -n 3 pip.log; exit 77; }
for deb in *.deb; do dpkg -x "$deb" root; done
lib=$tmp/root/usr/lib/x86_64-linux-gnu
mkdir plugins
for name in coreelements rawparse vpx matroska; do
    cp "$lib/gstreamer-1.0/libgst$name.so" plugins/
done
export GST_PLUGIN_SYSTEM_PATH_1_0="$tmp/plugins" GST_PLUGIN_PATH_1_0="" GST_REGISTRY_1_0="$tmp/registry.bin" \
    GST_REGISTRY_FORK=no GST_DEBUG=""
python() { PYTHONPATH=site python3 "$@"; }
fail() { echo "CHANGED: $*"; exit 1; }

cat >film.py <<'EOF'
import sys
from fractions import Fraction
import av
import numpy as np

size = 256

# 6 pictures in I420 that have nothing in common: tiles of three sizes on top of each other, without colour.
def draw():
    random = np.random.default_rng(5)
    pictures = []
    for _ in range(6):
        luma = np.full((size, size), 128)
        for tile, depth in ((32, 50), (8, 30), (2, 20)):
            luma += random.integers(-depth, depth + 1, (size // tile,) * 2).repeat(tile, 0).repeat(tile, 1)
        pictures.append(np.vstack([luma.clip(16, 235), np.full((size // 2, size), 128)]).astype(np.uint8))
    return pictures

# Writes film.webm with FFmpeg: each picture is shown for this many seconds.
def encode(pictures, encoder, seconds, options):
    with av.open("film.webm", "w") as film:
        stream = film.add_stream(encoder, rate=Fraction(1, seconds))
        stream.width, stream.height, stream.pix_fmt = size, size, "yuv420p"
        stream.options = {"threads": "1", **options}
        for picture in pictures:
            film.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="yuv420p")))
        film.mux(stream.encode(None))

def errors(pictures):
    with av.open("film.webm") as film:
        pairs = zip(film.decode(video=0), pictures, strict=True)
        means = [abs(frame.to_ndarray()[:size].astype(int) - picture[:size]).mean() for frame, picture in pairs]
    print(f"{means[0]:.0f} {np.mean(means[1:]):.0f}", end="")

pictures = draw()
if sys.argv[1] == "draw":
    np.stack(pictures).tofile("pictures")
elif sys.argv[1] == "errors":
    errors(pictures)
else:
    encode(pictures, sys.argv[1], int(sys.argv[2]), dict(word.split("=") for word in sys.argv[3:]))
    errors(pictures)
EOF
# gst SECONDS PROPERTIES: the errors behind vp8enc.
gst() {
    # shellcheck disable=SC2086  # properties, or none
    LD_LIBRARY_PATH="$lib" "$tmp/root/usr/bin/gst-launch-1.0" -q filesrc location=pictures ! \
        rawvideoparse format=i420 width=256 height=256 framerate="1/$1" ! vp8enc threads=1 ${2:-} ! webmmux ! \
        filesink location=film.webm >gst.log 2>&1 || { cat gst.log >&2; exit 1; }
    [ ! -s gst.log ] || { cat gst.log >&2; exit 1; }
    python film.py errors
}
python film.py draw
for seconds in 1 10 11 60; do
    echo "$seconds s each: vp8enc $(gst $seconds), FFmpeg VP8 $(python film.py libvpx $seconds b=256k)," \
        "VP9 $(python film.py libvpx-vp9 $seconds b=256k)," \
        "VP9 with crf $(python film.py libvpx-vp9 $seconds b=0 crf=30)"
done >seen
echo "11 s each: vp8enc target-bitrate=80000000 $(gst 11 target-bitrate=80000000)" >>seen
cat seen
cat >expected <<'TEXT'
1 s each: vp8enc 1 1, FFmpeg VP8 1 1, VP9 1 2, VP9 with crf 1 3
10 s each: vp8enc 1 1, FFmpeg VP8 1 1, VP9 1 2, VP9 with crf 1 3
11 s each: vp8enc 1 11, FFmpeg VP8 1 11, VP9 1 4, VP9 with crf 1 3
60 s each: vp8enc 1 11, FFmpeg VP8 1 11, VP9 5 6, VP9 with crf 1 3
11 s each: vp8enc target-bitrate=80000000 1 1
TEXT
cmp -s seen expected || fail "long pictures are coded in another quality"
echo "as recorded"
