#!/bin/sh
# GStreamer's videoconvert adapts the range of samples only where the matrix of the colours changes too.
#
# Versions: GStreamer 1.22.0, videoconvert of gstreamer1.0-plugins-base 1.22.0-3+deb12u7 (Debian 12), x86-64.
# GStreamer 1.26.2 (Debian 13) gives the same samples.
#
# Behaviour: 8-bit video keeps black at 16 and white at 235, full range uses 0 to 255. From one to the other,
# videoconvert compares the matrices (BT.601 or BT.709) alone: if they are the same, it copies the samples and
# writes the new range into the caps. Grey formats count as BT.601 in full range, and caps that name no matrix
# mean BT.601 up to 576 rows and BT.709 above. So the luma of a video becomes GRAY8 unchanged if it has 576
# rows, and stretched to full range if it has 578. The way from GRAY8 to I420 depends on the height as well.
#
# Why it matters: the black of a mask that was taken from a small video is 16, not 0, and a picture whose range
# was "converted" looks dull or harsh wherever its caps are believed. By way of RGB, the range is right.
#
# Output seen (samples of black and white):
#   I420, BT.601 video 16 235, as full range BT.601: 16 235, BT.709: 0 253
#   I420, BT.601 full range 0 255, as video BT.601: 0 255, BT.709: 18 237
#   I420 16 235, 576 rows: as GRAY8 16 235, by way of RGB 0 253
#   I420 16 235, 578 rows: as GRAY8 0 253, by way of RGB 0 253
#   GRAY8 0 255 as I420: 576 rows 0 255, 578 rows 18 237
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

# bytes COUNT NUMBER: as many bytes of this value.
bytes() { head -c "$1" /dev/zero | tr '\0' "\\$(printf %03o "$2")"; }
# luma BLACK WHITE ROWS FORMAT CAPS...: the first sample of both pictures of 16 columns, converted to these caps
# in turn. FORMAT is that of rawvideoparse, with its properties.
luma() {
    black=$1 white=$2 rows=$3 format=$4 found=
    shift 4
    for value in "$black" "$white"; do
        bytes $((16 * rows)) "$value" >picture
        case $format in i420*) bytes $((8 * rows)) 128 >>picture ;; esac
        chain=
        for caps in "$@"; do chain="$chain ! videoconvert ! video/x-raw,$caps"; done
        # shellcheck disable=SC2086  # properties and elements are several words
        gst filesrc location=picture blocksize="$(wc -c <picture)" ! \
            rawvideoparse width=16 height="$rows" format=$format $chain ! filesink location=out ||
            { cat gst.log >&2; exit 1; }
        found="$found $(od -An -tu1 -N1 out | xargs)"
    done
    echo "${found# }"
}
video='i420 colorimetry=2:4:0:0' full='i420 colorimetry=1:4:0:0'
{
    echo "I420, BT.601 video 16 235, as full range" \
        "BT.601: $(luma 16 235 64 "$video" format=I420,colorimetry=1:4:0:0)," \
        "BT.709: $(luma 16 235 64 "$video" format=I420,colorimetry=1:3:0:0)"
    echo "I420, BT.601 full range 0 255, as video" \
        "BT.601: $(luma 0 255 64 "$full" format=I420,colorimetry=2:4:0:0)," \
        "BT.709: $(luma 0 255 64 "$full" format=I420,colorimetry=2:3:0:0)"
    for rows in 576 578; do
        echo "I420 16 235, $rows rows: as GRAY8 $(luma 16 235 $rows i420 format=GRAY8)," \
            "by way of RGB $(luma 16 235 $rows i420 format=RGB format=GRAY8)"
    done
    echo "GRAY8 0 255 as I420: 576 rows $(luma 0 255 576 gray8 format=I420)," \
        "578 rows $(luma 0 255 578 gray8 format=I420)"
} >seen
cat seen
cat >expected <<'TEXT'
I420, BT.601 video 16 235, as full range BT.601: 16 235, BT.709: 0 253
I420, BT.601 full range 0 255, as video BT.601: 0 255, BT.709: 18 237
I420 16 235, 576 rows: as GRAY8 16 235, by way of RGB 0 253
I420 16 235, 578 rows: as GRAY8 0 253, by way of RGB 0 253
GRAY8 0 255 as I420: 576 rows 0 255, 578 rows 18 237
TEXT
cmp -s seen expected || fail "videoconvert treats ranges in another way"
echo "as recorded"
