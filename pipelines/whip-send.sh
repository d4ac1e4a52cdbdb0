#!/bin/sh
# whip-send.sh - sends pictures by WebRTC to a media server that takes WHIP, in VP8.
#
# Usage: pipelines/whip-send.sh [URL] [PROPERTY=VALUE...]
#   URL             the server's endpoint; default: http://127.0.0.1:8889/codesrc/whip
#   PROPERTY=VALUE  of codesrc: class-name=aurora, num-buffers=60 (a minute), ...
#   WHIPSINK        environment: an element to replace whipsink, which takes VP8 in RTP
#
# whipsink is in gst-plugins-rs, which Debian 12 and 13 lack.
. "$(dirname "$0")/common.sh"
need vp8enc rtpvp8pay
if [ -z "${WHIPSINK:-}" ]; then
    exists whipsink || {
        echo "$0: GStreamer has no element whipsink; it is in gst-plugins-rs (plugin webrtchttp)" >&2
        exit 1
    }
fi

# shellcheck disable=SC2086
exec gst-launch-1.0 -q codesrc is-live=true "$@" ! video/x-raw,framerate=1/1 ! videoconvert ! $steady ! \
    vp8enc deadline=1 keyframe-max-dist=50 target-bitrate=2000000 ! rtpvp8pay ! \
    application/x-rtp,media=video,encoding-name=VP8,payload=96 ! \
    ${WHIPSINK:-whipsink whip-endpoint="${target:-http://127.0.0.1:8889/codesrc/whip}"}
