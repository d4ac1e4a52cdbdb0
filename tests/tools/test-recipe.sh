#!/bin/sh
# test-recipe.sh CODE-MODEL CODE-IMAGE: launch lines in files of all kinds, and what is refused because somebody
# might paste it into a shell. tests/pipelines has the muxers of GStreamer.
set -u
model=$(realpath "$1") image=$(realpath "$2")
. "$(dirname "$0")/common.sh"
cd "$folder" || exit 1
tiny_model tiny.yaml
png='\211PNG\r\n\032\n' ebml='\032\105\337\243'
line='gst-launch-1.0 codesrc model=tiny class-id=1 ! video/x-raw,framerate=0/1 ! videoconvert ! pngenc ! '
line="${line}filesink location=frame-7.png"
digest='# model-digest=0123456789abcdef'

# exactly LINE FILE: the file's line is this one and no more.
exactly() {
    checks=$((checks + 1))
    "$model" recipe "$2" >said 2>&1
    [ "$(cat said)" = "$1" ] || fail "$2: expected $1, found $(cat said)"
}

# ---- what code-image writes ---------------------------------------------------------------------
for kind in png jpg; do
    "$image" --model tiny.yaml --class 2 --class-2 owl --mix 0.1 --seed 3 --frame 5 --temperature 0.5 \
        --top-p 0 --guidance 1 --device reference --more-smooth --output "a.$kind" 2>log || {
        grep -q 'this build lacks the library' log || fail "$(cat log)"
        continue
    }
    expect ' class-id=2 class-id-2=2 class-mix=0.1 seed=3 first-frame=5 drafting-steps=2 ' \
        "$model" recipe "a.$kind"
    expect ' top-k=20 top-p=0 guidance=1 temperature=0.5 more-smooth=true ! ' "$model" recipe "a.$kind"
    expect ' codesrc model=tiny device=reference precision=f32 ' "$model" recipe "a.$kind"
    expect 'location=frame-5.png # model-digest=' "$model" recipe "a.$kind"
done
sed 's/^name: .*/name: "odd $(name)"/' tiny.yaml >odd.yaml
"$image" --model odd.yaml --output odd.png && expect ' model="odd \$(name)" ' "$model" recipe odd.png
"$image" --model tiny.yaml --frames 2 --sheet 2 --output sheet.png
refuse 'no launch line of codesrc in it' "$model" recipe sheet.png

# ---- plain and serialised -----------------------------------------------------------------------
printf "$png%s\0more" "$line" >plain.png
exactly "$line" plain.png
printf "$png%s%s" "$line" 'gst-launch' >end.png
exactly "$line" end.png
printf "$png%s $digest%s" "$line" 'f00' >digest.png
exactly "$line $digest" digest.png
serialised=$(echo "$line $digest" | sed 's/[^A-Za-z0-9._/-]/\\&/g')
printf "$ebml"'comment\\=\\(string\\)\\"%s"\0g' "$serialised" >taglist.mkv
exactly "$line $digest" taglist.mkv
quoted=$(echo "$line" | sed 's|tiny|"/caf\xc3\xa9 x/tiny"|')
serialised=$(echo "$quoted" | LC_ALL=C sed -e 's/[^A-Za-z0-9._/-]/\\&/g' -e 's/\\\xc3/\\303/' -e 's/\\\xa9/\\251/')
printf "$ebml%s\"\0g" "$serialised" >octal.mkv
exactly "$quoted" octal.mkv
# At every place of the window, and behind a line that is none.
for zeros in 0 98302 114670 114687 114688 114689 131070 229372; do
    { printf "$png" && head -c $zeros /dev/zero && printf '%s' "gst-launch-1.0 codesrc a $line"; } >far.png
    exactly "$line" far.png
done

# ---- what is no recipe --------------------------------------------------------------------------
for wrong in 'model=tiny; id' 'model=$(id)' 'model="$(id)"' 'model="`id`"' 'model="a' "model='a'" 'model=a|id' \
    'model=a ! filesink location=/tmp/x' 'model=a\' 'model="a\n"' 'model=' '=a' 'a'; do
    printf '%s' "$line" | awk -v wrong="$(printf '%s' "$wrong" | sed 's/\\/\\\\/g')" '
        {i = index($0, "model=tiny"); print substr($0, 1, i - 1) wrong substr($0, i + 10)}' >bad
    { printf "$png" && cat bad; } >bad.png
    refuse 'no launch line of codesrc in it' "$model" recipe bad.png
done
for change in 's|frame-7|../frame-7|' 's|frame-7|frame-|' 's|.png$||' 's|codesrc|filesrc|' 's|pngenc|fakesink|'; do
    printf "$png%s" "$(echo "$line" | sed "$change")" >bad.png
    refuse 'no launch line of codesrc in it' "$model" recipe bad.png
done
printf "$png%s" "$line" | sed 's/class-id/class\x1b[31m-id/' >bad.png
refuse 'no launch line of codesrc in it' "$model" recipe bad.png
head -c 300000 /dev/urandom >noise
{ printf "$ebml" && cat noise; } >noise.mkv
refuse 'no launch line of codesrc in it' "$model" recipe noise.mkv
echo "$line" >text.png
refuse 'text.png: expected a PNG, JPEG, WebM, Matroska or MP4 file' "$model" recipe text.png
: >empty.png
refuse 'expected a PNG' "$model" recipe empty.png
refuse 'cannot be opened' "$model" recipe none.png
refuse 'is not a regular file' "$model" recipe .
refuse 'is not a regular file' "$model" recipe /dev/zero
refuse 'recipe: expected FILE' "$model" recipe

finish
