#!/bin/sh
# GStreamer draws logos and text in the colours of HD video, also over SD video and over pictures from jpegdec.
#
# Versions: GStreamer 1.22.0: libgstvideo and videoconvert of gstreamer1.0-plugins-base 1.22.0-3+deb12u7,
# gdkpixbufoverlay, jpegenc and jpegdec of gstreamer1.0-plugins-good 1.22.0-5+deb12u4, gdk-pixbuf 2.42.10 (Debian 12),
# x86-64. The source of August 2026 has the same numbers.
#
# Behaviour: gst_video_blend (video-blend.c), which gdkpixbufoverlay, textoverlay, dvbsuboverlay and others draw with,
# turns RGB into YUV with one fixed matrix: BT.709 in video range. It never looks at the colorimetry of the frame. But
# GStreamer's own default up to 576 rows is BT.601, and jpegdec gives the full range. So a red logo is a darker red
# over small frames and right over large ones, and over the frames of jpegdec, white is grey 235 and black is grey 16.
# On RGB frames, the colours are exact. There is no warning.
#
# Why it matters: a logo, a caption or a mask of pure colours is not what it was, and which colours it has depends on
# the size of the video and on the decoder. video/x-raw,colorimetry=bt709 or format=RGB before the overlay is right.
#
# Output seen (a red, a white and a black logo; "direct" is the same red as the whole picture):
#   RGB, 64 rows: 255 0 0, 255 255 255, 0 0 0
#   I420, 64 rows: 230 0 1, 253 253 252, 0 0 0; direct 252 0 0
#   I420, 720 rows: 251 0 0, 253 253 252, 0 0 0; direct 251 0 0
#   I420, 64 rows, colorimetry=bt709: 251 0 0, 253 253 252, 0 0 0; direct 251 0 0
#   I420 from jpegdec, 64 rows: 218 0 17, 235 235 234, 16 16 16; direct 253 0 0
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
cd "$tmp"
apt-get -q download libgstreamer1.0-0=1.22.0-2+deb12u1 gstreamer1.0-tools=1.22.0-2+deb12u1 \
    libgstreamer-plugins-base1.0-0=1.22.0-3+deb12u7 gstreamer1.0-plugins-base=1.22.0-3+deb12u7 \
    gstreamer1.0-plugins-good=1.22.0-5+deb12u4 libgdk-pixbuf-2.0-0=2.42.10+dfsg-1+deb12u4 \
    libpng16-16=1.6.39-2+deb12u6 libjpeg62-turbo=1:2.1.5-2 \
    libglib2.0-0=2.74.6-2+deb12u9 liborc-0.4-0=1:0.4.33-2 libdw1=0.188-2.1 libelf1=0.188-2.1 \
    libunwind8=1.6.2-3 libffi8=3.4.4-1 >apt.log 2>&1 ||
    { echo "skipped: apt-get cannot download these versions (run apt-get update first?)"; tail -n 3 apt.log; exit 77; }
for deb in *.deb; do dpkg -x "$deb" root; done
lib=$tmp/root/usr/lib/x86_64-linux-gnu
mkdir -p plugins share/mime
for name in coreelements rawparse videoconvertscale gdkpixbuf jpeg png; do
    cp "$lib/gstreamer-1.0/libgst$name.so" plugins/
done
# gdk-pixbuf asks the system's MIME database what a file is; this one knows PNG.
printf 'MIME-Magic\0\n[50:image/png]\n>0=\0\010\211PNG\r\n\032\n\n' >share/mime/magic
export LD_LIBRARY_PATH="$lib" GST_PLUGIN_SYSTEM_PATH_1_0="$tmp/plugins" GST_PLUGIN_PATH_1_0="" \
    GST_REGISTRY_1_0="$tmp/registry.bin" GST_REGISTRY_FORK=no GST_DEBUG="" \
    XDG_DATA_HOME="$tmp/share" XDG_DATA_DIRS="$tmp/share"
gst() { "$tmp/root/usr/bin/gst-launch-1.0" -q "$@" >>gst.log 2>&1 || { cat gst.log >&2; exit 1; }; }
fail() { echo "CHANGED: $*"; exit 1; }

# flat ROWS COLOUR: a picture of 64 columns and one colour, as the start of a pipeline.
flat() {
    name=$1-$(printf %s "$2" | tr -d '\134')
    # shellcheck disable=SC2059  # the format string is the data
    for _ in $(seq $((64 * $1))); do printf "$2"; done >"$name"
    echo "filesrc location=$name blocksize=$((64 * $1 * 3)) ! rawvideoparse width=64 height=$1 format=rgb framerate=1/1"
}
red='\377\000\000'
grey='\200\200\200'
# shellcheck disable=SC2046  # several words
{
    gst $(flat 16 "$red") ! pngenc ! filesink location=red.png
    gst $(flat 16 '\377\377\377') ! pngenc ! filesink location=white.png
    gst $(flat 16 '\000\000\000') ! pngenc ! filesink location=black.png
}
# show ROWS ELEMENTS: the pixel in column 8 and row 8 behind these elements, in RGB.
show() {
    # shellcheck disable=SC2086  # several words
    gst $2 ! videoconvert ! video/x-raw,format=RGB ! filesink location=out
    od -An -tu1 -N3 -j $(((8 * 64 + 8) * 3)) out | xargs
}
logo() { show "$1" "$2 ! gdkpixbufoverlay location=$3.png"; }
logos() { echo "$(logo "$1" "$2" red), $(logo "$1" "$2" white), $(logo "$1" "$2" black)"; }
{
    echo "RGB, 64 rows: $(logos 64 "$(flat 64 "$grey")")"
    i420="videoconvert ! video/x-raw,format=I420"
    for rows in 64 720; do
        echo "I420, $rows rows: $(logos $rows "$(flat $rows "$grey") ! $i420");" \
            "direct $(show $rows "$(flat $rows "$red") ! $i420")"
    done
    i420="$i420,colorimetry=bt709"
    echo "I420, 64 rows, colorimetry=bt709: $(logos 64 "$(flat 64 "$grey") ! $i420");" \
        "direct $(show 64 "$(flat 64 "$red") ! $i420")"
    jpeg="videoconvert ! video/x-raw,format=I420,colorimetry=1:4:0:0 ! jpegenc ! jpegdec"
    echo "I420 from jpegdec, 64 rows: $(logos 64 "$(flat 64 "$grey") ! $jpeg");" \
        "direct $(show 64 "$(flat 64 "$red") ! $jpeg")"
} >seen
cat seen
cat >expected <<'TEXT'
RGB, 64 rows: 255 0 0, 255 255 255, 0 0 0
I420, 64 rows: 230 0 1, 253 253 252, 0 0 0; direct 252 0 0
I420, 720 rows: 251 0 0, 253 253 252, 0 0 0; direct 251 0 0
I420, 64 rows, colorimetry=bt709: 251 0 0, 253 253 252, 0 0 0; direct 251 0 0
I420 from jpegdec, 64 rows: 218 0 17, 235 235 234, 16 16 16; direct 253 0 0
TEXT
cmp -s seen expected || fail "overlays are drawn in other colours"
echo "as recorded"
