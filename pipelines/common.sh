# shellcheck shell=sh disable=SC2034
# common.sh - sourced by the scripts of this folder. Reads their arguments and checks that GStreamer
# has the elements they need.
#
# The comment at the head of a script is its help. common.sh leaves an argument before the first
# PROPERTY=VALUE in $target and the others in "$@". Scripts pass these to codesrc after their own
# settings, so that the user's take precedence.
set -eu

# By default gst-inspect asks for GStreamer's version, but codesrc has version numbers of its own.
exists() {
    gst-inspect-1.0 --atleast-version=0.0 --exists "$1"
}

# need ELEMENT...: exits if one is missing, naming it and the Debian packages to look in.
need() {
    for element in "$@"; do
        exists "$element" || {
            echo "$0: GStreamer has no element $element; on Debian, install one of" \
                "gstreamer1.0-plugins-base, -good, -bad and -ugly" >&2
            exit 1
        }
    done
}

# pattern FOLDER: the name for an element that writes numbered files, which reads % as printf does.
pattern() {
    printf '%s\n' "$1" | sed 's/%/%%/g'
}

target=
case "${1:-}" in
-h | --help)
    sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
-*)
    echo "$0: unknown option $1; see --help" >&2
    exit 2
    ;;
*=* | '') ;;
*)
    target=$1
    shift
    ;;
esac

# A picture a second as 25 frames a second, each picture from its time on. videorate would wait for the
# next picture before it repeats one. imagefreeze does not end with its input, so num-buffers=N ends it
# after N seconds.
steady='imagefreeze is-live=true allow-replace=true'
for argument in "$@"; do
    case $argument in
    num-buffers=[0-9]*) steady="$steady num-buffers=$((25 * ${argument#*=}))" ;;
    *=*) ;;
    *)
        echo "$0: found \"$argument\", expected PROPERTY=VALUE; see --help" >&2
        exit 2
        ;;
    esac
done
steady="$steady ! video/x-raw,framerate=25/1"

command -v gst-launch-1.0 > /dev/null || {
    echo "$0: gst-launch-1.0 was not found; on Debian, install gstreamer1.0-tools" >&2
    exit 1
}
exists codesrc || {
    echo "$0: GStreamer does not find codesrc. After ./demo, set its path:" >&2
    echo "  . $(cd "$(dirname "$0")/.." && pwd)/build/demo/env.sh" >&2
    exit 1
}
