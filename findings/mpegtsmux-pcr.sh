#!/bin/sh
# mpegtsmux writes its clock with pictures only, so slow video breaks the limit of MPEG-2 transport streams.
#
# Versions: GStreamer 1.22.0: mpegtsmux of gstreamer1.0-plugins-bad 1.22.0-4+deb12u8, with x264enc of
# gstreamer1.0-plugins-ugly 1.22.0-2+deb12u2 (Debian 12), x86-64. GStreamer 1.26.2 (Debian 13) writes the same.
#
# Behaviour: receivers set their clock by the PCR, which ISO/IEC 13818-1 wants at least every 100 ms, and DVB
# every 40 ms. mpegtsmux documents pcr-interval with a default of 40 ms, but it only decides which pictures get
# a PCR: by default every other one at 25 a second, 80 ms apart, and at less than 10 pictures a second none of its
# values keeps to 100 ms. Only a constant bitrate, filled with null packets, brings PCRs between pictures.
#
# Why it matters: strict receivers and analysers reject such streams of slides, cameras at night, or screens.
# Send at least 10 pictures a second, repeating them, or set bitrate above the highest of the encoder.
#
# Output seen (longest time between two PCRs):
#   25/1: default 80 ms, pcr-interval=900 40 ms, bitrate=500000 39 ms
#   5/1: default 200 ms, pcr-interval=900 200 ms, bitrate=500000 39 ms
#   1/1: default 1000 ms, pcr-interval=900 1000 ms, bitrate=500000 39 ms
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
cd "$tmp"
command -v python3 >/dev/null || { echo "skipped: python3 is not installed"; exit 77; }
apt-get -q download libgstreamer1.0-0=1.22.0-2+deb12u1 gstreamer1.0-tools=1.22.0-2+deb12u1 \
    libgstreamer-plugins-base1.0-0=1.22.0-3+deb12u7 gstreamer1.0-plugins-base=1.22.0-3+deb12u7 \
    libgstreamer-plugins-bad1.0-0=1.22.0-4+deb12u8 gstreamer1.0-plugins-bad=1.22.0-4+deb12u8 \
    gstreamer1.0-plugins-ugly=1.22.0-2+deb12u2 libx264-164=2:0.164.3095+gitbaee400-3 \
    libglib2.0-0=2.74.6-2+deb12u9 liborc-0.4-0=1:0.4.33-2 libdw1=0.188-2.1 libelf1=0.188-2.1 \
    libunwind8=1.6.2-3 libffi8=3.4.4-1 >apt.log 2>&1 ||
    { echo "skipped: apt-get cannot download these versions (run apt-get update first?)"; tail -n 3 apt.log; exit 77; }
for deb in *.deb; do dpkg -x "$deb" root; done
lib=$tmp/root/usr/lib/x86_64-linux-gnu
mkdir plugins
for name in coreelements videotestsrc x264 videoparsersbad mpegtsmux; do
    cp "$lib/gstreamer-1.0/libgst$name.so" plugins/
done
export LD_LIBRARY_PATH="$lib" GST_PLUGIN_SYSTEM_PATH_1_0="$tmp/plugins" GST_PLUGIN_PATH_1_0="" \
    GST_REGISTRY_1_0="$tmp/registry.bin" GST_REGISTRY_FORK=no GST_DEBUG=""
fail() { echo "CHANGED: $*"; exit 1; }

# gap RATE PROPERTY...: the longest time between two PCRs of 25 pictures, in whole milliseconds.
gap() {
    rate=$1
    shift
    # shellcheck disable=SC2068  # properties
    "$tmp/root/usr/bin/gst-launch-1.0" -q videotestsrc num-buffers=25 ! \
        "video/x-raw,format=I420,width=64,height=64,framerate=$rate" ! x264enc bframes=0 threads=1 ! h264parse ! \
        mpegtsmux $@ ! filesink location=out.ts >gst.log 2>&1 || { cat gst.log >&2; exit 1; }
    [ ! -s gst.log ] || { cat gst.log >&2; exit 1; }
    python3 -c '
packets = open("out.ts", "rb").read()
clocks = []
for i in range(0, len(packets), 188):
    head = packets[i : i + 12]
    if head[3] & 0x20 and head[4] and head[5] & 0x10:
        clocks.append((int.from_bytes(head[6:11], "big") >> 7) / 90)
print(round(max(b - a for a, b in zip(clocks, clocks[1:]))), "ms")'
}
for rate in 25/1 5/1 1/1; do
    echo "$rate: default $(gap $rate), pcr-interval=900 $(gap $rate pcr-interval=900)," \
        "bitrate=500000 $(gap $rate bitrate=500000)"
done >seen
cat seen
cat >expected <<'TEXT'
25/1: default 80 ms, pcr-interval=900 40 ms, bitrate=500000 39 ms
5/1: default 200 ms, pcr-interval=900 200 ms, bitrate=500000 39 ms
1/1: default 1000 ms, pcr-interval=900 1000 ms, bitrate=500000 39 ms
TEXT
cmp -s seen expected || fail "mpegtsmux writes PCRs at other times"
echo "as recorded"
