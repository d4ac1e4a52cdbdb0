#!/bin/sh
# Runs the commands of the documents given: every line in four blanks, or in a fence that names no
# language, has to be one that a rule below knows, or the test fails. It fails too if a document
# of the same folders is not given. gst-launch-1.0 lines are left to launch-lines.sh, which is given
# the same documents. The rules:
#   tools, samples, cc, gst-inspect-1.0    run as they are, with those of the build tree, and must succeed
#   code-sample, pipelines/scale/*         run for a picture a class or less; for sbatch its script
#                                          runs as one task of the array
#   released checkpoints                   are not part of this repository: it is the bundled model
#   code-studio                            runs on a free port until all documents are done, then
#                                          has to end well; curl asks it, and has to get an answer
#   pipelines/*.sh                         run with two pictures; windows become fakesink, and the
#                                          camera videotestsrc
#   what waits for somebody else           (receivers, srt-send.sh, a web server) runs until Ctrl-C comes
#                                          after five seconds, and must then end; that they receive
#                                          something is seen by tests/pipelines
#   camera.sh                              runs into its device where that is there
#   recipes of CONTRIBUTING.md             programs of the tests run as they are; "meson test" keeps a log of
#                                          its own; suites and tests of ./check and of the sanitized build
#                                          have to exist; abi.sh compares and does not write
#   what builds, installs or wants root    is not run, but told: meson, ninja, apt, modprobe, venv; ./demo,
#                                          ./check, tools/check-*, tools/release and package/build-deb, which
#                                          must be there, and shell
#   python -m training.*                   wants PyTorch, so it is told, not run; the module has to
#                                          be there, and training to know the options
#   export, comments                       are not run
# A command runs in the environment that its document has set up before it with ". build/demo/env.sh", and in
# no other: above that line neither programs nor elements are found.
# Usage: commands.sh DOCUMENT..., with SOURCE and BUILD as folders.
set -u
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"; [ -z "$studio" ] || kill "$studio"' EXIT
run=0 told=0 failed=0 studio='' environment=:
PIPELINES=$SOURCE/pipelines
export VIDEOSINK=fakesink CAMERA="videotestsrc num-buffers=2"

# Lines of a document, whole, without blanks before and comments behind.
lines_of() {
    awk '/^```/ {fence = fence ? "" : $0; next}
        fence == "```" || (!fence && sub(/^    /, ""))' "$1" |
        sed -e :a -e '/\\$/{N;s/\\\n */ /;ba' -e '}' | sed -e 's/ \{2,\}#.*$//'
}

try() {
    run=$((run + 1))
    if ! (cd "$folder/run" && timeout 200 sh -c "$environment; $2" > ../log 2>&1 < /dev/null); then
        echo "FAILED: $1"
        echo "   run as: $2"
        cat "$folder/log"
        failed=$((failed + 1))
    fi
}

tell() {
    echo "not run ($2): $1"
    told=$((told + 1))
}

# The studio is built only where its libraries are.
try_studio() {
    if [ ! -x "$BUILD/pipelines/studio/code-studio" ]; then
        tell "$1" 'no studio in this build'
    elif [ "${1%% *}" = curl ]; then
        try "$1" "curl --fail --silent --show-error $(cat "$folder/address")${1#*:8190/}"
    else
        (cd "$folder/run" && exec sh -c "$environment; exec code-studio --port 0") > "$folder/address" &
        studio=$!
        try "$1" 'until [ -s ../address ]; do sleep 0.2; done'
    fi
}

# Needs a library that pkg-config knows.
try_with() {
    if pkg-config --exists "$1"; then
        try "$2" "$3"
    else
        tell "$2" "$1 is not installed"
    fi
}

try_training() {
    module=${1#*-m training.}
    options=$(echo "$1" | grep -o -e '--[a-z-]*' | tr '\n' ' ')
    try "$1" "cd '$PIPELINES/../training' && ls '${module%% *}.py' &&
        for option in $options; do grep -F \"'\$option'\" ./*.py || exit 1; done"
}

# Four pictures by GNU parallel, or pictures 2 and 3 as a task of Slurm's; in folders of their own.
small() {
    echo "$1" | sed -e 's|weights/official-256.yaml|vistas --per-class 1|' -e 's|/shared/||' \
        -e 's|/parallel.sh 500 50000 \(.*\)--output [^ ]*|/parallel.sh 2 4 \1--output parallel|' \
        -e 's|sbatch --array=[^ ]* \([^ ]*\) 500|SLURM_ARRAY_TASK_ID=1 sh \1 2|'
}

# A command that succeeds if all suites that a line of ./check names are there.
suites_exist() {
    for word in ${1#./check }; do
        case $word in
        -*) ;;
        *) printf "meson test -C '%s' --list 2>&1 | grep -q ':%s / ' && " "$BUILD" "$word" ;;
        esac
    done
    echo true
}

by_rule() {
    case $1 in
    'gst-launch-1.0 '* | '#'* | 'export '*) ;;
    '. build/demo/env.sh') environment=$1 ;;
    './check '*[a-z])
        try "$1" "$(suites_exist "$1")"
        tell "$1" 'builds, and tests'
        ;;
    'meson test -C build/check-sanitized '*)
        try "$1" "meson test -C '$BUILD' --list 2>&1 | grep -q ' / ${1##* }$'"
        tell "$1" 'is another build'
        ;;
    'meson test -C build/check '*) try "$1" "$1 --no-rebuild --logbase recipes" ;;
    'less build/check/meson-logs/testlog.txt')
        try "$1" "grep -q 'checks, 0 failures' build/check/meson-logs/recipes.txt"
        ;;
    build/check/tests/*) try "$1" "$1" ;;
    tests/headers/abi.sh*) try "$1" "${1% --write}" ;;
    'GST_DEBUG='*' gst-launch-1.0 '*) try "$1" "($1) 2>&1 | grep -q 'codesrc.*gstcode'" ;;
    'perf '*) tell "$1" 'wants leave to measure' ;;
    ./demo* | ./check* | package/build-deb* | tools/check-* | tools/release*)
        try "$1" "[ -x '$PIPELINES/../${1%% *}' ] && sh -n '$PIPELINES/../${1%% *}'"
        tell "$1" 'builds, and installs'
        ;;
    'meson '* | 'ninja '* | 'sudo meson '* | 'apt install '* | 'apt-get install '* | 'sudo apt install '* | \
        'modprobe '*)
        tell "$1" 'builds, or wants root'
        ;;
    'python3 -m venv '*) tell "$1" 'installs packages' ;;
    *'python -m unittest training.tests.'*) tell "$1" 'wants PyTorch' ;;
    *'python -m training.'*)
        try_training "$1"
        tell "$1" 'wants PyTorch'
        ;;
    code-studio | 'curl http://127.0.0.1:8190/'*) try_studio "$1" ;;
    'code-model fetch '*) tell "$1" 'fetches 10 GB' ;;
    *'--model official '*) try "$1" "$(echo "$1" | sed 's/--model official --class "[^"]*"//')" ;;
    'code-sample draw '*) try "$1" "$1 --per-class 1" ;;
    'code-sample pack '*) try "$1" "$1" ;;
    pipelines/scale/* | 'sbatch '*' pipelines/scale/'*) try "$1" "$(small "$1")" ;;
    'code-model convert official-256.yaml '*) try "$1" "code-model convert vistas ${1#*.yaml }" ;;
    'cc rtsp-server.c '*) try_with gstreamer-rtsp-server-1.0 "$1" "cd '$folder/source' && $1" ;;
    'cc timeline.c '*) try_with gst-editing-services-1.0 "$1" "cd '$folder/source' && $1" ;;
    'cc '*) try "$1" "cd '$folder/source' && $1" ;;
    rtsp-server*)
        try_with gstreamer-rtsp-server-1.0 "$1" "timeout --signal=INT --kill-after=20 5 $1; [ \$? = 124 ]"
        ;;
    timeline*) try_with gst-editing-services-1.0 "$1" "$1" ;;
    pipelines/*-receive.sh* | pipelines/srt-send.sh* | 'python3 -m http.server '*)
        try "$1" "mkdir -p hls; timeout --signal=INT --kill-after=20 5 $1; [ \$? = 124 ]"
        ;;
    pipelines/camera.sh*)
        if [ -c /dev/video9 ]; then
            try "$1" "unset VIDEOSINK; $1 num-buffers=2"
        else
            try "$1" "$1 num-buffers=2"
        fi
        ;;
    pipelines/painted-camera.sh*) try "$1" "$1" ;;
    'CAMERA="videotestsrc is-live=true" pipelines/painted-camera.sh')
        try "$1" 'CAMERA="videotestsrc is-live=true num-buffers=2" pipelines/painted-camera.sh'
        ;;
    'WHIPSINK='*pipelines/*.sh) try "$1" "$1 num-buffers=2" ;;
    'VIDEOSINK='*pipelines/*.sh) try "$1" "pipelines/${1#*pipelines/} num-buffers=2" ;;
    pipelines/strip.sh*) try "$1" "$1" ;;
    pipelines/appsink.py*) try "$1" "$1" ;;
    pipelines/whip-send.sh*) try "$1" "WHIPSINK=fakesink $1 num-buffers=2" ;;
    pipelines/*.sh*) try "$1" "$1 num-buffers=2" ;;
    code-image* | code-model* | code-bench* | slides* | tour* | morph* | appsink*) try "$1" "$1" ;;
    'gst-inspect-1.0 '* | 'GST_DEBUG='*' gst-inspect-1.0 '*) try "$1" "$1" ;;
    *)
        echo "FAILED, no rule for: $1"
        failed=$((failed + 1))
        ;;
    esac
}

mkdir -p "$folder/run/build" "$folder/source"
cp "$PIPELINES"/*.[ch] "$folder/source"
ln -s "$PIPELINES" "$folder/run/pipelines"
ln -s "$SOURCE/models" "$folder/run/models"
ln -s "$SOURCE/tests" "$SOURCE/docs" "$SOURCE/include" "$SOURCE/package" "$SOURCE/tools" "$folder/run"
ln -s "$BUILD" "$folder/run/build/demo"
ln -s "$BUILD" "$folder/run/build/check"
if [ "$(for document in "$@"; do ls "${document%/*}"/*.md; done | sort -u | wc -l)" != $# ]; then
    echo "FAILED: not all documents of their folders were given"
    failed=1
fi
for document in "$@"; do
    lines_of "$document" > "$folder/lines"
    environment=:
    before=$run
    while IFS= read -r line; do
        by_rule "$line"
    done < "$folder/lines"
    echo "$document: $((run - before)) commands"
done
if [ -n "$studio" ]; then
    kill -INT "$studio"
    wait "$studio" || { echo "FAILED: code-studio did not end well"; failed=$((failed + 1)); }
    studio=
fi
echo "$run commands run, $told not, $failed failed"
[ "$run" -gt 0 ] && [ "$failed" -eq 0 ]
