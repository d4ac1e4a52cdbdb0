#!/bin/sh
# window.sh - a window that shows new pictures for as long as it is open.
#
# Usage: pipelines/window.sh [SIDE] [PROPERTY=VALUE...]
#   SIDE            width and height of the window in pixels; default: 512
#   PROPERTY=VALUE  of codesrc: class-name=aurora, anytime=true, ...
#   VIDEOSINK       environment: an element to replace autovideosink, such as ximagesink
. "$(dirname "$0")/common.sh"

side=${target:-512}
# shellcheck disable=SC2086
exec gst-launch-1.0 -e -q codesrc is-live=true "$@" ! videoconvert ! videoscale ! \
    video/x-raw,width="$side",height="$side" ! ${VIDEOSINK:-autovideosink}
