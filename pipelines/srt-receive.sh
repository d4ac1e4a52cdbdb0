#!/bin/sh
# srt-receive.sh - calls srt-send.sh and shows its stream. Calls again if the connection breaks.
#
# Usage: pipelines/srt-receive.sh [HOST:PORT]
#   HOST:PORT       the sender; default: 127.0.0.1:7001
#   VIDEOSINK       environment: an element to replace autovideosink
. "$(dirname "$0")/common.sh"
need srtsrc tsdemux h264parse openh264dec

# shellcheck disable=SC2086
exec gst-launch-1.0 -q srtsrc uri="srt://${target:-127.0.0.1:7001}?mode=caller" ! tsdemux ! \
    h264parse ! openh264dec ! videoconvert ! ${VIDEOSINK:-autovideosink}
