#!/bin/sh
# test-deb.sh PACKAGE-FOLDER WORK-FOLDER: builds the Debian packages, asks lintian, and installs, uses and
# purges them in a minimal system that debootstrap makes.
set -u
package=$1 work=$2
source=$package/..
. "$source/tests/package/programs.sh"
chroot=$work/chroot
failures=0

skip() {
    echo "skipped: $*"
    exit 77
}

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

# inside COMMAND...: in the new system.
inside() {
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
        DEBIAN_FRONTEND=noninteractive chroot "$chroot" "$@"
}

apt() {
    inside apt-get -y -q --no-install-recommends -o Dpkg::Use-Pty=0 "$@" >"$work/apt.log" 2>&1
}

# compile LANGUAGE PROGRAM: for the new system, by this machine's compiler, which sees no header, no library
# and no pkg-config file but those of the new system.
compile() {
    language=$1 program=$2
    places=$chroot/usr/lib/$(gcc -print-multiarch)/pkgconfig:$chroot/usr/share/pkgconfig
    eval "set -- $(PKG_CONFIG_PATH='' PKG_CONFIG_LIBDIR=$places PKG_CONFIG_SYSROOT_DIR=$chroot \
        pkg-config --cflags --libs codesrc)"
    gcc --sysroot="$chroot" -Wall -Werror -x "$language" "$program.c" -x none -o "$program" "$@"
}

# All files of the new system but those in which apt and dpkg keep what they know, and the folders of
# presets, which GStreamer makes for whatever element has some, and which go with plugins that bring some.
files() {
    (cd "$chroot" && find . -path ./var/lib/apt -prune -o -path ./var/cache -prune -o \
        -path ./var/lib/dpkg -prune -o -path ./var/log -prune -o -path ./tmp -prune -o \
        -path ./proc -prune -o -path ./run -prune -o -path ./usr/share/gstreamer-1.0 -prune -o \
        -path ./root/.local -prune -o -print | sort)
}

for tool in dpkg-buildpackage dh lintian debootstrap apt-get; do
    command -v "$tool" >/dev/null || skip "$tool is not installed"
done
[ "$(id -u)" = 0 ] || skip 'debootstrap needs root'

# ---- packages -----------------------------------------------------------------------------------
"$package/build-deb" "$work" >"$work/build.log" 2>&1 || {
    tail -n 40 "$work/build.log"
    echo 'FAILED: the packages cannot be built'
    exit 1
}
# The project has no mail address to be its packages' maintainer; lintian must find nothing else.
no_address=bogus-mail-host,bogus-mail-host-in-debian-changelog
lintian --allow-root --suppress-tags "$no_address" --fail-on error,warning "$work"/*.changes ||
    fail 'lintian found something'

# ---- a new system -------------------------------------------------------------------------------
# From where this machine itself gets Debian.
release=$(. /etc/os-release && echo "$VERSION_CODENAME")
targets=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT) $(ORIGIN)' \
    'Created-By: Packages' 'Origin: Debian' | sort -u)
mirror=$(echo "$targets" | awk -v release="$release" '$2 == release { print $1; exit }')
[ -n "$mirror" ] || skip "no mirror of Debian $release in this machine's apt sources"
rm -rf "$chroot"
mkdir -p "$work/cache"
debootstrap --variant=minbase --cache-dir="$(realpath "$work/cache")" "$release" "$chroot" \
    "$mirror" >"$work/debootstrap.log" 2>&1 || {
    tail -n 5 "$work/debootstrap.log"
    rm -rf "$chroot"
    skip 'debootstrap cannot make a system here'
}
trap 'rm -rf --one-file-system "$chroot"' EXIT
echo "$targets" | awk '{ print "deb", $1, $2, $3 }' >"$chroot/etc/apt/sources.list"
apt update || {
    tail -n 5 "$work/apt.log"
    skip 'the new system cannot reach the mirror'
}
# What the studio needs of others comes first: their scripts leave files of their own in /etc. And the C
# library's headers, which every program needs.
apt install gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good libsoup-3.0-0 curl \
    libc6-dev || {
    tail -n 5 "$work/apt.log"
    skip 'GStreamer, libsoup, curl and libc6-dev cannot be installed from the mirror'
}
files >"$work/before"
inside dpkg-query -W >"$work/packages-before"

# ---- install, use, purge ------------------------------------------------------------------------
cp "$work"/*.deb "$package/debian/tests/first-picture" "$package/debian/tests/studio" "$chroot/tmp/"
if inside sh -c 'apt-get -y -q --no-install-recommends install /tmp/*.deb' >"$work/apt.log" 2>&1; then
    inside /tmp/first-picture || fail 'the installed packages do not draw'
    inside /tmp/studio || fail 'the installed studio shows nothing'
    for tool in code-image code-sample code-model code-bench code-studio; do
        inside ldd "/usr/bin/$tool" | grep -q 'not found' && fail "a library of $tool is missing"
        inside "$tool" --help | grep -q '^Usage' || fail "$tool does not run"
        [ -s "$chroot/usr/share/man/man1/$tool.1.gz" ] || fail "$tool has no manual page"
    done

    # Programs in C and C++ with the -dev package, and the picture of the tool.
    header_program "$source" >"$chroot/tmp/sample.c"
    guide_program "$source" >"$chroot/tmp/picture.c"
    inside code-image --class aurora --seed 3 --frame 5 --output /tmp/tool.ppm
    if compile c "$chroot/tmp/picture" && inside sh -c 'cd /tmp && ./picture'; then
        cmp "$chroot/tmp/aurora.ppm" "$chroot/tmp/tool.ppm" || fail 'a program in C draws another picture'
    else
        fail 'a program in C cannot be compiled, or does not run'
    fi
    if compile c++ "$chroot/tmp/sample" && inside /tmp/sample >"$work/pixels"; then
        [ "$(tr -d '\0' <"$work/pixels" | wc -c)" -gt 100000 ] || fail 'a program in C++ draws nothing'
    else
        fail 'a program in C++ cannot be compiled, or does not run'
    fi
else
    tail -n 20 "$work/apt.log"
    fail 'the packages cannot be installed'
fi
apt purge 'libcodesrc*' gstreamer1.0-codesrc 'codesrc-*' || fail 'the packages cannot be purged'
# What is left only recommends or suggests some of it.
apt autoremove --purge -o APT::AutoRemove::RecommendsImportant=false \
    -o APT::AutoRemove::SuggestsImportant=false || fail 'what they needed cannot be removed'
files >"$work/after"
inside dpkg-query -W >"$work/packages-after"
diff "$work/packages-before" "$work/packages-after" || fail 'packages are left'
diff "$work/before" "$work/after" || fail 'files are left'

echo "$failures failures"
[ "$failures" = 0 ]
