#!/bin/sh
# compile-alone.sh COMPILER ARGUMENT...: compiles a header by itself with the command given, which has the
# language after -x. Skipped if the compiler lacks the language.
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
echo 'int main(void) { return 0; }' >"$folder/empty"
language=$(printf '%s\n' "$@" | grep -A1 '^-x$' | tail -n 1)
"$1" -x "$language" -fsyntax-only "$folder/empty" 2>/dev/null || {
    echo "skipped: no compiler for $language"
    exit 77
}
"$@"
