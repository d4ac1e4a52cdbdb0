#!/bin/sh
# Runs every gst-launch line of the documents given, so that what they promise works. Windows become
# fakesink, streams end after two pictures, and lines that name the released checkpoints, which are not
# part of this repository, run with the bundled model.
set -u
command -v gst-launch-1.0 > /dev/null || exit 77
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
run=0
failed=0

lines=$(sed -n "s/^[ *]*\(gst-launch-1\.0 .*code\(src\|:\).*\)$/\1/p" "$@")
cd "$folder" || exit 1
while IFS= read -r line; do
    command=$(echo "$line" | sed -e 's/autovideosink/fakesink/' -e 's/ model=official[^ ]*//' \
        -e 's/ num-buffers=[0-9]*//' -e 's/codesrc/codesrc num-buffers=2/')
    run=$((run + 1))
    rm -f ./*
    if ! timeout 60 sh -c "$command" > log 2>&1; then
        echo "FAILED: $line"
        cat log
        failed=$((failed + 1))
        continue
    fi
    case $line in
    *location=*)
        file=$(echo "$line" | sed 's/.*location=\([^ ]*\).*/\1/')
        if ! [ -s "$file" ]; then
            echo "FAILED, no $file: $line"
            failed=$((failed + 1))
        fi
        ;;
    esac
done << LINES
$lines
LINES

echo "$run lines, $failed failed"
[ "$run" -gt 0 ] && [ "$failed" -eq 0 ]
