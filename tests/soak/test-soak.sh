#!/bin/sh
# test-soak.sh SOAK BUILD: a few seconds of the soak, twice, whose logs are joined; and a made-up log, whose
# slopes are known.
set -u
soak=$1 build=$2
. "$(dirname "$0")/../tools/common.sh"
tiny_model "$folder/tiny.yaml"

command -v curl >/dev/null || {
    echo 'skipped: curl is not installed (Debian: curl)'
    exit 77
}

for piece in 1 2; do
    expect "hours in $piece pieces" "$soak" --seconds 3 --every 1 --build "$build" --folder "$folder/soak" \
        --model "$folder/tiny.yaml"
done
expect '' sh -c "grep -q '^2 [0-9]* studio [0-9]* [0-9]* [0-9]*' '$folder/soak/log'"
expect '' sh -c "grep -q '^2 [0-9]* live [0-9]* [0-9]* [0-9]* [1-9]' '$folder/soak/log'"
expect '</svg>' cat "$folder/soak/soak.svg"

# 36 KiB and 2 threads an hour, in pieces that begin at different levels.
mkdir "$folder/made"
for piece in 1 2; do
    for minute in 0 30 60 90 120; do
        echo "$piece $((60 * minute)) live $((1000 * piece + 36 * minute / 60)) $((5 + minute / 30)) 9 $minute 3"
        echo "$piece $((60 * minute)) studio $((2000 - piece)) 7 9 "
    done
done >"$folder/made/log"
expect 'live: KiB in memory +36.00 +- 0.00 KiB an hour, at most 2072' "$soak" --report --folder "$folder/made"
expect 'live: threads +2.00 +- 0.00' "$soak" --report --folder "$folder/made"
expect 'live: descriptors +0.00 +- 0.00' "$soak" --report --folder "$folder/made"
expect 'studio: KiB in memory +0.00 +- 0.00' "$soak" --report --folder "$folder/made"
expect '4.00 hours in 2 pieces, 240 frames, 6 dropped' "$soak" --report --folder "$folder/made"
refuse 'no samples' "$soak" --report --folder "$folder/none"
finish
