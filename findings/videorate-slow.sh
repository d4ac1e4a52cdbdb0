#!/bin/sh
# GStreamer's videorate shows the last picture for one frame only, however long it should last.
#
# Versions: GStreamer 1.22.0, videorate of gstreamer1.0-plugins-base 1.22.0-3+deb12u7 (Debian 12), x86-64.
#
# Behaviour: every input buffer carries its duration, and videorate ignores it at the end. From 1 to
# 10 frames a second, 2 pictures should give 20 frames; they give 7: the first one lasts 6 frames (it
# yields half-way to the second), the last one a single frame. A single picture gives 1 frame instead of
# 10. The other way the end is too long: 4 pictures of 0.1 s each at 1 frame a second are 2 frames, so
# 0.4 s becomes 2 s, and 6 pictures at 2 frames a second give 4 frames at 1 instead of 3.
#
# Why it matters: at 30 frames a second nobody misses half a frame. In a slide show or a slow generator the
# last picture flashes by, and the video ends before its sound.
#
# Output seen (each letter is one picture, input and output):
#   A at 1/1 to 10/1: A
#   AB at 1/1 to 10/1: AAAAAAB
#   ABC at 1/1 to 10/1: AAAAAABBBBBBBBBBC
#   ABC at 1/1 to 2/1: AABBC
#   ABCD at 10/1 to 1/1: AD
#   ABCDEF at 2/1 to 1/1: ACEF
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
for name in coreelements rawparse videorate; do cp "$lib/gstreamer-1.0/libgst$name.so" plugins/; done
export LD_LIBRARY_PATH="$lib" GST_PLUGIN_SYSTEM_PATH_1_0="$tmp/plugins" GST_PLUGIN_PATH_1_0="" \
    GST_REGISTRY_1_0="$tmp/registry.bin" GST_REGISTRY_FORK=no GST_DEBUG=""
gst() { "$tmp/root/usr/bin/gst-launch-1.0" -q "$@" >>gst.log 2>&1; }
fail() { echo "CHANGED: $*"; exit 1; }

# rate INPUT FROM TO: sends INPUT, one letter a frame, and prints the frames that videorate makes of it.
rate() {
    # A frame is 4 grey pixels: its letter 4 times.
    printf %s "$1" | sed 's/./&&&&/g' >frames
    gst filesrc location=frames blocksize=4 ! rawvideoparse width=4 height=1 format=gray8 framerate="$2" ! \
        videorate ! "video/x-raw,framerate=$3" ! filesink location=out || { cat gst.log; exit 1; }
    echo "$1 at $2 to $3: $(sed 's/\(.\)\1\1\1/\1/g' out)"
}
printf AAAABBBB >frames
"$tmp/root/usr/bin/gst-launch-1.0" -v filesrc location=frames blocksize=4 ! rawvideoparse width=4 height=1 \
    format=gray8 framerate=1/1 ! identity silent=false ! fakesink >log 2>&1 || { cat log; exit 1; }
[ "$(grep -c "duration: 0:00:01" log)" -eq 2 ] || fail "the input has no durations"
{
    rate A 1/1 10/1
    rate AB 1/1 10/1
    rate ABC 1/1 10/1
    rate ABC 1/1 2/1
    rate ABCD 10/1 1/1
    rate ABCDEF 2/1 1/1
} >seen
cat seen
cat >expected <<EOF
A at 1/1 to 10/1: A
AB at 1/1 to 10/1: AAAAAAB
ABC at 1/1 to 10/1: AAAAAABBBBBBBBBBC
ABC at 1/1 to 2/1: AABBC
ABCD at 10/1 to 1/1: AD
ABCDEF at 2/1 to 1/1: ACEF
EOF
cmp -s seen expected || fail "videorate repeats or drops other pictures"
echo "as recorded"
