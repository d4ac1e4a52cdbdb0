#!/bin/sh
# GStreamer's openh264dec cannot decode an H.264 film of one picture, unless its profile is Baseline.
#
# Versions: GStreamer 1.22.0: openh264dec, openh264enc and h264parse of gstreamer1.0-plugins-bad 1.22.0-4+deb12u8,
# x264enc of gstreamer1.0-plugins-ugly (Debian 12), OpenH264 2.3.1; PyAV 15.1.0 with the FFmpeg it brings; x86-64.
# GStreamer's repository has the same lines in August 2026.
#
# Behaviour: in Main and High, pictures can change places, so OpenH264 keeps each one back until the next arrives,
# even if the stream says that none moves (ReorderPicturesInDisplay in welsDecoderExt.cpp). At the end openh264dec
# asks for the rest, but not if it never gave a picture out: it takes a width of 0 for "nothing was decoded"
# (gst_openh264dec_finish). So the only picture stays inside and the pipeline fails with "No valid frames decoded".
# From two pictures on, all come out. openh264enc's own High stream fails in the same way; FFmpeg reads all of them.
#
# Why it matters: a picture stored as H.264, or a segment of a slow stream with one picture, looks broken. Live, each
# picture waits for the next, also with tune=zerolatency, and openh264dec reports no latency: at one a second that is a
# second. Send profile=constrained-baseline, or decode with FFmpeg.
#
# Output seen (of 3 pictures, i is one that goes in and o is one that comes out):
#   x264enc, constrained-baseline, 1 sent: openh264dec 1, FFmpeg 1
#   x264enc, main, 1 sent: openh264dec "No valid frames decoded before end of stream", FFmpeg 1
#   x264enc, high, 1 sent: openh264dec "No valid frames decoded before end of stream", FFmpeg 1
#   openh264enc, high, 1 sent: openh264dec "No valid frames decoded before end of stream", FFmpeg 1
#   x264enc, high, 2 sent: openh264dec 2, FFmpeg 2
#   x264enc tune=zerolatency, constrained-baseline, order: ioioio
#   x264enc tune=zerolatency, high, order: iioioo
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
for name in coreelements videotestsrc matroska x264 openh264 videoparsersbad; do
    cp "$lib/gstreamer-1.0/libgst$name.so" plugins/
done
export LD_LIBRARY_PATH="$lib" GST_PLUGIN_SYSTEM_PATH_1_0="$tmp/plugins" GST_PLUGIN_PATH_1_0="" \
    GST_REGISTRY_1_0="$tmp/registry.bin" GST_REGISTRY_FORK=no GST_DEBUG=""
gst() { "$tmp/root/usr/bin/gst-launch-1.0" -v "$@" >gst.log 2>&1; }
fail() { echo "CHANGED: $*"; exit 1; }

cat >read.py <<'EOF'
import av
with av.open("film.mkv") as film:
    print(sum(1 for _ in film.decode(video=0)))
EOF
picture=video/x-raw,format=I420,width=64,height=64,framerate=1/1
# film ENCODER PROFILE SENT: what comes out of a film of SENT pictures.
film() {
    gst videotestsrc num-buffers="$3" ! $picture ! "$1" ! video/x-h264,profile="$2" ! h264parse ! matroskamux ! \
        filesink location=film.mkv || { cat gst.log >&2; exit 1; }
    if gst filesrc location=film.mkv ! matroskademux ! h264parse ! openh264dec ! filesink location=pictures; then
        own=$(($(wc -c <pictures) / 6144))
    else
        own="\"$(sed -n 's/^ERROR: .*GstOpenh264Dec:openh264dec0: //p' gst.log | head -n 1)\""
    fi
    echo "$1, $2, $3 sent: openh264dec $own, FFmpeg $(LD_LIBRARY_PATH="" PYTHONPATH=site python3 read.py)"
}
# order PROFILE: in which order 3 pictures go into the decoder and come out.
order() {
    gst videotestsrc num-buffers=3 ! $picture ! x264enc tune=zerolatency ! video/x-h264,profile="$1" ! \
        identity name=in silent=false ! openh264dec ! identity name=out silent=false ! fakesink ||
        { cat gst.log >&2; exit 1; }
    echo "x264enc tune=zerolatency, $1, order:" \
        "$(sed -n 's/.*GstIdentity:\([io]\)[a-z]*: last-message = chain.*/\1/p' gst.log | tr -d '\n')"
}
{
    film x264enc constrained-baseline 1
    film x264enc main 1
    film x264enc high 1
    film openh264enc high 1
    film x264enc high 2
    order constrained-baseline
    order high
} >seen
cat seen
cat >expected <<'EOF'
x264enc, constrained-baseline, 1 sent: openh264dec 1, FFmpeg 1
x264enc, main, 1 sent: openh264dec "No valid frames decoded before end of stream", FFmpeg 1
x264enc, high, 1 sent: openh264dec "No valid frames decoded before end of stream", FFmpeg 1
openh264enc, high, 1 sent: openh264dec "No valid frames decoded before end of stream", FFmpeg 1
x264enc, high, 2 sent: openh264dec 2, FFmpeg 2
x264enc tune=zerolatency, constrained-baseline, order: ioioio
x264enc tune=zerolatency, high, order: iioioo
EOF
cmp -s seen expected || fail "openh264dec gives out other pictures"
echo "as recorded"
