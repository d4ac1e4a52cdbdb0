#!/bin/sh
# cycles.sh FOLDER ARCHIVE INCLUDE-FOLDER...: no two subjects of FOLDER need each other, neither by their includes
# nor by what they call. x.c, x.h and their parts x_*.c and x_*.h are one subject. ARCHIVE has the objects that
# Meson made of FOLDER. Includes are written relative to FOLDER or to an INCLUDE-FOLDER, never to the file.
set -u
for program in tsort nm; do
    command -v "$program" >/dev/null || {
        echo "skipped: $program is not installed (Debian: coreutils, binutils)"
        exit 77
    }
done
folder=$1 archive=$2
shift 2
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failures=0

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

# subject PATH: without its ending and the name of its part.
subject() {
    echo "$1" | sed -e 's/\.[ch]$//' -e 's|_[^/]*$||'
}

# acyclic WHAT: the file `edges` has two subjects a line, of which the first needs the second.
acyclic() {
    [ -s "$work/edges" ] || fail "no $1 were found in $folder"
    awk '$1 != $2' "$work/edges" | sort -u >"$work/between"
    tsort "$work/between" >"$work/order" 2>"$work/loops" && return
    fail "these subjects need each other, by their $1 (each the one above it):
$(sed 's/^tsort: //' "$work/loops")"
}

(cd "$folder" && find . -name '*.[ch]' | sed 's|^\./||' | sort) >"$work/files"
while IFS= read -r file; do
    sed -n 's/^ *# *include *"\([^"]*\)".*/\1/p' "$folder/$file" | while IFS= read -r name; do
        if [ -e "$folder/$name" ]; then
            echo "$(subject "$file") $(subject "$name")" >>"$work/edges"
        else
            found=
            for include in "$@"; do
                [ -e "$include/$name" ] && found=yes
            done
            [ "$found" ] || echo "$file includes \"$name\"" >>"$work/strange"
        fi
    done
done <"$work/files"
acyclic includes
[ -e "$work/strange" ] && fail "neither relative to $folder nor to $*:
$(cat "$work/strange")"

# Meson names the object of draft/classes.c draft_classes.c.o; an object of another folder is no subject here.
while IFS= read -r file; do
    echo "$(echo "$file" | tr / _).o $(subject "$file")"
done <"$work/files" >"$work/objects"
nm -A --defined-only --extern-only "$archive" >"$work/defined"
nm -A --undefined-only "$archive" >"$work/undefined"
awk '
    function object(line,    parts, n) {
        sub(/: *[^:]*$/, "", line) # the symbol
        n = split(line, parts, /[\/:]/)
        return parts[n]
    }
    FILENAME ~ /objects$/ { subject[$1] = $2; next }
    !(object($0) in subject) { next }
    FILENAME ~ /defined$/ && FILENAME !~ /undefined$/ { place[$NF] = subject[object($0)]; next }
    $NF in place { print subject[object($0)], place[$NF] }
' "$work/objects" "$work/defined" "$work/undefined" >"$work/edges"
acyclic calls

echo "$failures failures"
[ "$failures" = 0 ]
