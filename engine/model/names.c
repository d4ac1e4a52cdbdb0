/* names.c - classes by name. */
#include "model/model.h"

#include "error.h"
#include "line/line.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { LONGEST = 48, LISTED = 5 }; /* characters compared, and names that an error lists */

static unsigned smallest(unsigned a, unsigned b, unsigned c)
{
    unsigned least = a < b ? a : b;

    return least < c ? least : c;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Levenshtein distance of the first LONGEST characters, case of ASCII letters ignored. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[LONGEST + 1], length = (unsigned)strnlen(b, LONGEST);

    for (unsigned j = 0; j <= length; j++)
        row[j] = j;
    for (unsigned i = 0; a[i] && i < LONGEST; i++) {
        unsigned diagonal = row[0];

        row[0] = i + 1;
        for (unsigned j = 0; j < length; j++) {
            unsigned swap = diagonal + (lower(a[i]) != lower(b[j]));

            diagonal = row[j + 1];
            row[j + 1] = smallest(swap, row[j] + 1, row[j + 1] + 1);
        }
    }
    return row[length];
}

/* Up to LISTED names: those that contain the text, else the nearest ones. Looks at each class once:
 * a model may have 100,000, and a server asks with what its visitors send. */
static void list_candidates(const CodesrcModelInfo *info, const char *name, bool holding, char *out,
                            size_t size)
{
    unsigned rank[LISTED], nearest[LISTED], count = 0;
    size_t length = 0;

    for (unsigned i = 0; i < info->classes; i++) {
        const char *candidate = info->class_names[i];
        unsigned its = holding ? !strcasestr(candidate, name) * LONGEST : distance(name, candidate);
        unsigned at;

        if (its >= LONGEST || (count == LISTED && its >= rank[LISTED - 1]))
            continue;
        for (at = count < LISTED ? count++ : LISTED - 1; at > 0 && rank[at - 1] > its; at--) {
            rank[at] = rank[at - 1];
            nearest[at] = nearest[at - 1];
        }
        rank[at] = its;
        nearest[at] = i;
    }
    for (unsigned i = 0; i < count && length < size; i++)
        length += (size_t)snprintf(out + length, size - length, "%s\"%.*s\"", i ? ", " : "",
                                   CODE_CUT(info->class_names[nearest[i]], 40));
}

/* How well a class's name matches the user's text. */
typedef enum Fit { FIT_NONE, FIT_PART, FIT_CASE, FIT_EXACT, FITS } Fit;

static Fit fit_of(const char *candidate, const char *name)
{
    if (!strcmp(candidate, name))
        return FIT_EXACT;
    if (!strcasecmp(candidate, name))
        return FIT_CASE;
    return *name && strcasestr(candidate, name) ? FIT_PART : FIT_NONE;
}

bool codesrc_model_find_class(const CodesrcModel *model, const char *name, int32_t *class_id,
                              CodesrcError *error)
{
    const CodesrcModelInfo *info = &model->info;
    unsigned counts[FITS] = {0}, first[FITS];
    char near[300] = "";
    Fit best = FIT_NONE;

    if (!info->class_names)
        return code_fail(error, CODESRC_SETTINGS,
                         "class \"%.*s\": the classes of \"%s\" have no names", CODE_CUT(name, 60),
                         info->name);
    for (unsigned i = 0; i < info->classes; i++) {
        Fit fit = fit_of(info->class_names[i], name);

        if (counts[fit]++ == 0)
            first[fit] = i;
        best = fit > best ? fit : best;
    }
    if (best != FIT_NONE && counts[best] == 1) {
        *class_id = (int32_t)first[best];
        return true;
    }
    list_candidates(info, name, best != FIT_NONE, near, sizeof near);
    return code_fail(error, CODESRC_SETTINGS,
                     "class \"%.*s\": %s of \"%s\" has that name; %s are %s", CODE_CUT(name, 60),
                     best != FIT_NONE ? "more than one class" : "no class", info->name,
                     best != FIT_NONE ? "among them" : "the nearest", near);
}
