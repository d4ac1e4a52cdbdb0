#!/bin/sh
# record.sh - shows pictures in a window and records every one of them in a file.
#
# Usage: pipelines/record.sh [FILE] [PROPERTY=VALUE...]
#   FILE            default: record.webm
#   PROPERTY=VALUE  of codesrc: num-buffers=50 (five a second), class-name=aurora, ...
#   VIDEOSINK       environment: an element to replace autovideosink
. "$(dirname "$0")/common.sh"
need vp8enc webmmux

# With qos=true, codesrc would skip pictures that are late for the window, and the file would lack them.
# shellcheck disable=SC2086
exec gst-launch-1.0 -e -q codesrc qos=false "$@" ! video/x-raw,framerate=5/1 ! tee name=pictures \
    pictures. ! queue ! videoconvert ! ${VIDEOSINK:-autovideosink} \
    pictures. ! queue ! videoconvert ! vp8enc deadline=1 target-bitrate=2000000 ! webmmux ! \
    filesink location="${target:-record.webm}"
