#!/bin/sh
# rtpjpegpay turns JPEGs that bring Huffman tables of their own into noise.
#
# Versions: GStreamer 1.22.0: rtpjpegpay, rtpjpegdepay and jpegdec of gstreamer1.0-plugins-good 1.22.0-5+deb12u4,
# jpegparse of gstreamer1.0-plugins-bad 1.22.0-4+deb12u8, libjpeg-turbo 2.1.5 (Debian 12); Pillow 11.3.0, PyAV 15.1.0
# with the FFmpeg it brings, NumPy 2.2.6; x86-64. GStreamer's repository has the same lines in August 2026.
#
# Behaviour: JPEG over RTP (RFC 2435) carries no Huffman tables; the receiver takes those of the standard's annex.
# rtpjpegpay skips the tables of a picture (JPEG_MARKER_DHT in gstrtpjpegpay.c) without looking whether they are these,
# and sends on what was coded with others. rtpjpegdepay writes the standard ones, and jpegdec decodes noise of the
# right size. There is no warning, and the status is 0. rtpjpegpay does refuse progressive and 4:4:4 JPEGs, and
# FFmpeg's sender refuses these ones too.
#
# Why it matters: optimizers of JPEGs (Pillow's optimize=True, jpegtran -optimize, MozJPEG) give a picture tables of its
# own. FFmpeg's mjpeg encoder does so as well if it has one thread, as on a machine with one core. Code with the
# standard tables (huffman=default in FFmpeg), or decode and use jpegenc.
#
# Output seen (mean error of the received picture, in levels):
#   Pillow: 0; FFmpeg's sender sends it
#   Pillow optimize=True: 42; FFmpeg's sender refuses it
#   FFmpeg threads=2: 0; FFmpeg's sender sends it
#   FFmpeg threads=1: 41; FFmpeg's sender refuses it
#   FFmpeg threads=1 huffman=default: 0; FFmpeg's sender sends it
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
cd "$tmp"
command -v python3 >/dev/null || { echo "skipped: python3 is not installed"; exit 77; }
apt-get -q download libgstreamer1.0-0=1.22.0-2+deb12u1 gstreamer1.0-tools=1.22.0-2+deb12u1 \
    libgstreamer-plugins-base1.0-0=1.22.0-3+deb12u7 gstreamer1.0-plugins-base=1.22.0-3+deb12u7 \
    gstreamer1.0-plugins-good=1.22.0-5+deb12u4 libgstreamer-plugins-bad1.0-0=1.22.0-4+deb12u8 \
    gstreamer1.0-plugins-bad=1.22.0-4+deb12u8 libjpeg62-turbo=1:2.1.5-2 \
    libglib2.0-0=2.74.6-2+deb12u9 liborc-0.4-0=1:0.4.33-2 libdw1=0.188-2.1 libelf1=0.188-2.1 \
    libunwind8=1.6.2-3 libffi8=3.4.4-1 >apt.log 2>&1 ||
    { echo "skipped: apt-get cannot download these versions (run apt-get update first?)"; tail -n 3 apt.log; exit 77; }
python3 -m pip -q install --no-deps --only-binary :all: --target site numpy==2.2.6 pillow==11.3.0 av==15.1.0 \
    >pip.log 2>&1 || { echo "skipped: pip cannot install numpy, pillow and av"; tail -n 3 pip.log; exit 77; }
for deb in *.deb; do dpkg -x "$deb" root; done
lib=$tmp/root/usr/lib/x86_64-linux-gnu
mkdir plugins
for name in coreelements jpegformat jpeg rtp; do
    cp "$lib/gstreamer-1.0/libgst$name.so" plugins/
done
export GST_PLUGIN_SYSTEM_PATH_1_0="$tmp/plugins" GST_PLUGIN_PATH_1_0="" GST_REGISTRY_1_0="$tmp/registry.bin" \
    GST_REGISTRY_FORK=no GST_DEBUG=""
python() { PYTHONPATH=site python3 "$@"; }
gst() {
    LD_LIBRARY_PATH="$lib" "$tmp/root/usr/bin/gst-launch-1.0" -q "$@" >gst.log 2>&1 || { cat gst.log >&2; exit 1; }
    [ ! -s gst.log ] || { cat gst.log >&2; exit 1; }
}
fail() { echo "CHANGED: $*"; exit 1; }

cat >jpeg.py <<'EOF'
import sys
import av
import numpy as np
from PIL import Image

size = 128

# Writes picture.jpg: two gradients and a red square.
def draw(encoder, options):
    rows, columns = np.mgrid[:size, :size]
    picture = np.stack([columns * 2, rows * 2, rows + columns], axis=2).astype(np.uint8)
    picture[32:64, 32:64] = 255, 0, 0
    if encoder == "Pillow":
        Image.fromarray(picture).save("picture.jpg", optimize=options.get("optimize") == "True")
        return
    with av.open("picture.jpg", "w") as output:
        stream = output.add_stream("mjpeg", rate=1)
        stream.width, stream.height, stream.pix_fmt, stream.options = size, size, "yuvj420p", options
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuvj420p")
        output.mux([*stream.encode(frame), *stream.encode(None)])

def compare():
    sent, received = (np.fromfile(name, np.uint8).astype(int) for name in ("sent", "received"))
    print(f"{abs(sent - received).mean():.0f}")

# The packets of picture.jpg from FFmpeg's sender.
class Packets:
    count = 0

    def write(self, packet):
        self.count += packet[1] & 127 == 26
        return len(packet)

def send():
    packets = Packets()
    with av.open("picture.jpg") as picture, av.open(packets, "w", format="rtp") as output:
        stream = output.add_stream_from_template(picture.streams.video[0])
        for packet in picture.demux(video=0):
            if packet.size:
                packet.stream, packet.pts, packet.dts = stream, 0, 0
                output.mux(packet)
    print("sends it" if packets.count else "refuses it")

if sys.argv[1] == "compare":
    compare()
elif sys.argv[1] == "send":
    send()
else:
    draw(sys.argv[1], dict(word.split("=") for word in sys.argv[2:]))
EOF
for picture in Pillow "Pillow optimize=True" \
    "FFmpeg threads=2" "FFmpeg threads=1" "FFmpeg threads=1 huffman=default"; do
    # shellcheck disable=SC2086  # an encoder and its options
    python jpeg.py $picture
    gst filesrc location=picture.jpg ! jpegparse ! jpegdec ! filesink location=sent
    gst filesrc location=picture.jpg ! jpegparse ! rtpjpegpay ! rtpjpegdepay ! jpegdec ! filesink location=received
    echo "$picture: $(python jpeg.py compare); FFmpeg's sender $(python jpeg.py send)"
done >seen
cat seen
cat >expected <<'TEXT'
Pillow: 0; FFmpeg's sender sends it
Pillow optimize=True: 42; FFmpeg's sender refuses it
FFmpeg threads=2: 0; FFmpeg's sender sends it
FFmpeg threads=1: 41; FFmpeg's sender refuses it
FFmpeg threads=1 huffman=default: 0; FFmpeg's sender sends it
TEXT
cmp -s seen expected || fail "JPEGs arrive in another way"
echo "as recorded"
