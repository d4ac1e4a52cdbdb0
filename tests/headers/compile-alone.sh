#!/bin/sh
# Compiles a header by itself with the command given; skips where the compiler lacks the language.
echo 'int main(void) { return 0; }' > "${TMPDIR:-/tmp}/alone.$$.c"
trap 'rm -f "${TMPDIR:-/tmp}/alone.$$.c"' EXIT
language=$(printf '%s\n' "$@" | grep -A1 '^-x$' | tail -n 1)
"$1" -x "$language" -fsyntax-only "${TMPDIR:-/tmp}/alone.$$.c" 2>/dev/null || {
    echo "skipped: no compiler for $language"
    exit 77
}
exec "$@"
