#!/bin/sh
# test-image.sh CODE-IMAGE VISTAS: where pictures go, progress on a terminal, and Ctrl-C.
set -u
image=$(realpath "$1") vistas=$(realpath "$2")
. "$(dirname "$0")/common.sh"
cd "$folder" || exit 1
tiny_model tiny.yaml

check() {
    checks=$((checks + 1))
    "$@" || fail "$*"
}

# magic FILE: its first bytes in hexadecimal.
magic() {
    head -c 4 "$1" | od -An -v -tx1 | tr -d ' \n'
}

# ---- formats, standard output -------------------------------------------------------------------
for name in a.png:89504e47 a.jpg:ffd8ffe0 a.jpeg:ffd8ffe0 a.webp:52494646 a.ppm:50360a38; do
    file=${name%:*}
    if ! "$image" --model tiny.yaml --class 2 --seed 3 --output "$file" 2>log; then
        grep -q 'this build lacks the library' log || fail "$file: $(cat log)"
        echo "not run: $(cat log)"
        continue
    fi
    check [ "$(magic "$file")" = "${name#*:}" ]
    format=${file#a.}
    [ "$format" != jpg ] || format=jpeg
    "$image" --model tiny.yaml --class 2 --seed 3 --output - --format "$format" >piped 2>log ||
        fail "$(cat log)"
    same piped "$file"
done
"$image" --model tiny.yaml --class 2 --seed 3 --output - >piped
same piped a.png
# The format that is asked for goes before the ending.
expect '' "$image" --model tiny.yaml --class 2 --seed 3 --format ppm --output odd.png
same odd.png a.ppm
# Several pictures, one after the other, as image2pipe of FFmpeg reads them.
"$image" --model tiny.yaml --seed 3 --frames 2 --batch 2 --format ppm --output - >piped
"$image" --model tiny.yaml --seed 3 --frames 2 --output '%d.ppm'
check [ "$(cat 0.ppm 1.ppm | cksum)" = "$(cksum <piped)" ]
checks=$((checks + 1))
"$image" --model tiny.yaml --output - >/dev/full 2>log && fail 'a full disk is no error'
check grep -qF 'standard output: cannot be written: No space left on device' log

# The one %d of a name is the number, and whatever else has a % stays; a sheet has no number.
mkdir '50%' 'of %d'
expect '' "$image" --model tiny.yaml --seed 3 --frames 2 --output '50%/100%_%04d%.ppm' --format ppm
same 0.ppm '50%/100%_0000%.ppm'
same 1.ppm '50%/100%_0001%.ppm'
refuse '2 pictures need one %d in the name' "$image" --model tiny.yaml --frames 2 --output '%d-%d.ppm'
refuse '2 pictures need one %d in the name' "$image" --model tiny.yaml --frames 2 --output '%5d.ppm'
expect '' "$image" --model tiny.yaml --seed 3 --frames 2 --sheet 1 --output 'of %d/%d.ppm'
check [ "$(tail -n +4 'of %d/%d.ppm' | cksum)" = "$(for i in 0 1; do tail -n +4 $i.ppm; done | cksum)" ]
# Names as long as they may be, of letters with two bytes each as well.
for name in "$(printf '%0251d' 0)" "$(printf '%0125d' 0 | sed 's/0/\xc3\xa9/g')" \
    "a$(printf '%0125d' 0 | sed 's/0/\xc3\xa9/g')"; do
    expect '' "$image" --model tiny.yaml --class 2 --seed 3 --output "$name.ppm"
    same "$name.ppm" a.ppm
done

# Nothing takes the place of a pipe.
mkfifo pipe
cat pipe >piped &
"$image" --model tiny.yaml --class 2 --seed 3 --format png --output pipe 2>log || fail "$(cat log)"
wait $!
check [ -p pipe ]
same piped a.png
# Nor of a link, whether it leads to a file, to none yet, or, as /dev/stdout, to what is open.
mkdir far
echo before >far/there.png
ln -s far/there.png there.png
ln -s far/new.png new.png
ln -s /proc/self/fd/1 stdout.png
for link in there new stdout; do
    "$image" --model tiny.yaml --class 2 --seed 3 --output $link.png >far/stdout.png 2>log || fail "$(cat log)"
    check [ -h $link.png ]
    same far/$link.png a.png
done
# What cannot be written is said before anything is drawn.
refuse 'found 256 x 1024000 pixels, expected up to' "$image" --model "$vistas" --frames 4000 --sheet 1 \
    --output tall.png
refuse 'nowhere/a.png: cannot be written: No such file or directory' \
    "$image" --model tiny.yaml --output nowhere/a.png
refuse 'a folder.png: cannot be written: Is a directory' \
    sh -c 'mkdir "a folder.png"; "$1" --model tiny.yaml --output "a folder.png"' sh "$image"
refuse ': cannot be written: No such file or directory' "$image" --model tiny.yaml --format png --output ''
refuse 'nowhere/: cannot be written: No such file or directory' \
    "$image" --model tiny.yaml --format png --output nowhere/
refuse 'the last frame is beyond 9223372036854775807' "$image" --model tiny.yaml \
    --frame 9223372036854775807 --frames 2 --sheet 1 --output a.png

# ---- between two pictures -----------------------------------------------------------------------
# Both ends are the pictures themselves; the middle is another one, the same in a batch and on a sheet.
expect '' "$image" --model tiny.yaml --class 2 --between 3,5 --frames 3 --output 'way%d.ppm'
expect '' "$image" --model tiny.yaml --class 2 --frame 3 --output end3.ppm
expect '' "$image" --model tiny.yaml --class 2 --frame 5 --output end5.ppm
same way0.ppm end3.ppm
same way2.ppm end5.ppm
for end in way0.ppm way2.ppm; do
    checks=$((checks + 1))
    cmp -s way1.ppm "$end" && fail "half of the way is $end"
done
expect '' "$image" --model tiny.yaml --class 2 --between 3,5 --frames 3 --batch 2 --sheet 1 --output sheet.ppm
check [ "$(tail -n +4 sheet.ppm | cksum)" = "$(for i in 0 1 2; do tail -n +4 way$i.ppm; done | cksum)" ]
refuse '--class all: expected one class with --between' \
    "$image" --model tiny.yaml --class all --between 3,5 --frames 3 --output 'way%d.ppm'

# ---- progress -----------------------------------------------------------------------------------
# Of slow work on a terminal, here the plain loops on a picture of 256 x 256; of quick work, and of work
# whose stderr is a file, there is none.
if command -v script >/dev/null; then
    slow="$image --model $vistas --device reference --threads 1 --frames 3 --batch 1"
    script -qec "$slow --output %d.ppm" /dev/null >terminal </dev/null
    check grep -qE '[123] of 3 pictures drawn, .* left' terminal
    script -qec "$image --model tiny.yaml --output - | cat >quick.png" /dev/null >terminal </dev/null
    check [ ! -s terminal ]
    script -qec "$image --model tiny.yaml --output -" /dev/null >terminal </dev/null
    check grep -q 'standard output is a terminal' terminal
fi
expect '' "$image" --model "$vistas" --class aurora --frames 2 --output '%d.ppm'
check [ ! -s log ]

# ---- Ctrl-C -------------------------------------------------------------------------------------
# Far more pictures than there is time for; the later the signal, the more of them are on the sheet.
seconds=1
drawn=0
while [ "$drawn" = 0 ] && [ "$seconds" -lt 300 ]; do
    # A shell starts background processes with SIGINT ignored, until the program handles it.
    env --default-signal=INT "$image" --model "$vistas" --class all --frames 1000 --sheet 7 \
        --threads 1 --output sheet.ppm 2>log &
    process=$!
    sleep "$seconds"
    kill -INT "$process"
    wait "$process"
    status=$?
    seconds=$((2 * seconds))
    drawn=$(sed -n 's/^code-image: stopped after \([0-9]*\) of 16000 pictures.*/\1/p' log)
    drawn=${drawn:-0}
done
check [ "$drawn" -gt 0 ]
check [ "$status" = 130 ]
check grep -qF 'pictures, which are in sheet.ppm' log
rows=$(((drawn + 6) / 7))
check [ "$(sed -n 2p sheet.ppm)" = "$((7 * 256)) $((rows * 256))" ]
# The first picture is that of a run of its own, and what follows the last one is black. One that was killed
# left the beginning of the same file.
dead=$(sh -c 'echo $$')
echo begun >".one.ppm.$(uname -n)-$(stat -L -c %i /proc/self/ns/pid).$dead.part"
head=$(head -n 3 sheet.ppm | wc -c)
tail -c +$((head + 1)) sheet.ppm | head -c 768 >sheet.row
"$image" --model "$vistas" --class 0 --threads 1 --output one.ppm
tail -c +$(($(head -n 3 one.ppm | wc -c) + 1)) one.ppm | head -c 768 >one.row
same one.row sheet.row
if [ $((drawn % 7)) != 0 ]; then
    check [ "$(tail -c 768 sheet.ppm | tr -d '\0' | wc -c)" = 0 ]
fi
check [ "$(find . -name '*.part' | wc -l)" = 0 ]

finish
