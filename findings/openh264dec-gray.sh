#!/bin/sh
# openh264dec turns gray H.264 green, from the second picture on.
#
# Versions: GStreamer 1.22.0: openh264dec and h264parse of gstreamer1.0-plugins-bad 1.22.0-4+deb12u8 with OpenH264 2.3.1
# (Debian 12); PyAV 15.1.0 with the FFmpeg, x264 and OpenH264 2.6.0 it brings; NumPy 2.2.6; x86-64.
#
# Behaviour: x264 codes gray pictures without chroma (4:0:0), and OpenH264 decodes them as 4:2:0 with chroma 128. x264
# also announces weights for the pictures that it predicts from, even where they change nothing (weightp, on in all
# presets but the fastest). A gray stream has no weights for chroma. ParsePredWeightedTable in decoder_core.cpp then
# skips them without setting any, and WeightPrediction in rec_mb.cpp multiplies chroma with what is there: 0. That is
# green, and stays until the next key picture. Luma is not affected, there is no message, and the status is 0.
#
# Why it matters: films of depth, masks and scans are coded so (pix_fmt=gray); FFmpeg's own decoder shows them gray.
# Take luma only, or code them with weightp=0 or as yuv420p.
#
# Output seen (the lowest chroma of each of 8 pictures, from openh264dec with 2.3.1 and from FFmpeg with 2.6.0):
#   same yuv420p: 2.3.1 128 128 128 128 128 128 128 128, 2.6.0 128 128 128 128 128 128 128 128
#   same gray: 2.3.1 128 96 64 32 0 0 0 0, 2.6.0 128 96 64 32 0 0 0 0
#   same gray tune=zerolatency: 2.3.1 128 0 0 0 0 0 0 0, 2.6.0 128 0 0 0 0 0 0 0
#   same gray weightp=0: 2.3.1 128 128 128 128 128 128 128 128, 2.6.0 128 128 128 128 128 128 128 128
#   different yuv420p: 2.3.1 128 128 128 128 128 128 128 128, 2.6.0 128 128 128 128 128 128 128 128
#   different gray: 2.3.1 128 0 0 0 0 0 0 0, 2.6.0 128 0 0 0 0 0 0 0
#   different gray tune=zerolatency: 2.3.1 128 0 0 0 0 0 0 0, 2.6.0 128 0 0 0 0 0 0 0
#   different gray weightp=0: 2.3.1 128 128 128 128 128 128 128 128, 2.6.0 128 128 128 128 128 128 128 128
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
cd "$tmp"
command -v python3 >/dev/null || { echo "skipped: python3 is not installed"; exit 77; }
apt-get -q download libgstreamer1.0-0=1.22.0-2+deb12u1 gstreamer1.0-tools=1.22.0-2+deb12u1 \
    libgstreamer-plugins-base1.0-0=1.22.0-3+deb12u7 gstreamer1.0-plugins-base=1.22.0-3+deb12u7 \
    libgstreamer-plugins-bad1.0-0=1.22.0-4+deb12u8 gstreamer1.0-plugins-bad=1.22.0-4+deb12u8 \
    libopenh264-7=2.3.1+dfsg-3+deb12u2 \
    libglib2.0-0=2.74.6-2+deb12u9 liborc-0.4-0=1:0.4.33-2 libdw1=0.188-2.1 libelf1=0.188-2.1 \
    libunwind8=1.6.2-3 libffi8=3.4.4-1 >apt.log 2>&1 ||
    { echo "skipped: apt-get cannot download these versions (run apt-get update first?)"; tail -n 3 apt.log; exit 77; }
python3 -m pip -q install --no-deps --only-binary :all: --target site numpy==2.2.6 av==15.1.0 >pip.log 2>&1 ||
    { echo "skipped: pip cannot install numpy and av"; tail -n 3 pip.log; exit 77; }
for deb in *.deb; do dpkg -x "$deb" root; done
lib=$tmp/root/usr/lib/x86_64-linux-gnu
mkdir plugins
for name in coreelements videoparsersbad openh264; do
    cp "$lib/gstreamer-1.0/libgst$name.so" plugins/
done
export GST_PLUGIN_SYSTEM_PATH_1_0="$tmp/plugins" GST_PLUGIN_PATH_1_0="" GST_REGISTRY_1_0="$tmp/registry.bin" \
    GST_REGISTRY_FORK=no GST_DEBUG=""
python() { PYTHONPATH=site python3 "$@"; }
fail() { echo "CHANGED: $*"; exit 1; }

cat >film.py <<'EOF'
import sys
import av
import numpy as np

size = 128

# Writes film.264: 8 pictures, one a second, in this format; all the same, or all different.
def encode(film, pixels, options):
    random = np.random.default_rng(1)
    with av.open("film.264", "w", format="h264") as output:
        stream = output.add_stream("libx264", rate=1)
        stream.width, stream.height, stream.pix_fmt = size, size, pixels
        stream.options = {"threads": "1", **options}
        for number in range(8):
            if number == 0 or film == "different":
                picture = random.integers(0, 9, (16, 16)).repeat(8, 0).repeat(8, 1) * 20 + 40
            planes = np.full((size if pixels == "gray" else size * 3 // 2, size), 128, np.uint8)
            planes[:size] = picture
            output.mux(stream.encode(av.VideoFrame.from_ndarray(planes, format=pixels)))
        output.mux(stream.encode(None))

def show(pictures):
    print(*(picture[size:].min() for picture in pictures), end="")

if sys.argv[1] == "raw":
    show(np.fromfile("raw", np.uint8).reshape(-1, size * 3 // 2, size))
elif sys.argv[1] == "libopenh264":
    decoder = av.CodecContext.create("libopenh264", "r")
    with av.open("film.264") as film:
        packets = [packet for packet in film.demux(video=0) if packet.size]
        show([frame.to_ndarray() for packet in [*packets, None] for frame in decoder.decode(packet)])
else:
    encode(sys.argv[1], sys.argv[2], dict(word.split("=") for word in sys.argv[3:]))
EOF
# film FILM FORMAT OPTIONS...: the chroma of a film behind both versions of OpenH264.
film() {
    python film.py "$@"
    LD_LIBRARY_PATH="$lib" "$tmp/root/usr/bin/gst-launch-1.0" -q filesrc location=film.264 ! h264parse ! openh264dec ! \
        video/x-raw,format=I420 ! filesink location=raw >gst.log 2>&1 || { cat gst.log >&2; exit 1; }
    if grep -q 'WARNING\|ERROR' gst.log; then cat gst.log >&2; exit 1; fi
    echo "$*: 2.3.1 $(python film.py raw), 2.6.0 $(python film.py libopenh264 2>libopenh264.log)"
}
for pictures in same different; do
    film $pictures yuv420p
    film $pictures gray
    film $pictures gray tune=zerolatency
    film $pictures gray weightp=0
done >seen
cat seen
cat >expected <<'TEXT'
same yuv420p: 2.3.1 128 128 128 128 128 128 128 128, 2.6.0 128 128 128 128 128 128 128 128
same gray: 2.3.1 128 96 64 32 0 0 0 0, 2.6.0 128 96 64 32 0 0 0 0
same gray tune=zerolatency: 2.3.1 128 0 0 0 0 0 0 0, 2.6.0 128 0 0 0 0 0 0 0
same gray weightp=0: 2.3.1 128 128 128 128 128 128 128 128, 2.6.0 128 128 128 128 128 128 128 128
different yuv420p: 2.3.1 128 128 128 128 128 128 128 128, 2.6.0 128 128 128 128 128 128 128 128
different gray: 2.3.1 128 0 0 0 0 0 0 0, 2.6.0 128 0 0 0 0 0 0 0
different gray tune=zerolatency: 2.3.1 128 0 0 0 0 0 0 0, 2.6.0 128 0 0 0 0 0 0 0
different gray weightp=0: 2.3.1 128 128 128 128 128 128 128 128, 2.6.0 128 128 128 128 128 128 128 128
TEXT
cmp -s seen expected || fail "openh264dec gives gray films another chroma"
echo "as recorded"
