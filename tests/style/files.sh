# shellcheck shell=sh
# files.sh - sourced by the checks of this folder: which files of a tree they read, and their verdict.
#
# A check is called as CHECK ROOT and prints one line for each offence, "FILE: what was found, what was
# expected". Exit status 0: none; 1: some; 77: the program that it needs is missing.

# files ROOT NAME-PATTERN...: paths below ROOT, without what is built, drawn or not ours.
files() {
    (
        cd "$1" || exit
        shift
        set -f
        names=
        for pattern in "$@"; do
            names="$names -o -name $pattern"
        done
        # shellcheck disable=SC2086
        find . \( -path './.git' -o -path './build*' -o -path './out' -o -path './training-out' \
            -o -path './debian' -o -name __pycache__ \) -prune -o -type f \( ${names# -o} \) -print
    ) | sed 's|^\./||' | sort
}

# scripts ROOT: every shell script, whatever its name.
scripts() {
    files "$1" '*' | (
        cd "$1" || exit
        while IFS= read -r file; do
            case $file in
            *.sh) echo "$file" ;;
            *.*[a-z]) ;;
            *) head -n 1 "$file" | grep -aqE '^#! ?/bin/(ba)?sh' && echo "$file" ;;
            esac
        done
    )
}

# require PROGRAM PACKAGE
require() {
    command -v "$1" >/dev/null || {
        echo "skipped: $1 is not installed (Debian: $2)"
        exit 77
    }
}

# verdict FILE: the offences of this check, one a line.
verdict() {
    cat "$1"
    echo "$(wc -l <"$1") offences"
    [ ! -s "$1" ]
}
