#!/bin/sh
# test-tools.sh CODE-IMAGE CODE-MODEL CODE-BENCH VISTAS DATA: the command line tools, good and bad
# use.
set -u
image=$(realpath "$1") model=$(realpath "$2") bench=$(realpath "$3") vistas=$4 data=$5
. "$(dirname "$0")/common.sh"

differ() {
    checks=$((checks + 1))
    cmp -s "$1" "$2" && fail "$1 and $2 are the same"
}

tiny_model "$folder/tiny.yaml"
tiny="--model $folder/tiny.yaml"

# shellcheck disable=SC2086
{
    expect '' "$image" $tiny --class owl --seed 3 --output "$folder/a.png"
    expect '' "$image" $tiny --class 2 --seed 3 --batch 4 --output "$folder/b.png"
    same "$folder/a.png" "$folder/b.png"
    expect '' "$image" $tiny --class 2 --seed 4 --output "$folder/c.png"
    differ "$folder/a.png" "$folder/c.png"
    expect '' "$image" $tiny --class 2 --seed 3 --drafting-steps 4 --output "$folder/c.png"
    differ "$folder/a.png" "$folder/c.png"
    # The same pixels, though PNG files also say how they were drawn.
    expect '' "$image" $tiny --class owl --seed 3 --output "$folder/a.ppm"
    expect '' "$image" $tiny --class owl --class-2 red --mix 0 --seed 3 --output "$folder/c.ppm"
    same "$folder/a.ppm" "$folder/c.ppm"
    expect '' "$image" $tiny --class red --class-2 owl --mix 1 --seed 3 --output "$folder/c.ppm"
    same "$folder/a.ppm" "$folder/c.ppm"
    expect '' "$image" $tiny --class red --class-2 owl --seed 3 --output "$folder/c.png"
    differ "$folder/a.png" "$folder/c.png"
    expect '' "$image" $tiny --seed 3 --frames 3 --batch 2 --output "$folder/f%03d.ppm"
    expect '' "$image" $tiny --seed 3 --frame 2 --output "$folder/g.ppm"
    same "$folder/f002.ppm" "$folder/g.ppm"
    expect 'pictures per second' "$image" $tiny --class all --frames 2 --sheet 2 --times \
        --output "$folder/s.ppm"
    checks=$((checks + 1))
    [ "$(head -n 2 "$folder/s.ppm" | tail -n 1)" = '16 24' ] || fail 'the sheet is not 16 x 24'
    expect '' "$image" $tiny --class none --guidance 0 --top-k 0 --top-p 0 --temperature 0.5 \
        --more-smooth --device reference --output "$folder/n.png"
    expect '' "$image" $tiny --seed 3 --precision f32 --device reference --output "$folder/c.png"

    refuse 'arctic fox' "$image" $tiny --class fox --output "$folder/x.png"
    refuse 'class-id 9' "$image" $tiny --class 9 --output "$folder/x.png"
    refuse 'class-id-2 9' "$image" $tiny --class-2 9 --output "$folder/x.png"
    refuse '--class-2 all' "$image" $tiny --class-2 all --output "$folder/x.png"
    refuse '--mix 1.5' "$image" $tiny --class-2 owl --mix 1.5 --output "$folder/x.png"
    refuse 'needs a --class-2' "$image" $tiny --mix 0.5 --output "$folder/x.png"
    refuse 'drafting-steps 5' "$image" $tiny --drafting-steps 5 --output "$folder/x.png"
    refuse 'ends in .png, .jpg, .webp or .ppm' "$image" $tiny --output "$folder/x.gif"
    refuse '--sheet' "$image" $tiny --frames 2 --output "$folder/x.png"
    refuse '--seed -1' "$image" $tiny --seed -1 --output "$folder/x.png"
    refuse '--guidance x' "$image" $tiny --guidance x --output "$folder/x.png"
    refuse 'cannot be written' "$image" $tiny --output "$folder/no/x.png"
    refuse '--output is missing' "$image" $tiny
    refuse 'precision "f99"' "$image" $tiny --precision f99 --output "$folder/x.png"
    refuse 'device "tpu"' "$image" $tiny --device tpu --output "$folder/x.png"
    refuse 'nor a bundled model' "$image" --model nothing --output "$folder/x.png"
    refuse 'no such file' "$image" --model ./nothing.yaml --output "$folder/x.png"
}
checks=$((checks + 1))
[ "$(find "$folder" -name 'x*' -o -name '*.part' | wc -l)" = 0 ] || fail 'a failed picture left a file'

expect '16 x 16  positions from 424' "$model" inspect "$vistas"
# Classes without weights, and where these are to be had.
expect '   207  golden retriever' "$model" inspect official-256
expect 'weights       ' "$model" inspect official-256
expect '`code-model fetch official-256 FOLDER` gets it' "$model" inspect official-256
refuse '`code-model fetch official-256 FOLDER` gets it' "$model" verify official-256
refuse 'fetch official-256 FOLDER' "$1" --model official-256 --output "$folder/none.png"
refuse 'model "vistas" is not published' "$model" fetch vistas "$folder/none"
expect 'together' "$model" inspect --drafting-steps 6 --batch 8 "$vistas/vistas.yaml"
expect 'every weight was read' "$model" verify "$folder/tiny.yaml"
expect 'head.weight' "$model" verify "$vistas/drafter.safetensors"
expect 'head.weight' "$model" inspect "$data/micro-drafter.pth"
# What runs that were killed left behind goes; a folder that happens to have such a name stays.
mkdir -m 700 "$folder/half.part-abcdef"
mkdir "$folder/half.part-others" "$folder/half.part-backup" "$folder/own"
echo mine | tee "$folder/half.part-backup/model.yaml" >"$folder/own/model.yaml"
ln -s own "$folder/half.part-linked"
chmod 700 "$folder/own"
echo begun >"$folder/half.part-abcdef/vae.safetensors"
echo mine >"$folder/half.part-others/notes"
expect 'written' "$model" convert "$folder/tiny.yaml" "$folder/half"
expect 'half.part-others' sh -c 'ls -d "$1".part-*' sh "$folder/half"
refuse 'half.part-abcdef' ls -d "$folder/half.part-abcdef"
expect 'mine' cat "$folder/half.part-backup/model.yaml"
expect 'mine' cat "$folder/own/model.yaml"
# Results that nobody gets are no success.
refuse 'standard output: cannot be written: No space left on device' \
    sh -c '"$1" inspect "$2" >/dev/full' sh "$model" "$folder/tiny.yaml"
refuse 'No space left on device' sh -c '"$1" --help >/dev/full' sh "$bench"
# Names in a file of their own, which may be more than a manifest holds, stay in one.
sed 's/^class_names:.*/class_names: names.txt/' "$folder/tiny.yaml" >"$folder/named.yaml"
printf '%s\n' 'red fox' 'arctic fox' 'barn "owl"' >"$folder/names.txt"
expect 'written' "$model" convert "$folder/named.yaml" "$folder/named/"
expect 'barn "owl"' cat "$folder/named/classes.txt"
expect 'barn "owl"' "$model" inspect "$folder/named"
expect 'BF16' "$model" verify "$folder/half/drafter.safetensors"
expect 'N = 1 2 3 4; default 2' "$model" verify "$folder/half"
refuse 'exists already' "$model" convert --precision f32 "$folder/tiny.yaml" "$folder/half"
refuse 'precision "int8"' "$model" convert --precision int8 "$folder/tiny.yaml" "$folder/bytes"
refuse 'convert: expected NAME FOLDER' "$model" convert "$folder/tiny.yaml"
refuse 'legacy' "$model" inspect "$data/micro-drafter-legacy.pth"
refuse '--batch 65: expected a whole number in 1..64' "$model" inspect --batch 65 "$vistas"
refuse 'unknown command look: expected inspect, verify, convert, fetch or recipe' "$model" look "$vistas"

# Scale 1: 24 x 128^2 x 3 blocks x 8 rows, 4 x 128 x 64 codes x 4 rows of the head, and attention's
# 4 x 128 x 3 blocks x 8 rows x 5 keys.
expect '"stage": "pyramid", "ms": ' "$bench" --shape tiny --runs 1 --trace --json
expect '"flops": 9629696' "$bench" --shape tiny --runs 2 --json
for key in pictures_per_second drafter_ms handover_ms refiner_ms vae_ms planned_bytes peak_bytes \
    gflops; do
    checks=$((checks + 1))
    grep -qE "\"$key\": [0-9.e+]+," "$log" || fail "no $key in: $(cat "$log")"
done
expect 'N = 4, batch 3, 2 runs' "$bench" --shape tiny --runs 2 --batch 3 --drafting-steps 4 \
    --random-classes --device reference
expect '0.000 TFLOP each' "$bench" --model "$folder/tiny.yaml" --runs 1 --threads 1 --precision f32
expect 'N = 3, batch 1, 1 runs' "$bench" --shape tiny --runs 1 --drafting-steps 1 --drafting-steps 3
expect 'N = 3, batch 2, 3 runs' "$bench" --shape tiny --runs 3 --drafting-steps 3 --batch 2 --whole \
    --no-pictures
refuse 'official, d16' "$bench" --shape huge
refuse '/none/code-bench-' env TMPDIR=/none "$bench" --shape tiny
refuse 'precision "half"' "$bench" --shape tiny --precision half
refuse '--runs 0' "$bench" --runs 0
expect 'planned' "$bench" --shape tiny --runs 1 --class-weights read
refuse '--class-weights some' "$bench" --shape tiny --class-weights some
refuse '--model and --shape: expected one of them' "$bench" --shape tiny --model vistas

# Messages are one line of UTF-8, whatever is in a name, and are cut between characters.
for name in "$(printf 'two\nlines\t\033[31m')" "$(printf 'caf\351')" "$(printf 'nel\302\205')"; do
    for command in "$model inspect" "$model fetch $folder/none" "$1 --output x.png --model" "$1 --output"; do
        checks=$((checks + 1))
        # shellcheck disable=SC2086
        $command "$name" >"$log" 2>&1 && fail "$command takes $name"
        [ "$(wc -l <"$log")" = 1 ] || fail "not one line: $(cat "$log")"
        LC_ALL=C grep -q '[^ -~]' "$log" && fail "not escaped: $(cat "$log")"
    done
done
refuse 'two\nlines\x1b.png' "$1" --model "$folder/tiny.yaml" --output "$(printf '%s/no/two\nlines\033.png' "$folder")"
long=$(printf '%0400d' 0 | sed 's/0/\xc3\xa9/g')
for name in "$long.yaml" "a$long.yaml"; do
    refuse 'no such file' "$model" inspect "$name"
    grep -q '\\x' "$log" && fail "cut inside a character: $(cat "$log")"
    iconv -f UTF-8 -t UTF-8 "$log" >"$folder/valid" || fail "no UTF-8: $(cat "$log")"
    refuse ': expected a name that ends' "$1" --output "$name"
    iconv -f UTF-8 -t UTF-8 "$log" >"$folder/valid" || fail "no UTF-8: $(cat "$log")"
done

# From its build tree the library finds the bundled model, wherever it is started from.
cd / && expect 'name          vistas' "$model" inspect vistas

finish
