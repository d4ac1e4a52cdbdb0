#!/bin/sh
# Behind GStreamer's parsers, a variable frame rate costs an MP4 its last picture, in GStreamer and in FFmpeg.
#
# Versions: GStreamer 1.22.0: h264parse and vp9parse of gstreamer1.0-plugins-bad 1.22.0-4+deb12u8, mp4mux, qtdemux
# and vp9enc of gstreamer1.0-plugins-good, x264enc of gstreamer1.0-plugins-ugly (Debian 12); PyAV 15.1.0 with the
# FFmpeg it brings; x86-64. GStreamer's repository keeps durations since January 2026 (2e009591b1, in 1.29.1).
#
# Behaviour: parsers pass the times of pictures on, but not their durations: GstBaseParse drops those
# (gstbaseparse.c), and each parser makes new ones from the frame rate. framerate=0/1, the sign for a variable rate,
# yields none, or 1 ns: x264enc then writes ticks of 1 ns into the stream, and h264parse reads 1000000000 pictures a
# second. In mp4mux, each picture lasts until the next one. The last one has only its duration, so it gets 0, the
# edit list ends where it begins, and readers skip it. All elements report success. mp4mux takes the stream of
# x264enc without a parser, and then nothing is missing; that of vp9enc or of openh264enc it takes only with one.
#
# Why it matters: screens, appsrc and slide shows have variable rates. At 60 pictures a second nobody looks for the
# last one; of slides it is the final one, and a film of a single picture is empty. In Matroska that picture is
# there, for 1 ns. A frame rate in the caps, even a wrong one, brings it back.
#
# Output seen (pictures of 1 s; FFmpeg and GStreamer say how many they show):
#   1/1, 6 sent, x264enc ! h264parse: durations 1.000000000, film 6.0 s, FFmpeg 6, GStreamer 6
#   0/1, 6 sent, x264enc: durations 1.000000000, film 6.0 s, FFmpeg 6, GStreamer 6
#   0/1, 6 sent, x264enc ! h264parse: durations 0.000000001, film 5.0 s, FFmpeg 5, GStreamer 5
#   1/1, 6 sent, vp9enc lag-in-frames=0 ! vp9parse: durations 1.000000000, film 6.0 s, FFmpeg 6, GStreamer 6
#   0/1, 6 sent, vp9enc lag-in-frames=0 ! vp9parse: durations none, film 5.0 s, FFmpeg 5, GStreamer 5
#   0/1, 1 sent, vp9enc lag-in-frames=0 ! vp9parse: durations none, film 0.0 s, FFmpeg 0, GStreamer 1
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
cd "$tmp"
command -v python3 >/dev/null || { echo "skipped: python3 is not installed"; exit 77; }
apt-get -q download libgstreamer1.0-0=1.22.0-2+deb12u1 gstreamer1.0-tools=1.22.0-2+deb12u1 \
    libgstreamer-plugins-base1.0-0=1.22.0-3+deb12u7 gstreamer1.0-plugins-base=1.22.0-3+deb12u7 \
    gstreamer1.0-plugins-good=1.22.0-5+deb12u4 libgstreamer-plugins-bad1.0-0=1.22.0-4+deb12u8 \
    gstreamer1.0-plugins-bad=1.22.0-4+deb12u8 gstreamer1.0-plugins-ugly=1.22.0-2+deb12u2 libvpx7=1.12.0-1+deb12u5 \
    libx264-164=2:0.164.3095+gitbaee400-3 libopenh264-7=2.3.1+dfsg-3+deb12u2 libglib2.0-0=2.74.6-2+deb12u9 \
    liborc-0.4-0=1:0.4.33-2 libdw1=0.188-2.1 libelf1=0.188-2.1 libunwind8=1.6.2-3 libffi8=3.4.4-1 >apt.log 2>&1 ||
    { echo "skipped: apt-get cannot download these versions (run apt-get update first?)"; tail -n 3 apt.log; exit 77; }
python3 -m pip -q install --no-deps --only-binary :all: --target site av==15.1.0 >pip.log 2>&1 ||
    { echo "skipped: pip cannot install av 15.1.0"; tail -n 3 pip.log; exit 77; }
for deb in *.deb; do dpkg -x "$deb" root; done
lib=$tmp/root/usr/lib/x86_64-linux-gnu
mkdir plugins
for name in coreelements videotestsrc debug isomp4 x264 openh264 vpx videoparsersbad; do
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
with av.open("film.mp4") as film:
    shown = sum(1 for _ in film.decode(video=0))
    print(f"film {(film.duration or 0) / av.time_base} s, FFmpeg {shown}")
EOF
# film RATE SENT ENCODER DECODER: sends pictures that last 1 s each, whatever RATE the caps say.
film() {
    # shellcheck disable=SC2086  # elements
    gst videotestsrc pattern=ball num-buffers="$2" ! video/x-raw,format=I420,width=64,height=64,framerate=1/1 ! \
        capssetter caps="video/x-raw,framerate=$1" ! $3 ! identity name=coded silent=false ! mp4mux ! \
        filesink location=film.mp4
    durations=$(sed -n 's/.*coded: last-message = chain .* duration: \(0:00:0\)*\([^,]*\),.*/\2/p' gst.log | sort -u)
    # shellcheck disable=SC2086
    gst filesrc location=film.mp4 ! qtdemux ! $4 ! filesink location=pictures
    echo "$1, $2 sent, $3: durations $durations, $(LD_LIBRARY_PATH="" PYTHONPATH=site python3 read.py)," \
        "GStreamer $(($(wc -c <pictures) / 6144))"
}
{
    film 1/1 6 "x264enc ! h264parse" "h264parse ! openh264dec"
    film 0/1 6 "x264enc" "h264parse ! openh264dec"
    film 0/1 6 "x264enc ! h264parse" "h264parse ! openh264dec"
    film 1/1 6 "vp9enc lag-in-frames=0 ! vp9parse" vp9dec
    film 0/1 6 "vp9enc lag-in-frames=0 ! vp9parse" vp9dec
    film 0/1 1 "vp9enc lag-in-frames=0 ! vp9parse" vp9dec
} >seen
cat seen
cat >expected <<'EOF'
1/1, 6 sent, x264enc ! h264parse: durations 1.000000000, film 6.0 s, FFmpeg 6, GStreamer 6
0/1, 6 sent, x264enc: durations 1.000000000, film 6.0 s, FFmpeg 6, GStreamer 6
0/1, 6 sent, x264enc ! h264parse: durations 0.000000001, film 5.0 s, FFmpeg 5, GStreamer 5
1/1, 6 sent, vp9enc lag-in-frames=0 ! vp9parse: durations 1.000000000, film 6.0 s, FFmpeg 6, GStreamer 6
0/1, 6 sent, vp9enc lag-in-frames=0 ! vp9parse: durations none, film 5.0 s, FFmpeg 5, GStreamer 5
0/1, 1 sent, vp9enc lag-in-frames=0 ! vp9parse: durations none, film 0.0 s, FFmpeg 0, GStreamer 1
EOF
cmp -s seen expected || fail "another picture is missing, or none"
echo "as recorded"
