# shellcheck shell=sh
# common.sh - sourced by the tests of the tools: a folder of their own, in which `log` is what the last
# command has said; a small model; and what is expected.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
log=$folder/log
failures=0 checks=0

# tiny_model FILE: the manifest of a model of synthetic weights, 8 x 8 pixels, a millisecond a picture.
tiny_model() {
    cat >"$1" <<YAML
name: tiny
patch_nums: [1, 2, 3, 4]
class_names: [red fox, arctic fox, owl]
synthetic: 11
vae: {codes: 64, channels: 8, ch: 32, ch_mult: [1, 2], res_blocks: 1, groups: 32}
drafter: {depth: 3, width: 128, heads: 2}
refiner: {depth: 2, width: 64, heads: 1}
defaults: {drafting_steps: 2, top_k: 20}
YAML
}

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

# expect TEXT COMMAND...: the command succeeds and prints the text.
expect() {
    text=$1
    shift
    checks=$((checks + 1))
    if ! "$@" >"$log" 2>&1; then
        fail "$* ended with an error: $(cat "$log")"
    elif [ -n "$text" ] && ! grep -qF -- "$text" "$log"; then
        fail "$* did not say: $text, but: $(cat "$log")"
    fi
}

# refuse TEXT COMMAND...: the command fails, and says the text. One of our programs says nothing else, and
# begins every line with its name.
refuse() {
    text=$1
    shift
    checks=$((checks + 1))
    refusing=${1##*/}
    if "$@" >"$log" 2>&1; then
        fail "$* succeeded"
    elif ! grep -qF -- "$text" "$log"; then
        fail "$* did not say: $text, but: $(cat "$log")"
    elif [ "${refusing#code-}" != "$refusing" ] && grep -qv "^$refusing: " "$log"; then
        fail "$* does not begin each line with its name: $(cat "$log")"
    fi
}

# same A B: two files, or every file of two folders, byte for byte.
same() {
    checks=$((checks + 1))
    diff -r "$1" "$2" >"$log" || fail "$1 and $2 differ: $(head -n 5 "$log")"
}

# The last line of a test.
finish() {
    echo "$checks checks, $failures failures"
    [ "$failures" = 0 ] && [ "$checks" -gt 0 ]
}
