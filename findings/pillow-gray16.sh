#!/bin/sh
# Pillow since 10.3 makes noise of 16-bit grey pictures when it rotates, shifts or pastes them; 10.2 was right.
#
# Versions: Pillow 10.2.0 and 13.0.0, x86-64. Pillow 11.3.0 does the same as 13.0.0.
#
# Behaviour: since 10.3, a PNG of 16-bit greys opens in mode I;16, its real one, and no longer in mode I. Some methods
# are exact in it (resize, crop, draw), some refuse it, and some take its bytes for pixels of 8 bits and say nothing:
# Geometry.c (getfilter) has filters of 16 bits for NEAREST alone, so rotate and transform with BILINEAR or BICUBIC mix
# high and low bytes of other columns; Paste.c fills with the low byte twice, and applies a mask of mode L to half of
# each row. numpy gives the same mode: Image.fromarray of uint16. After convert("I") all of it is right, as in 10.2.
#
# Why it matters: depth maps and fine masks are 16-bit PNGs. A program that turns or shifts them to get more training
# data goes on after the update, without an error, and trains on noise.
#
# Output seen (columns 0 to 7 of the middle row of a picture that is 1000 everywhere; 3000 is pasted):
#   10.2.0 opens it as I
#   10.2.0 resize:    1000 1000 1000 1000 1000 1000 1000 1000
#   10.2.0 rotate:    1000 1000 1000 1000 1000 1000 1000 1000
#   10.2.0 transform: 1000 1000 1000 1000 1000 1000 1000 1000
#   10.2.0 paste:     1000 1000 3000 3000 3000 3000 1000 1000
#   10.2.0 composite: 3000 3000 3000 3000 3000 3000 3000 3000
#   13.0.0 opens it as I;16
#   13.0.0 resize:    1000 1000 1000 1000 1000 1000 1000 1000
#   13.0.0 rotate:    232 14 217 21 210 28 203 35
#   13.0.0 transform: 232 3 232 3 232 3 232 3
#   13.0.0 paste:     1000 1000 47288 47288 47288 47288 1000 1000
#   13.0.0 composite: 3000 3000 3000 3000 1000 1000 1000 1000
#   13.0.0 after convert("I"): the same as 10.2.0
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
cd "$tmp"
command -v python3 >/dev/null || { echo "skipped: python3 is not installed"; exit 77; }
for version in 10.2.0 13.0.0; do
    python3 -m pip -q install --no-deps --only-binary :all: --target $version pillow==$version >pip.log 2>&1 ||
        { echo "skipped: pip cannot install pillow $version"; tail -n 3 pip.log; exit 77; }
done
fail() { echo "CHANGED: $*"; exit 1; }

cat >work.py <<'EOF'
import sys
from PIL import Image

Image.new("I;16", (8, 8), 1000).save("depth.png")
picture = Image.open("depth.png")
if sys.argv[1:]:
    picture = picture.convert(sys.argv[1])
else:
    print("opens it as", picture.mode)
bright = picture.point(lambda grey: grey * 3 + 0)
pasted = picture.copy()
pasted.paste(3000, (2, 2, 6, 6))
bilinear = Image.Resampling.BILINEAR
for name, result in {
    "resize": picture.resize((16, 16), bilinear),
    "rotate": picture.rotate(10, bilinear),
    "transform": picture.transform((8, 8), Image.Transform.AFFINE, (1, 0, 0, 0, 1, 0.5), bilinear),
    "paste": pasted,
    "composite": Image.composite(bright, picture, Image.new("L", (8, 8), 255)),
}.items():
    print(f"{name + ':':10}", *(result.getpixel((column, 4)) for column in range(8)))
EOF
work() {
    version=$1
    shift
    PYTHONPATH=$version python3 work.py "$@"
}
{
    for version in 10.2.0 13.0.0; do work $version | sed "s/^/$version /"; done
    work 13.0.0 I >converted
    if work 10.2.0 | sed 1d | cmp -s - converted; then echo '13.0.0 after convert("I"): the same as 10.2.0'; fi
} >seen
cat seen
cat >expected <<'TEXT'
10.2.0 opens it as I
10.2.0 resize:    1000 1000 1000 1000 1000 1000 1000 1000
10.2.0 rotate:    1000 1000 1000 1000 1000 1000 1000 1000
10.2.0 transform: 1000 1000 1000 1000 1000 1000 1000 1000
10.2.0 paste:     1000 1000 3000 3000 3000 3000 1000 1000
10.2.0 composite: 3000 3000 3000 3000 3000 3000 3000 3000
13.0.0 opens it as I;16
13.0.0 resize:    1000 1000 1000 1000 1000 1000 1000 1000
13.0.0 rotate:    232 14 217 21 210 28 203 35
13.0.0 transform: 232 3 232 3 232 3 232 3
13.0.0 paste:     1000 1000 47288 47288 47288 47288 1000 1000
13.0.0 composite: 3000 3000 3000 3000 1000 1000 1000 1000
13.0.0 after convert("I"): the same as 10.2.0
TEXT
cmp -s seen expected || fail "Pillow treats 16-bit greys in another way"
echo "as recorded"
