#!/bin/sh
# Runs the commands of the documents given: every line in four blanks has to be one that a rule below
# knows, or the test fails. gst-launch-1.0 lines are left to launch-lines.sh, which the same documents
# are given to. The rules:
#   tools, samples, cc, gst-inspect-1.0    run as they are, with those of the build tree, and must succeed
#   pipelines/*.sh                         run with two pictures; windows become fakesink, and the
#                                          camera videotestsrc
#   what waits for somebody else           (receivers, srt-send.sh, a web server) runs until Ctrl-C comes
#                                          after five seconds, and must then end; that they receive
#                                          something is seen by tests/pipelines
#   camera.sh                              runs where its device is there, as in tests/pipelines
#   what builds, installs or wants root    is not run, but told: meson, apt, modprobe; ./demo, ./check and
#                                          package/build-deb, which must be there, and shell
#   export, comments                       are not run
# Usage: commands.sh DOCUMENT..., with TOOLS, PROGRAMS, PIPELINES and MODELS as folders.
set -u
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
run=0 told=0 failed=0
PATH=$TOOLS:$PROGRAMS:$PATH
export PATH VIDEOSINK=fakesink CAMERA="videotestsrc num-buffers=2"

# Lines of a document, whole, without blanks before and comments behind.
lines_of() {
    sed -e '/^```/,/^```/d' "$1" | sed -n 's/^    //p' |
        sed -e :a -e '/\\$/{N;s/\\\n */ /;ba' -e '}' | sed -e 's/ \{2,\}#.*$//'
}

try() {
    run=$((run + 1))
    if ! (cd "$folder/run" && timeout 200 sh -c "$2" > ../log 2>&1 < /dev/null); then
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

by_rule() {
    case $1 in
    'gst-launch-1.0 '* | '#'* | 'export '*) ;;
    ./demo* | ./check* | package/build-deb*)
        try "$1" "[ -x '$PIPELINES/../${1%% *}' ] && sh -n '$PIPELINES/../${1%% *}'"
        tell "$1" 'builds, and installs'
        ;;
    'meson '* | 'sudo meson '* | 'apt install '* | 'sudo apt install '* | 'modprobe '*)
        tell "$1" 'builds, or wants root'
        ;;
    'cc '*) try "$1" "cd '$folder/source' && $1" ;;
    pipelines/*-receive.sh* | pipelines/srt-send.sh* | 'python3 -m http.server '*)
        try "$1" "mkdir -p hls; timeout --signal=INT --kill-after=20 5 $1; [ \$? = 124 ]"
        ;;
    pipelines/camera.sh*)
        if [ -c /dev/video9 ]; then
            try "$1" "$1 num-buffers=2"
        else
            tell "$1" 'no v4l2loopback'
        fi
        ;;
    pipelines/painted-camera.sh*) try "$1" "$1" ;;
    'CAMERA='*pipelines/painted-camera.sh*) try "$1" "pipelines/painted-camera.sh" ;;
    'VIDEOSINK='*pipelines/*.sh) try "$1" "pipelines/${1#*pipelines/} num-buffers=2" ;;
    pipelines/appsink.py*) try "$1" "$1" ;;
    pipelines/*.sh*) try "$1" "$1 num-buffers=2" ;;
    build/demo/tools/*) try "$1" "${1#build/demo/tools/}" ;;
    code-image* | code-model* | slides* | tour* | morph* | appsink*) try "$1" "$1" ;;
    'gst-inspect-1.0 '* | 'GST_DEBUG='*' gst-inspect-1.0 '*) try "$1" "$1" ;;
    *)
        echo "FAILED, no rule for: $1"
        failed=$((failed + 1))
        ;;
    esac
}

mkdir "$folder/run" "$folder/source"
cp "$PIPELINES"/*.[ch] "$folder/source"
ln -s "$PIPELINES" "$folder/run/pipelines"
ln -s "$MODELS" "$folder/run/models"
for document in "$@"; do
    lines_of "$document" > "$folder/lines"
    before=$run
    while IFS= read -r line; do
        by_rule "$line"
    done < "$folder/lines"
    echo "$document: $((run - before)) commands"
done
echo "$run commands run, $told not, $failed failed"
[ "$run" -gt 0 ] && [ "$failed" -eq 0 ]
