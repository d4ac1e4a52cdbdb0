#!/bin/sh
# painted-camera.sh - a camera's picture in a window, a part of it drawn anew as something else.
#
# Usage: pipelines/painted-camera.sh [X,Y,WIDTH,HEIGHT] [PROPERTY=VALUE...]
#   X,Y,WIDTH,HEIGHT  what is drawn anew, of 256 x 256 pixels; 0,0,256,112 (the sky) if not given
#   PROPERTY=VALUE    of codepaint: class-name=aurora, drafting-steps=5, ...
#   CAMERA            environment: another element than v4l2src, such as "v4l2src device=/dev/video2"
#   VIDEOSINK         environment: another element than autovideosink
. "$(dirname "$0")/common.sh"
need codepaint

# The camera is cut square; frames that come while one is painted are dropped.
# shellcheck disable=SC2086
exec gst-launch-1.0 -e -q ${CAMERA:-v4l2src} ! videoconvert ! aspectratiocrop aspect-ratio=1/1 ! \
    videoscale ! video/x-raw,width=256,height=256,pixel-aspect-ratio=1/1 ! \
    queue max-size-buffers=1 leaky=downstream ! videoconvert ! \
    codepaint mask="${target:-0,0,256,112}" class-id=10 "$@" ! videoconvert ! \
    ${VIDEOSINK:-autovideosink}
