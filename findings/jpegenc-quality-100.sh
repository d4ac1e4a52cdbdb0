#!/bin/sh
# GStreamer's JPEG at quality 100 can be further from the picture than at quality 50.
#
# Versions: GStreamer 1.22.0, jpegenc and jpegdec of gstreamer1.0-plugins-good 1.22.0-5+deb12u4, with
# libjpeg-turbo 2.1.5 (libjpeg62-turbo 1:2.1.5-2), Debian 12, x86-64.
#
# Behaviour: on a checkerboard of single pixels the error of "jpegenc ! jpegdec" falls as quality rises
# to 97, then jumps: quality 100 makes a file four times the size of quality 50, with almost six
# times its error. The fast integer transform (ifast), which both elements use unless told otherwise, is
# to blame: with idct-method=islow on both sides quality 100 returns the picture exactly.
#
# Why it matters: quality=100 is the natural setting for test pictures and masks. Here it is among the
# worst ones, and the larger file hides it.
#
# Output seen (mean squared error of 256 x 256 grey pixels, largest error, size of the file):
#   quality=50: error 120.95, at most 22 levels, 10955 bytes
#   quality=75: error 42.95, at most 19 levels, 14411 bytes
#   quality=97: error 1.00, at most 2 levels, 33357 bytes
#   quality=98: error 6.61, at most 6 levels, 37069 bytes
#   quality=99: error 723.02, at most 48 levels, 41293 bytes
#   quality=100: error 709.89, at most 58 levels, 44493 bytes
#   quality=100 idct-method=ifast: error 709.89, at most 58 levels, 44493 bytes
#   quality=100 idct-method=islow: error 0.00, at most 0 levels, 43468 bytes
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
cd "$tmp"
apt-get -q download libgstreamer1.0-0=1.22.0-2+deb12u1 gstreamer1.0-tools=1.22.0-2+deb12u1 \
    libgstreamer-plugins-base1.0-0=1.22.0-3+deb12u7 gstreamer1.0-plugins-base=1.22.0-3+deb12u7 \
    gstreamer1.0-plugins-good=1.22.0-5+deb12u4 libjpeg62-turbo=1:2.1.5-2 \
    libglib2.0-0=2.74.6-2+deb12u9 liborc-0.4-0=1:0.4.33-2 libdw1=0.188-2.1 libelf1=0.188-2.1 \
    libunwind8=1.6.2-3 libffi8=3.4.4-1 >apt.log 2>&1 ||
    { echo "skipped: apt-get cannot download these versions (run apt-get update first?)"; tail -n 3 apt.log; exit 77; }
for deb in *.deb; do dpkg -x "$deb" root; done
lib=$tmp/root/usr/lib/x86_64-linux-gnu
mkdir plugins
for name in coreelements rawparse jpeg videotestsrc; do cp "$lib/gstreamer-1.0/libgst$name.so" plugins/; done
export LD_LIBRARY_PATH="$lib" GST_PLUGIN_SYSTEM_PATH_1_0="$tmp/plugins" GST_PLUGIN_PATH_1_0="" \
    GST_REGISTRY_1_0="$tmp/registry.bin" GST_REGISTRY_FORK=no GST_DEBUG=""
gst() { "$tmp/root/usr/bin/gst-launch-1.0" -q "$@" >>gst.log 2>&1; }
fail() { echo "CHANGED: $*"; exit 1; }

gst videotestsrc num-buffers=1 pattern=checkers-1 ! video/x-raw,format=GRAY8,width=256,height=256 ! \
    filesink location=picture || { cat gst.log; fail "cannot make the picture"; }
# measure QUALITY [METHOD]: encodes and decodes the picture, prints error and size.
measure() {
    gst filesrc location=picture blocksize=65536 ! rawvideoparse width=256 height=256 format=gray8 ! \
        jpegenc quality="$1" ${2:+"$2"} ! filesink location=jpeg || { cat gst.log; exit 1; }
    gst filesrc location=jpeg ! jpegdec ${2:+"$2"} ! video/x-raw,format=GRAY8 ! filesink location=back ||
        { cat gst.log; exit 1; }
    # cmp lists the differing bytes in octal.
    cmp -l picture back | awk -v size="$(wc -c <jpeg)" -v text="quality=$1${2:+ $2}" '
        function number(octal) {return int(octal / 100) * 64 + int(octal % 100 / 10) * 8 + octal % 10}
        {d = number($2) - number($3); sum += d * d; if (d < 0) d = -d; if (d > most) most = d}
        END {printf "%s: error %.2f, at most %d levels, %d bytes\n", text, sum / 65536, most, size}'
}
{
    for quality in 50 75 97 98 99 100; do measure $quality; done
    measure 100 idct-method=ifast
    measure 100 idct-method=islow
} >seen
cat seen
cat >expected <<EOF
quality=50: error 120.95, at most 22 levels, 10955 bytes
quality=75: error 42.95, at most 19 levels, 14411 bytes
quality=97: error 1.00, at most 2 levels, 33357 bytes
quality=98: error 6.61, at most 6 levels, 37069 bytes
quality=99: error 723.02, at most 48 levels, 41293 bytes
quality=100: error 709.89, at most 58 levels, 44493 bytes
quality=100 idct-method=ifast: error 709.89, at most 58 levels, 44493 bytes
quality=100 idct-method=islow: error 0.00, at most 0 levels, 43468 bytes
EOF
cmp -s seen expected || fail "errors or sizes differ"
echo "as recorded"
