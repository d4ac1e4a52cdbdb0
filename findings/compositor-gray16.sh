#!/bin/sh
# GStreamer's compositor, given one opaque 16-bit grey picture, returns it 2 steps brighter.
#
# Versions: GStreamer 1.22.0, compositor of gstreamer1.0-plugins-base 1.22.0-3+deb12u7 (Debian 12), x86-64.
#
# Behaviour: one input pad, same size, alpha 1, GRAY16_LE in and GRAY16_LE out: nothing to blend or scale.
# Of the 65536 grey levels 65480 come out as level + 2. The ends are squeezed: 0 becomes 8 and 65535
# becomes 65528, so neither black nor white survives. compositor converts to ARGB64 and back: two
# videoconvert elements that go through ARGB64 give the same bytes. Through AYUV64 the round trip is
# exact, and so is compositor on GRAY8.
#
# Why it matters: "0 means no data" and "65535 means infinity" are gone from a depth map, and a chain of
# compositors keeps adding 2.
#
# Output seen:
#   compositor: 0 -> 8, 1000 -> 1002, 65535 -> 65528; 65480 of 65536 levels raised by 2
#   two in a row: 0 -> 11, 1000 -> 1004, 65535 -> 65524
#   through ARGB64: the same as compositor; through AYUV64: exact; compositor on GRAY8: exact
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
cd "$tmp"
apt-get -q download libgstreamer1.0-0=1.22.0-2+deb12u1 gstreamer1.0-tools=1.22.0-2+deb12u1 \
    libgstreamer-plugins-base1.0-0=1.22.0-3+deb12u7 gstreamer1.0-plugins-base=1.22.0-3+deb12u7 \
    libglib2.0-0=2.74.6-2+deb12u9 liborc-0.4-0=1:0.4.33-2 libdw1=0.188-2.1 libelf1=0.188-2.1 \
    libunwind8=1.6.2-3 libffi8=3.4.4-1 >apt.log 2>&1 ||
    { echo "skipped: apt-get cannot download these versions (run apt-get update first?)"; tail -n 3 apt.log; exit 77; }
for deb in *.deb; do dpkg -x "$deb" root; done
lib=$tmp/root/usr/lib/x86_64-linux-gnu
mkdir plugins
for name in coreelements rawparse compositor videoconvertscale; do cp "$lib/gstreamer-1.0/libgst$name.so" plugins/; done
export LD_LIBRARY_PATH="$lib" GST_PLUGIN_SYSTEM_PATH_1_0="$tmp/plugins" GST_PLUGIN_PATH_1_0="" \
    GST_REGISTRY_1_0="$tmp/registry.bin" GST_REGISTRY_FORK=no GST_DEBUG=""
gst() { "$tmp/root/usr/bin/gst-launch-1.0" -q "$@" >>gst.log 2>&1; }
fail() { echo "CHANGED: $*"; exit 1; }

# Every 16-bit level once, low byte first, as a picture of 256 x 256.
# shellcheck disable=SC2059  # the format string is the data
printf "$(awk 'BEGIN {for (i = 0; i < 65536; i++) printf "\\%03o\\%03o", i % 256, int(i / 256)}')" >levels
[ "$(wc -c <levels)" -eq 131072 ] || fail "the test picture is wrong"
wide="filesrc location=levels blocksize=131072 ! rawvideoparse width=256 height=256 format=gray16-le"
narrow="filesrc location=levels blocksize=131072 ! rawvideoparse width=512 height=256 format=gray8"
gray=video/x-raw,format=GRAY16_LE
# shellcheck disable=SC2086  # $wide and $narrow are several words
{
    gst $wide ! compositor ! $gray ! filesink location=one
    gst $wide ! compositor ! $gray ! compositor ! $gray ! filesink location=two
    gst $wide ! videoconvert ! video/x-raw,format=ARGB64 ! videoconvert ! $gray ! filesink location=argb
    gst $wide ! videoconvert ! video/x-raw,format=AYUV64 ! videoconvert ! $gray ! filesink location=ayuv
    gst $narrow ! compositor ! video/x-raw,format=GRAY8 ! filesink location=narrow
} || { cat gst.log; fail "a pipeline failed"; }
level() { od -An -tu2 -j $(($2 * 2)) -N 2 "$1" | xargs; }
ends() { echo "0 -> $(level "$1" 0), 1000 -> $(level "$1" 1000), 65535 -> $(level "$1" 65535)"; }
raised=$(od -An -v -tu2 -w2 one | awk '$1 == NR + 1 {n++} END {print n}')
{
    echo "compositor: $(ends one); $raised of 65536 levels raised by 2"
    echo "two in a row: $(ends two)"
} | tee seen
cat >expected <<EOF
compositor: 0 -> 8, 1000 -> 1002, 65535 -> 65528; 65480 of 65536 levels raised by 2
two in a row: 0 -> 11, 1000 -> 1004, 65535 -> 65524
EOF
cmp -s seen expected || fail "compositor maps 16-bit grey levels in another way"
cmp -s one argb || fail "a round trip through ARGB64 differs from compositor"
cmp -s levels ayuv || fail "a round trip through AYUV64 is not exact"
cmp -s levels narrow || fail "compositor changes GRAY8"
echo "through ARGB64: the same as compositor; through AYUV64: exact; compositor on GRAY8: exact"
echo "as recorded"
