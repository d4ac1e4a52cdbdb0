#!/bin/sh
# GStreamer's tsdemux plays a picture a second at twice the speed, and its sound jumps back with each picture.
#
# Versions: GStreamer 1.22.0: tsdemux, mpegtsmux and opusparse of gstreamer1.0-plugins-bad 1.22.0-4+deb12u8, opusenc
# of gstreamer1.0-plugins-base, x264enc of gstreamer1.0-plugins-ugly (Debian 12); PyAV 15.1.0 with the FFmpeg it
# brings; x86-64. GStreamer's repository has the same lines in August 2026.
#
# Behaviour: tsdemux takes two values of the stream's clock (PCR) that are more than 500 ms apart for a gap, and closes
# the gap to 500 ms (record_pcr and _set_current_group in mpegtspacketizer.c). The standard wants one every 100 ms, but
# without a constant bitrate mpegtsmux and FFmpeg write the clock with pictures only. So below two pictures a second
# each of them lasts 0.5 s, whatever its time stamp says: a minute of one picture every ten seconds is over in three.
# That holds for pipes and for files, where one gap, the fifth, keeps its length. There is no warning, and FFmpeg reads
# the same files correctly. Behind udpsrc and hlsdemux, which time the data themselves, tsdemux is right too.
#
# Why it matters: recordings of slides, of time-lapse and of slow generators run too fast. Their sound, which tsdemux
# times by the same clock, steps back half a second at each picture. Send at least two pictures a second, repeating
# them, or set mpegtsmux's bitrate above the highest of the encoder.
#
# Output seen (times of 8 pictures in seconds):
#   10/1: file 0.0 0.1 0.2 0.3 0.4 0.5 0.6 0.7, FFmpeg 0.0 0.1 0.2 0.3 0.4 0.5 0.6 0.7
#   2/1: file 0.0 0.5 1.0 1.5 2.0 2.5 3.0 3.5, FFmpeg 0.0 0.5 1.0 1.5 2.0 2.5 3.0 3.5
#   1/1: file 0.0 0.5 1.0 1.5 2.0 3.0 3.5 4.0, FFmpeg 0.0 1.0 2.0 3.0 4.0 5.0 6.0 7.0
#   1/1: pipe 0.0 0.5 1.0 1.5 2.0 2.5 3.0 3.5
#   1/10: pipe 0.0 0.5 1.0 1.5 2.0 2.5 3.0 3.5, FFmpeg 0.0 10.0 20.0 30.0 40.0 50.0 60.0 70.0
#   1/1, FFmpeg's muxer: file 0.0 0.5 1.0 1.5 2.0 3.0 3.5 4.0, FFmpeg 0.0 1.0 2.0 3.0 4.0 5.0 6.0 7.0
#   1/1, bitrate=500000: file 0.0 1.0 2.0 3.0 4.0 5.0 6.0 7.0, FFmpeg 0.0 1.0 2.0 3.0 4.0 5.0 6.0 7.0
#   1/1, 8 s of sound: file ends at 5.0 and steps back 6 times, FFmpeg ends at 8.0 and steps back 0 times
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
cd "$tmp"
command -v python3 >/dev/null || { echo "skipped: python3 is not installed"; exit 77; }
apt-get -q download libgstreamer1.0-0=1.22.0-2+deb12u1 gstreamer1.0-tools=1.22.0-2+deb12u1 \
    libgstreamer-plugins-base1.0-0=1.22.0-3+deb12u7 gstreamer1.0-plugins-base=1.22.0-3+deb12u7 \
    libgstreamer-plugins-bad1.0-0=1.22.0-4+deb12u8 gstreamer1.0-plugins-bad=1.22.0-4+deb12u8 \
    gstreamer1.0-plugins-ugly=1.22.0-2+deb12u2 libx264-164=2:0.164.3095+gitbaee400-3 libopus0=1.3.1-3 \
    libglib2.0-0=2.74.6-2+deb12u9 liborc-0.4-0=1:0.4.33-2 libdw1=0.188-2.1 libelf1=0.188-2.1 \
    libunwind8=1.6.2-3 libffi8=3.4.4-1 >apt.log 2>&1 ||
    { echo "skipped: apt-get cannot download these versions (run apt-get update first?)"; tail -n 3 apt.log; exit 77; }
python3 -m pip -q install --no-deps --only-binary :all: --target site av==15.1.0 >pip.log 2>&1 ||
    { echo "skipped: pip cannot install av 15.1.0"; tail -n 3 pip.log; exit 77; }
for deb in *.deb; do dpkg -x "$deb" root; done
lib=$tmp/root/usr/lib/x86_64-linux-gnu
mkdir plugins
for name in coreelements videotestsrc audiotestsrc x264 opus opusparse videoparsersbad mpegtsmux mpegtsdemux; do
    cp "$lib/gstreamer-1.0/libgst$name.so" plugins/
done
export LD_LIBRARY_PATH="$lib" GST_PLUGIN_SYSTEM_PATH_1_0="$tmp/plugins" GST_PLUGIN_PATH_1_0="" \
    GST_REGISTRY_1_0="$tmp/registry.bin" GST_REGISTRY_FORK=no GST_DEBUG=""
gst() {
    "$tmp/root/usr/bin/gst-launch-1.0" -v "$@" >gst.log 2>&1 || { cat gst.log >&2; exit 1; }
    if grep -q 'WARNING\|ERROR' gst.log; then cat gst.log >&2; exit 1; fi
}
python() { LD_LIBRARY_PATH="" PYTHONPATH=site python3 "$@"; }
fail() { echo "CHANGED: $*"; exit 1; }

cat >read.py <<'EOF'
import sys
import av
with av.open("film.ts") as film:
    times = [float(packet.pts * packet.time_base) for packet in film.demux(**{sys.argv[1]: 0}) if packet.size]
print(*(f"{time - times[0]:.1f}" for time in times))
EOF
# Rewrites film.ts with FFmpeg's muxer.
cat >remux.py <<'EOF'
import os
import av
with av.open("film.ts") as film, av.open("again.ts", "w", format="mpegts") as again:
    stream = again.add_stream_from_template(film.streams.video[0])
    for packet in film.demux(video=0):
        if packet.size:
            packet.stream = stream
            again.mux(packet)
os.rename("again.ts", "film.ts")
EOF
# demux CAPS ELEMENTS...: the times of what tsdemux gives out, in seconds since the first.
demux() {
    caps=$1
    shift
    # shellcheck disable=SC2068  # elements
    gst $@ ! tsdemux ! "$caps" ! identity name=demuxed silent=false ! fakesink sync=false
    sed -n 's/.*demuxed: last-message = chain.* pts: \([0-9]*\):\([0-9]*\):\([0-9.]*\),.*/\1 \2 \3/p' gst.log |
        awk '{ t = $1 * 3600 + $2 * 60 + $3; if (NR == 1) first = t; printf "%s%.1f", (NR > 1 ? " " : ""), t - first }'
}
file() { echo "file $(demux video/x-h264 filesrc location=film.ts)"; }
# shellcheck disable=SC2002  # a pipe, in which fdsrc cannot seek
pipe() { echo "pipe $(cat film.ts | demux video/x-h264 fdsrc)"; }
ffmpeg() { echo "FFmpeg $(python read.py video)"; }
# end TIMES: the last of them, and how many are smaller than the one before.
end() {
    echo "$1" | tr ' ' '\n' |
        awk '$1 < last { back++ } { last = $1 } END { printf "ends at %.1f and steps back %d times", last, back }'
}
# film RATE MUXER: writes film.ts.
film() {
    # shellcheck disable=SC2086  # an element and its properties
    gst videotestsrc num-buffers=8 ! video/x-raw,format=I420,width=64,height=64,framerate="$1" ! \
        x264enc tune=zerolatency threads=1 ! $2 ! filesink location=film.ts
}
{
    for rate in 10/1 2/1; do
        film $rate mpegtsmux
        echo "$rate: $(file), $(ffmpeg)"
    done
    film 1/1 mpegtsmux
    echo "1/1: $(file), $(ffmpeg)"
    echo "1/1: $(pipe)"
    film 1/10 mpegtsmux
    echo "1/10: $(pipe), $(ffmpeg)"
    film 1/1 mpegtsmux
    python remux.py
    echo "1/1, FFmpeg's muxer: $(file), $(ffmpeg)"
    film 1/1 "mpegtsmux bitrate=500000"
    echo "1/1, bitrate=500000: $(file), $(ffmpeg)"
    gst mpegtsmux name=film ! filesink location=film.ts \
        videotestsrc num-buffers=8 ! video/x-raw,format=I420,width=64,height=64,framerate=1/1 ! \
        x264enc tune=zerolatency threads=1 ! queue max-size-time=0 ! film. \
        audiotestsrc num-buffers=80 samplesperbuffer=4800 ! audio/x-raw,rate=48000,channels=1 ! opusenc ! opusparse ! \
        queue max-size-buffers=0 max-size-time=0 ! film.
    echo "1/1, 8 s of sound: file $(end "$(demux audio/x-opus filesrc location=film.ts)")," \
        "FFmpeg $(end "$(python read.py audio)")"
} >seen
cat seen
cat >expected <<'EOF'
10/1: file 0.0 0.1 0.2 0.3 0.4 0.5 0.6 0.7, FFmpeg 0.0 0.1 0.2 0.3 0.4 0.5 0.6 0.7
2/1: file 0.0 0.5 1.0 1.5 2.0 2.5 3.0 3.5, FFmpeg 0.0 0.5 1.0 1.5 2.0 2.5 3.0 3.5
1/1: file 0.0 0.5 1.0 1.5 2.0 3.0 3.5 4.0, FFmpeg 0.0 1.0 2.0 3.0 4.0 5.0 6.0 7.0
1/1: pipe 0.0 0.5 1.0 1.5 2.0 2.5 3.0 3.5
1/10: pipe 0.0 0.5 1.0 1.5 2.0 2.5 3.0 3.5, FFmpeg 0.0 10.0 20.0 30.0 40.0 50.0 60.0 70.0
1/1, FFmpeg's muxer: file 0.0 0.5 1.0 1.5 2.0 3.0 3.5 4.0, FFmpeg 0.0 1.0 2.0 3.0 4.0 5.0 6.0 7.0
1/1, bitrate=500000: file 0.0 1.0 2.0 3.0 4.0 5.0 6.0 7.0, FFmpeg 0.0 1.0 2.0 3.0 4.0 5.0 6.0 7.0
1/1, 8 s of sound: file ends at 5.0 and steps back 6 times, FFmpeg ends at 8.0 and steps back 0 times
EOF
cmp -s seen expected || fail "tsdemux gives out other times"
echo "as recorded"
