#!/bin/sh
# The slower the frame rate, the coarser are mp4mux's times: whole seconds at 1/60, and a corrupt file below 1/100.
#
# Versions: GStreamer 1.22.0: mp4mux and qtdemux of gstreamer1.0-plugins-good 1.22.0-5+deb12u4, x264enc of
# gstreamer1.0-plugins-ugly 1.22.0-2+deb12u2 (Debian 12); PyAV 15.1.0 with the FFmpeg it brings; x86-64. GStreamer's
# repository has the same lines in August 2026.
#
# Behaviour: an MP4 counts time in ticks, and its header has room for four billion a second. mp4mux takes 100 times the
# frame rate of the caps, as a whole number (atom_framerate_to_timescale in atoms.c), and moves each picture to the
# nearest tick. At 30/1 that is a third of a millisecond, at 1/1 10 ms, at 1/60 a second. Below a picture every 100 s
# the number is 0. mp4mux still reports success, but GStreamer's own qtdemux calls that file corrupt, and FFmpeg takes
# 0 for 1 and finds no more than the first picture. framerate=0/1, the sign for a variable rate, gets 10000 ticks.
#
# Why it matters: time-lapse, slides, sensors and slow generators do not keep to the seconds: what they time by a clock
# shifts against its sound. A recording with a picture every two minutes is lost. mp4mux trak-timescale=1000, or
# framerate=0/1, helps.
#
# Output seen (pictures of 2.4 s; only the frame rate in the caps is another; then pictures of 120 s):
#   5/2: ticks 250, FFmpeg 0.000 2.400 4.800 7.200, qtdemux 4 pictures
#   1/3: ticks 33, FFmpeg 0.000 2.394 4.788 7.212, qtdemux 4 pictures
#   1/60: ticks 1, FFmpeg 0.000 2.000 5.000 7.000, qtdemux 4 pictures
#   0/1: ticks 10000, FFmpeg 0.000 2.400 4.800 7.200, qtdemux 4 pictures
#   1/120, of 120 s: ticks 0, FFmpeg 0.000, qtdemux This file is corrupt and cannot be played.
#   1/120, of 120 s, trak-timescale=1000: ticks 1000, FFmpeg 0.000 120.000 240.000 360.000, qtdemux 4 pictures
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
cd "$tmp"
command -v python3 >/dev/null || { echo "skipped: python3 is not installed"; exit 77; }
apt-get -q download libgstreamer1.0-0=1.22.0-2+deb12u1 gstreamer1.0-tools=1.22.0-2+deb12u1 \
    libgstreamer-plugins-base1.0-0=1.22.0-3+deb12u7 gstreamer1.0-plugins-base=1.22.0-3+deb12u7 \
    gstreamer1.0-plugins-good=1.22.0-5+deb12u4 gstreamer1.0-plugins-ugly=1.22.0-2+deb12u2 \
    libx264-164=2:0.164.3095+gitbaee400-3 libglib2.0-0=2.74.6-2+deb12u9 liborc-0.4-0=1:0.4.33-2 libdw1=0.188-2.1 \
    libelf1=0.188-2.1 libunwind8=1.6.2-3 libffi8=3.4.4-1 >apt.log 2>&1 ||
    { echo "skipped: apt-get cannot download these versions (run apt-get update first?)"; tail -n 3 apt.log; exit 77; }
python3 -m pip -q install --no-deps --only-binary :all: --target site av==15.1.0 >pip.log 2>&1 ||
    { echo "skipped: pip cannot install av 15.1.0"; tail -n 3 pip.log; exit 77; }
for deb in *.deb; do dpkg -x "$deb" root; done
lib=$tmp/root/usr/lib/x86_64-linux-gnu
mkdir plugins
for name in coreelements videotestsrc debug isomp4 x264; do cp "$lib/gstreamer-1.0/libgst$name.so" plugins/; done
export LD_LIBRARY_PATH="$lib" GST_PLUGIN_SYSTEM_PATH_1_0="$tmp/plugins" GST_PLUGIN_PATH_1_0="" \
    GST_REGISTRY_1_0="$tmp/registry.bin" GST_REGISTRY_FORK=no GST_DEBUG=""
gst() { "$tmp/root/usr/bin/gst-launch-1.0" -v "$@" >gst.log 2>&1; }
fail() { echo "CHANGED: $*"; exit 1; }

cat >read.py <<'EOF'
import av
content = open("film.mp4", "rb").read()
# A media header is version and flags, two times of 4 bytes, and the ticks per second.
mdhd = content.index(b"mdhd") + 4
print(f"ticks {int.from_bytes(content[mdhd + 12 : mdhd + 16], 'big')}, FFmpeg", end="")
with av.open("film.mp4") as film:
    for packet in film.demux(video=0):
        if packet.size:
            print(f" {float(packet.pts * packet.time_base):.3f}", end="")
EOF
# film NAME TRUE RATE MUXER: four pictures at the rate TRUE, with RATE in the caps.
film() {
    # shellcheck disable=SC2086  # an element and its properties
    gst videotestsrc num-buffers=4 ! video/x-raw,format=I420,width=64,height=64,framerate="$2" ! \
        capssetter caps="video/x-raw,framerate=$3" ! x264enc tune=zerolatency ! $4 ! \
        filesink location=film.mp4 || { cat gst.log >&2; exit 1; }
    if grep -q 'WARNING\|ERROR' gst.log; then cat gst.log >&2; exit 1; fi
    if gst filesrc location=film.mp4 ! qtdemux ! identity name=demuxed silent=false ! fakesink; then
        demuxed="$(grep -c '/GstIdentity:demuxed: last-message = chain' gst.log) pictures"
    else
        demuxed=$(sed -n 's/^ERROR: .*GstQTDemux:qtdemux0: //p' gst.log | head -n 1)
    fi
    echo "$1: $(LD_LIBRARY_PATH="" PYTHONPATH=site python3 read.py), qtdemux $demuxed"
}
{
    for rate in 5/2 1/3 1/60 0/1; do film $rate 5/12 $rate mp4mux; done
    film "1/120, of 120 s" 1/120 1/120 mp4mux
    film "1/120, of 120 s, trak-timescale=1000" 1/120 1/120 "mp4mux trak-timescale=1000"
} >seen
cat seen
cat >expected <<'EOF'
5/2: ticks 250, FFmpeg 0.000 2.400 4.800 7.200, qtdemux 4 pictures
1/3: ticks 33, FFmpeg 0.000 2.394 4.788 7.212, qtdemux 4 pictures
1/60: ticks 1, FFmpeg 0.000 2.000 5.000 7.000, qtdemux 4 pictures
0/1: ticks 10000, FFmpeg 0.000 2.400 4.800 7.200, qtdemux 4 pictures
1/120, of 120 s: ticks 0, FFmpeg 0.000, qtdemux This file is corrupt and cannot be played.
1/120, of 120 s, trak-timescale=1000: ticks 1000, FFmpeg 0.000 120.000 240.000 360.000, qtdemux 4 pictures
EOF
cmp -s seen expected || fail "mp4mux counts in other ticks"
echo "as recorded"
