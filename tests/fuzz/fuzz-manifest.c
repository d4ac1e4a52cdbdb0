/* fuzz-manifest.c - a manifest, opened by its headers and planned for every N. The input is the
 * manifest's text; behind a zero byte, that of a file classes.txt, and of a class to look for. */
#include "../model/hostile.h"
#include "../model/made.h"
#include "fuzz.h"

#include <stdio.h>
#include <string.h>

static void count_class(void *user, int32_t class_id, const char *class_name)
{
    int32_t *next = user;

    fuzz_promise(class_id == (*next)++, "classes are listed in order");
    fuzz_promise(*class_name, "a class has a name");
}

static void plan_all(const CodesrcModel *model, const char *class_name)
{
    const CodesrcModelInfo *info = codesrc_model_info(model);
    CodesrcError error = {.status = CODESRC_OK};
    CodesrcRequest request;
    CodesrcPlan plan;
    int32_t class_id;

    for (unsigned n = 0; n <= info->scales + 1; n++) {
        bool serves = n <= info->scales && info->steps >> n & 1;

        if (!codesrc_plan(model, n, 1 + n, &plan, &error)) {
            fuzz_check_error(&error);
            fuzz_promise(!serves || error.status != CODESRC_SETTINGS,
                         "N that is offered is served");
            continue;
        }
        fuzz_promise(serves, "N that is not offered is refused");
        fuzz_promise(plan.total_bytes >= plan.weight_bytes && plan.scales == info->scales,
                     "a plan adds up");
    }
    codesrc_request_init(model, &request);
    if (!codesrc_model_find_class(model, class_name, &class_id, &error))
        fuzz_check_error(&error);
    else
        fuzz_promise(class_id >= 0 && (unsigned)class_id < info->classes, "a class has an id");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = memchr(data, 0, size);
    size_t length = end ? (size_t)(end - data) : size;
    CodesrcError error = {.status = CODESRC_OK};
    char class_name[100] = "a";
    CodesrcModel *model;
    Outcome outcome;
    int32_t next = 0;

    if (end) {
        write_file("classes.txt", end + 1, size - length - 1);
        snprintf(class_name, sizeof class_name, "%.*s", (int)(size - length - 1),
                 (const char *)end + 1);
    }
    write_file("case.yaml", data, length);
    outcome = read_case(CASE_MANIFEST, scratch("case.yaml"));
    if (!outcome.accepted)
        fuzz_check_error(&outcome.error);
    if (!codesrc_model_classes(scratch("case.yaml"), count_class, &next, &error))
        fuzz_check_error(&error);
    model = made_open(scratch("case.yaml"), true, &error);
    if (model)
        plan_all(model, class_name);
    else
        fuzz_check_error(&error);
    codesrc_model_unref(model);
    return 0;
}
