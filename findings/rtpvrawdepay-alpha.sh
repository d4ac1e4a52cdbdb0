#!/bin/sh
# GStreamer's raw video over RTP turns opaque 4:4:4 pictures fully transparent.
#
# Versions: GStreamer 1.22.0: rtpvrawpay and rtpvrawdepay of gstreamer1.0-plugins-good 1.22.0-5+deb12u4,
# compositor and videoconvert of gstreamer1.0-plugins-base 1.22.0-3+deb12u7 (Debian 12), x86-64.
#
# Behaviour: RFC 4175 sends 4:4:4 pictures without alpha. GStreamer's format for them, AYUV, has alpha, and
# rtpvrawdepay sets it to 0 in every pixel. The colours are right, so RGB output shows the picture.
# Everything that honours alpha shows nothing: RGBA is transparent, and compositor returns its background
# alone, with status 0 and no message. Streams in UYVY, I420 and RGB stay opaque.
#
# Why it matters: the preview of such a stream is fine; the mixer and the snapshot (pngenc picks RGBA) behind it
# get an invisible picture. Convert to a format without alpha directly behind the depayloader.
#
# Output seen (one white pixel; compositor has a black background):
#   AYUV: sent 255 235 128 128, received 0 235 128 128
#   AYUV received: as RGB 253 253 253, as RGBA 253 253 253 0
#   luma from compositor: AYUV sent 235, received 16, received and then as I420 235
#   luma from compositor, received as UYVY, I420, RGB: 235 235 235
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
cd "$tmp"
apt-get -q download libgstreamer1.0-0=1.22.0-2+deb12u1 gstreamer1.0-tools=1.22.0-2+deb12u1 \
    libgstreamer-plugins-base1.0-0=1.22.0-3+deb12u7 gstreamer1.0-plugins-base=1.22.0-3+deb12u7 \
    gstreamer1.0-plugins-good=1.22.0-5+deb12u4 \
    libglib2.0-0=2.74.6-2+deb12u9 liborc-0.4-0=1:0.4.33-2 libdw1=0.188-2.1 libelf1=0.188-2.1 \
    libunwind8=1.6.2-3 libffi8=3.4.4-1 >apt.log 2>&1 ||
    { echo "skipped: apt-get cannot download these versions (run apt-get update first?)"; tail -n 3 apt.log; exit 77; }
for deb in *.deb; do dpkg -x "$deb" root; done
lib=$tmp/root/usr/lib/x86_64-linux-gnu
mkdir plugins
for name in coreelements videotestsrc rtp compositor videoconvertscale; do
    cp "$lib/gstreamer-1.0/libgst$name.so" plugins/
done
export LD_LIBRARY_PATH="$lib" GST_PLUGIN_SYSTEM_PATH_1_0="$tmp/plugins" GST_PLUGIN_PATH_1_0="" \
    GST_REGISTRY_1_0="$tmp/registry.bin" GST_REGISTRY_FORK=no GST_DEBUG=""
gst() { "$tmp/root/usr/bin/gst-launch-1.0" -q "$@" >>gst.log 2>&1; }
fail() { echo "CHANGED: $*"; exit 1; }

# pixel BYTES FORMAT ELEMENTS: the first pixel of a white picture in FORMAT behind these elements.
pixel() {
    # shellcheck disable=SC2086  # several elements
    gst videotestsrc num-buffers=1 pattern=white ! "video/x-raw,format=$2,width=8,height=8" ! $3 \
        filesink location=out || { cat gst.log >&2; exit 1; }
    [ ! -s gst.log ] || { cat gst.log >&2; exit 1; }
    od -An -tu1 -N "$1" out | xargs
}
raw=video/x-raw,format
rtp="rtpvrawpay ! rtpvrawdepay !"
mix="compositor background=black ! videoconvert ! $raw=I420 !"
{
    echo "AYUV: sent $(pixel 4 AYUV ""), received $(pixel 4 AYUV "$rtp $raw=AYUV !")"
    echo "AYUV received: as RGB $(pixel 3 AYUV "$rtp videoconvert ! $raw=RGB !")," \
        "as RGBA $(pixel 4 AYUV "$rtp videoconvert ! $raw=RGBA !")"
    echo "luma from compositor: AYUV sent $(pixel 1 AYUV "$mix"), received $(pixel 1 AYUV "$rtp $mix")," \
        "received and then as I420 $(pixel 1 AYUV "$rtp videoconvert ! $raw=I420 ! $mix")"
    echo "luma from compositor, received as UYVY, I420, RGB:" \
        "$(pixel 1 UYVY "$rtp $mix") $(pixel 1 I420 "$rtp $mix") $(pixel 1 RGB "$rtp $mix")"
} >seen
cat seen
cat >expected <<EOF
AYUV: sent 255 235 128 128, received 0 235 128 128
AYUV received: as RGB 253 253 253, as RGBA 253 253 253 0
luma from compositor: AYUV sent 235, received 16, received and then as I420 235
luma from compositor, received as UYVY, I420, RGB: 235 235 235
EOF
cmp -s seen expected || fail "4:4:4 pictures arrive with another alpha, or are mixed in another way"
echo "as recorded"
