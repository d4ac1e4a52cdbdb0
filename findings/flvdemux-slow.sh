#!/bin/sh
# GStreamer's flvdemux stretches and shuffles slow video with B-frames, because it takes it to be late for itself.
#
# Versions: GStreamer 1.22.0: flvdemux and flvmux of gstreamer1.0-plugins-good 1.22.0-5+deb12u4, x264enc of
# gstreamer1.0-plugins-ugly, h264parse and openh264dec of gstreamer1.0-plugins-bad (Debian 12); PyAV 15.1.0 with the
# FFmpeg it brings; x86-64.
#
# Behaviour: to keep sound and pictures together, flvdemux moves a stream on that is more than 3 s behind the position
# (gst_flv_demux_sync_streams in gstflvdemux.c). It compares the time at which a picture is decoded with the time at
# which one is shown, and it does so without sound, too. With B-frames, which x264enc has by default, a picture is
# decoded up to four pictures before it is shown. If they last 1.5 s or more, that is too far behind: flvdemux moves the
# stream on, finds the next true time in the past, calls that a new start (gst_flv_demux_update_resync) and adds the
# difference to all times that follow, again and again. There is no message. FFmpeg reads the same files correctly.
#
# Why it matters: FLV is the format of RTMP. Slides, time-lapse and slow generators last too long, and two pictures can
# have the same time. With bframes=0 all is well, and by chance also from 1/4 down, where x264enc's default of a key
# frame every 10 s leaves no room for B-frames.
#
# Output seen (times of 8 pictures in seconds):
#   1/1, x264enc: flvdemux 0 1 2 3 4 5 6 7, FFmpeg 0 1 2 3 4 5 6 7
#   1/2, x264enc: flvdemux 0 7 9 11 11 15 17 19, FFmpeg 0 2 4 6 8 10 12 14
#   1/3, x264enc: flvdemux 0 3 6 12 15 18 24 27, FFmpeg 0 3 6 9 12 15 18 21
#   1/10, x264enc key-int-max=30: flvdemux 0 54 57 74 74 94 121 128, FFmpeg 0 10 20 30 40 50 60 70
#   1/2, x264enc bframes=0: flvdemux 0 2 4 6 8 10 12 14, FFmpeg 0 2 4 6 8 10 12 14
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
cd "$tmp"
command -v python3 >/dev/null || { echo "skipped: python3 is not installed"; exit 77; }
apt-get -q download libgstreamer1.0-0=1.22.0-2+deb12u1 gstreamer1.0-tools=1.22.0-2+deb12u1 \
    libgstreamer-plugins-base1.0-0=1.22.0-3+deb12u7 gstreamer1.0-plugins-base=1.22.0-3+deb12u7 \
    gstreamer1.0-plugins-good=1.22.0-5+deb12u4 libgstreamer-plugins-bad1.0-0=1.22.0-4+deb12u8 \
    gstreamer1.0-plugins-bad=1.22.0-4+deb12u8 gstreamer1.0-plugins-ugly=1.22.0-2+deb12u2 \
    libx264-164=2:0.164.3095+gitbaee400-3 libopenh264-7=2.3.1+dfsg-3+deb12u2 libglib2.0-0=2.74.6-2+deb12u9 \
    liborc-0.4-0=1:0.4.33-2 libdw1=0.188-2.1 libelf1=0.188-2.1 libunwind8=1.6.2-3 libffi8=3.4.4-1 >apt.log 2>&1 ||
    { echo "skipped: apt-get cannot download these versions (run apt-get update first?)"; tail -n 3 apt.log; exit 77; }
python3 -m pip -q install --no-deps --only-binary :all: --target site av==15.1.0 >pip.log 2>&1 ||
    { echo "skipped: pip cannot install av 15.1.0"; tail -n 3 pip.log; exit 77; }
for deb in *.deb; do dpkg -x "$deb" root; done
lib=$tmp/root/usr/lib/x86_64-linux-gnu
mkdir plugins
for name in coreelements videotestsrc flv x264 openh264 videoparsersbad; do
    cp "$lib/gstreamer-1.0/libgst$name.so" plugins/
done
export LD_LIBRARY_PATH="$lib" GST_PLUGIN_SYSTEM_PATH_1_0="$tmp/plugins" GST_PLUGIN_PATH_1_0="" \
    GST_REGISTRY_1_0="$tmp/registry.bin" GST_REGISTRY_FORK=no GST_DEBUG=""
gst() {
    "$tmp/root/usr/bin/gst-launch-1.0" -v "$@" >gst.log 2>&1 || { cat gst.log >&2; exit 1; }
    if grep -q 'WARNING\|ERROR' gst.log; then cat gst.log >&2; exit 1; fi
}
fail() { echo "CHANGED: $*"; exit 1; }

cat >read.py <<'EOF'
import av
with av.open("film.flv") as film:
    print(*(f"{frame.time:.0f}" for frame in film.decode(video=0)))
EOF
# film RATE ENCODER: the times of the pictures that GStreamer and FFmpeg find in a film.
film() {
    # shellcheck disable=SC2086  # an element and its properties
    gst videotestsrc pattern=ball num-buffers=8 ! video/x-raw,format=I420,width=64,height=64,framerate="$1" ! $2 ! \
        flvmux ! filesink location=film.flv
    gst filesrc location=film.flv ! flvdemux ! h264parse ! openh264dec ! identity name=shown silent=false ! fakesink
    times=$(sed -n 's/.*shown: last-message = chain.* pts: \([0-9]*\):\([0-9]*\):\([0-9.]*\),.*/\1 \2 \3/p' gst.log |
        awk '{ printf " %.0f", $1 * 3600 + $2 * 60 + $3 }')
    echo "$1, $2: flvdemux$times, FFmpeg $(LD_LIBRARY_PATH="" PYTHONPATH=site python3 read.py)"
}
{
    film 1/1 x264enc
    film 1/2 x264enc
    film 1/3 x264enc
    film 1/10 "x264enc key-int-max=30"
    film 1/2 "x264enc bframes=0"
} >seen
cat seen
cat >expected <<'EOF'
1/1, x264enc: flvdemux 0 1 2 3 4 5 6 7, FFmpeg 0 1 2 3 4 5 6 7
1/2, x264enc: flvdemux 0 7 9 11 11 15 17 19, FFmpeg 0 2 4 6 8 10 12 14
1/3, x264enc: flvdemux 0 3 6 12 15 18 24 27, FFmpeg 0 3 6 9 12 15 18 21
1/10, x264enc key-int-max=30: flvdemux 0 54 57 74 74 94 121 128, FFmpeg 0 10 20 30 40 50 60 70
1/2, x264enc bframes=0: flvdemux 0 2 4 6 8 10 12 14, FFmpeg 0 2 4 6 8 10 12 14
EOF
cmp -s seen expected || fail "flvdemux gives out other times"
echo "as recorded"
