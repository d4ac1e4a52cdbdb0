#!/bin/sh
# with-memory.sh GIB COMMAND...: runs the command where that much memory is available, else skips.
have=$(awk '/^MemAvailable:/ {print int($2 / 1048576)}' /proc/meminfo)
if [ "$have" -lt "$1" ]; then
    echo "skipped: needs $1 GiB of memory, $have GiB are available"
    exit 77
fi
shift
exec "$@"
