# shellcheck shell=sh disable=SC2034
# common.sh - sourced by the scripts of this folder. Reads their arguments, and sees to it that
# GStreamer has what they need.
#
# A script's head is its help. An argument before the first PROPERTY=VALUE is left in $target, those
# from there on in "$@"; they go to codesrc behind the script's own, so that they win.
set -eu

# gst-inspect's own least version is GStreamer's, which codesrc does not follow.
exists() {
    gst-inspect-1.0 --atleast-version=0.0 --exists "$1"
}

# need ELEMENT...: says what is missing, and what has it in Debian.
need() {
    for element in "$@"; do
        exists "$element" || {
            echo "$0: GStreamer has no element $element; in Debian it is in one of" \
                "gstreamer1.0-plugins-base, -good, -bad and -ugly" >&2
            exit 1
        }
    done
}

target=
case "${1:-}" in
--help)
    sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
-*)
    echo "$0: unknown option $1; --help tells what there is" >&2
    exit 2
    ;;
*=* | '') ;;
*)
    target=$1
    shift
    ;;
esac
for argument in "$@"; do
    case $argument in
    *=*) ;;
    *)
        echo "$0: found \"$argument\" where PROPERTY=VALUE was expected; --help tells more" >&2
        exit 2
        ;;
    esac
done

command -v gst-launch-1.0 > /dev/null || {
    echo "$0: gst-launch-1.0 was not found; in Debian it is in gstreamer1.0-tools" >&2
    exit 1
}
exists codesrc || {
    echo "$0: GStreamer does not find codesrc. Say where it is: after ./demo" >&2
    echo "  export GST_PLUGIN_PATH_1_0=$(cd "$(dirname "$0")/.." && pwd)/build/demo/gst-plugin" >&2
    exit 1
}
