#!/bin/sh
# compile-alone.sh HEADER COMPILER ARGUMENT...: compiles a header by itself with the command given. Skipped
# if that command cannot compile even an empty program, because the compiler lacks the language.
header=$1
shift
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
echo 'int main(void) { return 0; }' >"$folder/empty"
"$@" "$folder/empty" 2>"$folder/log" || {
    echo "skipped: no compiler for this language: $(head -n 1 "$folder/log")"
    exit 77
}
"$@" "$header"
