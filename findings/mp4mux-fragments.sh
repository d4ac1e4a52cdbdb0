#!/bin/sh
# GStreamer loses the last pictures of its own fragmented MP4 if the encoder uses B-frames; FFmpeg shows all.
#
# Versions: GStreamer 1.22.0: mp4mux and qtdemux of gstreamer1.0-plugins-good 1.22.0-5+deb12u4, x264enc of
# gstreamer1.0-plugins-ugly, h264parse and openh264dec of gstreamer1.0-plugins-bad (Debian 12); PyAV 15.1.0 with
# the FFmpeg it brings; x86-64.
#
# Behaviour: with B-frames, which x264enc has by default, pictures are decoded before they are shown: the first is
# decoded at 0 and shown two pictures later. A whole MP4 has an edit list that takes this delay away. With
# fragment-duration, mp4mux writes none (gst_qt_mux_stop_file in gstqtmux.c returns before it) and gives the time
# at which decoding ends as the length of the film. qtdemux takes that for the end of what is shown and closes its
# segment there. It still hands out every picture, but decoders clip those outside of the segment, without a
# message: the last two are gone. That is so at any rate, with streamable=true, and with decodebin too.
#
# Why it matters: fragments are the choice for recordings that must survive a crash. At 30 pictures a second nobody
# misses two, at one a second they are two seconds, and of a clip of three pictures only one stays. FFmpeg finds
# nothing wrong with the file. bframes=0, or fragment-mode=first-moov-then-finalise, keeps all.
#
# Output seen (pictures of 64 x 64; the times in FFmpeg are those of the first and of the last picture):
#   30/1, 30 sent, whole file: qtdemux 30, openh264dec 30, FFmpeg 30 from 0.00 s to 0.97 s
#   30/1, 30 sent, fragments: qtdemux 30, openh264dec 28, FFmpeg 30 from 0.07 s to 1.03 s
#   1/1, 10 sent, whole file: qtdemux 10, openh264dec 10, FFmpeg 10 from 0.00 s to 9.00 s
#   1/1, 10 sent, fragments: qtdemux 10, openh264dec 8, FFmpeg 10 from 2.00 s to 11.00 s
#   1/1, 3 sent, fragments: qtdemux 3, openh264dec 1, FFmpeg 3 from 2.00 s to 4.00 s
#   1/1, 10 sent, fragments, bframes=0: qtdemux 10, openh264dec 10, FFmpeg 10 from 0.00 s to 9.00 s
#   1/1, 10 sent, finalised: qtdemux 10, openh264dec 10, FFmpeg 10 from 0.00 s to 9.00 s
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
for name in coreelements videotestsrc isomp4 x264 openh264 videoparsersbad; do
    cp "$lib/gstreamer-1.0/libgst$name.so" plugins/
done
export LD_LIBRARY_PATH="$lib" GST_PLUGIN_SYSTEM_PATH_1_0="$tmp/plugins" GST_PLUGIN_PATH_1_0="" \
    GST_REGISTRY_1_0="$tmp/registry.bin" GST_REGISTRY_FORK=no GST_DEBUG=""
gst() { "$tmp/root/usr/bin/gst-launch-1.0" -v "$@" >gst.log 2>&1 || { cat gst.log >&2; exit 1; }; }
fail() { echo "CHANGED: $*"; exit 1; }

cat >read.py <<'EOF'
import av
with av.open("film.mp4") as film:
    times = [frame.time for frame in film.decode(video=0)]
print(f"{len(times)} from {times[0]:.2f} s to {times[-1]:.2f} s")
EOF
# film NAME RATE SENT ENCODER MUXER: what comes out of a film of SENT pictures.
film() {
    # shellcheck disable=SC2086  # elements and their properties
    gst videotestsrc pattern=ball num-buffers="$3" ! video/x-raw,format=I420,width=64,height=64,framerate="$2" ! $4 ! \
        $5 ! filesink location=film.mp4
    gst filesrc location=film.mp4 ! qtdemux ! identity name=demuxed silent=false ! h264parse ! openh264dec ! \
        filesink location=pictures
    if grep -q 'WARNING\|ERROR' gst.log; then cat gst.log >&2; exit 1; fi
    echo "$2, $3 sent, $1: qtdemux $(grep -c '/GstIdentity:demuxed: last-message = chain' gst.log)," \
        "openh264dec $(($(wc -c <pictures) / 6144)), FFmpeg $(LD_LIBRARY_PATH="" PYTHONPATH=site python3 read.py)"
}
{
    film "whole file" 30/1 30 x264enc mp4mux
    film "fragments" 30/1 30 x264enc "mp4mux fragment-duration=1000"
    film "whole file" 1/1 10 x264enc mp4mux
    film "fragments" 1/1 10 x264enc "mp4mux fragment-duration=1000"
    film "fragments" 1/1 3 x264enc "mp4mux fragment-duration=1000"
    film "fragments, bframes=0" 1/1 10 "x264enc bframes=0" "mp4mux fragment-duration=1000"
    film "finalised" 1/1 10 x264enc "mp4mux fragment-duration=1000 fragment-mode=first-moov-then-finalise"
} >seen
cat seen
cat >expected <<'EOF'
30/1, 30 sent, whole file: qtdemux 30, openh264dec 30, FFmpeg 30 from 0.00 s to 0.97 s
30/1, 30 sent, fragments: qtdemux 30, openh264dec 28, FFmpeg 30 from 0.07 s to 1.03 s
1/1, 10 sent, whole file: qtdemux 10, openh264dec 10, FFmpeg 10 from 0.00 s to 9.00 s
1/1, 10 sent, fragments: qtdemux 10, openh264dec 8, FFmpeg 10 from 2.00 s to 11.00 s
1/1, 3 sent, fragments: qtdemux 3, openh264dec 1, FFmpeg 3 from 2.00 s to 4.00 s
1/1, 10 sent, fragments, bframes=0: qtdemux 10, openh264dec 10, FFmpeg 10 from 0.00 s to 9.00 s
1/1, 10 sent, finalised: qtdemux 10, openh264dec 10, FFmpeg 10 from 0.00 s to 9.00 s
EOF
cmp -s seen expected || fail "other pictures are lost, or none"
echo "as recorded"
