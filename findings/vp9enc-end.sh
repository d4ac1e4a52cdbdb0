#!/bin/sh
# vp9enc with its defaults loses up to 22 pictures at the end of a stream, without a message.
#
# Versions: GStreamer 1.22.0: vp9enc of gstreamer1.0-plugins-good 1.22.0-5+deb12u4 with libvpx7
# 1.12.0-1+deb12u5 (Debian 12), x86-64. The counts of 30 pictures are the same with GStreamer 1.26.2 and
# libvpx9 1.15.0 (Debian 13).
#
# Behaviour: vp9enc holds back 25 pictures (lag-in-frames) and encodes them at the end of the stream. There it
# can stop early and drop all that it still holds. How many depends on the pictures: all arrive if little
# changes, and most of the 25 are lost if each picture is new. The pipeline ends with status 0. Up to 8 pictures
# of lag lost none. libvpx's own program vpxenc writes all of them with the same settings, and vp8enc, with the
# same lag, does too.
#
# Why it matters: a slide show, a time-lapse or a short clip ends too early, and a film of 24 pictures can have 2.
# With lag-in-frames=0 nothing is missing.
#
# Output seen (pictures that come out, of 64 x 64):
#   snow, 24 sent: vp9enc 2, lag-in-frames=8 24, lag-in-frames=0 24, vp8enc lag-in-frames=25 24
#   snow, 30 sent: vp9enc 14, lag-in-frames=8 30, lag-in-frames=0 30, vp8enc lag-in-frames=25 30
#   snow, 100 sent: vp9enc 85, lag-in-frames=8 100, lag-in-frames=0 100, vp8enc lag-in-frames=25 100
#   ball, 100 sent: vp9enc 90, lag-in-frames=8 100, lag-in-frames=0 100, vp8enc lag-in-frames=25 100
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
cd "$tmp"
apt-get -q download libgstreamer1.0-0=1.22.0-2+deb12u1 gstreamer1.0-tools=1.22.0-2+deb12u1 \
    libgstreamer-plugins-base1.0-0=1.22.0-3+deb12u7 gstreamer1.0-plugins-base=1.22.0-3+deb12u7 \
    gstreamer1.0-plugins-good=1.22.0-5+deb12u4 libvpx7=1.12.0-1+deb12u5 \
    libglib2.0-0=2.74.6-2+deb12u9 liborc-0.4-0=1:0.4.33-2 libdw1=0.188-2.1 libelf1=0.188-2.1 \
    libunwind8=1.6.2-3 libffi8=3.4.4-1 >apt.log 2>&1 ||
    { echo "skipped: apt-get cannot download these versions (run apt-get update first?)"; tail -n 3 apt.log; exit 77; }
for deb in *.deb; do dpkg -x "$deb" root; done
lib=$tmp/root/usr/lib/x86_64-linux-gnu
mkdir plugins
for name in coreelements videotestsrc vpx; do
    cp "$lib/gstreamer-1.0/libgst$name.so" plugins/
done
export LD_LIBRARY_PATH="$lib" GST_PLUGIN_SYSTEM_PATH_1_0="$tmp/plugins" GST_PLUGIN_PATH_1_0="" \
    GST_REGISTRY_1_0="$tmp/registry.bin" GST_REGISTRY_FORK=no GST_DEBUG=""
fail() { echo "CHANGED: $*"; exit 1; }

# count PATTERN SENT ENCODER...: the pictures that come out of the encoder.
count() {
    pattern=$1 sent=$2
    shift 2
    # shellcheck disable=SC2068  # an element and its properties
    "$tmp/root/usr/bin/gst-launch-1.0" -v videotestsrc pattern="$pattern" num-buffers="$sent" ! \
        video/x-raw,format=I420,width=64,height=64,framerate=30/1 ! $@ ! \
        identity name=coded silent=false ! fakesink >gst.log 2>&1 || { cat gst.log >&2; exit 1; }
    if grep -q 'WARNING\|ERROR' gst.log; then cat gst.log >&2; exit 1; fi
    grep -c '/GstIdentity:coded: last-message = chain' gst.log
}
for case in 'snow 24' 'snow 30' 'snow 100' 'ball 100'; do
    # shellcheck disable=SC2086  # a pattern and a count
    echo "${case% *}, ${case#* } sent: vp9enc $(count $case vp9enc)," \
        "lag-in-frames=8 $(count $case vp9enc lag-in-frames=8)," \
        "lag-in-frames=0 $(count $case vp9enc lag-in-frames=0)," \
        "vp8enc lag-in-frames=25 $(count $case vp8enc lag-in-frames=25)"
done >seen
cat seen
cat >expected <<'TEXT'
snow, 24 sent: vp9enc 2, lag-in-frames=8 24, lag-in-frames=0 24, vp8enc lag-in-frames=25 24
snow, 30 sent: vp9enc 14, lag-in-frames=8 30, lag-in-frames=0 30, vp8enc lag-in-frames=25 30
snow, 100 sent: vp9enc 85, lag-in-frames=8 100, lag-in-frames=0 100, vp8enc lag-in-frames=25 100
ball, 100 sent: vp9enc 90, lag-in-frames=8 100, lag-in-frames=0 100, vp8enc lag-in-frames=25 100
TEXT
cmp -s seen expected || fail "vp9enc drops other pictures at the end of a stream, or none"
echo "as recorded"
