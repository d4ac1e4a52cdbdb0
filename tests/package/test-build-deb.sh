#!/bin/sh
# test-build-deb.sh ROOT: whose name is in packages that package/build-deb builds, with a stand-in for
# dpkg-buildpackage.
set -u
root=$1
. "$root/tests/tools/common.sh"
mkdir -p "$folder/bin" "$folder/the tree"
cp -r "$root/meson.build" "$root/package" "$folder/the tree"
cat >"$folder/bin/dpkg-buildpackage" <<'SCRIPT'
#!/bin/sh
cp debian/control debian/changelog .. && touch ../codesrc_0_all.deb
SCRIPT
chmod +x "$folder/bin/dpkg-buildpackage"
PATH=$folder/bin:$PATH
out="$folder/the tree/build/package"
unset DEBFULLNAME DEBEMAIL

# by NAME ADDRESS COMMAND...: what the command builds has that maintainer.
by() {
    who="$1 <$2>"
    shift 2
    expect 'codesrc_0_all.deb' "$@" sh "$folder/the tree/package/build-deb"
    expect "Maintainer: $who" cat "$out/control"
    expect " -- $who  " cat "$out/changelog"
}

by 'codesrc authors' codesrc@codesrc.invalid env
by 'codesrc authors' codesrc@codesrc.invalid env DEBFULLNAME='No Address'
for name in 'Jane Doe' "Anne O'Hara & Sons / Builds \\1"; do
    by "$name" jane@example.invalid env DEBFULLNAME="$name" DEBEMAIL=jane@example.invalid
done
finish
