#!/bin/sh
# without.sh SOURCE: with each option off, one at a time, the rest configures and builds without a warning.
set -u
source=$1
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
failures=0

options=$(sed -n "s/^option('\\([^']*\\)', type: 'feature'.*/\\1=disabled/p
    s/^option('\\([^']*\\)', type: 'boolean'.*/\\1=false/p" "$source/meson_options.txt")
[ "$(echo "$options" | wc -l)" -ge 5 ] || {
    echo 'FAILED: meson_options.txt could not be read'
    exit 1
}
for option in $options; do
    # CUDA's compiler takes longer than all else; it is built once, in the build of this test.
    rm -rf "$folder/build"
    if meson setup "$folder/build" "$source" --werror -Dcuda=disabled -D"$option" >"$folder/log" 2>&1 &&
        ninja -C "$folder/build" >"$folder/log" 2>&1; then
        echo "$option builds"
    else
        echo "FAILED: $option"
        tail -n 20 "$folder/log"
        failures=$((failures + 1))
    fi
done
echo "$failures failures"
[ "$failures" = 0 ]
