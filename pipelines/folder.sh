#!/bin/sh
# folder.sh - writes pictures to a folder, numbered from 00000.png.
#
# Usage: pipelines/folder.sh [FOLDER] [PROPERTY=VALUE...]
#   FOLDER          created if it does not exist; default: pictures
#   PROPERTY=VALUE  of codesrc: num-buffers=100 (default: 16), seed=3, batch-size=4, ...
. "$(dirname "$0")/common.sh"

folder=${target:-pictures}
mkdir -p "$folder"
exec gst-launch-1.0 -q codesrc num-buffers=16 qos=false "$@" ! videoconvert ! pngenc ! \
    multifilesink location="$(pattern "$folder")/%05d.png"
