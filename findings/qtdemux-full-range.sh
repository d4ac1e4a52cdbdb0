#!/bin/sh
# GStreamer's qtdemux reads the full range that mp4mux writes into an MP4 as video range.
#
# Versions: GStreamer 1.22.0: qtdemux, mp4mux and matroskamux of gstreamer1.0-plugins-good 1.22.0-5+deb12u4, x264enc
# of gstreamer1.0-plugins-ugly, h264parse and openh264dec of gstreamer1.0-plugins-bad (Debian 12); PyAV 15.1.0 with
# the FFmpeg it brings; x86-64. GStreamer 1.26.2 (Debian 13) reads the flag.
#
# Behaviour: the range of an MP4 is the top bit of the last byte of its colr box (ISO/IEC 14496-12). mp4mux sets it.
# qtdemux looks for it one byte earlier, in the number of the matrix, where that bit is never set, and writes "video
# range" (2) into the caps. The same flag in the H.264 stream does not help: h264parse believes the caps of the
# container. The samples are intact, but what shows or converts them stretches 16 to 235 over everything.
#
# Why it matters: JPEGs and many phones give full range. In their MP4 films, dark greys turn black and light ones
# white. The same stream is right in Matroska, and the same MP4 in FFmpeg, so the file looks like the culprit in one
# test and GStreamer in the other. Behind qtdemux, capssetter can put colorimetry right.
#
# Output seen (luma 8, 128 and 247, where 0 is black and 255 white):
#   mp4mux: byte of the flag 80, FFmpeg reads full range, qtdemux colorimetry=2:3:7:1, RGB 0 128 255
#   matroskamux: matroskademux colorimetry=1:3:7:1, RGB 8 128 247
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
cd "$tmp"
command -v python3 >/dev/null || { echo "skipped: python3 is not installed"; exit 77; }
apt-get -q download libgstreamer1.0-0=1.22.0-2+deb12u1 gstreamer1.0-tools=1.22.0-2+deb12u1 \
    libgstreamer-plugins-base1.0-0=1.22.0-3+deb12u7 gstreamer1.0-plugins-base=1.22.0-3+deb12u7 \
    gstreamer1.0-plugins-good=1.22.0-5+deb12u4 libgstreamer-plugins-bad1.0-0=1.22.0-4+deb12u8 \
    gstreamer1.0-plugins-bad=1.22.0-4+deb12u8 gstreamer1.0-plugins-ugly=1.22.0-2+deb12u2 \
    libx264-164=2:0.164.3095+gitbaee400-3 libopenh264-7=2.3.1+dfsg-3+deb12u2 libglib2.0-0=2.74.6-2+deb12u9 \
    liborc-0.4-0=1:0.4.33-2 libdw1=0.188-2.1 libelf1=0.188-2.1 libunwind8=1.6.2-3 libffi8=3.4.4-1 >apt.log 2>&1 ||
    { echo "skipped: apt-get cannot download these versions (run apt-get update first?)"; tail -n 3 apt.log; exit 77; }
python3 -m pip -q install --no-deps --only-binary :all: --target site av==15.1.0 >pip.log 2>&1 ||
    { echo "skipped: pip cannot install av 15.1.0"; tail -n 3 pip.log; exit 77; }
for deb in *.deb; do dpkg -x "$deb" root; done
lib=$tmp/root/usr/lib/x86_64-linux-gnu
mkdir plugins
for name in coreelements rawparse videoconvertscale isomp4 matroska x264 openh264 videoparsersbad; do
    cp "$lib/gstreamer-1.0/libgst$name.so" plugins/
done
export LD_LIBRARY_PATH="$lib" GST_PLUGIN_SYSTEM_PATH_1_0="$tmp/plugins" GST_PLUGIN_PATH_1_0="" \
    GST_REGISTRY_1_0="$tmp/registry.bin" GST_REGISTRY_FORK=no GST_DEBUG=""
gst() { "$tmp/root/usr/bin/gst-launch-1.0" "$@" >gst.log 2>&1 || { cat gst.log >&2; exit 1; }; }
fail() { echo "CHANGED: $*"; exit 1; }

# Three frames of 64 x 64 pixels, 4:2:0, without colour.
for value in '\010' '\200' '\367'; do
    head -c 4096 /dev/zero | tr '\0' "$value"
    head -c 2048 /dev/zero | tr '\0' '\200'
done >frames
# read_back FILE DEMUXER: the colours that it tells h264parse, and the first sample of each frame in RGB.
read_back() {
    gst -v filesrc location="$1" ! "$2" ! h264parse ! openh264dec ! videoconvert ! video/x-raw,format=RGB ! \
        filesink location=rgb
    colours=$(sed -n 's/.*h264parse0.GstPad:sink: caps.*\(colorimetry=\)(string)\([0-9:]*\).*/\1\2/p' gst.log)
    echo "$2 $colours," \
        "RGB $(for frame in 0 1 2; do od -An -tu1 -N1 -j $((frame * 64 * 64 * 3)) rgb; done | xargs)"
}
for muxer in mp4mux matroskamux; do
    gst filesrc location=frames blocksize=6144 ! rawvideoparse width=64 height=64 format=i420 framerate=10/1 \
        colorimetry=1:3:7:1 ! x264enc threads=1 bframes=0 key-int-max=1 quantizer=1 pass=quant ! \
        video/x-h264,profile=high ! h264parse ! $muxer ! filesink location=$muxer.file
done
flag=$(LD_LIBRARY_PATH="" PYTHONPATH=site python3 -c '
import av
file = open("mp4mux.file", "rb").read()
box = file.index(b"colrnclx")
with av.open("mp4mux.file") as film:
    ranges = {1: "video range", 2: "full range"}
    print(f"{file[box + 14]:02x}, FFmpeg reads", ranges.get(film.streams.video[0].codec_context.color_range))')
{
    echo "mp4mux: byte of the flag $flag, $(read_back mp4mux.file qtdemux)"
    echo "matroskamux: $(read_back matroskamux.file matroskademux)"
} >seen
cat seen
cat >expected <<'TEXT'
mp4mux: byte of the flag 80, FFmpeg reads full range, qtdemux colorimetry=2:3:7:1, RGB 0 128 255
matroskamux: matroskademux colorimetry=1:3:7:1, RGB 8 128 247
TEXT
cmp -s seen expected || fail "the range of these files is read in another way"
echo "as recorded"
