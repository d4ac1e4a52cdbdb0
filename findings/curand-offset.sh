#!/bin/sh
# cuRAND's offset counts draws, not numbers: normal numbers continued by an offset skip, repeat or recycle others.
#
# Versions: nvidia-curand-cu12 10.3.10.19, x86-64; 10.4.4.72 of CUDA 13 gives the same. No GPU and no driver needed: the
# generators are those for the host (curandCreateGeneratorHost).
#
# Behaviour: says NVIDIA's guide, after curandSetGeneratorOffset(N) the numbers go on with number N of the sequence, so
# that programs can share one without overlap. So do 32-bit integers and uniform floats, and with Philox all types.
# - MRG32k3a: normal numbers begin at number 2 N.
# - XORWOW, the default generator: normal numbers begin at 2 N, at N, between them or, for half of all N, nowhere: they
#   do not occur in the sequence. Doubles can begin at N / 2, among numbers that were already given.
# The offset counts the generator's 32-bit draws. A normal number takes two (curand_box_muller in curand_normal.h),
# and XORWOW deals its draws to 4096 threads in turn: the pair of normal numbers 2 K and 2 K + 1 is made of draws K and
# K + 4096, and an offset pairs others. The second draw of one pair (its angle) is then the first of another (its
# radius), as this script shows by calculating the numbers anew. Without an offset, calls continue properly.
#
# Why it matters: noise for picture P at offset P times its size is not what one generator gives in P calls. Here 128 x
# 128 doubles of the second picture begin with half of the first picture, and a third of a 64 x 64 RGB picture in
# floats is made of the same draws as the picture before. Sizes that fit (65536 floats) hide it.
#
# Output seen (where the numbers after an offset of 2, 100, 4096, 8192, 16384 are in the sequence without one):
#   XORWOW curandGenerate: 2 100 4096 8192 16384
#   XORWOW curandGenerateUniform: 2 100 4096 8192 16384
#   XORWOW curandGenerateNormal: 4 200 none 8192 16384
#   XORWOW curandGenerateLogNormal: 4 200 none 8192 16384
#   XORWOW curandGenerateUniformDouble: 2 100 none 4096 8192
#   XORWOW curandGenerateNormalDouble: 4 200 none none 8192
#   MRG32k3a curandGenerateNormal: 4 200 8192 16384 32768
#   MRG32k3a curandGenerateUniformDouble: 2 100 4096 8192 16384
#   Philox curandGenerateNormal: 2 100 4096 8192 16384
#   Philox curandGenerateNormalDouble: 2 100 4096 8192 16384
#   XORWOW, pictures of 16384 doubles: number 2 continued by offset has 8192 numbers of number 1, by a call 0
#   XORWOW, pictures of 12288 floats: number 2 continued by offset has 4096 made of draws of number 1, by a call 0
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
cd "$tmp"
fail() { echo "CHANGED: $*"; exit 1; }
python3 -m pip -q install --no-deps --only-binary :all: --target site nvidia-curand-cu12==10.3.10.19 >pip.log 2>&1 ||
    { echo "skipped: pip cannot install nvidia-curand-cu12 10.3.10.19"; tail -n 3 pip.log; exit 77; }
cat >offset.py <<'EOF'
import ctypes, glob, math, sys

curand = ctypes.CDLL(glob.glob("site/nvidia/*/lib/libcurand.so.10")[0])
kinds = {"XORWOW": 101, "MRG32k3a": 121, "Philox": 161}
types = {"": ctypes.c_uint32, "Uniform": ctypes.c_float, "Normal": ctypes.c_float, "LogNormal": ctypes.c_float,
         "UniformDouble": ctypes.c_double, "NormalDouble": ctypes.c_double}

def call(name, *arguments):
    status = getattr(curand, name)(*arguments)
    if status: sys.exit(f"{name} returned {status}")

# What each of the calls for so many numbers gives, with seed 1.
def draw(kind, function, *counts, offset=0):
    generator, results = ctypes.c_void_p(), []
    call("curandCreateGeneratorHost", ctypes.byref(generator), kinds[kind])
    call("curandSetPseudoRandomGeneratorSeed", generator, ctypes.c_ulonglong(1))
    call("curandSetGeneratorOffset", generator, ctypes.c_ulonglong(offset))
    number = types[function]
    moments = [number(0), number(1)] if "Normal" in function else []
    for count in counts:
        numbers = (number * count)()
        call("curandGenerate" + function, generator, numbers, ctypes.c_size_t(count), *moments)
        results.append(list(numbers))
    call("curandDestroyGenerator", generator)
    return results

# Where the 16 numbers after the offset are.
def find(sequence, kind, function, offset):
    numbers, = draw(kind, function, 16, offset=offset)
    places = (place for place in range(len(sequence) - 15) if sequence[place:place + 16] == numbers)
    return next(places, "none")

for kind, function in [("XORWOW", function) for function in types] + [
        ("MRG32k3a", "Normal"), ("MRG32k3a", "UniformDouble"), ("Philox", "Normal"), ("Philox", "NormalDouble")]:
    sequence, = draw(kind, function, 50000)
    places = [find(sequence, kind, function, offset) for offset in (2, 100, 4096, 8192, 16384)]
    print(kind, f"curandGenerate{function}:", *places)

first, called = draw("XORWOW", "NormalDouble", 16384, 16384)
skipped, = draw("XORWOW", "NormalDouble", 16384, offset=16384)
known = set(first)
print("XORWOW, pictures of 16384 doubles: number 2 continued by offset has",
      sum(number in known for number in skipped), "numbers of number 1, by a call",
      sum(number in known for number in called))

draws, = draw("XORWOW", "Uniform", 50000)
# The two draws of the pair that begins with normal number `place`.
def pair(place, offset):
    row, thread = divmod(place // 2, 4096)
    return [offset + row * 8192 + thread, offset + row * 8192 + thread + 4096]

# The indices of the draws that make the numbers, pair by pair, after a check by calculation.
def made(numbers, place, offset):
    pairs = [pair(place + position, offset) for position in range(0, len(numbers), 2)]
    for position, (a, b) in enumerate(pairs):
        radius, angle = math.sqrt(-2 * math.log(draws[a])), 2 * math.pi * draws[b]
        expected = radius * math.sin(angle), radius * math.cos(angle)
        if math.dist(expected, numbers[2 * position:2 * position + 2]) > 1e-5: sys.exit("these are other draws")
    return pairs

size = 64 * 64 * 3
first, called = draw("XORWOW", "Normal", size, size)
skipped, = draw("XORWOW", "Normal", size, offset=size)
used = {draw for both in made(first, 0, 0) for draw in both}
shared = [2 * sum(a in used or b in used for a, b in made(numbers, place, offset))
          for numbers, place, offset in [(skipped, 0, size), (called, size, 0)]]
print("XORWOW, pictures of 12288 floats: number 2 continued by offset has", shared[0],
      "made of draws of number 1, by a call", shared[1])
EOF
python3 offset.py >seen || fail "$(tail -n 1 seen)"
cat seen
cat >expected <<'EOF'
XORWOW curandGenerate: 2 100 4096 8192 16384
XORWOW curandGenerateUniform: 2 100 4096 8192 16384
XORWOW curandGenerateNormal: 4 200 none 8192 16384
XORWOW curandGenerateLogNormal: 4 200 none 8192 16384
XORWOW curandGenerateUniformDouble: 2 100 none 4096 8192
XORWOW curandGenerateNormalDouble: 4 200 none none 8192
MRG32k3a curandGenerateNormal: 4 200 8192 16384 32768
MRG32k3a curandGenerateUniformDouble: 2 100 4096 8192 16384
Philox curandGenerateNormal: 2 100 4096 8192 16384
Philox curandGenerateNormalDouble: 2 100 4096 8192 16384
XORWOW, pictures of 16384 doubles: number 2 continued by offset has 8192 numbers of number 1, by a call 0
XORWOW, pictures of 12288 floats: number 2 continued by offset has 4096 made of draws of number 1, by a call 0
EOF
cmp -s seen expected || fail "offsets lead elsewhere"
echo "as recorded"
