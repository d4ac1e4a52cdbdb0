#!/bin/sh
# documents.sh ROOT: files that documents name are there. A document names a file by a link to it, or in
# backquotes with a folder in front. Names with "*", "<", "…" or a variable stand for more than one file. And the
# figures of README's comparison are those of docs/performance.md, row by row.
set -u
. "$(dirname "$0")/files.sh"
root=$1
found=$(mktemp) || exit 1
trap 'rm -f "$found"' EXIT

# there DOCUMENT NAME: in the tree, or in the document's folder, or below a folder of the tree.
there() {
    [ -e "$2" ] || [ -e "$(dirname "$1")/$2" ]
}

cd "$root" || exit 1
folders=$(find . -mindepth 1 -maxdepth 1 -type d ! -name '.*' ! -name 'build*' | sed 's|^\./||' |
    paste -s -d '|')
files . '*.md' | while IFS= read -r document; do
    { # What is in backquotes and begins with a folder of the tree.
        grep -oE '`[^` ]+`' "$document" | tr -d '`' | grep -E "^($folders)/[A-Za-z0-9_./-]+\$"
        # Where links go that stay in the tree.
        grep -oE '\]\([^) ]+\)' "$document" | sed -e 's/^](//' -e 's/)$//' -e 's/#.*//' |
            grep -vE '^$|^[a-z]+:'
    } | grep -vE '[*<…$]|^(out|training-out)/' | sort -u | while IFS= read -r name; do
        there "$document" "$name" || echo "$document: names $name, which does not exist"
    done
done >"$found"

# rows FILE: of the table of programs and times.
rows() {
    sed -n '/^| program | work |/,/^$/p' "$1"
}
if [ -e README.md ] && [ -e docs/performance.md ]; then
    [ "$(rows README.md)" = "$(rows docs/performance.md)" ] ||
        echo "README.md: its table of programs and times differs from that of docs/performance.md" >>"$found"
    [ -n "$(rows README.md)" ] || echo "README.md: no table begins with \"| program | work |\"" >>"$found"
fi

verdict "$found"
