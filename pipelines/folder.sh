#!/bin/sh
# folder.sh - a folder of pictures, numbered from 00000.png.
#
# Usage: pipelines/folder.sh [FOLDER] [PROPERTY=VALUE...]
#   FOLDER          pictures; made if it is not there
#   PROPERTY=VALUE  of codesrc: num-buffers=100 (16 if not given), seed=3, batch-size=4, ...
. "$(dirname "$0")/common.sh"

folder=${target:-pictures}
mkdir -p "$folder"
exec gst-launch-1.0 -q codesrc num-buffers=16 "$@" ! videoconvert ! pngenc ! \
    multifilesink location="$folder/%05d.png"
