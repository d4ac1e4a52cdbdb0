/* test-names.c - what a user calls a model, and a class: codesrc_model_locate and
 * codesrc_model_find_class. */
#include "../test.h"
#include "made.h"

#include <sys/stat.h>
#include <unistd.h>

static const char manifest[] =
    "name: m\npatch_nums: [1, 2]\nsynthetic: 1\n"
    "class_names: [red fox, arctic fox, fox squirrel, Owl, owl monkey, barn]\n"
    "vae: {codes: 16, channels: 4, ch: 4, groups: 2, res_blocks: 1, ch_mult: [1, 2]}\n"
    "drafter: {depth: 1, width: 64, heads: 1}\n";

/* ---- models ---------------------------------------------------------------------------------- */

/* `name` is found at this place of the scratch folder, or refused with this text. */
static void locate(const char *name, const char *place, CodesrcStatus status, const char *text)
{
    CodesrcError error = {.status = CODESRC_OK};
    char *path = codesrc_model_locate(name, &error);

    CHECK(place ? path && !strcmp(path, scratch(place)) : !path, "%s: found %s", name,
          path ? path : error.text);
    CHECK(place || (error.status == status && strstr(error.text, text)), "%s: '%s', expected '%s'",
          name, error.text, text);
    free(path);
}

static void make_folder(const char *name)
{
    CHECK(!mkdir(scratch(name), 0777), "%s cannot be made", name);
}

static void test_models(void)
{
    char path[1200];

    make_folder("one");
    make_folder("two");
    make_folder("none");
    write_file("one/a.yaml", manifest, sizeof manifest - 1);
    write_file("one/a.txt", "", 0);
    write_file("two/two.yaml", manifest, sizeof manifest - 1);
    write_file("two/b.yaml", manifest, sizeof manifest - 1);
    write_file("plain.yaml", manifest, sizeof manifest - 1);

    locate(NULL, NULL, CODESRC_SETTINGS, "expected a manifest, a folder or a name");
    locate("", NULL, CODESRC_SETTINGS, "expected a manifest, a folder or a name");
    locate(scratch("one/a.yaml"), "one/a.yaml", CODESRC_OK, "");
    locate(scratch("one"), "one/a.yaml", CODESRC_OK, "");
    locate(scratch("two"), NULL, CODESRC_NOT_FOUND, "2 manifests (*.yaml) in this folder");
    locate(scratch("none"), NULL, CODESRC_NOT_FOUND, "0 manifests (*.yaml) in this folder");
    locate(scratch("other"), NULL, CODESRC_NOT_FOUND, "no such file");
    locate("other.yaml", NULL, CODESRC_NOT_FOUND, "other.yaml: no such file");

    /* The first folder of the list that has it; empty ones are none. */
    snprintf(path, sizeof path, ":%s:%s", scratch("none"), scratch(""));
    setenv("CODESRC_MODEL_PATH", path, 1);
    locate("two", "/two/two.yaml", CODESRC_OK, "");
    locate("plain", "/plain.yaml", CODESRC_OK, "");
    locate("other", NULL, CODESRC_NOT_FOUND,
           "model \"other\": no such file or folder, nor a bundled model in $CODESRC_MODEL_PATH");
    unsetenv("CODESRC_MODEL_PATH");
    if (geteuid()) { /* whom the modes of files bind */
        CHECK(!chmod(scratch("none"), 0), "none");
        locate(scratch("none"), NULL, CODESRC_UNREADABLE, "cannot be opened: Permission denied");
        CHECK(!chmod(scratch("none"), 0777), "none");
    }
}

/* ---- classes --------------------------------------------------------------------------------- */

static void find(const CodesrcModel *model, const char *name, int32_t expected, const char *text)
{
    CodesrcError error = {.status = CODESRC_OK};
    int32_t id = -1;

    if (codesrc_model_find_class(model, name, &id, &error)) {
        CHECK(id == expected, "%s: found %d", name, id);
        return;
    }
    CHECK(expected < 0 && error.status == CODESRC_SETTINGS && strstr(error.text, text),
          "%s: '%s', expected '%s'", name, error.text, text);
}

static void test_classes(void)
{
    CodesrcError error = {.text = ""};
    CodesrcModel *model = made_open(scratch("plain.yaml"), true, &error);
    Bytes nameless = {0};
    char longest[200];

    CHECK(model, "%s", error.text);
    if (!model)
        return;
    find(model, "Owl", 3, "");
    find(model, "OWL", 3, "");
    find(model, "barn", 5, "");
    find(model, "squirrel", 2, "");
    find(model, "fox", -1,
         "more than one class of \"m\" has that name; among them are \"red fox\", \"arctic fox\", "
         "\"fox squirrel\"");
    /* By the number of letters to change. */
    find(model, "bard", -1, "no class of \"m\" has that name; the nearest are \"barn\", \"Owl\", ");
    find(model, "", -1, "no class of \"m\" has that name; the nearest are \"Owl\", \"barn\", ");
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    find(model, longest, -1, "no class of \"m\" has that name");
    codesrc_model_unref(model);

    put_text(&nameless, "name: m\npatch_nums: [1, 2]\nclasses: 3\n");
    put_text(&nameless, strstr(manifest, "synthetic"));
    *strstr((char *)nameless.data, "class_names") = '#';
    write_file("nameless.yaml", nameless.data, nameless.size);
    clear(&nameless);
    model = made_open(scratch("nameless.yaml"), true, &error);
    CHECK(model, "%s", error.text);
    if (model)
        find(model, "fox", -1, "class \"fox\": the classes of \"m\" have no names");
    codesrc_model_unref(model);
}

int main(void)
{
    test_models();
    test_classes();
    return test_end();
}
