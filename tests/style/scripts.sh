#!/bin/sh
# scripts.sh ROOT: shellcheck has no warning about any script.
set -u
. "$(dirname "$0")/files.sh"
root=$1
require shellcheck shellcheck
found=$(mktemp) || exit 1
trap 'rm -f "$found"' EXIT

cd "$root" || exit 1
scripts . | xargs -r shellcheck --external-sources --source-path=SCRIPTDIR --severity=warning --format=gcc \
    >"$found"

verdict "$found"
