#!/bin/sh
# Runs every gst-launch-1.0 line of the documents given, so that what they promise works. A line of a
# document is one that begins with the command after blanks, a comment's star or a shell's "$ ";
# backslashes continue it. What is changed in it, so that it ends, and runs without screen and network:
#   - each codesrc, videotestsrc and code:// URI ends after two pictures, whatever num-buffers it has, and a
#     live imagefreeze after 50 frames;
#   - windows and loudspeakers become fakesink, and playbin gets one;
#   - lines that want a GPU (device=cuda) are told, not run; a shell has to understand them;
#   - lines with unixfdsink or unixfdsrc are told, not run, if GStreamer lacks them (before 1.24), and
#     unixfdsrc reads what a codesrc sends alongside;
#   - device=cpu becomes device=$DEVICE, the fastest of the host in this build;
#   - lines that name the released checkpoints, which are not part of this repository, run with the
#     bundled model.
# A line runs in the environment that its document has set up before it with ". build/demo/env.sh"; those of
# source files always have that. A line must end without an error, within two minutes, and the file that it
# writes must not be empty. Usage: launch-lines.sh DOCUMENT..., with BUILD as a folder
set -u
command -v gst-launch-1.0 > /dev/null || {
    echo "skipped: gst-launch-1.0 is not here"
    exit 77
}
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
run=0 failed=0

# The lines of a document, whole, and those that set up the environment.
lines_of() {
    sed -e :a -e '/\\$/{N;s/\\\n[ *]*//;ba' -e '}' "$1" |
        sed -n -e 's/^[ *]*\(\$ \)\{0,1\}\(gst-launch-1\.0 .*\)$/\2/p' \
            -e 's/^ \{4,\}\(\. build\/demo\/env\.sh\)\( .*\)\{0,1\}$/\1/p'
}

short() {
    sed -e 's/$/ /' -e 's/ num-buffers=[0-9]*//g' -e 's/&num-buffers=[0-9]*//g' \
        -e 's/?num-buffers=[0-9]*&*/?/g' \
        -e 's/\([ "]\)\(codesrc\|videotestsrc\|unixfdsrc\)\( \|$\)/\1\2 num-buffers=2\3/g' \
        -e 's/ imagefreeze is-live=true/& num-buffers=50/' \
        -e 's|\(code://[^?" ]*\)\(["  ]\)|\1?\2|g' -e 's|\(code://[^?" ]*?\)|\1num-buffers=2\&|g' \
        -e 's/\(auto\|xv\|x\|gl\|wayland\|kms\)\(video\|audio\|image\)\{0,1\}sink/fakesink/g' \
        -e 's/playbin/playbin video-sink=fakesink/' -e 's/ model=official[^ ]*//' \
        -e "s/device=cpu/device=$DEVICE/"
}

try() {
    case $1 in
    *device=cuda*)
        echo "not run (wants a GPU): $1"
        sh -n -c "$1" || failed=$((failed + 1))
        return
        ;;
    *unixfds*)
        if ! gst-inspect-1.0 --exists unixfdsink; then
            echo "not run (no unixfdsink): $1"
            return
        fi
        ;;
    esac
    command=$(echo "$1" | short)
    case $command in
    *' unixfdsrc '*)
        sender='gst-launch-1.0 codesrc num-buffers=200 is-live=true ! unixfdsink socket-path=codesrc.sock'
        command="$sender & until [ -S codesrc.sock ]; do sleep 0.2; done; $command && kill \$!"
        ;;
    esac
    run=$((run + 1))
    rm -rf "$folder/run"
    mkdir -p "$folder/run/build"
    ln -s "$BUILD" "$folder/run/build/demo"
    if ! (cd "$folder/run" && timeout 120 sh -c "$environment; $command" > ../log 2>&1 < /dev/null); then
        echo "FAILED: $1"
        echo "   run as: $command"
        cat "$folder/log"
        failed=$((failed + 1))
        return
    fi
    file=$(echo "$1" | sed -n 's/.*sink location=\([^ ]*\).*/\1/p')
    if [ -n "$file" ] && ! [ -s "$folder/run/$(printf "$file" 0)" ]; then
        echo "FAILED, no $file: $1"
        failed=$((failed + 1))
    fi
}

for document in "$@"; do
    before=$run
    lines_of "$document" > "$folder/lines"
    environment='. build/demo/env.sh'
    case $document in
    *.md) environment=: ;;
    esac
    while IFS= read -r line; do
        case $line in
        '. '*) environment=$line ;;
        *) try "$line" ;;
        esac
    done < "$folder/lines"
    echo "$document: $((run - before)) lines"
done
echo "$run lines, $failed failed"
[ "$run" -gt 0 ] && [ "$failed" -eq 0 ]
