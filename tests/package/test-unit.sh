#!/bin/sh
# test-unit.sh UNIT CODE-STUDIO: systemd understands every line of the studio's unit, and finds little in
# its sandbox to improve.
set -u
program=$(realpath "$2")
unit=$(mktemp -d)/codesrc-studio.service
trap 'rm -rf "$(dirname "$unit")"' EXIT
failures=0

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

command -v systemd-analyze >/dev/null || {
    echo 'skipped: systemd-analyze is not installed (Debian: systemd)'
    exit 77
}
sed "s|^ExecStart=/usr/bin/code-studio|ExecStart=$program|" "$1" >"$unit"
grep -q "^ExecStart=$program " "$unit" || fail 'the unit starts another program'

said=$(systemd-analyze verify --man=no "$unit" 2>&1) || fail "systemd does not take the unit: $said"
[ -z "$said" ] || fail "$said"
# That this check can fail.
echo 'ProtectEverything=yes' | sed -i '/^LockPersonality/r /dev/stdin' "$unit"
systemd-analyze verify --man=no "$unit" 2>&1 | grep -q ProtectEverything || fail 'a made-up line goes unnoticed'
sed -i '/^ProtectEverything/d' "$unit"

# The exposure in tenths, of 100.
systemd-analyze security --offline=yes --threshold=15 --no-pager "$unit" >"$unit.log" 2>&1 ||
    fail "the sandbox is open: $(tail -n 1 "$unit.log")"
tail -n 1 "$unit.log"
sed -i '/^ProtectSystem\|^DynamicUser\|^SystemCall\|^CapabilityBoundingSet/d' "$unit"
systemd-analyze security --offline=yes --threshold=15 --no-pager "$unit" >/dev/null 2>&1 &&
    fail 'a sandbox without its walls goes unnoticed'

echo "$failures failures"
[ "$failures" = 0 ]
