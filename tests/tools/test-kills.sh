#!/bin/sh
# test-kills.sh CODE-SAMPLE KILLS: a sampling job that is killed so many times at random moments, two
# workers with the same folder and the same process id, a model that is replaced under a worker, and a
# full disk. Every file that is there has the bytes of a job that was left alone.
set -u
sample=$(realpath "$1") kills=$2
[ ! -w /dev/shm ] || export TMPDIR="${TMPDIR:-/dev/shm}" # where nothing waits for a disk
. "$(dirname "$0")/common.sh"
cd "$folder" || exit 1
tiny_model tiny.yaml
sed 's/synthetic: 11/synthetic: 12/' tiny.yaml >other.yaml

# draw FOLDER: all 90 pictures.
draw() {
    "$sample" draw --output "$1" --model tiny.yaml --per-class 30 --threads 1
}

milliseconds() {
    echo $(($(date +%s%N) / 1000000))
}

# sound FOLDER: it has files of the folder `one` and nothing else, except unfinished hidden ones.
sound() {
    checks=$((checks + 1))
    [ -d "$1" ] || return
    diff -r one "$1" | grep -v -e '^Only in one' -e "^Only in $1: \..*\.part\$" >"$log" &&
        fail "$1: $(head -n 5 "$log")"
}

# finished FOLDER: is as if it had never been interrupted.
finished() {
    expect '' draw "$1"
    expect '90 pictures of 3 classes' "$sample" pack "$1"
    same one "$1"
}

begin=$(milliseconds)
expect '90 pictures drawn' draw one
drawing=$(($(milliseconds) - begin))
begin=$(milliseconds)
expect '90 pictures' "$sample" pack one
packing=$(($(milliseconds) - begin))

# ---- kills --------------------------------------------------------------------------------------
# killed MILLISECONDS COMMAND...: kills it at a random moment of that time. False if it had ended before.
killed() {
    moment=$(($(od -An -N4 -tu4 /dev/urandom) % ($1 + 1)))
    shift
    "$@" >"$log" 2>&1 &
    worker=$!
    sleep "$(printf '%d.%03d' $((moment / 1000)) $((moment % 1000)))"
    kill -9 "$worker" 2>/dev/null
    wait "$worker" 2>/dev/null
    [ $? = 137 ]
}

done=0 folders=0 attempts=0
while [ "$done" -lt "$kills" ] && [ "$attempts" -lt $((3 * kills + 30)) ]; do
    attempts=$((attempts + 1))
    if killed "$drawing" "$sample" draw --output killed --model tiny.yaml --per-class 30 --threads 1; then
        done=$((done + 1))
        sound killed
        continue
    fi
    if killed "$packing" "$sample" pack killed; then
        done=$((done + 1))
        sound killed
    fi
    finished killed
    rm -rf killed
    folders=$((folders + 1))
done
[ ! -d killed ] || finished killed
[ "$done" = "$kills" ] || fail "$done kills of $kills hit a running process"
echo "$done kills, $folders folders"

# ---- the same folder twice ----------------------------------------------------------------------
# Containers have host names and process ids in common more often than not.
alone() {
    unshare --user --map-root-user --pid --fork "$@"
}

if alone true 2>/dev/null; then
    alone "$sample" draw --output twice --model tiny.yaml --per-class 30 --threads 1 2>log.1 &
    first=$!
    alone "$sample" draw --output twice --model tiny.yaml --per-class 30 --threads 1 2>log.2 &
    second=$!
    wait "$first" || fail "the first of two workers: $(cat log.1)"
    wait "$second" || fail "the second of two workers: $(cat log.2)"
    finished twice
else
    echo 'not run: this system does not let a program have process ids of its own'
fi

# ---- the model ----------------------------------------------------------------------------------
# It is replaced under a worker: what the worker draws on is the model that it opened, and the next
# worker is refused.
cp tiny.yaml model.yaml
"$sample" draw --output replaced --model model.yaml --per-class 30 --threads 1 2>log.1 &
worker=$!
until [ -e replaced/000001.png ] || ! kill -0 "$worker" 2>/dev/null; do
    sleep 0.02
done
cp other.yaml new.yaml
mv new.yaml model.yaml
wait "$worker" || fail "a worker whose model was replaced: $(cat log.1)"
sound replaced
refuse 'the folder is for "digest: ' "$sample" draw --output replaced --model model.yaml --per-class 30
finished replaced

# ---- a full disk --------------------------------------------------------------------------------
# What lies in small/full afterwards is copied out: at-draw and at-pack after the refusals, full at the end.
mkdir small
cat >fill.sh <<'SH'
set -e
work="$1 draw --output small/full --model tiny.yaml --per-class 30 --threads 1"
mount -t tmpfs -o size=200k none small
! $work 2>log.draw
cp -r small/full at-draw
mount -o remount,size=4m small
$work
head -c 4m /dev/zero >small/filler || :
! "$1" pack small/full 2>log.pack
cp -r small/full at-pack
rm small/filler
"$1" pack small/full
cp -r small/full full
SH
if alone --mount mount -t tmpfs none small 2>/dev/null; then
    expect '90 pictures' alone --mount sh fill.sh "$sample"
    expect 'No space left on device' cat log.draw
    expect 'No space left on device' cat log.pack
    sound at-draw
    sound at-pack
    expect 0 sh -c "find at-draw at-pack -name '*.part' | wc -l"
    same one full
else
    echo 'not run: this system does not let a program mount a disk of its own'
fi

finish
