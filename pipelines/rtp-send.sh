#!/bin/sh
# rtp-send.sh - sends pictures as VP8 over RTP. rtp-receive.sh shows them.
#
# Usage: pipelines/rtp-send.sh [HOST:PORT] [PROPERTY=VALUE...]
#   HOST:PORT       the receiver; default: 127.0.0.1:5004
#   PROPERTY=VALUE  of codesrc: class-name=aurora, min-drafting-steps=5, ...
. "$(dirname "$0")/common.sh"
need vp8enc rtpvp8pay udpsink

address=${target:-127.0.0.1:5004}
# A key frame every ten pictures, so that a receiver that joins later need not wait long.
exec gst-launch-1.0 -q codesrc is-live=true "$@" ! video/x-raw,framerate=5/1 ! videoconvert ! \
    vp8enc deadline=1 keyframe-max-dist=10 target-bitrate=2000000 ! rtpvp8pay ! \
    udpsink host="${address%:*}" port="${address##*:}"
