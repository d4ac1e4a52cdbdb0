#!/bin/sh
# OpenCV's imread darkens the colours of half-transparent pixels, in TIFFs of 8 bits. GStreamer's gdkpixbufdec does too.
#
# Versions: OpenCV 4.12.0 of opencv-python-headless 4.12.0.88, Pillow 11.3.0, tifffile 2025.5.10; gdkpixbufdec of
# gstreamer1.0-plugins-good 1.22.0-5+deb12u4 with gdk-pixbuf 2.42.10 and libtiff 4.5.0 (Debian 12), x86-64. OpenCV 5.0.0
# does the same.
#
# Behaviour: a TIFF says whether its colours are multiplied by alpha (associated) or not, as in PNG; Pillow writes the
# second kind. libtiff's functions for RGBA give the first kind only, and multiply if they have to: see
# putRGBUAcontig8bittile in tif_getimage.c. OpenCV calls them for everything that becomes 8 bits (grfmt_tiff.cpp), also
# with IMREAD_UNCHANGED, and gdk-pixbuf calls them always (io-tiff.c). Neither divides again or says what it gives,
# though OpenCV does not multiply PNGs, and the alpha of GdkPixbuf is never associated. 16 bits unchanged are exact.
#
# Why it matters: the same picture has one set of colours as PNG and another as TIFF, what is transparent turns black,
# and with the default flags, which drop alpha, nothing is left to divide by.
#
# Output seen (red, green, blue and alpha of one pixel; then red of a transparent one):
#   PNG: Pillow 200 100 50 128, 200; imread 200 100 50, unchanged 200 100 50 128, 200; gdkpixbufdec 200 100 50 128, 200
#   TIFF: Pillow 200 100 50 128, 200; imread 100 50 25, unchanged 100 50 25 128, 0; gdkpixbufdec 100 50 25 128, 0
#   TIFF, 16 bits: imread 100 50 25, unchanged 51400 25700 12850 32896, 51400
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
cd "$tmp"
command -v python3 >/dev/null || { echo "skipped: python3 is not installed"; exit 77; }
apt-get -q download libgstreamer1.0-0=1.22.0-2+deb12u1 gstreamer1.0-tools=1.22.0-2+deb12u1 \
    libgstreamer-plugins-base1.0-0=1.22.0-3+deb12u7 gstreamer1.0-plugins-base=1.22.0-3+deb12u7 \
    gstreamer1.0-plugins-good=1.22.0-5+deb12u4 libgdk-pixbuf-2.0-0=2.42.10+dfsg-1+deb12u4 \
    libtiff6=4.5.0-6+deb12u4 libdeflate0=1.14-1 libjbig0=2.1-6.1 liblerc4=4.0.0+ds-2 libwebp7=1.2.4-0.2+deb12u1 \
    libpng16-16=1.6.39-2+deb12u6 libjpeg62-turbo=1:2.1.5-2 \
    libglib2.0-0=2.74.6-2+deb12u9 liborc-0.4-0=1:0.4.33-2 libdw1=0.188-2.1 libelf1=0.188-2.1 \
    libunwind8=1.6.2-3 libffi8=3.4.4-1 >apt.log 2>&1 ||
    { echo "skipped: apt-get cannot download these versions (run apt-get update first?)"; tail -n 3 apt.log; exit 77; }
python3 -m pip -q install --no-deps --only-binary :all: --target site numpy==2.2.6 pillow==11.3.0 \
    opencv-python-headless==4.12.0.88 tifffile==2025.5.10 >pip.log 2>&1 ||
    { echo "skipped: pip cannot install numpy, pillow, opencv and tifffile"; tail -n 3 pip.log; exit 77; }
for deb in *.deb; do dpkg -x "$deb" root; done
lib=$tmp/root/usr/lib/x86_64-linux-gnu
mkdir -p plugins share/mime
for name in coreelements videoconvertscale gdkpixbuf; do cp "$lib/gstreamer-1.0/libgst$name.so" plugins/; done
# gdk-pixbuf asks the system's MIME database what a file is; this one knows PNG and TIFF. TIFF has a loader of its own.
printf 'MIME-Magic\0\n[50:image/png]\n>0=\0\004\211PNG\n[50:image/tiff]\n>0=\0\004II*\0\n' >share/mime/magic
LD_LIBRARY_PATH="$lib" "$lib/gdk-pixbuf-2.0/gdk-pixbuf-query-loaders" \
    "$lib/gdk-pixbuf-2.0/2.10.0/loaders/libpixbufloader-tiff.so" >loaders.cache
export GST_PLUGIN_SYSTEM_PATH_1_0="$tmp/plugins" GST_PLUGIN_PATH_1_0="" GST_REGISTRY_1_0="$tmp/registry.bin" \
    GST_REGISTRY_FORK=no GST_DEBUG="" XDG_DATA_HOME="$tmp/share" XDG_DATA_DIRS="$tmp/share" \
    GDK_PIXBUF_MODULE_FILE="$tmp/loaders.cache"
fail() { echo "CHANGED: $*"; exit 1; }
python() { PYTHONPATH=site python3 "$@"; }

# 8 x 8 pixels of one colour, half-transparent in the upper part and transparent in the lower part.
cat >draw.py <<'EOF'
import numpy
import tifffile
from PIL import Image

pixels = numpy.empty((8, 8, 4), numpy.uint8)
pixels[:4] = 200, 100, 50, 128
pixels[4:] = 200, 100, 50, 0
Image.fromarray(pixels).save("picture.png")
Image.fromarray(pixels).save("picture.tif")
tifffile.imwrite("deep.tif", pixels.astype(numpy.uint16) * 257, photometric="rgb", extrasamples=["unassalpha"])
EOF
cat >look.py <<'EOF'
import sys
import cv2
from PIL import Image

for name in sys.argv[1:]:
    if name != "deep.tif":
        picture = Image.open(name)
        print("Pillow", *picture.getpixel((0, 0)), end=f", {picture.getpixel((0, 7))[0]}; ")
    print("imread", *cv2.imread(name)[0, 0, ::-1], end=", ")
    pixels = cv2.cvtColor(cv2.imread(name, cv2.IMREAD_UNCHANGED), cv2.COLOR_BGRA2RGBA)
    print("unchanged", *pixels[0, 0], end=f", {pixels[7, 0, 0]}")
EOF
pixbuf() {
    LD_LIBRARY_PATH="$lib" "$tmp/root/usr/bin/gst-launch-1.0" -q filesrc location="$1" ! gdkpixbufdec ! videoconvert ! \
        video/x-raw,format=RGBA ! filesink location=out >gst.log 2>&1 || { cat gst.log >&2; exit 1; }
    echo "gdkpixbufdec $(od -An -tu1 -N4 out | xargs), $(od -An -tu1 -N1 -j $((7 * 8 * 4)) out | xargs)"
}
python draw.py
{
    echo "PNG: $(python look.py picture.png); $(pixbuf picture.png)"
    echo "TIFF: $(python look.py picture.tif); $(pixbuf picture.tif)"
    echo "TIFF, 16 bits: $(python look.py deep.tif)"
} >seen
cat seen
cat >expected <<'TEXT'
PNG: Pillow 200 100 50 128, 200; imread 200 100 50, unchanged 200 100 50 128, 200; gdkpixbufdec 200 100 50 128, 200
TIFF: Pillow 200 100 50 128, 200; imread 100 50 25, unchanged 100 50 25 128, 0; gdkpixbufdec 100 50 25 128, 0
TIFF, 16 bits: imread 100 50 25, unchanged 51400 25700 12850 32896, 51400
TEXT
cmp -s seen expected || fail "transparent TIFFs are read in another way"
echo "as recorded"
