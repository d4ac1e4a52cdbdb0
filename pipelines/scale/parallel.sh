#!/bin/sh
# parallel.sh COUNT TOTAL OPTION... - generates TOTAL pictures with GNU parallel, in jobs of COUNT, each
# a code-sample with the options given. $PARALLEL_OPTIONS holds options for parallel itself:
#
#     pipelines/scale/parallel.sh 500 50000 --model weights/official-256.yaml --output /shared/samples
#     PARALLEL_OPTIONS='--jobs 1 --sshloginfile nodes' pipelines/scale/parallel.sh ...
#
# Run it again after a failure: it skips pictures that exist.
set -eu
count=$1 total=$2
shift 2
# shellcheck disable=SC2086
seq 0 "$count" $((total - 1)) |
    while read -r first; do
        left=$((total - first))
        echo "$first $((left < count ? left : count))"
    done |
    parallel --quote --colsep ' ' --line-buffer --retries 2 ${PARALLEL_OPTIONS:-} \
        code-sample draw --first '{1}' --count '{2}' "$@"
