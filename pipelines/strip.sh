#!/bin/sh
# strip.sh - writes one picture in twenty stages, as a JPEG of two rows: above, drafted with N = 1 to 10
# steps; below, coarse to fine, after each of the ten scales.
#
# Usage: pipelines/strip.sh [FILE] [PROPERTY=VALUE...]
#   FILE            default: strip.jpg
#   PROPERTY=VALUE  of codesrc: class-name=aurora, seed=3, ...
. "$(dirname "$0")/common.sh"
need videoflip
need rawvideoparse
need jpegenc
rows=$(mktemp)
trap 'rm -f "$rows"' EXIT

# A row is ten pictures side by side. Turned on their sides, their bytes simply follow one another.
turned="videoconvert ! video/x-raw,format=RGB,width=256,height=256 ! videoflip video-direction=90r"
upright="rawvideoparse format=rgb width=256 height=2560 ! videoflip video-direction=90l"
row() {
    gst-launch-1.0 -q fdsrc ! "$@" ! fdsink >>"$rows"
}

# shellcheck disable=SC2086
{
    for n in 1 2 3 4 5 6 7 8 9 10; do
        gst-launch-1.0 -q codesrc "$@" drafting-steps="$n" num-buffers=1 ! $turned ! fdsink
    done | row $upright
    gst-launch-1.0 -q codesrc "$@" progressive=true num-buffers=10 ! $turned ! fdsink | row $upright
}
gst-launch-1.0 -q filesrc location="$rows" ! rawvideoparse format=rgb width=2560 height=512 ! videoscale ! \
    video/x-raw,width=1280,height=256 ! jpegenc quality=92 ! filesink location="${target:-strip.jpg}"
