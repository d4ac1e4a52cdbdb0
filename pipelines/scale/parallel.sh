#!/bin/sh
# parallel.sh COUNT TOTAL OPTION... - TOTAL pictures by GNU parallel, COUNT at a time, drawn by
# code-sample with the options given. Options of parallel itself come from $PARALLEL_OPTIONS:
#
#     pipelines/scale/parallel.sh 500 50000 --model weights/official-256.yaml --output /shared/samples
#     PARALLEL_OPTIONS='--jobs 1 --sshloginfile nodes' pipelines/scale/parallel.sh ...
#
# Run it again after a failure: what is there is skipped.
set -eu
count=$1 total=$2
shift 2
# shellcheck disable=SC2086
seq 0 "$count" $((total - 1)) |
    parallel --line-buffer --retries 2 ${PARALLEL_OPTIONS:-} \
        code-sample draw --first '{}' --count "$count" "$@"
