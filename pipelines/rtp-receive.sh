#!/bin/sh
# rtp-receive.sh - shows the stream of rtp-send.sh.
#
# Usage: pipelines/rtp-receive.sh [PORT]
#   PORT            the port to listen on; default: 5004
#   VIDEOSINK       environment: an element to replace autovideosink
. "$(dirname "$0")/common.sh"
need udpsrc rtpjitterbuffer rtpvp8depay vp8dec

# shellcheck disable=SC2086
exec gst-launch-1.0 -e -q udpsrc port="${target:-5004}" \
    caps="application/x-rtp,media=video,encoding-name=VP8,clock-rate=90000,payload=96" ! \
    rtpjitterbuffer ! rtpvp8depay ! vp8dec ! videoconvert ! ${VIDEOSINK:-autovideosink}
