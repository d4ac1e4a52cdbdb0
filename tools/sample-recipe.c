/* sample-recipe.c - the model and settings common to all pictures of a folder. */
#include "sample-recipe.h"

#include "complain.h"
#include "digest.h"
#include "line.h"
#include "whole-file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char title[] = "pictures by code-sample, recipe version 1";

__attribute__((format(printf, 2, 3))) static void add(Recipe *recipe, const char *format, ...)
{
    size_t length = strlen(recipe->text);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(recipe->text + length, sizeof recipe->text - length, format, arguments);
    va_end(arguments);
}

static void add_real(Recipe *recipe, double value)
{
    add(recipe, " %.*g", code_line_digits(value), value);
}

void recipe_describe(Recipe *recipe, const CodesrcModelInfo *info, const CodesrcRequest *request)
{
    const CodesrcSettings *settings = &request->settings;

    recipe->side = info->side;
    recipe->text[0] = '\0';
    add(recipe, "%s\nmodel: %.200s\n", title, info->name);
    add(recipe, "digest: %.40s\n", info->digest);
    add(recipe, "device: %.40s\nprecision: %.40s\n", info->device, info->precision);
    add(recipe, "side: %u\nclasses: %u\nper-class: %u\n", recipe->side, recipe->classes,
        recipe->per_class);
    add(recipe, "seed: %" PRIu64 "\ndrafting-steps: %u\n", request->seed, settings->drafting_steps);
    add(recipe, "guidance:");
    add_real(recipe, settings->guidance);
    add(recipe, "\ntop-k: %u\ntop-p:", settings->top_k);
    add_real(recipe, settings->top_p);
    add(recipe, "\ntemperature:");
    for (unsigned k = 0; k < info->scales; k++)
        add_real(recipe, settings->temperature[k]);
    add(recipe, "\n");
}

static void file_in(char path[WHOLE_FILE_NAME], const char *folder)
{
    snprintf(path, WHOLE_FILE_NAME, "%s/" RECIPE_FILE, folder);
}

/* The folder's recipe, which the caller frees; NULL, with a message unless there is none. */
static char *read_text(const char *folder, bool *missing)
{
    char path[WHOLE_FILE_NAME];
    size_t size;
    char *text;

    file_in(path, folder);
    text = (char *)whole_file_read(path, sizeof((Recipe *)0)->text - 1, &size);
    *missing = !text && errno == ENOENT;
    if (!text && !*missing)
        complain("%s: cannot be read: %s", path, strerror(errno));
    return text;
}

/* Line by line, as far as `recipe` goes. */
static bool same_lines(const Recipe *recipe, const char *theirs, const char *folder)
{
    const char *ours = recipe->text;

    while (*ours) {
        int our_length = (int)strcspn(ours, "\n"), their_length = (int)strcspn(theirs, "\n");

        if (our_length != their_length || strncmp(ours, theirs, (size_t)our_length)) {
            complain("%s/" RECIPE_FILE ": the folder is for \"%.*s\", this run is \"%.*s\": use "
                     "another folder",
                     folder, their_length, theirs, our_length, ours);
            return false;
        }
        ours += our_length + (ours[our_length] == '\n');
        theirs += their_length + (theirs[their_length] == '\n');
    }
    return true;
}

bool recipe_agrees(const Recipe *recipe, const char *folder)
{
    bool missing;
    char *theirs = read_text(folder, &missing);
    bool good = theirs ? same_lines(recipe, theirs, folder) : missing;

    free(theirs);
    return good;
}

/* Gives the folder this recipe unless it has one. */
static bool publish(const Recipe *recipe, const char *folder)
{
    char path[WHOLE_FILE_NAME], part[WHOLE_FILE_NAME];
    bool good = false;
    FILE *file;

    file_in(path, folder);
    if (access(path, F_OK) == 0)
        return true;
    whole_file_part(part, path);
    file = fopen(part, "w");
    if (file) {
        good = fputs(recipe->text, file) >= 0 && fflush(file) == 0 && fsync(fileno(file)) == 0;
        good = fclose(file) == 0 && good;
    }
    /* Unlike a renamed file, a linked one replaces nothing. */
    good = good && (link(part, path) == 0 || errno == EEXIST);
    if (!good)
        complain("%s: cannot be written: %s", path, strerror(errno));
    unlink(part);
    return good;
}

static void take_digest(Recipe *recipe)
{
    char whole[DIGEST_TEXT];

    digest_text(whole, recipe->text, strlen(recipe->text));
    snprintf(recipe->digest, sizeof recipe->digest, "%.16s", whole);
}

bool recipe_settle(Recipe *recipe, const char *folder, const uint8_t *pixels)
{
    char probe[DIGEST_TEXT];

    digest_text(probe, pixels, (size_t)recipe->side * recipe->side * 3);
    add(recipe, "picture-0: %s\n", probe);
    take_digest(recipe);
    return publish(recipe, folder) && recipe_agrees(recipe, folder);
}

static unsigned number_of(const Recipe *recipe, const char *key)
{
    const char *line = strstr(recipe->text, key);

    return line ? (unsigned)strtoul(line + strlen(key), NULL, 10) : 0;
}

bool recipe_load(Recipe *recipe, const char *folder)
{
    bool missing, good;
    char *text = read_text(folder, &missing);

    if (missing)
        complain("%s/" RECIPE_FILE ": no such file: code-sample draw makes it", folder);
    if (!text)
        return false;
    snprintf(recipe->text, sizeof recipe->text, "%s", text);
    free(text);
    recipe->side = number_of(recipe, "\nside: ");
    recipe->classes = number_of(recipe, "\nclasses: ");
    recipe->per_class = number_of(recipe, "\nper-class: ");
    take_digest(recipe);
    good = !strncmp(recipe->text, title, strlen(title)) && recipe->side && recipe->side <= 16384 &&
           recipe_pictures(recipe) && recipe_pictures(recipe) <= RECIPE_MOST_PICTURES;
    if (!good)
        complain("%s/" RECIPE_FILE ": expected \"%s\", side, classes and per-class", folder, title);
    return good;
}

void recipe_path(char *path, size_t size, const char *folder, uint64_t index)
{
    snprintf(path, size, "%s/%06" PRIu64 ".png", folder, index);
}

void recipe_mark(char *mark, size_t size, const Recipe *recipe, uint64_t index)
{
    snprintf(mark, size, "recipe %s, picture %" PRIu64 ", class %" PRIu64, recipe->digest, index,
             index / recipe->per_class);
}
