#!/bin/sh
# GStreamer makes opaque pictures a quarter transparent when they come from RGB10A2_LE, BGR10A2_LE or Y410.
#
# Versions: GStreamer 1.22.0: videoconvert and compositor of gstreamer1.0-plugins-base 1.22.0-3+deb12u7, pngenc of
# gstreamer1.0-plugins-good 1.22.0-5+deb12u4 (Debian 12), x86-64. The source of August 2026 has the same lines.
#
# Behaviour: these formats of 10-bit video keep four samples in 32 bits, which leaves two bits for alpha: 3 is opaque.
# To widen a sample to 16 bits, libgstvideo moves it to the top and repeats its bits below. In unpack_Y410 and its two
# sisters (video-format.c), alpha is repeated as if it had 10 bits, like the colours: 3 becomes 0xC030, not 0xFFFF.
# So alpha 0, 1, 2, 3 is 0, 64, 128, 192 of 255, where 0, 85, 170, 255 went in. The other formats of 10 bits are exact.
#
# Why it matters: hardware decodes 10-bit 4:4:4 video to Y410 (msdkh265dec offers it), and HDR displays take the other
# two. Opaque pictures that come that way let a quarter of the background through in compositor with RGBA output, and
# are translucent as PNG files. videoconvert ! video/x-raw,format=RGB in between cures it, as any format without alpha.
#
# Output seen (red, green, blue and alpha of a picture that is 200 100 50 and opaque):
#   RGB10A2_LE: RGBA 200 100 50 192, PNG RGBA 200 100 50 192, compositor over white 214 138 101 255
#   BGR10A2_LE: RGBA 200 100 50 192, PNG RGBA 200 100 50 192, compositor over white 214 138 101 255
#   Y410: RGBA 200 101 50 192, PNG RGBA 200 101 50 192, compositor over white 214 139 101 255
#   GBRA_10LE: RGBA 200 100 50 255, PNG RGBA 200 100 50 255, compositor over white 200 100 50 255
#   RGB10A2_LE, alpha 0 85 170 255: stored 0 1 2 3, read 0 64 128 192
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
cd "$tmp"
apt-get -q download libgstreamer1.0-0=1.22.0-2+deb12u1 gstreamer1.0-tools=1.22.0-2+deb12u1 \
    libgstreamer-plugins-base1.0-0=1.22.0-3+deb12u7 gstreamer1.0-plugins-base=1.22.0-3+deb12u7 \
    gstreamer1.0-plugins-good=1.22.0-5+deb12u4 libpng16-16=1.6.39-2+deb12u6 \
    libglib2.0-0=2.74.6-2+deb12u9 liborc-0.4-0=1:0.4.33-2 libdw1=0.188-2.1 libelf1=0.188-2.1 \
    libunwind8=1.6.2-3 libffi8=3.4.4-1 >apt.log 2>&1 ||
    { echo "skipped: apt-get cannot download these versions (run apt-get update first?)"; tail -n 3 apt.log; exit 77; }
for deb in *.deb; do dpkg -x "$deb" root; done
lib=$tmp/root/usr/lib/x86_64-linux-gnu
mkdir plugins
for name in coreelements rawparse compositor videoconvertscale png; do
    cp "$lib/gstreamer-1.0/libgst$name.so" plugins/
done
export LD_LIBRARY_PATH="$lib" GST_PLUGIN_SYSTEM_PATH_1_0="$tmp/plugins" GST_PLUGIN_PATH_1_0="" \
    GST_REGISTRY_1_0="$tmp/registry.bin" GST_REGISTRY_FORK=no GST_DEBUG=""
gst() { "$tmp/root/usr/bin/gst-launch-1.0" -q "$@" >>gst.log 2>&1 || { cat gst.log >&2; exit 1; }; }
fail() { echo "CHANGED: $*"; exit 1; }

# 16 x 16 opaque pixels, and as many with the four levels of alpha in turn.
for _ in $(seq 256); do printf '\310\144\062'; done >opaque
for _ in $(seq 64); do printf '\310\144\062\000\310\144\062\125\310\144\062\252\310\144\062\377'; done >levels
opaque="filesrc location=opaque blocksize=768 ! rawvideoparse width=16 height=16 format=rgb framerate=1/1"
levels="filesrc location=levels blocksize=1024 ! rawvideoparse width=16 height=16 format=rgba framerate=1/1"
rgba=video/x-raw,format=RGBA
numbers() { od -An -tu1 -N 4 "$1" | xargs; }
# shellcheck disable=SC2086  # $opaque and $levels are several words
{
    for format in RGB10A2_LE BGR10A2_LE Y410 GBRA_10LE; do
        format="video/x-raw,format=$format"
        gst $opaque ! videoconvert ! $format ! videoconvert ! $rgba ! filesink location=rgba
        gst $opaque ! videoconvert ! $format ! videoconvert ! pngenc ! filesink location=picture.png
        form=$(od -An -tu1 -j 25 -N 1 picture.png | xargs | sed 's/6/RGBA/; s/2/RGB/')
        gst filesrc location=picture.png ! pngdec ! videoconvert ! $rgba ! filesink location=png
        gst $opaque ! videoconvert ! $format ! compositor background=white ! $rgba,width=32,height=16 ! \
            filesink location=mixed
        echo "${format#*=}: RGBA $(numbers rgba), PNG $form $(numbers png), compositor over white $(numbers mixed)"
    done
    gst $levels ! videoconvert ! video/x-raw,format=RGB10A2_LE ! filesink location=stored
    gst $levels ! videoconvert ! video/x-raw,format=RGB10A2_LE ! videoconvert ! $rgba ! filesink location=read
    every() { od -An -v -tu1 -w4 -N 16 "$1" | awk -v by="$2" '{printf "%s%d", n++ ? " " : "", $4 / by}'; }
    echo "RGB10A2_LE, alpha $(every levels 1): stored $(every stored 64), read $(every read 1)"
} >seen
cat seen
cat >expected <<'TEXT'
RGB10A2_LE: RGBA 200 100 50 192, PNG RGBA 200 100 50 192, compositor over white 214 138 101 255
BGR10A2_LE: RGBA 200 100 50 192, PNG RGBA 200 100 50 192, compositor over white 214 138 101 255
Y410: RGBA 200 101 50 192, PNG RGBA 200 101 50 192, compositor over white 214 139 101 255
GBRA_10LE: RGBA 200 100 50 255, PNG RGBA 200 100 50 255, compositor over white 200 100 50 255
RGB10A2_LE, alpha 0 85 170 255: stored 0 1 2 3, read 0 64 128 192
TEXT
cmp -s seen expected || fail "alpha of two bits is read in another way"
echo "as recorded"
