#!/bin/sh
# GStreamer's pnmenc writes 16-bit greys right from GRAY16_LE and byte-swapped from GRAY16_BE.
#
# Versions: GStreamer 1.22.0, pnmenc of gstreamer1.0-plugins-bad 1.22.0-4+deb12u8 (Debian 12), x86-64.
#
# Behaviour: a binary PGM with the maximum 65535 stores each sample with its high byte first. GRAY16_BE
# has the very same layout, so its bytes should go to the file as they are. pnmenc swaps them instead:
# the sample 0x0102 (258) arrives in the file as 02 01 (513). GRAY16_LE, which does need the swap, is
# right. With ascii=true both formats give the right decimal numbers, so a text dump of the same frame
# contradicts its binary twin. pnmdec does not undo the swap: BE -> pnmenc -> pnmdec is not the identity.
#
# Why it matters: a depth map or a 16-bit mask turns into noise, in a well-formed file and without a
# warning, only because the frames happened to arrive as GRAY16_BE.
#
# Output seen:
#   GRAY16_BE 258 772 -> binary 513 1027, ascii 258 772, back from pnmdec 513 1027
#   GRAY16_LE 258 772 -> binary 258 772, ascii 258 772, back from pnmdec 258 772
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
cd "$tmp"
apt-get -q download libgstreamer1.0-0=1.22.0-2+deb12u1 gstreamer1.0-tools=1.22.0-2+deb12u1 \
    libgstreamer-plugins-base1.0-0=1.22.0-3+deb12u7 gstreamer1.0-plugins-base=1.22.0-3+deb12u7 \
    gstreamer1.0-plugins-bad=1.22.0-4+deb12u8 \
    libglib2.0-0=2.74.6-2+deb12u9 liborc-0.4-0=1:0.4.33-2 libdw1=0.188-2.1 libelf1=0.188-2.1 \
    libunwind8=1.6.2-3 libffi8=3.4.4-1 >apt.log 2>&1 ||
    { echo "skipped: apt-get cannot download these versions (run apt-get update first?)"; tail -n 3 apt.log; exit 77; }
for deb in *.deb; do dpkg -x "$deb" root; done
lib=$tmp/root/usr/lib/x86_64-linux-gnu
mkdir plugins
for name in coreelements rawparse pnm; do cp "$lib/gstreamer-1.0/libgst$name.so" plugins/; done
export LD_LIBRARY_PATH="$lib" GST_PLUGIN_SYSTEM_PATH_1_0="$tmp/plugins" GST_PLUGIN_PATH_1_0="" \
    GST_REGISTRY_1_0="$tmp/registry.bin" GST_REGISTRY_FORK=no GST_DEBUG=""
gst() { "$tmp/root/usr/bin/gst-launch-1.0" -q "$@" >>gst.log 2>&1; }
fail() { echo "CHANGED: $*"; exit 1; }

# Two samples, 258 (0x0102) and 772 (0x0304), in both byte orders. Samples are printed high byte first.
printf '\001\002\003\004' >GRAY16_BE
printf '\002\001\004\003' >GRAY16_LE
numbers() { od -An -v -tu1 | awk '{for (i = 1; i < NF; i += 2) printf "%s%d", n++ ? " " : "", $i * 256 + $(i + 1)}'; }

for format in GRAY16_BE GRAY16_LE; do
    source="filesrc location=$format blocksize=4 ! rawvideoparse width=2 height=1
        format=$(echo "$format" | tr 'A-Z_' 'a-z-')"
    # shellcheck disable=SC2086  # $source is several words
    {
        gst $source ! pnmenc ! filesink location=binary.pgm
        gst $source ! pnmenc ascii=true ! filesink location=ascii.pgm
        gst filesrc location=binary.pgm ! pnmdec ! video/x-raw,format=GRAY16_BE ! filesink location=back.raw
    } || { cat gst.log; fail "a pipeline failed"; }
    [ ! -s gst.log ] || fail "a pipeline warned"
    [ "$(head -n 3 binary.pgm | tr '\n' ' ')" = "P5 2 1 65535 " ] || fail "unexpected PGM header"
    echo "$format 258 772 -> binary $(tail -c 4 binary.pgm | numbers)," \
        "ascii $(tail -n +4 ascii.pgm | xargs), back from pnmdec $(numbers <back.raw)" | tee -a seen
done
printf '%s\n' "GRAY16_BE 258 772 -> binary 513 1027, ascii 258 772, back from pnmdec 513 1027" \
    "GRAY16_LE 258 772 -> binary 258 772, ascii 258 772, back from pnmdec 258 772" | cmp -s - seen ||
    fail "pnmenc no longer swaps GRAY16_BE, or swaps something else"
echo "as recorded"
