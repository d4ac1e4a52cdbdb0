#!/bin/sh
# limits.sh ROOT: how long files, functions, lists of parameters and lines may be.
set -u
. "$(dirname "$0")/files.sh"
root=$1
most_lines=500 most_function=60 most_parameters=8
code_columns=100 text_columns=120
require ctags universal-ctags
ctags --version | grep -q 'Universal Ctags' || {
    echo 'skipped: ctags is not Universal Ctags (Debian: universal-ctags)'
    exit 77
}
found=$(mktemp) || exit 1
trap 'rm -f "$found"' EXIT

c_files() {
    files "$root" '*.c' '*.h' '*.cc' '*.cu' '*.cuh'
}

code_files() {
    c_files
    files "$root" '*.py' '*.js' '*.css' '*.html'
}

text_files() {
    scripts "$root"
    files "$root" meson.build meson_options.txt
}

cd "$root" || exit 1
{ code_files; text_files; } | xargs wc -l |
    awk -v most="$most_lines" '$2 != "total" && $1 > most {
        print $2 ": " $1 " lines, expected at most " most }' >>"$found"

# Of Python, which names arguments where it calls, the length alone. The emulated CUDA runtime has the
# functions that NVIDIA defined.
{ c_files; files . '*.py'; } |
    ctags --map-C++=+.cu --map-C++=+.cuh --kinds-C=f --kinds-C++=f --kinds-Python=fm --fields=+neSl \
        -L - -f - | awk -F '\t' -v most="$most_function" -v parameters="$most_parameters" '
    function count(signature,    depth, commas, i, c) {
        if (signature == "" || signature == "()" || signature == "(void)")
            return 0
        for (i = 1; i <= length(signature); i++) {
            c = substr(signature, i, 1)
            depth += (c == "(") - (c == ")")
            commas += c == "," && depth == 1
        }
        return commas + 1
    }
    /^!/ { next }
    {
        first = last = 0; signature = language = ""
        for (i = 4; i <= NF; i++) {
            if ($i ~ /^line:/) first = substr($i, 6)
            if ($i ~ /^end:/) last = substr($i, 5)
            if ($i ~ /^signature:/) signature = substr($i, 11)
            if ($i ~ /^language:/) language = substr($i, 10)
        }
        if (last - first + 1 > most)
            print $2 ": " $1 " has " last - first + 1 " lines, expected at most " most
        given = $2 ~ /cuda-on-cpu/ && $1 ~ /^(cu|cuda|cublas|cublasLt)[A-Z]/
        if (language != "Python" && !given && count(signature) > parameters)
            print $2 ": " $1 " has " count(signature) " parameters, expected at most " parameters
    }' >>"$found"

# too_wide COLUMNS: counts characters, not bytes. Tables, and words that nothing can break, such as
# addresses, are as wide as they are.
too_wide() {
    LC_ALL=C.UTF-8 xargs grep -HnE "^.{$(($1 + 1)),}" /dev/null |
        grep -vE '^[^:]*\.md:[0-9]*:(\||[^ ]* ?[^ ]*$)' |
        sed "s/^\([^:]*:[0-9]*\):.*/\1: the line is wider than $1 columns/" >>"$found"
}

code_files | too_wide "$code_columns"
{ text_files; files . '*.md'; } | too_wide "$text_columns"

verdict "$found"
