#!/bin/sh
# man.sh TOOL VERSION SUMMARY - a manual page from what the tool says to --help, so that both agree.
# Its usage begins with "Usage: " and goes on in lines as far to the right, or is, as GLib writes it,
# indented by two blanks below "Usage:".
set -eu
export LC_ALL=C.UTF-8
name=$(basename "$1")
cat <<MAN
.TH $(echo "$name" | tr '[:lower:]' '[:upper:]' | sed 's/-/\\-/g') 1 "" "codesrc $2" "User Commands"
.SH NAME
$(echo "$name" | sed 's/-/\\-/g') \\- $3
.SH SYNOPSIS
.nf
MAN
"$1" --help | sed 's/\\/\\e/g; s/-/\\-/g; s/^\([.'\'']\)/\\\&\1/' | awk '
    !described && /^(Usage: |       )/ { print substr($0, 8); next }
    !described && /^Usage:$/ { glib = 1; next }
    glib && !described && /^  / { print substr($0, 3); next }
    !described { described = 1; print ".fi\n.SH DESCRIPTION\n.nf" }
    { print }'
cat <<'MAN'
.fi
.SH EXIT STATUS
0 if all went well, 1 after an error, 2 if the arguments are not understood.
.SH SEE ALSO
.BR gst\-inspect\-1.0 (1)
tells of the element,
.BR "gst\-inspect\-1.0 codesrc" .
MAN
