# shellcheck shell=sh disable=SC2034
# apt.sh - sourced by demo and check: which Debian packages they need, and how they get them.

# need PACKAGE...: installs the packages that are missing, and says so.
need() {
    missing=
    for package in "$@"; do
        dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q 'ok installed' ||
            missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    echo "installing with apt:$missing"
    as_root=
    [ "$(id -u)" = 0 ] || as_root=sudo
    apt_log=$(mktemp) || exit 1
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
    # shellcheck disable=SC2086
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        $missing >"$apt_log" 2>&1 || {
        tail -n 20 "$apt_log"
        rm -f "$apt_log"
        echo "apt could not install:$missing" >&2
        exit 1
    }
    rm -f "$apt_log"
}

# available PACKAGE...: prints those that this release of Debian has.
available() {
    for package in "$@"; do
        apt-cache show "$package" >/dev/null 2>&1 && echo "$package"
    done
}

# Compiler, Meson, and the libraries of engine, backend, element and tools. build-essential rather than
# gcc: it brings libc6-dev and the g++ that checks C++ programs.
build_packages="build-essential meson ninja-build pkg-config libyaml-dev libjansson-dev
    libpng-dev libjpeg-dev libwebp-dev libminizip-dev nettle-dev libgstreamer1.0-dev
    libgstreamer-plugins-base1.0-dev"
# gst-launch-1.0, and the elements that the pipelines use: encoders, muxers, converters.
run_packages="gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good"
# What the tests need as well: another reader of zip archives, GNU parallel, curl, a browser, clang's
# fuzzer; SRT, HLS, H.264, the RTSP server, the editing services and Python for pipelines/, zsh for its
# completion, git for tools/release, and what reads a folder of pictures for training/.
test_packages="libarchive-dev unzip parallel chromium clang libclang-rt-dev
    gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly libgstrtspserver-1.0-dev libges-1.0-dev python3-gi
    gir1.2-gst-plugins-base-1.0 curl git universal-ctags shellcheck zsh python3-numpy python3-pil"
# What checks the format; Debian 13 no longer has this version, and the check is skipped there.
format_packages="clang-format-14"
# The live studio, which sends JPEGs, and what WebRTC needs as well. CUDA memory is built with
# libgstreamer-plugins-bad1.0-dev too, and tested with it on machines without CUDA.
studio_packages="libsoup-3.0-dev"
webrtc_packages="libgstreamer-plugins-bad1.0-dev gstreamer1.0-plugins-bad gstreamer1.0-nice"
# What the Debian packages are built, examined and tried with.
package_packages="dpkg-dev debhelper lintian debootstrap"
# What builds for 64-bit Arm and emulates it.
arm64_packages="gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user"
