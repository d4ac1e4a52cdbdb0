#!/bin/sh
# GStreamer's pngdec shows a cut-out picture without its transparency after zopflipng made it smaller, losslessly.
#
# Versions: GStreamer 1.22.0: pngdec of gstreamer1.0-plugins-good 1.22.0-5+deb12u4 with libpng 1.6.39, zopflipng of
# zopfli 1.0.3-1 (Debian 12), Pillow 11.3.0, x86-64. pngdec of GStreamer 1.26.2 (Debian 13) does the same.
#
# Behaviour: where all pixels are either opaque or of one invisible colour, PNG needs no alpha: a tRNS chunk names
# the transparent colour or grey, and encoders that look for the smallest form, as zopflipng does, use it. pngdec
# honours tRNS in pictures with a palette and ignores it in the other ones, which become opaque RGB or GRAY8: it
# asks libpng to expand palettes (png_set_palette_to_rgb), but never for png_set_tRNS_to_alpha. There is no warning.
#
# Why it matters: a logo or a mask works until somebody optimizes the file, and one with so few colours that it gets
# a palette goes on working. In compositor, it then hides what is behind it.
#
# Output seen (alpha of the first pixel, which is transparent, and of the middle one):
#   colours: file RGBA, Pillow 0 255, pngdec RGBA 0 255
#   colours, zopflipng: file RGB with tRNS, Pillow 0 255, pngdec RGB 255 255
#   greys, zopflipng: file grey with tRNS, Pillow 0 255, pngdec GRAY8 255 255
#   few colours, zopflipng: file palette with tRNS, Pillow 0 255, pngdec RGBA 0 255
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
cd "$tmp"
command -v python3 >/dev/null || { echo "skipped: python3 is not installed"; exit 77; }
apt-get -q download libgstreamer1.0-0=1.22.0-2+deb12u1 gstreamer1.0-tools=1.22.0-2+deb12u1 \
    libgstreamer-plugins-base1.0-0=1.22.0-3+deb12u7 gstreamer1.0-plugins-base=1.22.0-3+deb12u7 \
    gstreamer1.0-plugins-good=1.22.0-5+deb12u4 libpng16-16=1.6.39-2+deb12u6 zopfli=1.0.3-1 \
    libglib2.0-0=2.74.6-2+deb12u9 liborc-0.4-0=1:0.4.33-2 libdw1=0.188-2.1 libelf1=0.188-2.1 \
    libunwind8=1.6.2-3 libffi8=3.4.4-1 >apt.log 2>&1 ||
    { echo "skipped: apt-get cannot download these versions (run apt-get update first?)"; tail -n 3 apt.log; exit 77; }
python3 -m pip -q install --no-deps --only-binary :all: --target site pillow==11.3.0 >pip.log 2>&1 ||
    { echo "skipped: pip cannot install pillow 11.3.0"; tail -n 3 pip.log; exit 77; }
for deb in *.deb; do dpkg -x "$deb" root; done
lib=$tmp/root/usr/lib/x86_64-linux-gnu
mkdir plugins
for name in coreelements png videoconvertscale; do cp "$lib/gstreamer-1.0/libgst$name.so" plugins/; done
export LD_LIBRARY_PATH="$lib" GST_PLUGIN_SYSTEM_PATH_1_0="$tmp/plugins" GST_PLUGIN_PATH_1_0="" \
    GST_REGISTRY_1_0="$tmp/registry.bin" GST_REGISTRY_FORK=no GST_DEBUG=""
fail() { echo "CHANGED: $*"; exit 1; }

# Squares of 32 x 32 opaque pixels in the middle of 64 x 64, the rest of which is transparent black.
cat >draw.py <<'EOF'
from PIL import Image

for name, colour in {
    "colours": lambda x, y: (x * 4, y * 4, 128),
    "greys": lambda x, y: (x * 4, x * 4, x * 4),
    "few colours": lambda x, y: ((x * 7 + y * 13) % 8 * 30, (x * 5 + y * 11) % 8 * 30, 128),
}.items():
    picture = Image.new("RGBA", (64, 64))
    for y in range(16, 48):
        for x in range(16, 48):
            picture.putpixel((x, y), (*colour(x, y), 255))
    picture.save(name + ".png")
EOF
# What a file is by its header, and what Pillow makes of it.
cat >look.py <<'EOF'
import sys
from PIL import Image

file = open(sys.argv[1], "rb").read()
form = {0: "grey", 2: "RGB", 3: "palette", 6: "RGBA"}[file[25]]
picture = Image.open(sys.argv[1]).convert("RGBA")
print(f"file {form}{' with tRNS' * (b'tRNS' in file)}, Pillow", *(picture.getpixel((at, at))[3] for at in (0, 32)))
EOF
python() { LD_LIBRARY_PATH="" PYTHONPATH=site python3 "$@"; }
# show TEXT FILE
show() {
    "$tmp/root/usr/bin/gst-launch-1.0" -v filesrc location="$2" ! pngdec ! videoconvert ! \
        video/x-raw,format=RGBA ! filesink location=out >gst.log 2>&1 || { cat gst.log >&2; exit 1; }
    if grep -q WARNING gst.log; then cat gst.log >&2; exit 1; fi
    format=$(sed -n 's/.*pngdec0.GstPad:src: caps.*format=(string)\([A-Z0-9]*\).*/\1/p' gst.log)
    echo "$1: $(python look.py "$2"), pngdec $format" \
        "$(for at in 0 32; do od -An -tu1 -N1 -j $(((at * 64 + at) * 4 + 3)) out; done | xargs)"
}
python draw.py
for name in colours greys "few colours"; do
    "$tmp/root/usr/bin/zopflipng" "$name.png" "$name-small.png" >zopfli.log || { cat zopfli.log; fail "zopflipng"; }
done
{
    show colours colours.png
    for name in colours greys "few colours"; do show "$name, zopflipng" "$name-small.png"; done
} >seen
cat seen
cat >expected <<'TEXT'
colours: file RGBA, Pillow 0 255, pngdec RGBA 0 255
colours, zopflipng: file RGB with tRNS, Pillow 0 255, pngdec RGB 255 255
greys, zopflipng: file grey with tRNS, Pillow 0 255, pngdec GRAY8 255 255
few colours, zopflipng: file palette with tRNS, Pillow 0 255, pngdec RGBA 0 255
TEXT
cmp -s seen expected || fail "transparency is treated in another way"
echo "as recorded"
