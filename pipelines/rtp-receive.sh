#!/bin/sh
# rtp-receive.sh - shows what rtp-send.sh sends.
#
# Usage: pipelines/rtp-receive.sh [PORT]
#   PORT            the port to listen at, 5004
#   VIDEOSINK       environment: another element than autovideosink
. "$(dirname "$0")/common.sh"
need udpsrc rtpjitterbuffer rtpvp8depay vp8dec

# shellcheck disable=SC2086
exec gst-launch-1.0 -e -q udpsrc port="${target:-5004}" \
    caps="application/x-rtp,media=video,encoding-name=VP8,clock-rate=90000,payload=96" ! \
    rtpjitterbuffer ! rtpvp8depay ! vp8dec ! videoconvert ! ${VIDEOSINK:-autovideosink}
