#!/bin/sh
# x264 ruins pictures that stay for long, at any bitrate: in GStreamer by default, in FFmpeg with maxrate.
#
# Versions: GStreamer 1.22.0: x264enc of gstreamer1.0-plugins-ugly 1.22.0-2+deb12u2 with libx264-164
# 0.164.3095+gitbaee400-3 (Debian 12); PyAV 15.1.0 with the FFmpeg and x264 it brings; NumPy 2.2.6; x86-64. PyAV
# 18.1.0 does the same, and x264's mirror on GitHub has the same lines in September 2024.
#
# Behaviour: while x264 codes the rows of a picture, it holds the picture below what the rate buffer (VBV) contains,
# less a share of the bits that flow in while it is shown (max_frame_size in x264_ratecontrol_mb, ratecontrol.c). The
# share is one row's, at least 1/20 and at most 1/4. A picture that stays long enough makes this limit negative, and
# the quantizer rises to its end. For a constant rate, x264 enlarges the buffer to one picture; without one it takes
# 25 a second for that. x264enc sets a buffer of 0.6 s, also with pass=qual: 11 s are too long for any size, 9 s for
# 256 rows, and 2.3 s for 64. A higher bitrate does not help, since buffer and inflow grow together.
#
# Why it matters: framerate=0/1 is what matroskademux gives for slides and rtpvp8depay for all, and it suits a generator
# without a rhythm. A title of 12 s takes its neighbours along, as they are predicted from it. Status 0, no message.
# Give the caps any frame rate (the time stamps still count), or x264enc vbv-buf-capacity=0.
#
# Output seen (mean error of 6 pictures in grey levels):
#   64x64, 1 s each: framerate=0/1 0 0 0 0 0 0, framerate=1/1 0 0 0 0 0 0
#   64x64, 3 s each: framerate=0/1 4 42 37 38 5 6, framerate=1/3 0 0 0 0 0 0
#   256x256, 8 s each: framerate=0/1 3 5 4 5 1 1, framerate=1/8 0 0 0 0 0 0
#   256x256, 12 s each: framerate=0/1 31 44 44 45 35 5, framerate=1/12 0 0 0 0 0 0
#   1280x720, 1 s each: framerate=0/1 4 5 5 5 4 4, framerate=1/1 2 4 3 4 2 2
#   1280x720, 12 s each: framerate=0/1 38 45 45 45 36 21, framerate=1/12 1 0 0 0 0 0
#   256x256, 12 s each: framerate=0/1, bitrate=20480 29 43 42 44 31 0
#   256x256, 12 s each: framerate=0/1, pass=qual 31 45 44 46 32 24
#   256x256, 12 s each: framerate=0/1, vbv-buf-capacity=0 0 0 0 0 0 0
#   FFmpeg, 256x256, 12 s for the third: crf=23 1 1 1 1 1 1, with maxrate=2M bufsize=1M 1 38 40 37 1 1
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
cd "$tmp"
command -v python3 >/dev/null || { echo "skipped: python3 is not installed"; exit 77; }
apt-get -q download libgstreamer1.0-0=1.22.0-2+deb12u1 gstreamer1.0-tools=1.22.0-2+deb12u1 \
    libgstreamer-plugins-base1.0-0=1.22.0-3+deb12u7 gstreamer1.0-plugins-base=1.22.0-3+deb12u7 \
    gstreamer1.0-plugins-good=1.22.0-5+deb12u4 gstreamer1.0-plugins-ugly=1.22.0-2+deb12u2 \
    libx264-164=2:0.164.3095+gitbaee400-3 \
    libglib2.0-0=2.74.6-2+deb12u9 liborc-0.4-0=1:0.4.33-2 libdw1=0.188-2.1 libelf1=0.188-2.1 \
    libunwind8=1.6.2-3 libffi8=3.4.4-1 >apt.log 2>&1 ||
    { echo "skipped: apt-get cannot download these versions (run apt-get update first?)"; tail -n 3 apt.log; exit 77; }
python3 -m pip -q install --no-deps --only-binary :all: --target site numpy==2.2.6 av==15.1.0 >pip.log 2>&1 ||
    { echo "skipped: pip cannot install numpy and av"; tail -n 3 pip.log; exit 77; }
for deb in *.deb; do dpkg -x "$deb" root; done
lib=$tmp/root/usr/lib/x86_64-linux-gnu
mkdir plugins
for name in coreelements rawparse debug x264; do
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

# 6 pictures in I420 that have nothing in common: tiles of 16 x 16 pixels with some noise, without colour.
def draw(width, height):
    random = np.random.default_rng(3)
    pictures = []
    for _ in range(6):
        tiles = random.integers(40, 200, (height // 16, width // 16)).repeat(16, 0).repeat(16, 1)
        luma = tiles + random.integers(-9, 10, (height, width))
        pictures.append(np.vstack([luma, np.full((height // 2, width), 128)]).astype(np.uint8))
    return pictures

def errors(pictures, film):
    height = pictures[0].shape[0] * 2 // 3
    with av.open(film) as decoded:
        pairs = zip(decoded.decode(video=0), pictures, strict=True)
        means = [np.abs(frame.to_ndarray()[:height].astype(int) - picture[:height]).mean() for frame, picture in pairs]
    print(*(f"{mean:.0f}" for mean in means), end="")

# Writes film.mkv with FFmpeg's libx264: pictures of these durations in seconds, in a stream of 25 a second.
def encode(pictures, durations, options):
    with av.open("film.mkv", "w") as film:
        stream = film.add_stream("libx264", rate=25)
        stream.height, stream.width = pictures[0].shape[0] * 2 // 3, pictures[0].shape[1]
        stream.options = {"threads": "1", **options}
        stream.codec_context.time_base = Fraction(1, 1000)
        time = 0
        for picture, duration in zip(pictures, durations):
            frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
            frame.pts, frame.time_base = time * 1000, Fraction(1, 1000)
            time += duration
            film.mux(stream.encode(frame))
        film.mux(stream.encode(None))

pictures = draw(int(sys.argv[2]), int(sys.argv[3]))
if sys.argv[1] == "draw":
    np.stack(pictures).tofile("pictures")
elif sys.argv[1] == "errors":
    errors(pictures, "film.264")
else:
    encode(pictures, [int(word) for word in sys.argv[4].split(",")], dict(word.split("=") for word in sys.argv[5:]))
    errors(pictures, "film.mkv")
EOF
# film WIDTH HEIGHT SECONDS FRAMERATE PROPERTIES: the errors of pictures behind x264enc, each shown for SECONDS.
film() {
    # shellcheck disable=SC2086  # properties
    LD_LIBRARY_PATH="$lib" "$tmp/root/usr/bin/gst-launch-1.0" -q filesrc location=pictures ! \
        rawvideoparse format=i420 width="$1" height="$2" framerate="1/$3" ! \
        capssetter caps="video/x-raw,framerate=$4" ! x264enc threads=1 $5 ! \
        video/x-h264,stream-format=byte-stream,profile=high ! filesink location=film.264 >gst.log 2>&1 ||
        { cat gst.log >&2; exit 1; }
    [ ! -s gst.log ] || { cat gst.log >&2; exit 1; }
    python film.py errors "$1" "$2"
}
{
    for case in '64 64 1' '64 64 3' '256 256 8' '256 256 12' '1280 720 1' '1280 720 12'; do
        # shellcheck disable=SC2086  # width, height and seconds
        set -- $case
        python film.py draw "$1" "$2"
        echo "$1x$2, $3 s each: framerate=0/1 $(film "$@" 0/1 ""), framerate=1/$3 $(film "$@" "1/$3" "")"
    done
    python film.py draw 256 256
    for properties in bitrate=20480 pass=qual vbv-buf-capacity=0; do
        echo "256x256, 12 s each: framerate=0/1, $properties $(film 256 256 12 0/1 $properties)"
    done
    third="256 256 1,1,12,1,1,1 crf=23"
    # shellcheck disable=SC2086  # size, durations and options
    echo "FFmpeg, 256x256, 12 s for the third: crf=23 $(python film.py ffmpeg $third)," \
        "with maxrate=2M bufsize=1M $(python film.py ffmpeg $third maxrate=2M bufsize=1M)"
} >seen
cat seen
cat >expected <<'TEXT'
64x64, 1 s each: framerate=0/1 0 0 0 0 0 0, framerate=1/1 0 0 0 0 0 0
64x64, 3 s each: framerate=0/1 4 42 37 38 5 6, framerate=1/3 0 0 0 0 0 0
256x256, 8 s each: framerate=0/1 3 5 4 5 1 1, framerate=1/8 0 0 0 0 0 0
256x256, 12 s each: framerate=0/1 31 44 44 45 35 5, framerate=1/12 0 0 0 0 0 0
1280x720, 1 s each: framerate=0/1 4 5 5 5 4 4, framerate=1/1 2 4 3 4 2 2
1280x720, 12 s each: framerate=0/1 38 45 45 45 36 21, framerate=1/12 1 0 0 0 0 0
256x256, 12 s each: framerate=0/1, bitrate=20480 29 43 42 44 31 0
256x256, 12 s each: framerate=0/1, pass=qual 31 45 44 46 32 24
256x256, 12 s each: framerate=0/1, vbv-buf-capacity=0 0 0 0 0 0 0
FFmpeg, 256x256, 12 s for the third: crf=23 1 1 1 1 1 1, with maxrate=2M bufsize=1M 1 38 40 37 1 1
TEXT
cmp -s seen expected || fail "long pictures are coded in another quality"
echo "as recorded"
