#!/bin/sh
# GStreamer's WebP and VP8 have the wrong colours above 576 rows, because both know BT.601 alone.
#
# Versions: GStreamer 1.22.0: webpenc of gstreamer1.0-plugins-bad 1.22.0-4+deb12u8, vp8enc and webmmux of
# gstreamer1.0-plugins-good 1.22.0-5+deb12u4, libwebp 1.2.4, libvpx 1.12.0 (Debian 12); Pillow 11.3.0; PyAV 15.1.0
# with the FFmpeg it brings; x86-64. The WebP of GStreamer 1.26.2 (Debian 13) is the same.
#
# Behaviour: from RGB, videoconvert makes video of BT.601 up to 576 rows and of BT.709 above, if the caps do not
# say which. webpenc and vp8enc take either and encode the samples as they are. But the only colours that RFC 6386
# (section 9.2) defines for VP8, which lossy WebP contains, are those of BT.601. The same red is right in a picture
# of 576 rows and darker in one of 578. webmmux marks the film as BT.709 outside the stream, which FFmpeg's decoder
# overrules and GStreamer believes, so a look at the film with GStreamer shows nothing wrong.
#
# Why it matters: colours change with the resolution of a picture. colorimetry=bt601 in the caps behind
# videoconvert is right at all sizes; webpenc without videoconvert takes RGB, and is right too.
#
# Output seen (the middle pixel of a picture in RGB 255 0 0):
#   576 rows: WebP 253 0 0; VP8 in FFmpeg 252 0 0, in GStreamer 252 0 0
#   578 rows: WebP 231 0 1; VP8 in FFmpeg 230 0 0, in GStreamer 251 0 0
#   578 rows, colorimetry=bt601: WebP 253 0 0; VP8 in FFmpeg 252 0 0, in GStreamer 252 0 0
#   578 rows, RGB to webpenc: WebP 254 0 0
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
cd "$tmp"
command -v python3 >/dev/null || { echo "skipped: python3 is not installed"; exit 77; }
apt-get -q download libgstreamer1.0-0=1.22.0-2+deb12u1 gstreamer1.0-tools=1.22.0-2+deb12u1 \
    libgstreamer-plugins-base1.0-0=1.22.0-3+deb12u7 gstreamer1.0-plugins-base=1.22.0-3+deb12u7 \
    gstreamer1.0-plugins-good=1.22.0-5+deb12u4 gstreamer1.0-plugins-bad=1.22.0-4+deb12u8 \
    libwebp7=1.2.4-0.2+deb12u1 libvpx7=1.12.0-1+deb12u5 \
    libglib2.0-0=2.74.6-2+deb12u9 liborc-0.4-0=1:0.4.33-2 libdw1=0.188-2.1 libelf1=0.188-2.1 \
    libunwind8=1.6.2-3 libffi8=3.4.4-1 >apt.log 2>&1 ||
    { echo "skipped: apt-get cannot download these versions (run apt-get update first?)"; tail -n 3 apt.log; exit 77; }
python3 -m pip -q install --no-deps --only-binary :all: --target site av==15.1.0 numpy==2.2.6 pillow==11.3.0 >pip.log \
    2>&1 || { echo "skipped: pip cannot install av, numpy and pillow"; tail -n 3 pip.log; exit 77; }
for deb in *.deb; do dpkg -x "$deb" root; done
lib=$tmp/root/usr/lib/x86_64-linux-gnu
mkdir plugins
for name in coreelements rawparse videoconvertscale matroska vpx webp; do
    cp "$lib/gstreamer-1.0/libgst$name.so" plugins/
done
export LD_LIBRARY_PATH="$lib" GST_PLUGIN_SYSTEM_PATH_1_0="$tmp/plugins" GST_PLUGIN_PATH_1_0="" \
    GST_REGISTRY_1_0="$tmp/registry.bin" GST_REGISTRY_FORK=no GST_DEBUG=""
gst() { "$tmp/root/usr/bin/gst-launch-1.0" -q "$@" >>gst.log 2>&1 || { cat gst.log >&2; exit 1; }; }
fail() { echo "CHANGED: $*"; exit 1; }

cat >look.py <<'EOF'
import sys
import av
from PIL import Image

name = sys.argv[1]
if name.endswith(".webp"):
    picture = Image.open(name).convert("RGB")
    print(*picture.getpixel((32, picture.height // 2)))
else:
    with av.open(name) as film:
        frame = next(film.decode(video=0))
        colours = frame.reformat(format="rgb24", src_colorspace=frame.colorspace)  # those that the decoder names
        print(*colours.to_ndarray()[frame.height // 2, 32])
EOF
look() { LD_LIBRARY_PATH="" PYTHONPATH=site python3 look.py "$1"; }
# encode ROWS ELEMENTS: the picture of 64 columns through these elements, the last of which is an encoder or muxer.
encode() {
    for _ in $(seq $((64 * $1))); do printf '\377\000\000'; done >picture
    # shellcheck disable=SC2086  # several elements
    gst filesrc location=picture blocksize=$((64 * $1 * 3)) ! \
        rawvideoparse width=64 height="$1" format=rgb framerate=10/1 ! $2
}
# show ROWS TEXT CAPS: the colour that comes out.
show() {
    convert="videoconvert ! video/x-raw,format=I420$3"
    encode "$1" "$convert ! webpenc quality=100 ! filesink location=out.webp"
    encode "$1" "$convert ! vp8enc target-bitrate=2000000 threads=1 ! webmmux ! filesink location=out.webm"
    gst filesrc location=out.webm ! matroskademux ! vp8dec ! videoconvert ! video/x-raw,format=RGB ! \
        filesink location=back
    echo "$1 rows$2: WebP $(look out.webp); VP8 in FFmpeg $(look out.webm)," \
        "in GStreamer $(od -An -tu1 -N3 -j $((($1 / 2 * 64 + 32) * 3)) back | xargs)"
}
{
    show 576 "" ""
    show 578 "" ""
    show 578 ", colorimetry=bt601" ",colorimetry=bt601"
    encode 578 "webpenc quality=100 ! filesink location=out.webp"
    echo "578 rows, RGB to webpenc: WebP $(look out.webp)"
} >seen
cat seen
cat >expected <<'TEXT'
576 rows: WebP 253 0 0; VP8 in FFmpeg 252 0 0, in GStreamer 252 0 0
578 rows: WebP 231 0 1; VP8 in FFmpeg 230 0 0, in GStreamer 251 0 0
578 rows, colorimetry=bt601: WebP 253 0 0; VP8 in FFmpeg 252 0 0, in GStreamer 252 0 0
578 rows, RGB to webpenc: WebP 254 0 0
TEXT
cmp -s seen expected || fail "these encoders store other colours"
echo "as recorded"
