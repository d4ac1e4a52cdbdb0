#!/bin/sh
# picture.sh - one picture, as a PNG file.
#
# Usage: pipelines/picture.sh [FILE] [PROPERTY=VALUE...]
#   FILE            picture.png
#   PROPERTY=VALUE  of codesrc: class-name=aurora, seed=3, ...
. "$(dirname "$0")/common.sh"

# A frame rate of 0/1 is a still picture: one buffer, then the end.
exec gst-launch-1.0 -q codesrc "$@" ! video/x-raw,framerate=0/1 ! videoconvert ! pngenc ! \
    filesink location="${target:-picture.png}"
