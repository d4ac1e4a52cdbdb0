#!/bin/sh
# painted-camera.sh - a camera's picture in a window, with a part of it generated again as another class.
#
# Usage: pipelines/painted-camera.sh [X,Y,WIDTH,HEIGHT] [PROPERTY=VALUE...]
#   X,Y,WIDTH,HEIGHT  the part to generate again, in pixels of the frame; default: the upper 7/16 (the sky)
#   PROPERTY=VALUE    of codepaint: class-name=aurora, drafting-steps=5, ...
#   CAMERA            environment: an element to replace v4l2src, such as "v4l2src device=/dev/video2"
#   SIZE              environment: the size of the camera's frames; default: 640x480
#   VIDEOSINK         environment: an element to replace autovideosink
. "$(dirname "$0")/common.sh"
need codepaint

size=${SIZE:-640x480}
width=${size%x*} height=${size#*x}
# Drop frames that arrive while codepaint is busy.
# shellcheck disable=SC2086
exec gst-launch-1.0 -e -q ${CAMERA:-v4l2src} ! video/x-raw,width="$width",height="$height" ! \
    queue max-size-buffers=1 leaky=downstream ! videoconvert ! \
    codepaint mask="${target:-0,0,$width,$((height * 7 / 16))}" class-id=10 "$@" ! videoconvert ! \
    ${VIDEOSINK:-autovideosink}
