#!/bin/sh
# format.sh ROOT: C, C++ and CUDA are as clang-format with the .clang-format of ROOT sets them. Versions
# differ in what they do, so only version 14 counts.
set -u
. "$(dirname "$0")/files.sh"
root=$1 program=
for name in clang-format-14 clang-format; do
    if [ -z "$program" ] && command -v "$name" >/dev/null && "$name" --version | grep -q 'version 14\.'; then
        program=$name
    fi
done
[ -n "$program" ] || {
    echo 'skipped: clang-format 14 is not installed (Debian: clang-format-14)'
    exit 77
}
found=$(mktemp) || exit 1
trap 'rm -f "$found"' EXIT

cd "$root" || exit 1
files . '*.c' '*.h' '*.cc' '*.cu' '*.cuh' | xargs "$program" --dry-run 2>&1 |
    sed -n 's/^\([^ :]*\):[0-9]*:[0-9]*: .*/\1/p' | sort -u |
    sed "s/.*/&: not as clang-format sets it; run: $program -i &/" >"$found"

verdict "$found"
