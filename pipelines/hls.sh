#!/bin/sh
# hls.sh - writes an HLS stream and a page to a folder, for any web server. Removes old segments.
#
# Usage: pipelines/hls.sh [FOLDER] [PROPERTY=VALUE...]
#   FOLDER          created if it does not exist; default: hls
#   PROPERTY=VALUE  of codesrc: class-name=aurora, num-buffers=50, ...
. "$(dirname "$0")/common.sh"
need x264enc h264parse hlssink2

folder=${target:-hls}
mkdir -p "$folder"
cp "$(dirname "$0")/hls.html" "$folder/index.html"
# A segment begins with a key frame: one every two seconds.
exec gst-launch-1.0 -e -q codesrc is-live=true "$@" ! video/x-raw,framerate=5/1 ! videoconvert ! \
    x264enc tune=zerolatency key-int-max=10 ! video/x-h264,profile=main ! h264parse ! \
    hlssink2 target-duration=2 playlist-length=5 max-files=8 \
    location="$(pattern "$folder")/segment%05d.ts" playlist-location="$folder/stream.m3u8"
