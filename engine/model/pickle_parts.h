/* pickle_parts.h - the opcodes of a pickle, each of which takes its values from the stack and puts
 * what it makes there. False, with the error filled in, on failure. */
#ifndef CODE_MODEL_PICKLE_PARTS_H
#define CODE_MODEL_PICKLE_PARTS_H

#include "model/pickle_machine.h"

/* ---- pickle_values.c ------------------------------------------------------------------------- */

bool pickle_do_unsigned(Machine *machine, size_t bytes);
bool pickle_do_binint(Machine *machine);
bool pickle_do_long(Machine *machine, size_t count_bytes);
bool pickle_do_float(Machine *machine);
bool pickle_do_bytes(Machine *machine, size_t length_bytes);
bool pickle_do_unicode(Machine *machine, size_t length_bytes);
bool pickle_do_frame(Machine *machine);
bool pickle_do_put(Machine *machine, size_t bytes);
bool pickle_do_memoize(Machine *machine);
bool pickle_do_get(Machine *machine, size_t bytes);
bool pickle_do_tuple(Machine *machine);
bool pickle_do_short_tuple(Machine *machine, size_t count);
bool pickle_do_append(Machine *machine);
bool pickle_do_extend(Machine *machine, Kind kind); /* a list or a set */
bool pickle_do_frozenset(Machine *machine);
bool pickle_do_dict(Machine *machine);
bool pickle_do_setitem(Machine *machine);
bool pickle_do_setitems(Machine *machine);

bool pickle_make_dict(Machine *machine, Kind kind, Value *made); /* an empty one */

/* ---- pickle_tensors.c ------------------------------------------------------------------------ */

bool pickle_do_global(Machine *machine);
bool pickle_do_stack_global(Machine *machine);
bool pickle_do_persid(Machine *machine);
bool pickle_do_reduce(Machine *machine);
bool pickle_do_build(Machine *machine);

#endif
