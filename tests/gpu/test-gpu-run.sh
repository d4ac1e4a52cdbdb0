#!/bin/sh
# test-gpu-run.sh GOLDEN OPERATIONS BENCH ROOFLINE DATA NUMERICS - tools/gpu-run from end to end on the emulated
# device, from a pack of emulated programs: a first call that runs out of time, a second one that goes on, a
# test that fails, and a step that is named again.
set -u
golden=$(realpath "$1") operations=$(realpath "$2") bench=$(realpath "$3") roofline=$(realpath "$4")
data=$5 numerics=$6
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
failures=0 tiny=code-tiny-n2.safetensors
fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

mkdir -p "$folder/pack/tools" "$folder/pack/tests/gpu" "$folder/out"
ln -s "$bench" "$folder/pack/tools/code-bench"
ln -s "$roofline" "$folder/pack/tests/gpu/roofline"
printf '#!/bin/sh\n' > "$folder/pack/tests/gpu/find-gpu"
chmod +x "$folder/pack/tests/gpu/find-gpu"
cat > "$folder/pack/gpu-tests" <<LIST
gpu-operations-f32 env $operations $numerics f32 synthetic
gpu-golden-code-tiny-n2-f16 env $golden --numerics $numerics --device cuda --precision f16 $data/$tiny
gpu-golden-code-tiny-n4-bf16 env sh -c 'echo skipped: made up; exit 77'
gpu-memcheck-operations env @BUILD@/tests/gpu/find-gpu
gpu-golden-code-d16-n10-f16 env false
LIST

# run STATUS TEXT OPTION...: as on a machine without PyTorch.
run() {
    status=$1 text=$2
    shift 2
    OUT=$folder/out PYTHON=false "$root/tools/gpu-run" --quick --pack "$folder/pack" --results "$folder/results" \
        "$@" > "$folder/log" 2>&1
    code=$?
    [ "$code" = "$status" ] || fail "gpu-run $*: exit status $code, expected $status: $(cat "$folder/log")"
    grep -qF -- "$text" "$folder/log" || fail "gpu-run $* did not say: $text, but: $(cat "$folder/log")"
}

run 0 'ours-4 ' --dry-run
[ ! -e "$folder/results" ] || fail '--dry-run left results'
run 2 'expected a whole number' --minutes some
run 2 'no step tensor' tensor
run 2 'unknown option --fast' --fast
run 75 '3 steps are left' --minutes 0 machine operations goldens-f16
run 0 'goldens-f16: ' machine operations goldens-f16
[ ! -f "$folder/results/ours-4.status" ] || fail 'a step began that was not named'
run 0 ' s, skipped: made up' goldens-bf16
run 1 ' s, FAILED' official-f16 operations
run 1 'trace-1 '
for step in memcheck roofline-f16 ours-4 ours-1-n4 trace-4; do
    grep -q ' s, ok' "$folder/results/$step.status" || fail "$step: $(cat "$folder/results/$step.status")"
done
grep -q 'skipped: false has no PyTorch' "$folder/results/theirs-4.status" || fail 'theirs-4 was not skipped'
grep -q '"operation": "fc1' "$folder/results/roofline-f16.log" || fail 'no operation in roofline-f16.log'
grep -q '"stage": "render", "ms": ' "$folder/results/trace-4.log" || fail 'no stage in trace-4.log'
grep -q '"pictures_per_second"' "$folder/results/ours-4.log" || fail 'no speed in ours-4.log'

# Everything is kept, and a fresh machine goes on from it.
tar -tf "$folder/out/gpu-run.tar" | grep -q './ours-4.log' || fail 'gpu-run.tar lacks a log'
grep -q '^ours-4 ' "$folder/out/report.txt" || fail 'report.txt lacks a step'
cp "$folder/out/gpu-run.tar" "$folder/old.tar"
rm -rf "$folder/results"
run 1 'ours-4 ' --resume "$folder/old.tar"
grep -q '^ours-4: ' "$folder/log" && fail 'a step that had ended ran again'

echo "$failures failures"
[ "$failures" = 0 ]
