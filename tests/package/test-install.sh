#!/bin/sh
# test-install.sh BUILD SOURCE PREFIX LIBDIR: installs a build into a folder of its own, runs every program
# from there, builds a program by pkg-config, uses the element, and removes all again.
set -u
build=$1 source=$2 prefix=$3 libdir=$4
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
root=$folder/root
there=$root$prefix
failures=0 checks=0
unset LD_LIBRARY_PATH
. "$source/tests/package/programs.sh"

# expect TEXT COMMAND...: the command succeeds and prints the text.
expect() {
    text=$1
    shift
    checks=$((checks + 1))
    "$@" >"$folder/log" 2>&1 && { [ -z "$text" ] || grep -qF -- "$text" "$folder/log"; } && return
    echo "FAILED: $* did not print: $text, but: $(cat "$folder/log")"
    failures=$((failures + 1))
}

[ "$prefix" != /usr ] || {
    echo 'skipped: this build is for /usr, where the dynamic linker looks by itself'
    exit 77
}
DESTDIR=$root meson install -C "$build" --no-rebuild >"$folder/log" 2>&1 || {
    cat "$folder/log"
    exit 1
}
export CODESRC_MODEL_PATH="$there/share/codesrc/models"

# Every program finds the library that was installed with it, and no other; none has a path of the build
# in it.
for program in "$there"/bin/*; do
    expect "$there/bin/../$libdir/libcodesrc.so" ldd "$program"
    expect 'Usage: ' "$program" --help
    expect ' (codesrc) ' "$program" --version
    checks=$((checks + 1))
    if readelf -d "$program" | grep -qF "$build"; then
        echo "FAILED: $program looks for libraries in $build"
        failures=$((failures + 1))
    fi
done
[ -x "$there/bin/code-image" ] || { echo 'FAILED: no code-image'; exit 1; }
expect '' "$there/bin/code-image" --class aurora --output "$folder/aurora.ppm"
expect 'name          vistas' "$there/bin/code-model" inspect vistas
expect 'codesrc' env GST_PLUGIN_PATH_1_0="$there/$libdir/gstreamer-1.0" GST_REGISTRY="$folder/registry" \
    gst-inspect-1.0 codesrc
for page in share/man/man1/code-image.1 share/bash-completion/completions/code-image.bash \
    share/zsh/site-functions/_code-image; do
    expect 'code' cat "$there/$page"
done

# The sample at the head of codesrc.h, in C and C++.
header_program "$source" >"$folder/sample.c"
export PKG_CONFIG_PATH="$there/$libdir/pkgconfig"
flags=$(pkg-config --define-variable=prefix="$there" --cflags --libs codesrc) || failures=$((failures + 1))
for language in c c++; do
    # shellcheck disable=SC2086
    expect '' $CC -x "$language" "$folder/sample.c" -x none -o "$folder/sample" $flags
    expect "$there/$libdir/libcodesrc.so" ldd "$folder/sample"
    checks=$((checks + 1))
    "$folder/sample" >"$folder/pixels" && [ "$(tr -d '\0' <"$folder/pixels" | wc -c)" -gt 100000 ] || {
        echo "FAILED: the sample in $language drew nothing"
        failures=$((failures + 1))
    }
done

# The program of docs/c-api.md, against the tool's picture.
guide_program "$source" >"$folder/picture.c"
# shellcheck disable=SC2086
expect '' $CC -Wall -Werror "$folder/picture.c" -o "$folder/picture" $flags
(cd "$folder" && ./picture) || { echo 'FAILED: the program of c-api.md'; failures=$((failures + 1)); }
expect '' "$there/bin/code-image" --class aurora --seed 3 --frame 5 --output "$folder/tool.ppm"
expect '' cmp "$folder/aurora.ppm" "$folder/tool.ppm"

ninja -C "$build" uninstall >"$folder/log" 2>&1 || {
    cat "$folder/log"
    failures=$((failures + 1))
}
left=$(find "$folder" -path "$root/*" ! -type d)
[ -z "$left" ] || {
    echo "FAILED: ninja uninstall leaves $left"
    failures=$((failures + 1))
}
echo "$checks checks, $failures failures"
[ "$failures" = 0 ] && [ "$checks" -gt 0 ]
