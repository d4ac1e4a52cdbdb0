#!/bin/sh
# test-style.sh: each check of this folder finds what it is for, in a tree of bad files made here, and
# finds nothing in a tree of good ones.
set -u
checks=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
good=$folder/good bad=$folder/bad
passed=0 failed=0

# lines COUNT TEXT
lines() {
    awk -v count="$1" -v text="$2" 'BEGIN { for (i = 0; i < count; i++) print text }'
}

# wide COLUMNS: a word so wide, of characters of two bytes.
wide() {
    printf 'é%.0s' $(seq "$1")
}

# finds CHECK TEXT...: of the bad tree, and of nothing else, each text.
finds() {
    check=$1
    shift
    "$checks/$check" "$good" >"$folder/log"
    status=$?
    if [ $status = 77 ]; then
        tail -n 1 "$folder/log"
        return
    fi
    if [ $status != 0 ]; then
        echo "FAILED: $check finds something in good files:"
        cat "$folder/log"
        failed=$((failed + 1))
    fi
    if "$checks/$check" "$bad" >"$folder/log"; then
        echo "FAILED: $check finds nothing in bad files"
        failed=$((failed + 1))
    fi
    for text in "$@"; do
        if grep -qF -- "$text" "$folder/log"; then
            passed=$((passed + 1))
        else
            echo "FAILED: $check did not say: $text"
            cat "$folder/log"
            failed=$((failed + 1))
        fi
    done
    grep -q "^$# offences" "$folder/log" || {
        echo "FAILED: $check: $# offences were expected"
        cat "$folder/log"
        failed=$((failed + 1))
    }
}

# function NAME LINES PARAMETERS
function_of() {
    printf 'static int %s(int a' "$1"
    [ "$3" -lt 2 ] || printf ', int a%s' $(seq 2 "$3")
    printf ')\n{\n'
    lines $(($2 - 4)) '    a++;'
    printf '    return a;\n}\n'
}

fill() { # TREE EXCESS: a tree at its limits, or beyond them by the excess
    mkdir -p "$1/docs" "$1/engine" "$1/build/x"
    cp "$checks/../../.clang-format" "$1"
    lines $((500 + $2)) 'int x;' >"$1/engine/file.c"
    function_of steps $((60 + $2)) 1 >"$1/engine/function.c"
    function_of steps $((60 + $2)) 1 >"$1/engine/function.cu"
    printf 'int call(void (*what)(int, int), int b, int c, int d, int e, int f, int g, int h);\n' \
        >"$1/engine/call.h"
    printf 'int call(void (*w)(int, int), int b, int c, int d, int e, int f, int g, int h%s)\n{\n    return b;\n}\n' \
        "$([ "$2" = 0 ] || echo ', int i')" >"$1/engine/parameters.c"
    echo "/* $(wide $((94 + $2))) */" >"$1/engine/columns.c"
    echo "# $(wide $((118 + $2)))" >"$1/meson.build"
    {
        echo "a $(wide $((116 + $2))) z"
        echo "| $(wide 200) | a table's row |"
        echo "- $(wide 200)"
    } >"$1/docs/text.md"
    lines 600 'int generated;' >"$1/build/x/generated.c"
    printf 'def f():\n%s\n' "$(lines $((59 + $2)) '    pass')" >"$1/engine/function.py"
}

fill "$good" 0
fill "$bad" 1
finds limits.sh 'engine/file.c: 501 lines' 'function.c: steps has 61 lines' 'function.cu: steps has 61' \
    'parameters.c: call has 9 parameters' 'columns.c:1: the line is wider than 100' \
    'meson.build:1: the line is wider than 120' 'text.md:1: the line is wider than 120' \
    'function.py: f has 61 lines'

rm -r "$good" "$bad"
mkdir -p "$good/engine" "$bad/engine"
cp "$checks/../../.clang-format" "$good"
cp "$checks/../../.clang-format" "$bad"
printf 'int f(int a)\n{\n    return a;\n}\n' >"$good/engine/a.c"
printf 'int f(int a) {\n  return a;\n}\n' >"$bad/engine/a.c"
printf 'int  x;\n' >"$bad/engine/a.cuh"
finds format.sh 'engine/a.c: not as clang-format' 'engine/a.cuh: not as clang-format'

rm -r "$good" "$bad"
mkdir -p "$good" "$bad"
printf '#!/bin/sh\necho "$@"\n' >"$good/run"
printf '#!/bin/sh\necho $@\n' >"$bad/run"
printf '# shellcheck shell=sh\nfor i in $@; do echo "$i"; done\n' >"$bad/sourced.sh"
finds scripts.sh 'run:2:' 'sourced.sh:2:'

rm -r "$good" "$bad"
for tree in "$good" "$bad"; do
    mkdir -p "$tree/docs" "$tree/engine"
    : >"$tree/engine/a.c"
    printf '%s\n' 'In `engine/a.c`, [there](../engine/a.c#L1), `engine/<name>.c`, [web](https://a.b/c.md).' \
        >"$tree/docs/good.md"
    printf '| program | work | time |\n| --- | --- | --- |\n| this | a | 2 s |\n\nMore.\n' |
        tee "$tree/README.md" >"$tree/docs/performance.md"
done
sed -i 's/2 s/3 s/' "$bad/README.md"
printf '%s\n' 'In `engine/b.c`, `engine/gone/`, and [here](../engine/c.c).' >"$bad/docs/bad.md"
finds documents.sh 'docs/bad.md: names engine/b.c' 'names engine/gone/' 'names ../engine/c.c' \
    'README.md: its table of programs and times differs'

echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
