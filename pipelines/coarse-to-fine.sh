#!/bin/sh
# coarse-to-fine.sh - a film of pictures that get sharper scale by scale, as the model decodes them.
#
# Usage: pipelines/coarse-to-fine.sh [FILE] [PROPERTY=VALUE...]
#   FILE            default: coarse-to-fine.webm
#   PROPERTY=VALUE  of codesrc: num-buffers=40 (frames, ten a picture), class-name=volcano, ...
. "$(dirname "$0")/common.sh"
need vp8enc webmmux

exec gst-launch-1.0 -q codesrc progressive=true num-buffers=40 qos=false "$@" ! \
    video/x-raw,framerate=5/1 ! videoconvert ! vp8enc deadline=1 target-bitrate=2000000 ! \
    webmmux ! filesink location="${target:-coarse-to-fine.webm}"
