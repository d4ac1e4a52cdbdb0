#!/bin/sh
# A leading zero makes a GStreamer number octal, or a floating-point number, depending on its digits.
#
# Versions: GStreamer 1.22.0 (libgstreamer1.0-0 1.22.0-2+deb12u1, Debian 12), x86-64.
#
# Behaviour: in a caps string width=0100 means 64. width=0099 cannot be octal, so the parser moves on to
# its next type and reads the double 99.0, which videotestsrc cannot produce: the elements do not
# link. With the type spelled out, width=(int)0099 is a syntax error instead. Fractions in the same
# string are decimal: framerate=030/1 is 30/1. Properties follow the octal rule, without the step to
# double: num-buffers=010 sends 8 buffers and num-buffers=08 is refused.
#
# Why it matters: a script that pads its numbers ("%04d") works for a width of 1280, negotiates
# 464 for 0720 without a word, and fails for 0099 with a message about types.
#
# Output seen:
#   width=0100: width=(int)64
#   width=0720: width=(int)464
#   width=0099: width=(double)99, cannot link
#   width=(int)0099: could not parse
#   framerate=030/1: framerate=(fraction)30/1
#   framerate=(fraction)010/08: framerate=(fraction)5/4
#   num-buffers=010: 8 buffers
#   num-buffers=08: could not set property
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
for name in coreelements videotestsrc; do cp "$lib/gstreamer-1.0/libgst$name.so" plugins/; done
export LD_LIBRARY_PATH="$lib" GST_PLUGIN_SYSTEM_PATH_1_0="$tmp/plugins" GST_PLUGIN_PATH_1_0="" \
    GST_REGISTRY_1_0="$tmp/registry.bin" GST_REGISTRY_FORK=no GST_DEBUG=""
gst() { "$tmp/root/usr/bin/gst-launch-1.0" -q "$@" >>gst.log 2>&1; }
fail() { echo "CHANGED: $*"; exit 1; }

export LC_ALL=C
# caps FIELD: prints what a source and a sink agree on for this field, or why they do not.
caps() {
    "$tmp/root/usr/bin/gst-launch-1.0" -v videotestsrc num-buffers=1 ! "video/x-raw,$1" ! fakesink >log 2>&1 || true
    found=$(grep -oE "${1%%=*}=\([a-z]+\)[0-9/.]+|could not parse" log | head -n 1)
    grep -q "could not link" log && found="$found, cannot link"
    echo "$1: $found"
}
# buffers NUMBER: prints how many 64-byte frames arrive, or why none do.
buffers() {
    : >frames
    gst videotestsrc num-buffers="$1" ! video/x-raw,format=GRAY8,width=8,height=8 ! filesink location=frames || true
    found=$(grep -o "could not set property" gst.log || echo "$(($(wc -c <frames) / 64)) buffers")
    echo "num-buffers=$1: $found"
}
for field in width=0100 width=0720 width=0099 "width=(int)0099" framerate=030/1 "framerate=(fraction)010/08"; do
    caps "$field"
done >seen
{ buffers 010; buffers 08; } >>seen
cat seen
cat >expected <<EOF
width=0100: width=(int)64
width=0720: width=(int)464
width=0099: width=(double)99, cannot link
width=(int)0099: could not parse
framerate=030/1: framerate=(fraction)30/1
framerate=(fraction)010/08: framerate=(fraction)5/4
num-buffers=010: 8 buffers
num-buffers=08: could not set property
EOF
cmp -s seen expected || fail "numbers with a leading zero are read in another way"
echo "as recorded"
