#!/bin/sh
# with-gpu.sh FINDER TOOL COMMAND... - runs the command where there is a GPU, under a tool of
# compute-sanitizer or under none; skips, and says why, where one of them is missing.
set -u
finder=$1 tool=$2
shift 2
"$finder" || exit $?
[ "$tool" = none ] && exec "$@"
command -v compute-sanitizer > /dev/null || {
    echo "skipped: compute-sanitizer is not on PATH"
    exit 77
}
exec compute-sanitizer --tool "$tool" --error-exitcode 1 "$@"
