#!/bin/sh
# camera.sh - presents codesrc as a camera to other programs, through the kernel module v4l2loopback.
#
# Usage: pipelines/camera.sh [DEVICE] [PROPERTY=VALUE...]
#   DEVICE          default: /dev/video9
#   PROPERTY=VALUE  of codesrc: class-name=aurora, min-drafting-steps=5, num-buffers=60 (a minute), ...
#   VIDEOSINK       environment: an element to replace v4l2sink, to see the camera's picture
#
# Once, as root (Debian: apt install v4l2loopback-dkms):
#   modprobe v4l2loopback video_nr=9 card_label=codesrc exclusive_caps=1
. "$(dirname "$0")/common.sh"

device=${target:-/dev/video9}
if [ -z "${VIDEOSINK:-}" ]; then
    need v4l2sink
    [ -c "$device" ] || {
        echo "$0: $device does not exist; load v4l2loopback (see --help)" >&2
        exit 1
    }
fi
# Do not use v4l2loopback's buffers: it offers fewer than the pipeline needs (its issue 83).
# shellcheck disable=SC2086
exec gst-launch-1.0 -q codesrc is-live=true "$@" ! video/x-raw,framerate=1/1 ! \
    videoconvert ! videoscale ! video/x-raw,format=YUY2,width=512,height=512 ! $steady ! \
    identity drop-allocation=true ! ${VIDEOSINK:-v4l2sink device="$device"}
