#!/bin/sh
# test-release.sh ROOT: tools/release in a repository of its own, with this tree's version, news and changelog.
set -u
root=$1
. "$root/tests/tools/common.sh"
command -v git >/dev/null || {
    echo 'skipped: git is not here'
    exit 77
}
GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
GIT_AUTHOR_NAME=Test GIT_AUTHOR_EMAIL=test@test.invalid GIT_COMMITTER_NAME=Test GIT_COMMITTER_EMAIL=test@test.invalid
export GIT_CONFIG_GLOBAL GIT_CONFIG_SYSTEM GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL
mkdir -p "$folder/tree/tools" "$folder/tree/package/debian"
cd "$folder/tree" || exit 1
cp "$root/meson.build" .
cp "$root/tools/release" tools
cp "$root/package/debian/changelog" package/debian
version=$(sed -n "s/^  version: '\(.*\)',\$/\1/p" meson.build)
printf '# News\n\n## %s (not yet released)\n\n- All of it.\n' "$version" >NEWS.md
{ git init -q && git add . && git commit -qm start; } || exit 1

# is TEXT COMMAND...: what a command prints, all of it.
is() {
    text=$1
    shift
    checks=$((checks + 1))
    [ "$("$@")" = "$text" ] || fail "$*: found \"$("$@")\", expected \"$text\""
}

# Nothing is left behind by what is refused.
refuse 'release: expected VERSION; see tools/release --help' tools/release
refuse 'release: version 1.2: expected three numbers' tools/release 1.2
refuse 'release: unknown option --sign' tools/release --sign "$version"
refuse 'release: --date 2026-13-40: expected YYYY-MM-DD' tools/release --date 2026-13-40 "$version"
refuse "expected \"## 9.9.9 (not yet released)\"" tools/release 9.9.9
echo >>meson.build
refuse 'changes that are not committed' tools/release "$version"
git checkout -q meson.build
is start git log -1 --format=%s
is '' git tag

expect "v$version is tagged" tools/release --unsigned --date 2027-02-03 "$version"
is "release: $version" git log -1 --format=%s
is "$(git rev-parse HEAD)" git rev-parse "v$version^{commit}"
is tag git cat-file -t "v$version"
is '' git status --porcelain
is "## $version (2027-02-03)" grep '^## ' NEWS.md
is "  version: '$version'," grep '^  version:' meson.build
is 1 grep -c "^ -- codesrc authors <.*>  Wed, 03 Feb 2027 12:00:00 +0000\$" package/debian/changelog
is 1 grep -c '^codesrc (' package/debian/changelog
refuse "found \"## $version (2027-02-03)\"" tools/release "$version"

# The next one.
sed -i '3i ## 12.3.4 (not yet released)\n\n- More.\n' NEWS.md
git commit -qam news
git tag v12.3.4
refuse 'tag v12.3.4 exists already' tools/release --unsigned 12.3.4
git tag -d v12.3.4 >/dev/null
expect 'v12.3.4 is tagged' tools/release --unsigned --date 2027-03-01 12.3.4
is "  version: '12.3.4'," grep '^  version:' meson.build
is "## 12.3.4 (2027-03-01)
## $version (2027-02-03)" grep '^## ' NEWS.md
is "codesrc (12.3.4) unstable; urgency=medium
codesrc ($version) unstable; urgency=medium" grep '^codesrc' package/debian/changelog
if command -v dpkg-parsechangelog >/dev/null; then
    is 12.3.4 dpkg-parsechangelog -l package/debian/changelog -S Version
    is "$version" dpkg-parsechangelog -l package/debian/changelog -S Version --offset 1 --count 1
fi
finish
