# apt.sh - sourced by demo and check: installs the Debian packages that are missing, and says so.

# need PACKAGE...
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
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
    # shellcheck disable=SC2086
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        $missing >"${TMPDIR:-/tmp}/codesrc-apt.log" 2>&1 || {
        tail -n 20 "${TMPDIR:-/tmp}/codesrc-apt.log"
        echo "apt could not install:$missing" >&2
        exit 1
    }
}

# Compiler, Meson, and what engine, backend, element and tools are built on.
build_packages="gcc libc6-dev meson ninja-build pkg-config libyaml-dev libjansson-dev libdnnl-dev
    libpng-dev libminizip-dev nettle-dev libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev"
# gst-launch, and the elements that the pipelines use: encoders, muxers, converters.
run_packages="gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good"
# What tests need beyond that: another reader of zip archives, GNU parallel, curl, a browser; for pipelines/
# SRT, HLS, H.264, and Python.
test_packages="libarchive-dev unzip parallel chromium gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly
    python3-gi gir1.2-gst-plugins-base-1.0 curl"
# The live studio, which sends JPEGs, and what WebRTC needs beyond that. libgstreamer-plugins-bad1.0-dev is also what
# CUDA memory is built with, and tested with where there is no CUDA.
studio_packages="libsoup-3.0-dev"
webrtc_packages="libgstreamer-plugins-bad1.0-dev gstreamer1.0-plugins-bad gstreamer1.0-nice"
# What the Debian packages are built, examined and tried with.
package_packages="dpkg-dev debhelper lintian debootstrap"
