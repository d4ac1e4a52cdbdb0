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

/* Levenshtein distance of the first LONGEST characters, letter case ignored. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[LONGEST + 1], length = (unsigned)strnlen(b, LONGEST);

    for (unsigned j = 0; j <= length; j++)
        row[j] = j;
    for (unsigned i = 0; a[i] && i < LONGEST; i++) {
        unsigned diagonal = row[0];

        row[0] = i + 1;
        for (unsigned j = 0; j < length; j++) {
            unsigned swap = diagonal + (strncasecmp(a + i, b + j, 1) != 0);

            diagonal = row[j + 1];
            row[j + 1] = smallest(swap, row[j] + 1, row[j + 1] + 1);
        }
    }
    return row[length];
}

/* Up to LISTED names: those that contain the text, else the nearest ones. */
static void list_candidates(const CodesrcModelInfo *info, const char *name, bool holding, char *out,
                            size_t size)
{
    size_t length = 0;
    unsigned listed = 0;

    for (unsigned wanted = 0; listed < LISTED && wanted < LONGEST; wanted++)
        for (unsigned i = 0; i < info->classes && listed < LISTED; i++) {
            const char *candidate = info->class_names[i];
            unsigned rank =
                holding ? !strcasestr(candidate, name) * LONGEST : distance(name, candidate);

            if (rank != wanted || length >= size)
                continue;
            length += (size_t)snprintf(out + length, size - length, "%s\"%.*s\"",
                                       listed++ ? ", " : "", CODE_CUT(candidate, 40));
        }
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
