#!/bin/sh
# GStreamer's videoconvert takes the unused byte of BGRx, RGBx, xRGB and xBGR for alpha, and makes pictures invisible.
#
# Versions: GStreamer 1.22.0: videoconvert and compositor of gstreamer1.0-plugins-base 1.22.0-3+deb12u7, pngenc of
# gstreamer1.0-plugins-good 1.22.0-5+deb12u4, solarize of gstreamer1.0-plugins-bad 1.22.0-4+deb12u8 (Debian 12);
# Pillow 11.3.0; PyAV 15.1.0 with the FFmpeg it brings; x86-64. The source of August 2026 has the same functions.
#
# Behaviour: the fourth byte of these formats is space; many programs leave it 0. libgstvideo unpacks them with the
# functions of BGRA, RGBA, ARGB and ABGR (video-format.c), and where the output has alpha, convert_get_alpha_mode
# (video-converter.c) leaves it as unpacked. So a space of 0 becomes an alpha of 0. Nothing warns. The option for it,
# alpha-mode=set, does nothing with alpha-value=1, its default; 0.999 sets 254. FFmpeg and Pillow ignore the byte.
#
# Why it matters: pngenc prefers RGBA, so a filter such as solarize, which writes 0, makes PNG files that show nothing.
# Pillow's raw mode BGRX writes 0 (and RGBX 255). compositor shows such a picture in I420 and nothing of it in RGBA.
# videoconvert ! video/x-raw,format=RGB before the conversion that adds alpha cures it.
#
# Output seen (red 200, green 100, blue 50):
#   BGRx, space 0: RGBA 200 100 50 0; space 255: RGBA 200 100 50 255
#   RGBx, xRGB, xBGR, space 0: RGBA 200 100 50 0, 200 100 50 0, 200 100 50 0
#   BGRx, space 0, alpha-mode=set: alpha-value=1 alpha 0, alpha-value=0.999 alpha 254; through RGB: alpha 255
#   BGRx, space 0, in FFmpeg: RGBA 200 100 50 255; in Pillow: RGBA 200 100 50 255
#   Pillow's raw bytes of it: BGRX 50 100 200 0, RGBX 200 100 50 255
#   grey, solarize, pngenc: RGBA PNG, alpha 0 to 0; without solarize: RGB PNG
#   compositor, wider than the picture: I420 luma 122, RGBA 0 0 0 255
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
cd "$tmp"
command -v python3 >/dev/null || { echo "skipped: python3 is not installed"; exit 77; }
apt-get -q download libgstreamer1.0-0=1.22.0-2+deb12u1 gstreamer1.0-tools=1.22.0-2+deb12u1 \
    libgstreamer-plugins-base1.0-0=1.22.0-3+deb12u7 gstreamer1.0-plugins-base=1.22.0-3+deb12u7 \
    gstreamer1.0-plugins-good=1.22.0-5+deb12u4 gstreamer1.0-plugins-bad=1.22.0-4+deb12u8 \
    libpng16-16=1.6.39-2+deb12u6 \
    libglib2.0-0=2.74.6-2+deb12u9 liborc-0.4-0=1:0.4.33-2 libdw1=0.188-2.1 libelf1=0.188-2.1 \
    libunwind8=1.6.2-3 libffi8=3.4.4-1 >apt.log 2>&1 ||
    { echo "skipped: apt-get cannot download these versions (run apt-get update first?)"; tail -n 3 apt.log; exit 77; }
python3 -m pip -q install --no-deps --only-binary :all: --target site av==15.1.0 numpy==2.2.6 pillow==11.3.0 >pip.log \
    2>&1 || { echo "skipped: pip cannot install av, numpy and pillow"; tail -n 3 pip.log; exit 77; }
for deb in *.deb; do dpkg -x "$deb" root; done
lib=$tmp/root/usr/lib/x86_64-linux-gnu
mkdir plugins
for name in coreelements rawparse compositor videoconvertscale gaudieffects png; do
    cp "$lib/gstreamer-1.0/libgst$name.so" plugins/
done
export LD_LIBRARY_PATH="$lib" GST_PLUGIN_SYSTEM_PATH_1_0="$tmp/plugins" GST_PLUGIN_PATH_1_0="" \
    GST_REGISTRY_1_0="$tmp/registry.bin" GST_REGISTRY_FORK=no GST_DEBUG=""
gst() { "$tmp/root/usr/bin/gst-launch-1.0" -q "$@" >>gst.log 2>&1 || { cat gst.log >&2; exit 1; }; }
fail() { echo "CHANGED: $*"; exit 1; }
python() { LD_LIBRARY_PATH="" PYTHONPATH=site python3 "$@"; }

# picture FORMAT BYTES: 8 x 8 pixels of these four bytes, as the start of a pipeline.
picture() {
    # shellcheck disable=SC2059  # the format string is the data
    for _ in $(seq 64); do printf "$2"; done >picture
    echo "filesrc location=picture blocksize=256 ! rawvideoparse width=8 height=8 format=$1 framerate=1/1"
}
# pixel FORMAT BYTES ELEMENTS: the first four bytes behind these elements.
pixel() {
    # shellcheck disable=SC2046,SC2086  # several words
    gst $(picture "$1" "$2") ! $3 ! filesink location=out
    od -An -tu1 -N4 out | xargs
}
rgba="videoconvert ! video/x-raw,format=RGBA"
bgrx='\062\144\310\000'
alpha() { pixel bgrx "$bgrx" "$1" | cut -d' ' -f4; }
# What FFmpeg and Pillow make of the same bytes, and which bytes Pillow makes.
cat >others.py <<'EOF'
import av
import numpy
from PIL import Image

pixel = bytes([50, 100, 200, 0])
frame = av.VideoFrame(8, 8, "bgr0")
plane = numpy.frombuffer(frame.planes[0], numpy.uint8).reshape(8, -1)
plane[:, :32] = numpy.frombuffer(pixel * 8, numpy.uint8)
ffmpeg = frame.reformat(format="rgba").to_ndarray()[0, 0]
picture = Image.frombytes("RGB", (1, 1), pixel, "raw", "BGRX")
print("BGRx, space 0, in FFmpeg: RGBA", *ffmpeg, end="; ")
print("in Pillow: RGBA", *picture.convert("RGBA").getpixel((0, 0)))
print("Pillow's raw bytes of it: BGRX", *picture.tobytes("raw", "BGRX"), end=", ")
print("RGBX", *picture.tobytes("raw", "RGBX"))
EOF
cat >png.py <<'EOF'
import sys
from PIL import Image

picture = Image.open(sys.argv[1])
print(picture.mode, "PNG", end="")
if picture.mode == "RGBA":
    print(", alpha {} to {}".format(*picture.getextrema()[3]), end="")
EOF
{
    echo "BGRx, space 0: RGBA $(pixel bgrx "$bgrx" "$rgba");" \
        "space 255: RGBA $(pixel bgrx '\062\144\310\377' "$rgba")"
    echo "RGBx, xRGB, xBGR, space 0: RGBA $(pixel rgbx '\310\144\062\000' "$rgba")," \
        "$(pixel xrgb '\000\310\144\062' "$rgba"), $(pixel xbgr '\000\062\144\310' "$rgba")"
    set="videoconvert alpha-mode=set alpha-value"
    echo "BGRx, space 0, alpha-mode=set: alpha-value=1 alpha $(alpha "$set=1 ! video/x-raw,format=RGBA")," \
        "alpha-value=0.999 alpha $(alpha "$set=0.999 ! video/x-raw,format=RGBA");" \
        "through RGB: alpha $(alpha "videoconvert ! video/x-raw,format=RGB ! $rgba")"
    python others.py
    grey=$(picture rgb '\120\120\120')
    # shellcheck disable=SC2086  # several words
    {
        gst $grey ! videoconvert ! solarize ! videoconvert ! pngenc ! filesink location=solarized.png
        gst $grey ! videoconvert ! pngenc ! filesink location=plain.png
    }
    echo "grey, solarize, pngenc: $(python png.py solarized.png); without solarize: $(python png.py plain.png)"
    wide() { pixel bgrx "$bgrx" "compositor background=black ! video/x-raw,format=$1,width=16,height=8"; }
    echo "compositor, wider than the picture: I420 luma $(wide I420 | cut -d' ' -f1), RGBA $(wide RGBA)"
} >seen
cat seen
cat >expected <<'TEXT'
BGRx, space 0: RGBA 200 100 50 0; space 255: RGBA 200 100 50 255
RGBx, xRGB, xBGR, space 0: RGBA 200 100 50 0, 200 100 50 0, 200 100 50 0
BGRx, space 0, alpha-mode=set: alpha-value=1 alpha 0, alpha-value=0.999 alpha 254; through RGB: alpha 255
BGRx, space 0, in FFmpeg: RGBA 200 100 50 255; in Pillow: RGBA 200 100 50 255
Pillow's raw bytes of it: BGRX 50 100 200 0, RGBX 200 100 50 255
grey, solarize, pngenc: RGBA PNG, alpha 0 to 0; without solarize: RGB PNG
compositor, wider than the picture: I420 luma 122, RGBA 0 0 0 255
TEXT
cmp -s seen expected || fail "the unused byte is treated in another way"
echo "as recorded"
