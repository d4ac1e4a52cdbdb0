#!/bin/sh
# camera.sh - codesrc as a camera that other programs can open, through the kernel's v4l2loopback.
#
# Usage: pipelines/camera.sh [DEVICE] [PROPERTY=VALUE...]
#   DEVICE          /dev/video9
#   PROPERTY=VALUE  of codesrc: class-name=aurora, min-drafting-steps=5, ...
#   VIDEOSINK       environment: another element than v4l2sink, to see what the camera would show
#
# Once, as root (Debian: apt install v4l2loopback-dkms):
#   modprobe v4l2loopback video_nr=9 card_label=codesrc exclusive_caps=1
. "$(dirname "$0")/common.sh"

device=${target:-/dev/video9}
if [ -z "${VIDEOSINK:-}" ]; then
    need v4l2sink
    [ -c "$device" ] || {
        echo "$0: $device is not there; is v4l2loopback loaded? --help tells how" >&2
        exit 1
    }
fi
# Frames come in memory of our own: v4l2loopback offers some, and not as much as is needed (its issue 83).
# shellcheck disable=SC2086
exec gst-launch-1.0 -q codesrc is-live=true "$@" ! video/x-raw,framerate=5/1 ! \
    videoconvert ! videoscale ! video/x-raw,format=YUY2,width=512,height=512 ! \
    identity drop-allocation=true ! ${VIDEOSINK:-v4l2sink device="$device"}
