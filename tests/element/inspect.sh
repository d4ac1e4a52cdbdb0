#!/bin/sh
# inspect.sh ELEMENT FILE [--write]: gst-inspect-1.0 says what the file says: whoever changes a property
# changes its text there too. What differs between machines is left out.
set -u
command -v gst-inspect-1.0 > /dev/null || exit 77
# Other versions have other properties in their base classes.
gst-inspect-1.0 --version | grep -q "GStreamer 1\.22\." || exit 77
element=$1 golden=$2
text() {
    gst-inspect-1.0 --no-colors "$element" | sed -n '/^Element Properties:/,$p' |
        sed -e 's/[[:space:]]*$//' -e '/^$/d'
}
if [ "${3:-}" = --write ]; then
    text > "$golden"
else
    text | diff -u "$golden" -
fi
