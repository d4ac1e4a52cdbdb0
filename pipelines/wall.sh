#!/bin/sh
# wall.sh - four elements side by side with different seeds. They share one model in memory.
#
# Usage: pipelines/wall.sh [FILE] [PROPERTY=VALUE...]
#   FILE            a .webm file to write instead of opening a window
#   PROPERTY=VALUE  of all four codesrc: num-buffers=10, class-name="sunset sea", ...
#   VIDEOSINK       environment: an element to replace autovideosink
. "$(dirname "$0")/common.sh"
need compositor

if [ -n "$target" ]; then
    need vp8enc webmmux
    # VP8 knows BT.601 alone, and models of larger pictures make the wall higher than 576 rows.
    sink='video/x-raw,colorimetry=bt601 ! vp8enc deadline=1 target-bitrate=4000000 ! webmmux ! filesink'
    set -- qos=false "$@" # record every frame
else
    sink=${VIDEOSINK:-autovideosink}
fi
# shellcheck disable=SC2086
exec gst-launch-1.0 -e -q compositor name=wall background=black \
    sink_1::xpos=260 sink_2::ypos=260 sink_3::xpos=260 sink_3::ypos=260 ! \
    videoconvert ! queue ! $sink ${target:+"location=$target"} \
    codesrc seed=1 "$@" ! queue ! wall.sink_0 \
    codesrc seed=2 "$@" ! queue ! wall.sink_1 \
    codesrc seed=3 "$@" ! queue ! wall.sink_2 \
    codesrc seed=4 "$@" ! queue ! wall.sink_3
