#!/bin/sh
# without.sh SOURCE: with each option off, one at a time, the rest configures, builds without a warning, and
# passes its quick tests. One folder serves for all, so that each turn compiles only what the option changes.
set -u
source=$1
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
build=$folder/build
failures=0

# Options as NAME=OFF:DEFAULT. The first of the file, cpu, compiles longest, so it comes last: nothing after
# it needs its objects again.
options=$(sed -n "s/^option('\\([^']*\\)', type: 'feature'.*/\\1=disabled:auto/p
    s/^option('\\([^']*\\)', type: 'boolean', value: true.*/\\1=false:true/p" "$source/meson_options.txt" | tac)
[ "$(echo "$options" | wc -l)" -ge 5 ] || {
    echo 'FAILED: meson_options.txt could not be read'
    exit 1
}

# CUDA's compiler takes longer than all else; it is built once, in the build of this test.
meson setup "$build" "$source" --werror -Dcuda=disabled >"$folder/log" 2>&1 || {
    tail -n 20 "$folder/log"
    exit 1
}

# turn NAME=OFF: everything without it. What an earlier turn left behind is removed, so that nothing finds it.
turn() {
    meson configure "$build" -D"$1" && ninja -C "$build" build.ninja && ninja -C "$build" -t cleandead &&
        ninja -C "$build" || return
    [ "$1" = tests=disabled ] ||
        meson test -C "$build" --no-rebuild --print-errorlogs --suite headers --suite engine --suite model \
            --suite element --suite tools
}

for option in $options; do
    name=${option%%=*}
    if turn "${option%:*}" >"$folder/log" 2>&1; then
        echo "without $name: $(awk '/^Ok:/ {ok = $2} /^Skipped:/ {skip = $2}
            END {print ok + 0 " passed, " skip + 0 " skipped"}' "$folder/log")"
    else
        echo "FAILED: without $name"
        tail -n 60 "$folder/log"
        failures=$((failures + 1))
    fi
    [ "$name" = cuda ] || meson configure "$build" -D"$name=${option##*:}" >/dev/null
done
echo "$failures failures"
[ "$failures" = 0 ]
