#!/bin/sh
# abi.sh HEADERS LIBRARY DECLARED DEBIAN SOVERSION [--write]: what programs that were built against codesrc.h
# rely on. HEADERS, files separated by spaces, say what DECLARED says, comments aside, so that nobody changes a
# structure or a function without seeing that the binary interface changes with it; the library exports the
# functions that the headers declare, and no others; SONAME, the name of the Debian package and its list of
# symbols agree.
set -u
headers=$1 library=$2 golden=$3 debian=$4 soversion=$5
command -v readelf >/dev/null && command -v nm >/dev/null || {
    echo 'skipped: readelf and nm are not here'
    exit 77
}
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
failures=0

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

# One line a declaration or a member, however the header is set. A macro that is used is in its uses.
declared() {
    # shellcheck disable=SC2086
    cat $headers | grep -v '^#include' | ${CC:-cc} -E -P -dD -undef -x c - | grep -v -e '^#define _' -e '^#undef' |
        sed -e 's/^#.*/&;/' | tr -s ' \n' ' ' |
        sed -e 's/; */;\n/g' -e 's/{ */{\n/g' -e 's/ *}/\n}/g' -e 's/, */,\n/g' -e 's/\* */*/g' |
        sed -e 's/^ *//' -e '/^$/d'
}

if [ "${6:-}" = --write ]; then
    declared >"$golden"
    exit
fi
declared >"$folder/declared"
diff -u "$golden" "$folder/declared" ||
    fail "the binary interface has changed: docs/releasing.md says what to do"

grep -o 'codesrc_[a-z_0-9]*(' "$folder/declared" | tr -d '(' | sort -u >"$folder/functions"
nm -D --defined-only "$library" | awk '{ print $3 }' | sort >"$folder/exported"
diff -u "$folder/functions" "$folder/exported" || fail 'the library exports other functions than codesrc.h declares'

readelf -d "$library" | grep -q "\[libcodesrc\.so\.$soversion\]" || fail "SONAME is not libcodesrc.so.$soversion"
grep -q "^Package: libcodesrc$soversion\$" "$debian/control" || fail "no Debian package libcodesrc$soversion"
symbols=$debian/libcodesrc$soversion.symbols
head -n 1 "$symbols" | grep -q "^libcodesrc.so.$soversion libcodesrc$soversion " || fail "$symbols: other names"
sed -n 's/^ \(.*\)@Base .*/\1/p' "$symbols" | sort | diff -u - "$folder/exported" ||
    fail "$symbols: not the functions of the library"

echo "$failures failures"
[ "$failures" = 0 ]
