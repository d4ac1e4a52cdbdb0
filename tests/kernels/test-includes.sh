#!/bin/sh
# Kernels see common/ and the public header, and nothing of the engine: tries to include a header of the engine with the
# include directories that a kernel is compiled with.
#     test-includes.sh SOURCE_DIR BUILD_DIR COMPILER...
source=$1
build=$2
shift 2
status=0

compiles() { # FLAGS HEADER
    # shellcheck disable=SC2086
    printf '#include "%s"\n' "$2" |
        (cd "$build" && "$compiler" $launched $1 -std=c11 -D_GNU_SOURCE -x c -fsyntax-only -) 2>"$log"
}

compiler=$1
shift
launched=$*
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for kernel in reference cpu; do
    flags=$(grep "\"command\".*-c [^ ]*kernels/$kernel/backend\.c\"" "$build/compile_commands.json" |
        grep -o -e '-I[^ ]*' | tr '\n' ' ')
    if [ -z "$flags" ]; then
        [ $kernel = cpu ] && continue # not in this build
        echo "no kernel \"$kernel\" in $build/compile_commands.json"
        exit 1
    fi
    compiles "$flags" backend.h || {
        echo "kernels/$kernel: backend.h does not compile with $flags:"
        cat "$log"
        status=1
    }
    for header in $(cd "$source/engine" && find . -name '*.h' | sed 's|^\./||'); do
        if compiles "$flags" "$header"; then
            echo "kernels/$kernel: $header of the engine compiles with $flags"
            status=1
        elif ! grep -q "$header: No such file\|$header' file not found" "$log"; then
            echo "kernels/$kernel: $header fails for another reason:"
            cat "$log"
            status=1
        fi
    done
done
exit $status
