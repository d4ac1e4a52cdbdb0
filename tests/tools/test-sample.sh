#!/bin/sh
# test-sample.sh CODE-SAMPLE SCRIPTS VISTAS: pictures split over workers that are killed and go on,
# by hand, by GNU parallel and by the Slurm script, with a stand-in for Slurm.
set -u
sample=$(realpath "$1") scripts=$(realpath "$2") vistas=$(realpath "$3")
. "$(dirname "$0")/common.sh"
cd "$folder" || exit 1
mkdir bin
ln -s "$sample" bin/code-sample
PATH=$folder/bin:$PATH

check() {
    checks=$((checks + 1))
    "$@" || fail "$*"
}

# await FILE PROCESS: until the file is there, or the process no more.
await() {
    until [ -e "$1" ] || ! kill -0 "$2" 2>/dev/null; do
        sleep 0.02
    done
}

pictures() {
    find "$1" -name '[0-9]*.png' | wc -l
}

# ---- three workers, one of them killed ----------------------------------------------------------
# 48 pictures of the bundled model, in one run, and by three workers whose ranges overlap.
models="--model $vistas --per-class 3 --precision f32 --threads 1"
# shellcheck disable=SC2086
{
    expect '48 pictures drawn' code-sample draw --output one $models --batch 5
    expect '48 pictures of 16 classes, 256 x 256' code-sample pack one

    code-sample draw --output three $models --first 0 --count 18 2>log.1 &
    first=$!
    code-sample draw --output three $models --first 14 --count 18 2>log.2 &
    second=$!
    code-sample draw --output three $models --first 32 --count 100 2>log.3 &
    victim=$!
    await three/000033.png "$victim"
    kill -9 "$victim"
    wait "$victim"
    check [ $? = 137 ]
    check wait "$first"
    check wait "$second"
    drawn=$(pictures three)
    check [ "$drawn" -ge 34 ]
    check [ "$drawn" -lt 48 ]
    refuse 'pictures are missing' code-sample pack three
    check [ ! -e three/samples.npz ]
    # What a worker leaves behind that is killed while it writes a picture.
    head -c 1000 one/000040.png >three/.000040.png.elsewhere.1.part
    touch -d '2 hours ago' three/.000040.png.elsewhere.1.part
    # What one writes that is still at work, here and on another machine.
    here="$(uname -n)-$(stat -L -c %i /proc/self/ns/pid)"
    echo begun | tee three/.000041.png.elsewhere.1.part >"three/.000041.png.$here.$$.part"
    # And one that is killed while it packs.
    dead=$(sh -c 'echo $$')
    echo begun >"three/.samples.npz.$here.$dead.part"
    expect "$((drawn - 32)) are there, $((48 - drawn)) to draw" \
        code-sample draw --output three $models --first 32 --batch 3
    expect '48 pictures' code-sample pack three
    check [ "$(find three -name '*.part' | sort | xargs -n 1 basename | tr '\n' ' ')" = \
        "$(printf '%s\n' ".000041.png.$here.$$.part" .000041.png.elsewhere.1.part | sort | tr '\n' ' ')" ]
    rm three/.*.part
}
same one three
(cd three && sha256sum --quiet -c SHA256SUMS) || fail 'sha256sum does not agree'
check [ "$(wc -l <three/SHA256SUMS)" = 49 ]
if command -v unzip >/dev/null; then
    expect 'No errors detected' unzip -t three/samples.npz
fi

# ---- what must not go unnoticed -----------------------------------------------------------------
tiny_model tiny.yaml
sed 's/synthetic: 11/synthetic: 12/' tiny.yaml >weights.yaml
draw="code-sample draw --output small --model tiny.yaml --per-class 4"
# shellcheck disable=SC2086
{
    expect '12 pictures drawn' $draw
    refuse 'the folder is for "guidance: 1.5", this run is "guidance: 2.5"' $draw --guidance 2.5
    refuse '"seed: 0", this run is "seed: 1"' $draw --seed 1
    refuse '"per-class: 4", this run is "per-class: 5"' $draw --per-class 5
    refuse 'the folder is for "digest: ' \
        code-sample draw --output small --model weights.yaml --per-class 4
    # A processor that rounds otherwise would draw another picture 0.
    cp -r small elsewhere
    sed -i 's/^picture-0: .*/picture-0: 0/' elsewhere/recipe.txt
    refuse 'this run is "picture-0: ' \
        code-sample draw --output elsewhere --model tiny.yaml --per-class 4
    refuse '"device: ' $draw --device reference --top-p 0.5
    refuse '"model: tiny' code-sample draw --output small --model "$vistas"

    # The same folder again, with other threads and batches, and pictures that were damaged.
    cp -r small before
    expect '12 are there, 0 to draw' $draw --threads 2 --batch 4
    head -c 200 before/000003.png >small/000003.png
    : >small/000004.png
    head -c 300 /dev/zero >small/000008.png
    head -c -1 before/000005.png >small/000005.png
    cat before/000006.png before/000006.png >small/000006.png
    refuse '000006.png: is damaged' code-sample pack small
    refuse 'not all pictures are good' code-sample pack small
    expect 'small/000005.png: is damaged' $draw --batch 3
    expect '12 are there, 0 to draw' $draw
    same before small
    printf 'X' | dd of=small/000007.png bs=1 seek=120 conv=notrunc 2>/dev/null
    expect '000007.png: is damaged' $draw
    same before small

    # Pictures of another place or another recipe, and what is no picture.
    cp before/000001.png small/000002.png
    refuse '000002.png: is not "recipe' $draw
    refuse '000002.png: is not "recipe' code-sample pack small
    cp "$folder/one/000002.png" small/000002.png
    refuse 'move it away' $draw
    echo 'no picture, but text' >small/000002.png
    refuse '000002.png: is no PNG file: move it away' $draw
    rm small/000002.png
    mkdir small/000002.png
    refuse '000002.png: cannot be read: Is a directory' $draw
    rmdir small/000002.png
    # A pipe would wait for a writer for ever.
    mkfifo small/000002.png
    refuse '000002.png: cannot be read: Invalid argument: move it away' timeout -s KILL 300 $draw
    rm small/000002.png
    expect '1 pictures drawn' $draw
    same before small

    # A worker that only looks at pictures stops, too: it waits for the reader of its first message when the
    # signal comes.
    draws="code-sample draw --output many --model tiny.yaml --per-class 700"
    expect '1 pictures drawn' $draws --count 1
    (cd many && seq -f %06g.png 0 2099 | xargs truncate -s 0)
    mkfifo messages
    $draws 2>messages &
    looking=$!
    exec 3<messages
    read -r said <&3
    kill -TERM "$looking"
    check [ "$(wc -l <&3)" -lt 2000 ]
    exec 3<&-
    wait "$looking"
    check [ $? = 143 ]
    check [ "${said#code-sample: many/000000.png: is damaged}" != "$said" ]
    rm -r many

    # The array goes where a link leads.
    mkdir far
    echo before >far/small.npz
    ln -s far/small.npz small.npz
    expect '12 pictures' code-sample pack small --npz small.npz
    check [ -h small.npz ]
    expect '12 pictures' code-sample pack small
    same far/small.npz small/samples.npz

    refuse '12 of 12 pictures are missing' sh -c 'mkdir bare && cp small/recipe.txt bare &&
        code-sample pack bare'
    refuse 'expected "pictures by code-sample' sh -c 'echo x >bare/recipe.txt; code-sample pack bare'
    refuse 'the folder is for "x"' code-sample draw --output bare --model tiny.yaml
    refuse 'recipe.txt: no such file' code-sample pack bin
    refuse 'cannot be made' code-sample draw --output nowhere/x --model tiny.yaml
    refuse 'cannot be written' code-sample pack small --npz nowhere/a.npz
    refuse '--first 12: expected 0..11' $draw --first 12
    refuse '--count 0' $draw --count 0
    refuse '--classes 4: the model has 3' $draw --classes 4
    refuse 'expected up to 10000000' $draw --per-class 10000000
    refuse 'drafting-steps 5' $draw --drafting-steps 5
    refuse '--top-p 2' $draw --top-p 2
    refuse '--output is missing' code-sample draw
    refuse 'no command: expected draw or pack' code-sample
    refuse 'pack: expected FOLDER' code-sample pack
    refuse 'unexpected argument here' code-sample draw here
    refuse '--seed is not an option of pack' code-sample pack --seed 1 small
    refuse 'no such file' code-sample draw --output small --model nothing.yaml
}
expect 'Usage' code-sample --help
expect 'Usage' code-sample pack --help
check [ "$(find . -name '*.part' | wc -l)" = 0 ]

# ---- schedulers ---------------------------------------------------------------------------------
# A stopped worker ends by the signal, and says how to go on.
# shellcheck disable=SC2086
{
    code-sample draw --output stopped $models 2>log &
    worker=$!
    await stopped/000001.png "$worker"
    kill -TERM "$worker"
    wait "$worker"
    check [ $? = 143 ]
    check grep -qF 'the same command goes on' log

    # Slurm's part: it starts a task with its number, and warns it before its time is up.
    printf '#!/bin/sh\necho "$*" >>requeued\n' >bin/scontrol
    chmod +x bin/scontrol
    export SLURM_JOB_ID=77 SLURM_CPUS_PER_TASK=1
    SLURM_ARRAY_TASK_ID=0 "$scripts/sample.sbatch" 12 --output queued $models 2>log &
    task=$!
    await queued/000001.png "$task"
    kill -USR1 "$task"
    wait "$task"
    check [ $? != 0 ]
    check [ "$(cat requeued)" = 'requeue 77' ]
    check [ "$(pictures queued)" -lt 12 ]
    for task in 0 1 2; do
        expect "pictures $((4 * task))..$((4 * task + 3))" env SLURM_ARRAY_TASK_ID=$task \
            "$scripts/sample.sbatch" 4 --output queued $models
    done
    check [ "$(pictures queued)" = 12 ]
    for picture in queued/*.png; do
        check cmp "$picture" "one/${picture#queued/}"
    done
}

tiny='--model tiny.yaml --per-class 4'
if command -v parallel >/dev/null; then
    # shellcheck disable=SC2086
    PARALLEL_OPTIONS='--jobs 3 --will-cite' expect '5 pictures drawn' \
        "$scripts/parallel.sh" 5 12 --output spread $tiny
    expect '12 pictures' code-sample pack spread
    expect '12 pictures' code-sample pack small
    same small spread
else
    echo 'not run: GNU parallel is not installed'
fi

finish
