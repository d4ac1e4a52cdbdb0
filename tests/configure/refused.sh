#!/bin/sh
# refused.sh SOURCE: 32-bit and big-endian processors are refused in one sentence when the project is
# configured, whatever the compiler.
set -u
source=$1
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
failures=0

# cross NAME FAMILY ENDIAN ARGUMENT: a cross file for this compiler, which claims to build for FAMILY.
cross() {
    cat >"$folder/$1.ini" <<TEXT
[binaries]
c = [$(echo "$CC" | sed "s/[^ ][^ ]*/'&',/g")]
pkgconfig = 'pkg-config'
[built-in options]
c_args = ['$4']
[host_machine]
system = 'linux'
cpu_family = '$2'
cpu = '$2'
endian = '$3'
TEXT
}

# configures NAME: the last error of a set-up with the cross file.
configures() {
    meson setup "$folder/$1" "$source" --cross-file "$folder/$1.ini" -Dcuda=disabled -Dgst-plugin=disabled \
        -Dtools=disabled -Dstudio=disabled -Dtests=disabled >"$folder/log" 2>&1
    grep 'ERROR' "$folder/log"
}

cross i386 x86 little -m32
cross s390x s390x big -m64
cross same x86_64 little -m64
for name in i386 s390x; do
    configures "$name" | grep -q 'codesrc runs on 64-bit little-endian processors only; this one is' || {
        echo "FAILED: $name is not refused in the expected words:"
        tail -n 3 "$folder/log"
        failures=$((failures + 1))
    }
done
configures same && {
    echo 'FAILED: a 64-bit little-endian processor is refused'
    failures=$((failures + 1))
}
echo "$failures failures"
[ "$failures" = 0 ]
