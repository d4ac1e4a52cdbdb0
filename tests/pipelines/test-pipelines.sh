#!/bin/sh
# Runs one pipeline of pipelines/ on a few buffers, decodes what it wrote, and asks that frames, sizes,
# times and contents are what docs/pipelines.md says. Usage: test-pipelines.sh NAME
#   PIPELINES  the folder of the scripts     PROGRAMS  that of the built samples
#   FRAMES     the program frames            IMAGE, MODEL  the tools
set -eu
name=$1
folder=$(mktemp -d)
trap 'kill $children 2> /dev/null || true; rm -rf "$folder"' EXIT
children=
cd "$folder"

fail() {
    echo "FAILED: $*"
    exit 1
}

# look FILE FRAMES WIDTH HEIGHT [OTHER]: leaves what frames says in look.txt.
look() {
    timeout 300 "$FRAMES" "$1" ${5:+"$5"} > look.txt || fail "$1 cannot be decoded"
    awk -v n="$2" -v w="$3" -v h="$4" '$3 != w || $4 != h || $6 < 8 {exit 1} END {exit NR != n}' \
        look.txt || { cat look.txt; fail "$1: $2 frames of $3 x $4 that are not blank were expected"; }
}

# holds CONDITION: of awk, over all lines of look.txt.
holds() {
    awk "!($1) {exit 1}" look.txt || { cat look.txt; fail "not so: $1"; }
}

# A window is a film that ends up in a file.
record() {
    echo "vp8enc deadline=1 target-bitrate=4000000 ! webmmux streamable=true ! filesink location=$1"
}

# stop PID: as Ctrl-C does.
stop() {
    kill -INT "$1" 2> /dev/null || true
    wait "$1" || true
}

# waits SECONDS COMMAND: until it is true.
waits() {
    left=$1
    shift
    until "$@"; do
        left=$((left - 1))
        [ "$left" -gt 0 ] || fail "waited too long for: $*"
        sleep 1
    done
}

# built NAME PACKAGE: skips the test if a sample's library was missing when it would have been built.
built() {
    [ -x "$PROGRAMS/$1" ] || {
        echo "skipped: $1 is not built (Debian: $2)"
        exit 77
    }
}

# serve: the RTSP server, and in $address a stream whose pictures are all the same.
serve() {
    built rtsp-server libgstrtspserver-1.0-dev
    port=$1
    "$PROGRAMS/rtsp-server" 127.0.0.1:"$1" > served.txt 2> refused.txt &
    children=$!
    waits 60 grep -q "^rtsp://127.0.0.1:$1/\$" served.txt
    address="rtsp://127.0.0.1:$1/aurora?seed=7&top-k=1"
    "$PIPELINES/picture.sh" one.png class-name=aurora seed=7 top-k=1
}

# view FILE [FRAMES]: records the stream at $address, without end or so many frames of it.
view() {
    gst-launch-1.0 -q -e rtspsrc location="$address" protocols=tcp ! rtpvp8depay ! \
        identity eos-after="${2:--1}" ! webmmux streamable=true ! filesink location="$1" &
    children="$children $!"
    viewer=$!
    waits 60 [ -s "$1" ]
}

# say REQUEST: one without a body, to the server of serve; prints what comes back at once.
say() {
    python3 -c '
import socket, sys
connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
connection.sendall((sys.argv[2] + "\r\nCSeq: 1\r\n\r\n").encode())
print(connection.recv(4096).decode())' "$port" "$1"
}

case $name in
arguments) # Of every script: its help, a bad argument, and what it says where codesrc is not found.
    for script in "$PIPELINES"/*.sh; do
        [ "${script##*/}" != common.sh ] || continue
        "$script" --help | grep -q "^Usage: pipelines/${script##*/}" || fail "$script --help"
        ! "$script" out 'no property' 2> log || fail "$script takes anything"
        grep -q "^$script: found \"no property\", expected PROPERTY=VALUE" log || fail "$script: $(cat log)"
        ! GST_PLUGIN_PATH_1_0='' GST_REGISTRY="$folder/none" "$script" 2> log || fail "$script, no codesrc"
        grep -q '^  \. .*build/demo/env\.sh' log || fail "$script: $(cat log)"
    done
    for program in slides tour morph; do
        "$PROGRAMS/$program" --help | grep -q "^Usage: $program" || fail "$program --help"
        ! "$PROGRAMS/$program" film.avi 2> log || fail "$program film.avi"
        grep -q "^$program: film.avi: expected a name that ends in .webm or .mp4" log || fail "$program: $(cat log)"
        ! "$PROGRAMS/$program" film.webm 2,4 nonsense 2> log || fail "$program takes anything"
        grep -q "^$program: found \"nonsense\", expected" log || fail "$program: $(cat log)"
        "$PROGRAMS/$program" -h | grep -q "^Usage: $program" || fail "$program -h"
        ! "$PROGRAMS/$program" film.webm 2,4 model=nope 2> log || fail "$program model=nope"
        ! GST_PLUGIN_PATH_1_0='' GST_REGISTRY="$folder/none" "$PROGRAMS/$program" 2> log || fail "$program"
        grep -q '^  \. .*build/demo/env\.sh' log || fail "$program: $(cat log)"
    done
    "$PROGRAMS/appsink" -h | grep -q '^Usage: appsink' || fail 'appsink -h'
    ! "$PROGRAMS/appsink" --nonsense 2> log || fail 'appsink takes anything'
    grep -q '^appsink: found "--nonsense", expected "PROPERTY=VALUE' log || fail "appsink: $(cat log)"
    for list in 2,nonsense 2,sea; do
        ! "$PROGRAMS/tour" none.webm $list 2> log || fail "tour none.webm $list"
        ! "$PROGRAMS/morph" none.webm $list 2>> log || fail "morph none.webm $list"
        [ "$(grep -c 'class.*"'"${list#2,}"'"' log)" = 2 ] || fail "$list: $(cat log)"
        [ ! -e none.webm ] || fail "$list left a film"
    done
    # As an int, this would be -1, any class.
    ! "$PROGRAMS/tour" none.webm 4294967295 2> log || fail 'tour of class 4294967295'
    grep -q 'class' log || fail "4294967295: $(cat log)"
    ! "$PROGRAMS/morph" film.webm 2,4,aurora 2> log || fail "morph takes three classes"
    grep -q 'expected two classes' log || fail "morph: $(cat log)"
    ;;
picture) # The same picture as the tool draws without GStreamer.
    "$PIPELINES/picture.sh" sea.png class-name="sunset sea" seed=3
    "$IMAGE" --class "sunset sea" --seed 3 --output tool.png
    look sea.png 1 256 256 tool.png
    holds '$7 == 0'
    "$PIPELINES/picture.sh" && [ -s picture.png ]
    ;;
folder)
    "$PIPELINES/folder.sh" pictures num-buffers=3
    [ "$(ls pictures | tr '\n' ' ')" = '00000.png 00001.png 00002.png ' ] || fail "$(ls pictures)"
    look pictures/00000.png 1 256 256 pictures/00001.png
    holds '$7 > 8'
    look pictures/00001.png 1 256 256 pictures/00002.png
    holds '$7 > 8'
    "$PIPELINES/folder.sh" '5% of %d' num-buffers=1
    [ -s '5% of %d/00000.png' ] || fail "$(ls ./*)"
    ;;
slides) # Two slides: the first holds 5.5 s, the fade takes 1 s, the second has the rest of 12 s.
    for film in slides.webm slides.mp4; do
        timeout 300 "$PROGRAMS/slides" $film 2
        "$PIPELINES/picture.sh" one.png seed=1
        "$PIPELINES/picture.sh" two.png seed=2
        look $film 300 256 256 one.png
        # Codecs lose a little; the first slide is there, half of it at 6 s, nothing of it after 6.5 s.
        holds '$1 >= 137 || $7 < 8'
        awk 'NR == 151 {exit !($7 > 4)}' look.txt || fail "$film: no fade"
        look $film 300 256 256 two.png
        holds '$1 < 163 || $7 < 8'
        awk '$5 > 6 {exit 1}' look.txt || fail "$film: a cut where a fade was expected"
    done
    ;;
coarse-to-fine) # Ten frames a picture; between pictures more changes than from scale to scale at the end.
    "$PIPELINES/coarse-to-fine.sh" film.webm num-buffers=20 class-name=volcano seed=1
    "$PIPELINES/picture.sh" second.png class-name=volcano seed=1 first-frame=1
    look film.webm 20 256 256 second.png
    awk 'NR == 11 {first = $7} NR == 20 {last = $7} END {exit !(last < 8 && first > 2 * last)}' look.txt ||
        { cat look.txt; fail "the last frame is not the picture"; }
    ;;
tour) # Frames 4 to 7 are of the second class.
    # On a terminal a slow film says how far it is, here drawn by plain loops.
    if command -v script > /dev/null; then
        script -qec "$PROGRAMS/tour slow.webm aurora device=reference num-buffers=2" /dev/null > said < /dev/null
        grep -q ' s of the film are drawn' said || fail "no progress: $(cat said)"
    fi
    timeout 300 "$PROGRAMS/tour" tour.webm aurora,15 2> said
    [ ! -s said ] || fail "tour: $(cat said)"
    look tour.webm 8 256 256
    holds '$1 == 0 || $5 > 6'
    for n in 3:10 4:15; do
        "$PIPELINES/picture.sh" one.png class-id="${n#*:}" first-frame="${n%:*}"
        look tour.webm 8 256 256 one.png
        awk -v n="${n%:*}" '$1 == n {exit !($7 < 8)}' look.txt || fail "frame $n"
    done
    "$PROGRAMS/tour" 'a "tour\.webm' aurora num-buffers=1
    [ -s 'a "tour\.webm' ] || fail "$(ls ./*)"
    ;;
morph) # From a picture of one class to one of the other, drawn with the same numbers.
    timeout 300 "$PROGRAMS/morph" morph.webm 2,aurora
    for n in 0:2 40:10; do
        "$PIPELINES/picture.sh" one.png class-id="${n#*:}" first-frame=40 top-k=1
        look morph.webm 41 256 256 one.png
        awk -v n="${n%:*}" '$1 == n {exit !($7 < 8)}' look.txt || fail "frame $n"
    done
    ;;
rtp)
    VIDEOSINK=$(record rtp.webm) "$PIPELINES/rtp-receive.sh" 15004 &
    receiver=$!
    children=$receiver
    waits 60 grep -q ':3A9C ' /proc/net/udp # 15004
    timeout 300 "$PIPELINES/rtp-send.sh" 127.0.0.1:15004 num-buffers=12
    sleep 2
    stop $receiver
    timeout 60 "$FRAMES" rtp.webm > look.txt || fail "rtp.webm cannot be decoded"
    # The network may lose some, the jitter buffer the last ones.
    [ "$(wc -l < look.txt)" -ge 8 ] || { cat look.txt; fail "8 of 12 frames were expected"; }
    holds '$3 == 256 && $4 == 256 && ($1 == 0 || $5 > 6)'
    ;;
srt)
    timeout 300 "$PIPELINES/srt-send.sh" 127.0.0.1:17001 num-buffers=14 &
    sender=$!
    VIDEOSINK=$(record srt.webm) "$PIPELINES/srt-receive.sh" 127.0.0.1:17001 2> receiver.log &
    receiver=$!
    timeout 300 gst-launch-1.0 -q srtsrc uri=srt://127.0.0.1:17001?mode=caller ! filesink location=srt.ts &
    recorder=$!
    children="$sender $receiver $recorder"
    wait $sender || fail "the sender"
    sleep 3
    stop $receiver
    stop $recorder
    timeout 60 "$FRAMES" srt.webm > look.txt || { cat receiver.log; fail "srt.webm cannot be decoded"; }
    [ "$(wc -l < look.txt)" -ge 12 ] || { cat look.txt; fail "12 of 28 frames were expected"; }
    holds '$3 == 256 && $4 == 256'
    awk '$1 > 0 && $5 > 6' look.txt | grep -q . || { cat look.txt; fail "the picture never changes"; }
    python3 -c '
packets = open("srt.ts", "rb").read()
heads = (packets[i : i + 12] for i in range(0, len(packets), 188))
clocks = [(int.from_bytes(h[6:11], "big") >> 7) / 90 for h in heads if h[3] & 32 and h[4] and h[5] & 16]
late = max(b - a for a, b in zip(clocks, clocks[1:]))
raise SystemExit(late > 100 and f"PCRs are {late} ms apart, the standard allows 100")' || fail "the clock of srt.ts"
    ;;
rtsp) # Two viewers of one address share its pictures. A viewer may not choose the model, nor a class of none.
    serve 15554
    view first.webm
    first=$viewer
    view second.webm 30
    wait "$viewer" || fail 'the second viewer'
    stop "$first"
    for viewed in first second; do
        timeout 60 "$FRAMES" $viewed.webm one.png > look.txt || fail "$viewed.webm cannot be decoded"
        [ "$(wc -l < look.txt)" -ge 25 ] || { cat look.txt; fail '25 frames a second were expected'; }
        holds '$3 == 256 && $4 == 256 && $7 < 8'
    done
    [ "$(grep -c begins served.txt)" = 1 ] || fail "viewers do not share: $(cat served.txt)"
    for wrong in 'aurora?model=other' 'aurora?seed=1&mode%6c=other' 'aurora?seed=many' nonsense \
        'aurora?drafting-steps=99' 'aurora?%1b%5b31m=1'; do
        ! timeout 60 gst-launch-1.0 -q rtspsrc location="rtsp://127.0.0.1:15554/$wrong" ! fakesink \
            2> /dev/null || fail "$wrong is served"
    done
    grep -q 'found model, expected .*seed' refused.txt || fail "$(cat refused.txt)"
    grep -q 'seed=many: ' refused.txt || fail "$(cat refused.txt)"
    # What only the element knows; and a viewer's bytes, which a terminal would act on.
    grep -q 'drafting-steps=99: .*drafting-steps 99, expected' refused.txt || fail "$(cat refused.txt)"
    grep -qF 'found \033[31m, expected' refused.txt || fail "$(cat refused.txt)"
    say "DESCRIBE rtsp://127.0.0.1:15554/$(printf '\033')[1m RTSP/1.0" > said
    grep -q '^RTSP/1.0 [45]' said || fail "$(cat said)"
    grep -qF 'code://\033[1m: ' refused.txt || fail "$(cat refused.txt)"
    ! grep -l "$(printf '\033')" served.txt refused.txt || fail 'a viewer can write to the terminal'
    ! "$PROGRAMS/rtsp-server" 127.0.0.1:15554 2> log || fail 'a port that is taken'
    grep -q 'cannot listen' log || fail "$(cat log)"
    ! "$PROGRAMS/rtsp-server" 127.0.0.1:99999 2> log || fail 'a port that does not exist'
    grep -q '99999: cannot listen' log || fail "$(cat log)"
    ! grep -q '^0*1 ' /proc/net/if_inet6 || {
        "$PROGRAMS/rtsp-server" '[::1]:0' > listens.txt &
        children="$children $!"
        waits 60 grep -q '^rtsp://\[::1\]:[1-9][0-9]*/$' listens.txt
    }
    ! "$PROGRAMS/rtsp-server" nonsense=1 2> log || fail 'a property that codesrc lacks'
    grep -q '^rtsp-server: codesrc has no property nonsense' log || fail "$(cat log)"
    ! "$PROGRAMS/rtsp-server" seed=many 2> log || fail 'a seed that is no number'
    grep -q '^rtsp-server: seed: found "many", expected' log || fail "$(cat log)"
    for wrong in model=nope drafting-steps=99 num-buffers=-7 stats=1; do
        ! timeout 60 "$PROGRAMS/rtsp-server" 127.0.0.1:0 $wrong 2> log || fail "$wrong"
        grep -q "^rtsp-server: .*${wrong%=*}" log || fail "$wrong: $(cat log)"
    done
    "$PROGRAMS/rtsp-server" --help | grep -q '^Usage: rtsp-server'
    ;;
obs) # The media source of OBS plays addresses with FFmpeg.
    command -v ffmpeg > /dev/null || { echo 'skipped: no ffmpeg here'; exit 77; }
    serve 15555
    timeout 60 ffmpeg -v error -rtsp_transport tcp -i "$address" -frames:v 30 -c copy obs.webm
    look obs.webm 30 256 256 one.png
    holds '$7 < 8'
    ;;
whip-frames) # What whipsink would send, as frames: pictures of a second. A busy machine skips some of five.
    WHIPSINK='rtpvp8depay ! webmmux ! filesink location=whip.webm' \
        timeout 300 "$PIPELINES/whip-send.sh" num-buffers=5 seed=3
    "$PIPELINES/picture.sh" one.png seed=3
    look whip.webm 125 256 256 one.png
    holds '$1 > 0 || $7 < 8'
    awk '$5 > 6' look.txt | grep -q . || fail 'the picture never changes'
    ;;
whip) # The offer arrives; a server that can answer it is not here.
    gst-inspect-1.0 --exists whipsink || {
        ! "$PIPELINES/whip-send.sh" 2> log || fail 'no whipsink'
        grep -q 'no element whipsink; it is in gst-plugins-rs' log || fail "$(cat log)"
        echo 'skipped: GStreamer has no whipsink, which is in gst-plugins-rs'
        exit 77
    }
    python3 -m http.server --bind 127.0.0.1 15889 2> offers.txt &
    children=$!
    timeout 60 "$PIPELINES/whip-send.sh" http://127.0.0.1:15889/whip num-buffers=5 || true
    grep -q 'POST /whip' offers.txt || fail "$(cat offers.txt)"
    ;;
timeline) # Two clips of two pictures, a second each; the second clip fades in over the last second of the first.
    built timeline libges-1.0-dev
    timeout 300 "$PROGRAMS/timeline" film.webm 'code://aurora?seed=7&num-buffers=2' \
        'code://volcano?seed=7&num-buffers=2'
    "$PIPELINES/picture.sh" first.png class-name=aurora seed=7
    "$PIPELINES/picture.sh" last.png class-name=volcano seed=7 first-frame=1
    look film.webm 75 256 256 first.png
    holds '$1 > 20 || $7 < 8'
    look film.webm 75 256 256 last.png
    holds '$1 < 55 || $7 < 8'
    awk '$1 > 27 && $1 < 48 && $5 > 0.2' look.txt | grep -q . || { cat look.txt; fail 'no fade'; }
    ! "$PROGRAMS/timeline" none.webm code://nonsense code://aurora 2> log || fail 'a class of none'
    grep -q '^timeline: code://nonsense: class "nonsense"' log || fail "$(cat log)"
    ! "$PROGRAMS/timeline" /none/film.webm code://aurora?num-buffers=2 code://aurora?num-buffers=2 2> log ||
        fail 'a folder that is not there'
    grep -q '^timeline: /none/film.webm: ' log || fail "$(cat log)"
    for wrong in 'code://aurora:has no end' 'code://aurora?num-buffers=1:is no longer than the fade'; do
        ! "$PROGRAMS/timeline" none.webm 'code://3?num-buffers=2' "${wrong%:*}" 2> log || fail "$wrong"
        grep -qF "timeline: ${wrong%:*}: ${wrong##*:}" log || fail "$(cat log)"
    done
    ! GST_PLUGIN_PATH_1_0='' GST_REGISTRY="$folder/none" "$PROGRAMS/timeline" 2> log || fail 'no codesrc'
    grep -q '^  \. .*build/demo/env\.sh' log || fail "$(cat log)"
    [ ! -e none.webm ] || fail 'a film of no clips'
    ! "$PROGRAMS/timeline" film.webm code://aurora 2> log || fail 'one URI'
    "$PROGRAMS/timeline" --help | grep -q '^Usage: timeline'
    ;;
record) # Every picture comes three seconds late for the window; the file has all of them all the same.
    slow='fakesink sync=true qos=true ts-offset=-3000000000'
    VIDEOSINK=$slow timeout 300 "$PIPELINES/record.sh" film.webm num-buffers=16
    look film.webm 16 256 256
    # The queues take a second's pictures before the window reports the first.
    VIDEOSINK=$slow timeout 300 "$PIPELINES/record.sh" gaps.webm num-buffers=40 qos=true
    timeout 60 "$FRAMES" gaps.webm > look.txt || fail 'gaps.webm cannot be decoded'
    [ "$(wc -l < look.txt)" -lt 40 ] || fail 'with qos=true, nothing was too late: the window is not slow'
    ;;
hls) # Five segments, the last that were made, each of which can be decoded without the others.
    # Live, as a stream is: otherwise hlssink2 of GStreamer 1.22 has once stopped for ever.
    mkdir out
    ln -s out '5% of %d'
    timeout 300 "$PIPELINES/hls.sh" '5% of %d' num-buffers=30
    grep -q '^#EXT-X-ENDLIST' out/stream.m3u8 || fail "$(cat out/stream.m3u8)"
    grep -q 'src="stream.m3u8"' out/index.html || fail 'the page does not play the stream'
    grep -v '^#' out/stream.m3u8 | sed '/^$/d' > listed.txt
    (cd out && printf '%s\n' *.ts) | tail -n 5 | cmp - listed.txt || fail "$(ls out) $(cat out/stream.m3u8)"
    [ "$(ls out/*.ts | wc -l)" -le 8 ] || fail "old segments are kept: $(ls out)"
    while read -r segment; do
        timeout 60 "$FRAMES" "out/$segment" > look.txt || fail "$segment cannot be decoded alone"
        # A busy machine passes frames over, so that how many there are is not known.
        [ -s look.txt ] || fail "$segment is empty"
        holds '$3 == 256 && $4 == 256 && ($1 == 0 || $5 > 6)'
    done < listed.txt
    ;;
window)
    VIDEOSINK=$(record window.webm) timeout 300 "$PIPELINES/window.sh" 320 num-buffers=3
    look window.webm 3 320 320
    holds '$1 == 0 || $5 > 6'
    ;;
wall)
    "$PIPELINES/wall.sh" wall.webm num-buffers=3
    look wall.webm 3 516 516
    holds '$1 == 0 || $5 > 6'
    gst-launch-1.0 -q filesrc location=wall.webm ! decodebin ! videocrop right=260 bottom=260 ! \
        videoconvert ! vp8enc deadline=1 ! webmmux ! filesink location=corner.webm
    "$PIPELINES/picture.sh" one.png seed=1
    look corner.webm 3 256 256 one.png
    awk '$1 == 0 {exit !($7 < 10)}' look.txt || { cat look.txt; fail "the upper left picture is another"; }
    ;;
painted-camera) # The test picture below the mask stays; above it is painted.
    CAMERA='videotestsrc is-live=true num-buffers=3' VIDEOSINK='fakesink sync=true' \
        timeout 300 "$PIPELINES/painted-camera.sh" || fail 'a live camera'
    CAMERA='videotestsrc num-buffers=1 ! capsfilter caps=video/x-raw,format=RGB' SIZE=320x256 \
        VIDEOSINK='pngenc ! filesink location=painted.png' \
        timeout 300 "$PIPELINES/painted-camera.sh" 0,0,320,128 class-name=aurora
    gst-launch-1.0 -q videotestsrc num-buffers=1 ! video/x-raw,format=RGB,width=320,height=256 ! pngenc ! \
        filesink location=seen.png
    for half in top:bottom bottom:top; do
        for picture in painted seen; do
            gst-launch-1.0 -q filesrc location=$picture.png ! pngdec ! videocrop "${half#*:}"=128 ! \
                videoconvert ! pngenc ! filesink location=$picture-${half%:*}.png
        done
        look painted-${half%:*}.png 1 320 128 seen-${half%:*}.png
        awk '{print $7}' look.txt > ${half%:*}.txt
    done
    paste top.txt bottom.txt | awk '{exit !($1 > 30 && $2 == 0)}' ||
        { cat top.txt bottom.txt; fail 'above it is not painted, or below it is'; }
    ;;
camera)
    [ -c /dev/video9 ] || { echo 'skipped: no /dev/video9, v4l2loopback is not loaded'; exit 77; }
    timeout 300 "$PIPELINES/camera.sh" /dev/video9 num-buffers=40 &
    children=$!
    waits 30 timeout 20 gst-launch-1.0 -q v4l2src device=/dev/video9 num-buffers=2 ! videoconvert ! \
        pngenc ! multifilesink location=camera-%d.png
    look camera-1.png 1 512 512
    ;;
camera-frames) # What the camera would show, frame by frame: two seconds of 512 x 512 pixels of two bytes.
    VIDEOSINK='filesink location=camera.yuy2' timeout 300 "$PIPELINES/camera.sh" num-buffers=2 seed=3
    [ "$(wc -c < camera.yuy2)" = $((50 * 512 * 512 * 2)) ] || fail "$(wc -c < camera.yuy2) bytes"
    gst-launch-1.0 -q filesrc location=camera.yuy2 num-buffers=1 blocksize=524288 ! \
        rawvideoparse format=yuy2 width=512 height=512 ! videoconvert ! videoscale ! \
        video/x-raw,format=RGB,width=256,height=256 ! pngenc ! filesink location=camera.png
    "$PIPELINES/picture.sh" one.png seed=3
    look camera.png 1 256 256 one.png
    holds '$7 < 8'
    ;;
no-camera)
    ! "$PIPELINES/camera.sh" /dev/no-such-video 2> log || fail 'a camera that is not there'
    grep -q 'does not exist; load v4l2loopback' log || fail "$(cat log)"
    ;;
recipe) # The line in each kind of file draws the file's first picture again, to the byte.
    "$PIPELINES/picture.sh" made.png class-name="sunset sea" seed=3 first-frame=5 guidance=2 drafting-steps=6
    for kind in 'webm:vp8enc deadline=1 ! webmmux' 'mkv:vp8enc deadline=1 ! matroskamux' \
        'mp4:x264enc ! mp4mux' 'jpg:jpegenc ! jifmux'; do
        gst-launch-1.0 -q codesrc class-name="sunset sea" seed=3 first-frame=5 guidance=2 drafting-steps=6 \
            num-buffers=1 ! videoconvert ! ${kind#*:} ! filesink location="made.${kind%%:*}"
        line=$("$MODEL" recipe "made.${kind%%:*}") || fail "$kind"
        case $line in *"$PWD"* | *"$CODESRC_MODEL_PATH"*) fail "$kind has a path: $line" ;; esac
        rm -f frame-5.png
        timeout 60 sh -c "$line" > /dev/null || fail "$line"
        cmp frame-5.png made.png || fail "$kind: $line"
    done
    "$IMAGE" --class "sunset sea" --seed 3 --frame 5 --guidance 2 --drafting-steps 6 --output tool.png
    "$MODEL" recipe tool.png > said
    echo "$line" | sed 's/ device=.*//' | grep -qFf - said || fail "$(cat said)"
    timeout 60 sh -c "$(cat said)" > /dev/null
    cmp frame-5.png made.png || fail "code-image: $(cat said)"
    gst-launch-1.0 -q codesrc tags=none num-buffers=1 ! videoconvert ! jpegenc ! jifmux ! filesink location=none.jpg
    ! "$MODEL" recipe none.jpg 2> log || fail 'tags=none'
    grep -q 'no launch line' log || fail "$(cat log)"
    ;;
appsink) # C and Python see the same pictures as the tool makes.
    mkdir c python
    (cd c && "$PROGRAMS/appsink" 'class-name="sunset sea" seed=3' > said)
    printf '%d.ppm: sunset sea, seed 3, frame %d\n' 0 0 1 1 | cmp - c/said
    "$IMAGE" --class "sunset sea" --seed 3 --output tool.png
    gst-launch-1.0 -q filesrc location=tool.png ! pngdec ! videoconvert ! video/x-raw,format=RGB ! \
        filesink location=tool.rgb
    tail -c 196608 c/0.ppm | cmp - tool.rgb || fail 'appsink.c shows another picture'
    ! (cd c && timeout 60 "$PROGRAMS/appsink" model=nope 2> log) || fail 'appsink.c: no error'
    grep -q '^appsink: model "nope"' c/log || fail "appsink.c: $(cat c/log)"
    ! GST_PLUGIN_PATH_1_0='' GST_REGISTRY="$folder/none" "$PROGRAMS/appsink" 2> log || fail 'no codesrc'
    grep -q 'build/demo/env.sh' log || fail "appsink.c without codesrc: $(cat log)"
    if ! /usr/bin/python3 -c 'import gi' 2> /dev/null; then
        echo 'skipped: python3-gi is not here'
        exit 77
    fi
    (cd python && "$PIPELINES/appsink.py" class-name="sunset sea" seed=3 > said)
    for file in said 0.ppm 1.ppm; do
        cmp c/$file python/$file
    done
    ! (cd python && timeout 60 "$PIPELINES/appsink.py" model=nope 2> log) || fail 'appsink.py: no error'
    grep -q '/appsink\.py: model "nope"' python/log || fail "appsink.py: $(cat python/log)"
    ! "$PIPELINES/appsink.py" --nonsense 2> log || fail 'appsink.py takes anything'
    grep -q '/appsink\.py: expected PROPERTY=VALUE' log || fail "appsink.py: $(cat log)"
    ! GST_PLUGIN_PATH_1_0='' GST_REGISTRY="$folder/none" "$PIPELINES/appsink.py" 2> log || fail 'no codesrc'
    grep -q 'build/demo/env.sh' log || fail "appsink.py without codesrc: $(cat log)"
    ;;
*)
    fail "no test is called $name"
    ;;
esac
