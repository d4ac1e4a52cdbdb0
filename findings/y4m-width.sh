#!/bin/sh
# GStreamer's y4menc writes broken files unless 8 divides the width: its own y4mdec cannot read them either.
#
# Versions: GStreamer 1.22.0, y4menc of gstreamer1.0-plugins-good 1.22.0-5+deb12u4 and y4mdec of
# gstreamer1.0-plugins-bad 1.22.0-4+deb12u8 (Debian 12); PyAV 15.1.0 with the FFmpeg it brings; x86-64.
#
# Behaviour: a Y4M frame is the samples of each row and nothing between the rows. GStreamer keeps rows at
# multiples of 4 bytes in memory, and y4menc writes that filler too, although the header has no field for it.
# At width 852 the luma rows need no filler, but the I420 chroma rows of 426 bytes do: 2 bytes each, 96
# a frame of height 48. FFmpeg gets one frame and then loses its place; y4mdec on the same file stops with
# an error. At width 856 all agree. The encoder itself reports success every time.
#
# Why it matters: Y4M is the format to hand frames to another program, and the usual test sizes (320, 640,
# 1280, 1920) are all multiples of 8.
#
# Output seen (I420, 2 frames of height 48):
#   width 856: 0 extra bytes a frame; FFmpeg reads 2 frames; y4mdec returns the pictures
#   width 852: 96 extra bytes a frame; FFmpeg reads 1 frame, then InvalidDataError; y4mdec fails
#   width 426: 240 extra bytes a frame; FFmpeg reads 1 frame, then InvalidDataError; y4mdec fails
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
cd "$tmp"
apt-get -q download libgstreamer1.0-0=1.22.0-2+deb12u1 gstreamer1.0-tools=1.22.0-2+deb12u1 \
    libgstreamer-plugins-base1.0-0=1.22.0-3+deb12u7 gstreamer1.0-plugins-base=1.22.0-3+deb12u7 \
    gstreamer1.0-plugins-good=1.22.0-5+deb12u4 gstreamer1.0-plugins-bad=1.22.0-4+deb12u8 \
    libglib2.0-0=2.74.6-2+deb12u9 liborc-0.4-0=1:0.4.33-2 libdw1=0.188-2.1 libelf1=0.188-2.1 \
    libunwind8=1.6.2-3 libffi8=3.4.4-1 >apt.log 2>&1 ||
    { echo "skipped: apt-get cannot download these versions (run apt-get update first?)"; tail -n 3 apt.log; exit 77; }
for deb in *.deb; do dpkg -x "$deb" root; done
lib=$tmp/root/usr/lib/x86_64-linux-gnu
mkdir plugins
for name in coreelements videotestsrc y4menc y4mdec; do cp "$lib/gstreamer-1.0/libgst$name.so" plugins/; done
export LD_LIBRARY_PATH="$lib" GST_PLUGIN_SYSTEM_PATH_1_0="$tmp/plugins" GST_PLUGIN_PATH_1_0="" \
    GST_REGISTRY_1_0="$tmp/registry.bin" GST_REGISTRY_FORK=no GST_DEBUG=""
gst() { "$tmp/root/usr/bin/gst-launch-1.0" -q "$@" >>gst.log 2>&1; }
fail() { echo "CHANGED: $*"; exit 1; }

python3 -m pip -q install --no-deps --only-binary :all: --target site av==15.1.0 >pip.log 2>&1 ||
    { echo "skipped: pip cannot install av 15.1.0"; tail -n 3 pip.log; exit 77; }
cat >read.py <<'EOF'
import av
frames = 0
try:
    with av.open("file.y4m") as file:
        for _ in file.decode(video=0):
            frames += 1
    print(frames, "frames")
except av.error.InvalidDataError as error:
    print(frames, "frame, then", type(error).__name__)
EOF
for width in 856 852 426; do
    gst videotestsrc num-buffers=2 ! video/x-raw,format=I420,width=$width,height=48 ! tee name=both ! queue ! \
        filesink location=raw both. ! queue ! y4menc ! filesink location=file.y4m || { cat gst.log; fail "y4menc"; }
    extra=$(($(wc -c <file.y4m) - $(head -n 1 file.y4m | wc -c) - 2 * (6 + width * 48 * 3 / 2)))
    ffmpeg=$(LD_LIBRARY_PATH="" PYTHONPATH=site python3 read.py)
    if gst filesrc location=file.y4m ! y4mdec ! filesink location=back; then
        if cmp -s raw back; then own="returns the pictures"; else own="returns other pictures"; fi
    else
        own="fails"
    fi
    echo "width $width: $((extra / 2)) extra bytes a frame; FFmpeg reads $ffmpeg; y4mdec $own"
done >seen
cat seen
cat >expected <<EOF
width 856: 0 extra bytes a frame; FFmpeg reads 2 frames; y4mdec returns the pictures
width 852: 96 extra bytes a frame; FFmpeg reads 1 frame, then InvalidDataError; y4mdec fails
width 426: 240 extra bytes a frame; FFmpeg reads 1 frame, then InvalidDataError; y4mdec fails
EOF
cmp -s seen expected || fail "Y4M files of these widths behave in another way"
echo "as recorded"
