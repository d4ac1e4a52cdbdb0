#!/bin/sh
# test-cycles.sh: cycles.sh finds nothing in a tree without cycles, and names each kind of offence in made-up
# trees that have one. $CC compiles them.
set -u
check=$(cd "$(dirname "$0")" && pwd)/cycles.sh
root=$(mktemp -d) || exit 1
trap 'rm -rf "$root"' EXIT
tree=$root/tree passed=0 failed=0

# A clean tree: the loop calls a stage, both need the model, which is in two parts, and a header from outside.
make() {
    rm -rf "$tree" "$root/common"
    mkdir -p "$tree/draft" "$tree/model" "$root/common"
    echo '#include <stddef.h>' >"$root/common/error.h"
    printf '#pragma once\n#include "model/model.h"\nint stage(void);\n' >"$tree/draft/stage.h"
    printf '#include "draft/stage.h"\nint stage(void) { return model(); }\n' >"$tree/draft/stage.c"
    printf '#pragma once\n#include "error.h"\nint model(void);\n' >"$tree/model/model.h"
    printf '#include "model/model_parts.h"\nint model(void) { return part(); }\n' >"$tree/model/model.c"
    printf '#pragma once\n#include "model/model.h"\nint part(void);\n' >"$tree/model/model_parts.h"
    printf '#include "model/model_parts.h"\nint part(void) { return model == part; }\n' >"$tree/model/model_parts.c"
    printf '#include "draft/stage.h"\nint loop(void);\nint loop(void) { return stage(); }\n' >"$tree/loop.c"
}

# Objects as Meson names them.
archive() {
    rm -rf "$root/objects" "$root/tree.a"
    mkdir "$root/objects"
    (cd "$tree" && find . -name '*.c' | sed 's|^\./||') | while IFS= read -r file; do
        ${CC:-cc} -I"$tree" -I"$root/common" -c "$tree/$file" -o "$root/objects/$(echo "$file" | tr / _).o"
    done
    ar rc "$root/tree.a" "$root"/objects/*.o
}

# run STATUS TEXT...: the tree as it is now; cycles.sh says each text.
run() {
    expected=$1
    shift
    archive
    sh "$check" "$tree" "$root/tree.a" "$root/common" >"$root/log" 2>&1
    status=$?
    if [ $status = 77 ]; then
        cat "$root/log"
        exit 77
    fi
    for text in "$@"; do
        grep -qF -- "$text" "$root/log" || status="$status, without the text: $text"
    done
    if [ "$status" = "$expected" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: expected exit status $expected, found $status:"
        cat "$root/log"
    fi
}

make
run 0 '0 failures'

# Headers that include each other.
make
printf '#include "draft/stage.h"\n' >>"$tree/model/model.h"
run 1 'by their includes' 'model/model' 'draft/stage' '1 failures'

# A .c file that closes the circle: the header alone would not.
make
printf '#include "draft/stage.h"\n' >>"$tree/model/model_parts.c"
run 1 'by their includes' 'model/model' 'draft/stage' '1 failures'

# A longer one, through a third subject.
make
printf '#include "loop.h"\n' >>"$tree/model/model.c"
printf '#pragma once\n#include "draft/stage.h"\n' >"$tree/loop.h"
run 1 'by their includes' 'loop' '1 failures'

# A call without a declaration in a header.
make
printf 'int stage(void);\nint back(void);\nint back(void) { return stage(); }\n' >>"$tree/model/model.c"
run 1 'by their calls' 'model/model' 'draft/stage' '1 failures'

# A name that only the file's own folder explains.
make
printf '#include "stage.h"\n' >>"$tree/draft/stage.c"
run 1 'draft/stage.c includes "stage.h"' '1 failures'

# Nothing to look at must not pass.
rm -rf "$tree"
mkdir -p "$tree"
printf 'int alone(void);\nint alone(void) { return 0; }\n' >"$tree/alone.c"
run 1 'no includes were found' 'no calls were found'

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
