#!/bin/sh
# GStreamer's jpegdec puts colours in the wrong rows of 4:4:4 JPEGs as FFmpeg makes them, and drops those of others.
#
# Versions: GStreamer 1.22.0: jpegdec and gdkpixbufdec of gstreamer1.0-plugins-good 1.22.0-5+deb12u4 (Debian 12),
# FFmpeg 7.0.2 of imageio-ffmpeg 0.6.0, Pillow 11.3.0, x86-64. The source of August 2026 has the same code.
#
# Behaviour: jpegdec gives I420, GRAY8 or RGB, and YCbCr always as I420. Where JPEG has more colour than that, it does
# not average: gst_jpeg_dec_decode_indirect (gstjpegdec.c) takes every second column (hresamplecpy1) and overwrites
# each chroma row of an even line with the next. Where luma has the vertical sampling factor 2, it takes the factor 1
# of chroma for granted, and spreads the first 8 of 16 rows over all 16. FFmpeg writes 4:4:4 with the factors 1 x 2 for
# all components, and "ffmpeg -i picture.png picture.jpg" writes 4:4:4. No message says that something is wrong.
#
# Why it matters: red bands of 8 rows become blue, and a picture of alternate red and blue rows becomes all red, both
# of which Pillow and gdkpixbufdec read right. Soft pictures just get coloured seams, which nobody traces to the
# decoder. ImageMagick writes 4:4:4 from quality 90 on, Pillow with subsampling=0. jpegdec is right for 4:2:0.
#
# Output seen (a pixel in a red row, and one in a blue row):
#   bands, FFmpeg (4:4:4): Pillow 254 0 0, 0 0 254; gdkpixbufdec 254 0 0, 0 0 254; jpegdec 47 46 255, 0 0 255
#   bands, Pillow 4:4:4: Pillow 254 0 0, 0 0 254; gdkpixbufdec 254 0 0, 0 0 254; jpegdec 254 0 1, 0 0 255
#   rows, Pillow 4:4:4: Pillow 254 0 0, 0 0 254; gdkpixbufdec 254 0 0, 0 0 254; jpegdec 253 0 0, 206 0 0
#   rows, Pillow 4:2:2: Pillow 254 0 0, 0 0 254; gdkpixbufdec 254 0 0, 0 0 254; jpegdec 253 0 0, 206 0 0
#   rows, Pillow 4:2:0: Pillow 150 24 150, 103 0 103; gdkpixbufdec 150 24 150, 103 0 103; jpegdec 149 21 149, 102 0 102
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
cd "$tmp"
command -v python3 >/dev/null || { echo "skipped: python3 is not installed"; exit 77; }
apt-get -q download libgstreamer1.0-0=1.22.0-2+deb12u1 gstreamer1.0-tools=1.22.0-2+deb12u1 \
    libgstreamer-plugins-base1.0-0=1.22.0-3+deb12u7 gstreamer1.0-plugins-base=1.22.0-3+deb12u7 \
    gstreamer1.0-plugins-good=1.22.0-5+deb12u4 libgdk-pixbuf-2.0-0=2.42.10+dfsg-1+deb12u4 \
    libpng16-16=1.6.39-2+deb12u6 libjpeg62-turbo=1:2.1.5-2 \
    libglib2.0-0=2.74.6-2+deb12u9 liborc-0.4-0=1:0.4.33-2 libdw1=0.188-2.1 libelf1=0.188-2.1 \
    libunwind8=1.6.2-3 libffi8=3.4.4-1 >apt.log 2>&1 ||
    { echo "skipped: apt-get cannot download these versions (run apt-get update first?)"; tail -n 3 apt.log; exit 77; }
python3 -m pip -q install --no-deps --only-binary :all: --target site imageio-ffmpeg==0.6.0 pillow==11.3.0 >pip.log \
    2>&1 || { echo "skipped: pip cannot install imageio-ffmpeg and pillow"; tail -n 3 pip.log; exit 77; }
for deb in *.deb; do dpkg -x "$deb" root; done
lib=$tmp/root/usr/lib/x86_64-linux-gnu
mkdir -p plugins share/mime
for name in coreelements videoconvertscale gdkpixbuf jpeg; do cp "$lib/gstreamer-1.0/libgst$name.so" plugins/; done
# gdk-pixbuf asks the system's MIME database what a file is; this one knows JPEG.
printf 'MIME-Magic\0\n[50:image/jpeg]\n>0=\0\003\377\330\377\n' >share/mime/magic
export GST_PLUGIN_SYSTEM_PATH_1_0="$tmp/plugins" GST_PLUGIN_PATH_1_0="" GST_REGISTRY_1_0="$tmp/registry.bin" \
    GST_REGISTRY_FORK=no GST_DEBUG="" XDG_DATA_HOME="$tmp/share" XDG_DATA_DIRS="$tmp/share"
fail() { echo "CHANGED: $*"; exit 1; }
ffmpeg=$(PYTHONPATH=site python3 -c 'import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())')

# 64 x 64 pixels, blue and red by turns in bands of 8 rows, and in single rows.
cat >draw.py <<'EOF'
from PIL import Image

for name, rows in {"bands": 8, "rows": 1}.items():
    picture = Image.new("RGB", (64, 64))
    for y in range(64):
        picture.paste((255, 0, 0) if y // rows % 2 else (0, 0, 255), (0, y, 64, y + 1))
    picture.save(name + ".png")
    for subsampling in ("4:4:4", "4:2:2", "4:2:0"):
        picture.save(f"{name} {subsampling}.jpg", quality=95, subsampling=subsampling)
EOF
# The pixels of column 20 in these two rows.
cat >look.py <<'EOF'
import sys
from PIL import Image

picture = Image.open(sys.argv[1])
print(", ".join("{} {} {}".format(*picture.getpixel((20, int(row)))) for row in sys.argv[2:]))
EOF
# show TEXT FILE RED BLUE: what three decoders make of these two rows.
show() {
    cp "$2" picture.jpg
    for decoder in gdkpixbufdec jpegdec; do
        LD_LIBRARY_PATH="$lib" "$tmp/root/usr/bin/gst-launch-1.0" -q filesrc location=picture.jpg ! $decoder ! \
            videoconvert ! video/x-raw,format=RGB ! filesink location=$decoder >gst.log 2>&1 ||
            { cat gst.log >&2; exit 1; }
        [ ! -s gst.log ] || { cat gst.log >&2; exit 1; }
    done
    pixel() { od -An -tu1 -N3 -j $((($2 * 64 + 20) * 3)) "$1" | xargs; }
    echo "$1: Pillow $(PYTHONPATH=site python3 look.py picture.jpg "$3" "$4");" \
        "gdkpixbufdec $(pixel gdkpixbufdec "$3"), $(pixel gdkpixbufdec "$4");" \
        "jpegdec $(pixel jpegdec "$3"), $(pixel jpegdec "$4")"
}
PYTHONPATH=site python3 draw.py
"$ffmpeg" -nostdin -loglevel error -i bands.png ffmpeg.jpg
form=$("$ffmpeg" -nostdin -hide_banner -i ffmpeg.jpg 2>&1 | sed -n 's/.*yuvj\([0-9]\)\([0-9]\)\([0-9]\)p.*/\1:\2:\3/p')
{
    show "bands, FFmpeg ($form)" ffmpeg.jpg 44 36
    show "bands, Pillow 4:4:4" "bands 4:4:4.jpg" 44 36
    for form in 4:4:4 4:2:2 4:2:0; do show "rows, Pillow $form" "rows $form.jpg" 33 32; done
} >seen
cat seen
cat >expected <<'TEXT'
bands, FFmpeg (4:4:4): Pillow 254 0 0, 0 0 254; gdkpixbufdec 254 0 0, 0 0 254; jpegdec 47 46 255, 0 0 255
bands, Pillow 4:4:4: Pillow 254 0 0, 0 0 254; gdkpixbufdec 254 0 0, 0 0 254; jpegdec 254 0 1, 0 0 255
rows, Pillow 4:4:4: Pillow 254 0 0, 0 0 254; gdkpixbufdec 254 0 0, 0 0 254; jpegdec 253 0 0, 206 0 0
rows, Pillow 4:2:2: Pillow 254 0 0, 0 0 254; gdkpixbufdec 254 0 0, 0 0 254; jpegdec 253 0 0, 206 0 0
rows, Pillow 4:2:0: Pillow 150 24 150, 103 0 103; gdkpixbufdec 150 24 150, 103 0 103; jpegdec 149 21 149, 102 0 102
TEXT
cmp -s seen expected || fail "these JPEGs are decoded in another way"
echo "as recorded"
