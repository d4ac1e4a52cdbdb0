/* fuzz-checkpoint.c - names, types and shapes of a whole model: the input is the header of a
 * .safetensors file, whose values are zeros that take no room. It is opened by its headers as the
 * VQ-VAE of a model, and as the drafter, next to a good file as the other; a small model also with
 * its values. */
#include "../model/hostile.h"
#include "../model/made.h"
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_BYTES = 1 << 28, SMALL = 1 << 20 };

#define HEAD "name: m\npatch_nums: [1, 2]\nclasses: 2\n"

static const char synthetic[] = HEAD
    "synthetic: 5\nvae: {codes: 16, channels: 4, ch: 4, ch_mult: [1, 2], res_blocks: 1, groups:"
    " 2}\ndrafter: {depth: 1, width: 64, heads: 1}\n";
static const char as_vae[] = HEAD "vae: {file: case, groups: 2}\ndrafter: {file: drafter}\n";
static const char as_drafter[] = HEAD "vae: {file: vae, groups: 2}\ndrafter: {file: case}\n";

static void prepare(void)
{
    CodeInventory inventory;

    write_file("synthetic.yaml", synthetic, sizeof synthetic - 1);
    inventory = made_list(scratch("synthetic.yaml"));
    made_file("vae", &inventory, 0, NULL, NULL, NULL);
    made_file("drafter", &inventory, 1, NULL, NULL, NULL);
    free(inventory.all);
    write_file("as-vae.yaml", as_vae, sizeof as_vae - 1);
    write_file("as-drafter.yaml", as_drafter, sizeof as_drafter - 1);
}

/* The largest number that ends a pair of offsets. */
static uint64_t end_of_values(const uint8_t *header, size_t size)
{
    uint64_t most = 0, number = 0;

    for (size_t i = 0; i < size; i++) {
        if (header[i] >= '0' && header[i] <= '9') {
            number = number < MOST_BYTES ? 10 * number + (header[i] - '0') : number;
            continue;
        }
        if (header[i] == ']' && number > most && number < MOST_BYTES)
            most = number;
        number = 0;
    }
    return most;
}

static void open_model(const char *manifest)
{
    CodesrcError error = {.status = CODESRC_OK};
    CodesrcModel *model = made_open(scratch(manifest), true, &error);
    CodesrcPlan plan;

    if (!model || !codesrc_plan(model, 2, 1, &plan, &error)) {
        fuzz_check_error(&error);
        codesrc_model_unref(model);
        return;
    }
    codesrc_model_unref(model);
    if (plan.total_bytes > SMALL)
        return;
    model = made_open(scratch(manifest), false, &error);
    if (!model)
        fuzz_check_error(&error);
    codesrc_model_unref(model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool prepared;
    CodesrcError error = {.status = CODESRC_OK};
    Bytes file = {0};
    char *outline;

    if (!prepared)
        prepare();
    prepared = true;
    put_number(&file, size, 8);
    put(&file, data, size);
    write_file("case", file.data, file.size);
    clear(&file);
    fuzz_promise(!truncate(scratch("case"), (off_t)(8 + size + end_of_values(data, size))),
                 "a file may have a hole");
    open_model("as-vae.yaml");
    open_model("as-drafter.yaml");
    outline = codesrc_weights_outline(scratch("case"), &error);
    if (!outline)
        fuzz_check_error(&error);
    free(outline);
    return 0;
}
