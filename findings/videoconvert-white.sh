#!/bin/sh
# GStreamer's videoconvert darkens 8-bit video: white comes out as RGB 253, and each round trip takes more.
#
# Versions: GStreamer 1.22.0, videoconvert of gstreamer1.0-plugins-base 1.22.0-3+deb12u7 (Debian 12), x86-64.
#
# Behaviour: of the 220 luma levels of 8-bit video only black (16) becomes the right RGB grey. All others
# come out 1 to 3 levels too dark, white (235) as 253. The way back makes up for none of it: 20 conversions
# to I420 and back turn white into 193 and mid-grey 128 into 82. Subsampling has no part in it, since Y444
# gives the same. A detour through Y444_10LE, or output with 16 bits a sample, is exact, and so is full range
# (colorimetry=1:4:0:0) for greys. dither=none changes nothing, nor does the C code (ORC_CODE=backup).
#
# Why it matters: in the RGB frames of a decoded video white is 253, so a search for 255 (a mask, a page)
# finds nothing, and a chain of filters that alternate between RGB and YUV fades to black.
#
# Output seen:
#   luma 16 to 235 as RGB: 1 right, 7 too dark by 1, 134 by 2, 78 by 3
#   luma 235: RGB 253, ARGB64 65535, through Y444_10LE RGB 255
#   I420, 1, 6 and 20 times: white 253 239 193, grey 126 115 82
#   Y444, 1, 6 and 20 times: white 253 239 193, grey 126 115 82
#   I420,colorimetry=1:4:0:0, 1, 6 and 20 times: white 255 255 255, grey 128 128 128
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
cd "$tmp"
apt-get -q download libgstreamer1.0-0=1.22.0-2+deb12u1 gstreamer1.0-tools=1.22.0-2+deb12u1 \
    libgstreamer-plugins-base1.0-0=1.22.0-3+deb12u7 gstreamer1.0-plugins-base=1.22.0-3+deb12u7 \
    libglib2.0-0=2.74.6-2+deb12u9 liborc-0.4-0=1:0.4.33-2 libdw1=0.188-2.1 libelf1=0.188-2.1 \
    libunwind8=1.6.2-3 libffi8=3.4.4-1 >apt.log 2>&1 ||
    { echo "skipped: apt-get cannot download these versions (run apt-get update first?)"; tail -n 3 apt.log; exit 77; }
for deb in *.deb; do dpkg -x "$deb" root; done
lib=$tmp/root/usr/lib/x86_64-linux-gnu
mkdir plugins
for name in coreelements rawparse videoconvertscale; do cp "$lib/gstreamer-1.0/libgst$name.so" plugins/; done
export LD_LIBRARY_PATH="$lib" GST_PLUGIN_SYSTEM_PATH_1_0="$tmp/plugins" GST_PLUGIN_PATH_1_0="" \
    GST_REGISTRY_1_0="$tmp/registry.bin" GST_REGISTRY_FORK=no GST_DEBUG=""
gst() { "$tmp/root/usr/bin/gst-launch-1.0" -q "$@" >>gst.log 2>&1; }
fail() { echo "CHANGED: $*"; exit 1; }

# A row of 220 AYUV pixels: luma 16 to 235, no colour.
# shellcheck disable=SC2059  # the format string is the data
printf "$(awk 'BEGIN {for (y = 16; y <= 235; y++) printf "\\377\\%03o\\200\\200", y}')" >luma
# convert FILE ELEMENTS: this row in another format. The matrices of BT.601 and BT.709 agree on greys.
convert() {
    # shellcheck disable=SC2086  # several elements
    gst filesrc location=luma blocksize=880 ! rawvideoparse width=220 height=1 format=ayuv ! $2 ! \
        filesink location="$1" || { cat gst.log; fail "cannot convert the luma levels"; }
}
rgb=video/x-raw,format=RGB
convert rgb "videoconvert ! $rgb"
convert undithered "videoconvert dither=none ! $rgb"
ORC_CODE=backup convert c-code "videoconvert ! $rgb"
convert detour "videoconvert ! video/x-raw,format=Y444_10LE ! videoconvert ! $rgb"
convert argb64 "videoconvert ! video/x-raw,format=ARGB64"
cmp -s rgb undithered || fail "dither=none gives other bytes"
cmp -s rgb c-code || fail "the C code gives other bytes"

# cycles FORMAT: white and mid-grey (two rows of 4 pixels) after 1, 6 and 20 conversions from RGB and back.
printf '\377\377\377\377\377\377\377\377\377\377\377\377' >greys
printf '\200\200\200\200\200\200\200\200\200\200\200\200' >>greys
cycles() {
    white=""
    grey=""
    for count in 1 6 20; do
        chain=""
        for _ in $(seq $count); do chain="$chain videoconvert ! video/x-raw,format=$1 ! videoconvert ! $rgb !"; done
        # shellcheck disable=SC2086  # several elements
        gst filesrc location=greys blocksize=24 ! rawvideoparse width=4 height=2 format=rgb ! $chain \
            filesink location=out || { cat gst.log; exit 1; }
        white="$white $(od -An -tu1 -N 1 out | xargs)"
        grey="$grey $(od -An -tu1 -j 12 -N 1 out | xargs)"
    done
    echo "$1, 1, 6 and 20 times: white$white, grey$grey"
}
white() { od -An "$2" "$1" | awk '{white = $NF} END {printf "%s", white}'; }
{
    od -An -v -tu1 -w3 rgb | awk '
        $1 != $2 || $1 != $3 {print "not grey"}
        {dark[int((NR - 1) * 255 / 219 + 0.5) - $1]++}
        END {printf "luma 16 to 235 as RGB: %d right, %d too dark by 1, %d by 2, %d by 3\n",
            dark[0], dark[1], dark[2], dark[3]}'
    echo "luma 235: RGB $(white rgb -tu1), ARGB64 $(white argb64 -tu2), through Y444_10LE RGB $(white detour -tu1)"
    for format in I420 Y444 I420,colorimetry=1:4:0:0; do cycles $format; done
} >seen
cat seen
cat >expected <<EOF
luma 16 to 235 as RGB: 1 right, 7 too dark by 1, 134 by 2, 78 by 3
luma 235: RGB 253, ARGB64 65535, through Y444_10LE RGB 255
I420, 1, 6 and 20 times: white 253 239 193, grey 126 115 82
Y444, 1, 6 and 20 times: white 253 239 193, grey 126 115 82
I420,colorimetry=1:4:0:0, 1, 6 and 20 times: white 255 255 255, grey 128 128 128
EOF
cmp -s seen expected || fail "videoconvert gives other levels"
echo "as recorded"
