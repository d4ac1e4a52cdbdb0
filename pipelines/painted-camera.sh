#!/bin/sh
# painted-camera.sh - a camera's picture in a window, with a part of it generated again as another class.
#
# Usage: pipelines/painted-camera.sh [X,Y,WIDTH,HEIGHT] [PROPERTY=VALUE...]
#   X,Y,WIDTH,HEIGHT  the part to generate again, of 256 x 256 pixels; default: 0,0,256,112 (the sky)
#   PROPERTY=VALUE    of codepaint: class-name=aurora, drafting-steps=5, ...
#   CAMERA            environment: an element to replace v4l2src, such as "v4l2src device=/dev/video2"
#   VIDEOSINK         environment: an element to replace autovideosink
. "$(dirname "$0")/common.sh"
need codepaint

# Crop the camera to a square, and drop frames that arrive while codepaint is busy.
# shellcheck disable=SC2086
exec gst-launch-1.0 -e -q ${CAMERA:-v4l2src} ! videoconvert ! aspectratiocrop aspect-ratio=1/1 ! \
    videoscale ! video/x-raw,width=256,height=256,pixel-aspect-ratio=1/1 ! \
    queue max-size-buffers=1 leaky=downstream ! videoconvert ! \
    codepaint mask="${target:-0,0,256,112}" class-id=10 "$@" ! videoconvert ! \
    ${VIDEOSINK:-autovideosink}
