#!/bin/sh
# GStreamer's rtph264depay in front of openh264dec loses every frame of x264enc, in silence.
#
# Versions: GStreamer 1.22.0: rtph264pay and rtph264depay of gstreamer1.0-plugins-good, x264enc of
# gstreamer1.0-plugins-ugly, openh264dec and h264parse of gstreamer1.0-plugins-bad (Debian 12), x264 0.164,
# OpenH264 2.3.1, x86-64.
#
# Behaviour: openh264dec takes only caps that name a profile, and rtph264depay's caps name none. The two
# elements link all the same, and once there is data, the decoder refuses the caps. With x264enc's stream,
# gst-launch-1.0 nevertheless runs to the end, prints nothing, ends with status 0, and leaves an empty file;
# nothing says "not-negotiated". With h264parse between the two, which reads the profile from the stream, all
# frames arrive.
#
# Why it matters: a receiver that works with avdec_h264 shows nothing with openh264dec, and its exit status
# says that all went well. Put h264parse behind every depayloader.
#
# Output seen:
#   x264enc, decoder: 10 frames, status 0
#   x264enc, RTP, decoder: 0 frames, status 0
#   x264enc, RTP, h264parse, decoder: 10 frames, status 0
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
cd "$tmp"
apt-get -q download libgstreamer1.0-0=1.22.0-2+deb12u1 gstreamer1.0-tools=1.22.0-2+deb12u1 \
    libgstreamer-plugins-base1.0-0=1.22.0-3+deb12u7 gstreamer1.0-plugins-base=1.22.0-3+deb12u7 \
    gstreamer1.0-plugins-good=1.22.0-5+deb12u4 libgstreamer-plugins-bad1.0-0=1.22.0-4+deb12u8 \
    gstreamer1.0-plugins-bad=1.22.0-4+deb12u8 gstreamer1.0-plugins-ugly=1.22.0-2+deb12u2 \
    libx264-164=2:0.164.3095+gitbaee400-3 libopenh264-7=2.3.1+dfsg-3+deb12u2 libglib2.0-0=2.74.6-2+deb12u9 \
    liborc-0.4-0=1:0.4.33-2 libdw1=0.188-2.1 libelf1=0.188-2.1 libunwind8=1.6.2-3 libffi8=3.4.4-1 >apt.log 2>&1 ||
    { echo "skipped: apt-get cannot download these versions (run apt-get update first?)"; tail -n 3 apt.log; exit 77; }
for deb in *.deb; do dpkg -x "$deb" root; done
lib=$tmp/root/usr/lib/x86_64-linux-gnu
mkdir plugins
for name in coreelements rawparse rtp x264 openh264 videoparsersbad; do
    cp "$lib/gstreamer-1.0/libgst$name.so" plugins/
done
export LD_LIBRARY_PATH="$lib" GST_PLUGIN_SYSTEM_PATH_1_0="$tmp/plugins" GST_PLUGIN_PATH_1_0="" \
    GST_REGISTRY_1_0="$tmp/registry.bin" GST_REGISTRY_FORK=no GST_DEBUG=""
fail() { echo "CHANGED: $*"; exit 1; }

# Ten grey frames of 64 x 64 pixels, 4:2:0.
size=6144
head -c $((10 * size)) /dev/zero | tr '\000' '\200' >frames
# decode NAME ENCODER ELEMENTS: what the decoder makes of the frames.
decode() {
    status=0
    # shellcheck disable=SC2086  # several elements
    timeout 60 "$tmp/root/usr/bin/gst-launch-1.0" -q filesrc location=frames blocksize=$size ! rawvideoparse width=64 \
        height=64 format=i420 framerate=10/1 ! $2 ! $3 openh264dec ! filesink location=out \
        >messages 2>&1 || status=$?
    [ "$status" -ne 0 ] || ! grep -qi -e error -e warn messages || fail "$1: $(cat messages)"
    echo "$1: $(($(wc -c <out) / size)) frames, status $status"
}
x264="x264enc ! video/x-h264,profile=constrained-baseline"
{
    decode "x264enc, decoder" "$x264" ""
    decode "x264enc, RTP, decoder" "$x264" "rtph264pay ! rtph264depay !"
    decode "x264enc, RTP, h264parse, decoder" "$x264" "rtph264pay ! rtph264depay ! h264parse !"
} >seen
cat seen
cat >expected <<EOF
x264enc, decoder: 10 frames, status 0
x264enc, RTP, decoder: 0 frames, status 0
x264enc, RTP, h264parse, decoder: 10 frames, status 0
EOF
cmp -s seen expected || fail "frames or statuses are others"
echo "as recorded"
