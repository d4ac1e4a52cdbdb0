#!/bin/sh
# picture.sh - writes one picture as a PNG file.
#
# Usage: pipelines/picture.sh [FILE] [PROPERTY=VALUE...]
#   FILE            default: picture.png
#   PROPERTY=VALUE  of codesrc: class-name=aurora, seed=3, ...
. "$(dirname "$0")/common.sh"

# A frame rate of 0/1 means a still picture: one buffer, then EOS.
exec gst-launch-1.0 -q codesrc "$@" ! video/x-raw,framerate=0/1 ! videoconvert ! pngenc ! \
    filesink location="${target:-picture.png}"
