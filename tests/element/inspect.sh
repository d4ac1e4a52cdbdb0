#!/bin/sh
# inspect.sh ELEMENT FILE DOCUMENT [--write]: gst-inspect-1.0 says what the file says: whoever changes
# caps or a property changes its text there too. What differs between machines is left out, and so is
# automatic-eos, which GStreamer's own base class has from 1.24 on. And the document names each property.
set -u
command -v gst-inspect-1.0 > /dev/null || {
    echo 'skipped: gst-inspect-1.0 is not here'
    exit 77
}
element=$1 golden=$2 document=$3
text() {
    gst-inspect-1.0 --no-colors "$element" | sed -n '/^Pad Templates:/,$p' |
        sed -e 's/[[:space:]]*$//' -e '/^$/d' | awk '
            /^  [^ ]/ { inherited = /^  automatic-eos / }
            /^[^ ]/ { inherited = 0 }
            !inherited'
}
# Those of every GstObject aside, and one that does nothing.
undocumented() {
    sed -n 's/^  \([a-z0-9-]*\) *: .*/\1/p' "$golden" | grep -vx -e name -e parent -e typefind |
        while read -r property; do
            grep -q "\`$property\`" "$document" || echo "$document: no \`$property\` of $element"
        done
}
if [ "${4:-}" = --write ]; then
    text > "$golden"
    exit
fi
text | diff -u "$golden" - || exit 1
missing=$(undocumented)
echo "$missing"
[ -z "$missing" ]
