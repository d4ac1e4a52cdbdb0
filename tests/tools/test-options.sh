#!/bin/sh
# test-options.sh PAGES PROGRAM...: the command line that all programs share: --help, --version, what is
# said about mistakes, manual pages, and the completions of bash and zsh. PAGES is the folder of the
# built pages of the first programs; examples of --help are run.
set -u
pages=$(realpath "$1")
shift
. "$(dirname "$0")/common.sh"
mkdir "$folder/bin"
for program in "$@"; do
    ln -s "$(realpath "$program")" "$folder/bin"
done
PATH=$folder/bin:$PATH
cd "$folder" || exit 1

check() {
    checks=$((checks + 1))
    "$@" || fail "$*"
}

# one_line PROGRAM TEXT ARGUMENT...: status 2, and one line on stderr, which begins with the program's name
# and says the text.
one_line() {
    program=$1 text=$2
    shift 2
    checks=$((checks + 1))
    "$program" "$@" >out 2>err
    status=$?
    [ $status = 2 ] || fail "$program $*: status $status"
    [ ! -s out ] || fail "$program $*: prints on standard output: $(cat out)"
    [ "$(wc -l <err)" = 1 ] || fail "$program $*: more than a line: $(cat err)"
    grep -qF -- "$program: $text" err || fail "$program $*: expected \"$text\": $(cat err)"
}

# ---- every program ------------------------------------------------------------------------------
for program in "$@"; do
    name=$(basename "$program")
    expect "Usage: $name " "$name" --help
    cp log long
    check [ "$(LC_ALL=C.UTF-8 grep -cE '^.{81,}' long)" = 0 ]
    expect "Usage: $name " "$name" -h
    check cmp -s log long
    # At once, whatever else is wrong with the command line.
    expect "Usage: $name " "$name" --help --nonsense
    expect "$name (codesrc) " "$name" --version
    check [ "$(wc -l <log)" = 1 ]
    one_line "$name" "unknown option --versoin (perhaps --version); see $name --help" --versoin
    one_line "$name" 'unknown option --xyzzy; see' --xyzzy
    one_line "$name" 'unknown option -!' '-!'
    one_line "$name" '--help takes no value' --help=yes

    # Every option of --help is in the manual page and in both completions.
    grep -oE '^ +(-., )?--[a-z0-9-]+' long | sed 's/.*--/--/' | sort -u >options
    check [ -s options ]
    for page in man bash zsh; do
        "$name" "--generate=$page" >"$page"
        while IFS= read -r option; do
            sed 's/\\-/-/g' "$page" | grep -qF -- "$option" || fail "$page of $name lacks $option"
        done <options
    done
    if command -v man >/dev/null; then
        expect '' env LC_ALL=C.UTF-8 man --warnings -E UTF-8 -l man
        check [ -s log ]
        check [ "$(grep -c 'warning:' log)" = 0 ]
    fi
    for section in NAME SYNOPSIS DESCRIPTION OPTIONS EXAMPLES 'EXIT STATUS' ENVIRONMENT FILES 'SEE ALSO'; do
        check grep -qx ".SH $section" man
    done
    check [ "$(sed -n '/^\.SH SEE ALSO/,$p' man | grep -c '^\.BR code')" = 4 ]
    check [ "$(sed -n '/^\.SH SEE ALSO/,$p' man | sed 's/\\//g' | grep -c "$name ")" = 0 ]
    check bash -n bash
    if command -v zsh >/dev/null; then
        check zsh -n zsh
    fi
done

# ---- values -------------------------------------------------------------------------------------
tiny_model tiny.yaml
one_line code-image '--output is missing'
one_line code-image '--seed needs a value, S' --output a.png --seed
one_line code-image '--seed x: expected a whole number in 0..18446744073709551615' --seed x
one_line code-image '--seed 18446744073709551616: expected' --seed 18446744073709551616
one_line code-image '--seed -1: expected a whole number' --seed -1
one_line code-image '--top-p 1.5: expected a number in 0..1' --top-p 1.5
one_line code-image '--top-p nan: expected a number in 0..1' --top-p nan
one_line code-image '--times takes no value' --times=1
one_line code-image 'unknown option --seeed (perhaps --seed)' --seeed 3
one_line code-bench 'unknown option --sahpe (perhaps --shape)' --sahpe tiny
one_line code-image 'unknown option --steps (perhaps --drafting-steps)' --steps 3
one_line code-image 'unknown option --t;' --t 3
one_line code-image 'unexpected argument there' --output a.png there
for pair in 3 '3,' ',4' 3,4,5 3,x -3,4 3,99999999999999999999; do
    one_line code-image "--between $pair: expected two frame numbers" --between="$pair" --frames 2 --output a.png
done
one_line code-image '--between needs --frames of at least 2' --between 3,4 --output a.png
one_line code-image '--between has both frame numbers' --between 3,4 --frames 2 --frame 1 --output a.png
one_line code-image '--format gif: expected one of: png ppm jpeg webp' --format gif --output a.png
one_line code-model 'no command: expected inspect, verify, convert, fetch or recipe'
one_line code-model 'unknown command inspct (perhaps inspect)' inspct vistas
one_line code-model 'inspect: expected NAME' inspect
one_line code-model 'unexpected argument b' inspect a b
one_line code-model '--batch is not an option of convert' convert --batch 2 a b
one_line code-sample '--npz is not an option of draw' draw --npz a
one_line code-sample '--seed is not an option of pack' pack --seed 1 a
one_line code-bench '--class-weights never: expected one of: auto keep read' --class-weights never
# shellcheck disable=SC2046
one_line code-bench '--drafting-steps: given more than 16 times' $(yes -- '--drafting-steps 1' | head -n 17)
one_line code-bench '--whole and --trace: expected one of them' --whole --trace
one_line code-bench '--model and --shape: expected one of them' --model a --shape tiny

# The same picture, however an option is written; and after "--" there are operands only.
expect '' code-image --model tiny.yaml --seed 7 --class owl --output a.ppm
expect '' code-image --model=tiny.yaml --seed=7 --class=owl --output=b.ppm
same a.ppm b.ppm
expect '' code-image -mtiny.yaml -s 7 -c owl -ob.ppm --thr 1
same a.ppm b.ppm
one_line code-image 'unexpected argument --seed' --output a.png -- --seed

# ---- completions --------------------------------------------------------------------------------
# completed PROGRAM WORD...: what bash offers for the last word.
# shellcheck disable=SC2016
completed() {
    bash -c 'source <("$1" --generate=bash) || exit
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        compopt() { :; }
        "_${1//-/_}" && printf "%s\n" "${COMPREPLY[@]}"' bash "$@" | LC_ALL=C sort | tr '\n' ' '
}
check [ "$(completed code-image --dev)" = '--device ' ]
check [ "$(completed code-image --device c)" = 'cpu cuda ' ]
check [ "$(completed code-model c)" = 'convert ' ]
check [ "$(completed code-model convert --p)" = '--precision ' ]
check [ "$(completed code-bench --class-weights '')" = 'auto keep read ' ]
check [ -z "$(completed code-image --seed 1 | tr -d ' ')" ]
# Models by file, and the classes of the model; nothing in a stranger's class name is run.
sed "s/red fox/\$(touch run) \`touch run\`/" tiny.yaml >strange.yaml
mkdir models
check [ "$(completed code-image --model '')" = 'bin models strange.yaml tiny.yaml vistas ' ]
check [ "$(completed code-image --model ti)" = 'tiny.yaml ' ]
check [ "$(completed code-image --class suns)" = 'sunset sea ' ]
check [ "$(completed code-image --class = suns)" = 'sunset sea ' ]
check [ "$(completed code-image -c '"sunset\ ')" = 'sunset sea ' ]
check [ "$(completed code-image --class-2 n)" = 'nebula none ' ]
check [ "$(completed code-image --model tiny.yaml --class '')" = 'all arctic fox none owl red fox ' ]
check [ "$(completed code-image --model = ./tiny.yaml -s 3 -c ow)" = 'owl ' ]
check [ "$(completed code-image -m nothing.yaml -c '')" = 'all none ' ]
check [ "$(completed code-image -m strange.yaml -c '')" = "\$(touch run) \`touch run\` all arctic fox none owl " ]
if command -v zsh >/dev/null; then
    # shellcheck disable=SC2016
    zsh -f -c 'compadd() { shift; print -rl -- "$@"; }
        _arguments() { opt_args[-m]=strange.yaml; _code_image_classes none; }
        typeset -A opt_args
        source <(code-image --generate=zsh)' >names
    check [ "$(tr '\n' ' ' <names)" = "none \$(touch run) \`touch run\` arctic fox owl " ]
else
    echo 'zsh is not here: its completion is not run'
fi
check [ ! -e run ]
for name in code-image code-sample code-model code-bench; do
    for page in "man $name.1" "bash $name.bash" "zsh _$name"; do
        "$name" "--generate=${page% *}" | cmp -s - "$pages/${page#* }" || fail "$pages/${page#* }"
    done
done

# ---- examples -----------------------------------------------------------------------------------
mkdir examples
cd examples || exit 1
for name in code-image code-sample code-model code-bench; do
    "$name" --help | sed -n '/^Examples:/,$s/^  \([^#]\)/\1/p' >"../$name.examples"
    checks=$((checks + 1))
    [ "$(wc -l <"../$name.examples")" -ge 3 ] || fail "$name has fewer than three examples"
    while IFS= read -r example; do
        expect '' sh -c "$example" </dev/null
    done <"../$name.examples"
done
checks=$((checks + 1))
frames='frame-000.jpg frame-001.jpg frame-002.jpg frame-003.jpg'
[ "$(ls | tr '\n' ' ')" = "aurora.png $frames gallery.webp picture.png samples vistas-bf16 way.png " ] ||
    fail "the examples left: $(ls)"

finish
