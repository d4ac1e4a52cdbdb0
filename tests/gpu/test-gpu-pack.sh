#!/bin/sh
# test-gpu-pack.sh BUILD - `tools/gpu-run pack` of a build that is there: what it copies starts without that
# build, and says that there is no GPU, or uses it.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT

command -v python3 > /dev/null || { echo 'skipped: python3 is missing'; exit 77; }
BUILD=$1 "$root/tools/gpu-run" pack "$folder/pack" || exit 1
grep -q '^gpu-operations-bf16 env ' "$folder/pack/gpu-tests" || { echo 'FAILED: no list of tests'; exit 1; }
grep -q '@BUILD@/tests/gpu/find-gpu none @BUILD@/tests/gpu/operations-cuda ' "$folder/pack/gpu-tests" ||
    { echo 'FAILED: programs are not found in the build'; exit 1; }
[ -x "$folder/pack/tests/gpu/operations-cuda" ] || { echo 'FAILED: no operations-cuda'; exit 1; }
! grep -F "$1" "$folder/pack/gpu-tests" || { echo 'FAILED: a path of this machine is in the list'; exit 1; }
env -i PATH=/usr/bin:/bin LD_LIBRARY_PATH="$folder/pack/lib" "$folder/pack/tools/code-bench" \
    --shape tiny --runs 1 --device reference || exit 1
"$root/tools/gpu-run" --pack "$folder/pack" --results "$folder/results" machine > "$folder/log" 2>&1
code=$?
cat "$folder/log"
case $code in
0) ;;
77) grep -q 'gpu-run: no GPU: ' "$folder/log" || exit 1 ;;
*) exit 1 ;;
esac
