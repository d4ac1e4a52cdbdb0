#!/bin/sh
# srt-send.sh - waits for a caller at an SRT port and sends it pictures, as H.264 in MPEG-TS.
#
# Usage: pipelines/srt-send.sh [HOST:PORT] [PROPERTY=VALUE...]
#   HOST:PORT       the address to listen on, 0.0.0.0:7001 for all; default: 127.0.0.1:7001
#   PROPERTY=VALUE  of codesrc: class-name=aurora, min-drafting-steps=5, ...
. "$(dirname "$0")/common.sh"
need videorate x264enc mpegtsmux srtsink

# Each picture twice: mpegtsmux sends its clock with pictures, and the standard wants it every 100 ms.
# Without the mode in the URI, srtsink would call its host instead of listening there.
exec gst-launch-1.0 -q codesrc is-live=true "$@" ! video/x-raw,framerate=5/1 ! videoconvert ! \
    videorate ! video/x-raw,framerate=10/1 ! x264enc tune=zerolatency key-int-max=20 ! \
    video/x-h264,profile=baseline ! mpegtsmux ! srtsink uri="srt://${target:-127.0.0.1:7001}?mode=listener"
