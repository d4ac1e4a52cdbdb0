#!/bin/sh
# libvips makes 16 bits of 8 in steps of 511 and 1: half of the levels are lost once the 16 bits are used.
#
# Versions: libvips 8.18.7 of pyvips-binary 8.18.7, OpenImageIO 3.2.2.0, x86-64. The source of libvips 8.14.1, which
# Debian 12 has, does the same.
#
# Behaviour: 8-bit level L is 257 L in 16 bits, and colourspace with grey16 agrees. colourspace with rgb16, cast with
# shift and pngsave with bitdepth=16 make 0, 511, 512, 1023, 1024 and so on: SHIFT_LEFT in cast.c fills the eight
# new bits with the lowest bit of L, not with its own eight bits, so that 0 and 255 are right, but 1 is as bright as 2.
# The way back is a plain shift to the right, so a round trip is exact. Whatever calculates in between, or rounds
# instead, finds pairs of levels: about 128 levels of 256 are left after Lab, after a thumbnail in linear light, and in
# OpenImageIO's 8 bits of the PNG.
#
# Why it matters: rgb16 is what one converts to against banding, before gamma or enlargement, and here it makes banding:
# a smooth 8-bit sky has 7 bits, and brightened shadows have half the steps that they have without rgb16. Tests with
# a round trip, black and white do not see it.
#
# Output seen (levels 0 to 8 of a ramp, and the number of different ones among 256):
#   colourspace grey16: 0 257 514 771 1028 1285 1542 1799 2056, 256
#   colourspace rgb16: 0 511 512 1023 1024 1535 1536 2047 2048, 256
#   cast to ushort with shift: 0 511 512 1023 1024 1535 1536 2047 2048, 256
#   rgb16 to srgb: 0 1 2 3 4 5 6 7 8, 256
#   rgb16, gamma, to srgb: 0 28 28 38 38 46 46 52 52, 128
#   srgb, gamma: 0 20 28 33 38 42 46 49 52, 184
#   rgb16, lab, to srgb: 0 2 2 4 4 6 6 8 8, 129
#   srgb, lab, to srgb: 0 1 2 3 4 5 6 7 8, 256
#   rgb16, linear thumbnail: 0 2 2 4 4 6 6 8 8, 129
#   srgb, linear thumbnail: 0 1 2 3 4 5 6 7 8, 256
#   PNG with bitdepth=16, OpenImageIO, 16 bits: 0 511 512 1023 1024 1535 1536 2047 2048, 256
#   PNG with bitdepth=16, OpenImageIO, 8 bits: 0 2 2 4 4 6 6 8 8, 130
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
cd "$tmp"
fail() { echo "CHANGED: $*"; exit 1; }
python3 -m pip -q install --no-deps --only-binary :all: --target site pyvips-binary==8.18.7 openimageio==3.2.2.0 \
    numpy==2.2.6 >pip.log 2>&1 ||
    { echo "skipped: pip cannot install pyvips-binary, openimageio and numpy"; tail -n 3 pip.log; exit 77; }
cat >levels.py <<'EOF'
import ctypes, glob, sys
import OpenImageIO

vips = ctypes.CDLL(glob.glob("site/pyvips_binary.libs/libvips-*.so.42")[0])
vips.vips_image_new_from_memory_copy.restype = vips.vips_image_write_to_memory.restype = ctypes.c_void_p
lab, srgb, rgb16, grey16 = 13, 22, 25, 26  # VipsInterpretation
uchar, ushort = 0, 2  # VipsBandFormat
if vips.vips_init(b"levels"): sys.exit("vips_init failed")

# The picture that an operation makes of another one.
def make(operation, picture, *arguments):
    result = ctypes.c_void_p()
    if getattr(vips, "vips_" + operation)(picture, ctypes.byref(result), *arguments, None):
        sys.exit(f"vips_{operation} failed")
    return result

def show(text, levels):
    print(f"{text}:", *levels[:9], end=f", {len(set(levels))}\n")

# Shows the first channel.
def look(text, picture):
    number = {uchar: ctypes.c_uint8, ushort: ctypes.c_uint16}[vips.vips_image_get_format(picture)]
    size = ctypes.c_size_t()
    pixels = vips.vips_image_write_to_memory(picture, ctypes.byref(size))
    levels = list((number * (size.value // ctypes.sizeof(number))).from_address(pixels))
    show(text, levels[::vips.vips_image_get_bands(picture)])

def ramp(channels):
    pixels = bytes(level for level in range(256) for channel in range(channels))
    return ctypes.c_void_p(vips.vips_image_new_from_memory_copy(
        pixels, ctypes.c_size_t(len(pixels)), 256, 1, channels, uchar))

plain = make("copy", ramp(3), b"interpretation", srgb)
deep = make("colourspace", plain, rgb16)
brighter = b"exponent", ctypes.c_double(2.2)
if vips.vips_pngsave(plain, b"deep.png", b"bitdepth", 16, None): sys.exit("vips_pngsave failed")
look("colourspace grey16", make("colourspace", ramp(1), grey16))
look("colourspace rgb16", deep)
look("cast to ushort with shift", make("cast", plain, ushort, b"shift", 1))
look("rgb16 to srgb", make("colourspace", deep, srgb))
look("rgb16, gamma, to srgb", make("colourspace", make("gamma", deep, *brighter), srgb))
look("srgb, gamma", make("gamma", plain, *brighter))
look("rgb16, lab, to srgb", make("colourspace", make("colourspace", deep, lab), srgb))
look("srgb, lab, to srgb", make("colourspace", make("colourspace", plain, lab), srgb))
look("rgb16, linear thumbnail", make("thumbnail_image", deep, 256, b"linear", 1))
look("srgb, linear thumbnail", make("thumbnail_image", plain, 256, b"linear", 1))
for bits in 16, 8:
    file = OpenImageIO.ImageInput.open("deep.png")
    show(f"PNG with bitdepth=16, OpenImageIO, {bits} bits", file.read_image(f"uint{bits}")[0, :, 0].tolist())
EOF
PYTHONPATH=site python3 levels.py >seen 2>error.log || fail "$(tail -n 1 error.log)"
cat seen
cat >expected <<'EOF'
colourspace grey16: 0 257 514 771 1028 1285 1542 1799 2056, 256
colourspace rgb16: 0 511 512 1023 1024 1535 1536 2047 2048, 256
cast to ushort with shift: 0 511 512 1023 1024 1535 1536 2047 2048, 256
rgb16 to srgb: 0 1 2 3 4 5 6 7 8, 256
rgb16, gamma, to srgb: 0 28 28 38 38 46 46 52 52, 128
srgb, gamma: 0 20 28 33 38 42 46 49 52, 184
rgb16, lab, to srgb: 0 2 2 4 4 6 6 8 8, 129
srgb, lab, to srgb: 0 1 2 3 4 5 6 7 8, 256
rgb16, linear thumbnail: 0 2 2 4 4 6 6 8 8, 129
srgb, linear thumbnail: 0 1 2 3 4 5 6 7 8, 256
PNG with bitdepth=16, OpenImageIO, 16 bits: 0 511 512 1023 1024 1535 1536 2047 2048, 256
PNG with bitdepth=16, OpenImageIO, 8 bits: 0 2 2 4 4 6 6 8 8, 130
EOF
cmp -s seen expected || fail "16 bits are made in another way"
echo "as recorded"
