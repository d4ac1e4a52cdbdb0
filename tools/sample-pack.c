/* sample-pack.c - turns a folder of pictures into checksums and a .npz file. */
#include "sample-pack.h"

#include "complain.h"
#include "npz-file.h"
#include "progress.h"
#include "sample-picture.h"
#include "sample-recipe.h"
#include "whole-file.h"

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_ROOM = WHOLE_FILE_NAME - 100, MARK_ROOM = 100, MOST_COMPLAINTS = 10 };

typedef struct Pack {
    const char *folder;
    Recipe recipe;
    uint8_t *pixels;             /* of one picture */
    char (*digest)[DIGEST_TEXT]; /* of each picture's file, in the order of their names */
    Progress progress;
} Pack;

/* Picture `place` of the .npz file: the first of each class, then the second of each. */
static uint64_t index_at(const Recipe *recipe, uint64_t place)
{
    return place % recipe->classes * recipe->per_class + place / recipe->classes;
}

/* ---- checks ---------------------------------------------------------------------------------- */

/* Checks the names alone, before hours of reading. */
static bool all_there(const Pack *pack)
{
    uint64_t total = recipe_pictures(&pack->recipe), missing = 0, first = 0;

    for (uint64_t i = 0; i < total; i++) {
        char path[PATH_ROOM];

        recipe_path(path, sizeof path, pack->folder, i);
        if (!access(path, F_OK))
            continue;
        if (errno != ENOENT) {
            complain("%s: cannot be read: %s", path, strerror(errno));
            return false;
        }
        first = missing ? first : i;
        missing++;
    }
    if (missing)
        complain("%s: %" PRIu64 " of %" PRIu64 " pictures are missing, %" PRIu64
                 " is the first: run code-sample draw again",
                 pack->folder, missing, total, first);
    return !missing;
}

static bool read_picture(Pack *pack, uint64_t index)
{
    char path[PATH_ROOM], mark[MARK_ROOM], reason[200] = "is missing";

    recipe_path(path, sizeof path, pack->folder, index);
    recipe_mark(mark, sizeof mark, &pack->recipe, index);
    if (sample_read(path, pack->pixels, pack->recipe.side, mark, pack->digest[index], reason) ==
        SAMPLE_WHOLE)
        return true;
    progress_clear(&pack->progress);
    complain("%s: %s", path, reason);
    return false;
}

/* Removes partial files of workers that were killed while writing; others may still be at work. */
static void remove_parts(const char *folder)
{
    DIR *list = opendir(folder);
    struct dirent *entry;

    while (list && (entry = readdir(list))) {
        if (entry->d_name[0] == '.' &&
            (strstr(entry->d_name, ".png.") || strstr(entry->d_name, "." RECIPE_FILE ".")) &&
            whole_file_is_abandoned(dirfd(list), entry->d_name))
            unlinkat(dirfd(list), entry->d_name, 0);
    }
    if (list)
        closedir(list);
}

/* ---- the arrays ------------------------------------------------------------------------------ */

/* Reads all pictures even if some are not good, to name them; `*bad` is their number. */
static bool write_pictures(Pack *pack, NpzFile *npz, unsigned *bad)
{
    const uint64_t side = pack->recipe.side, total = recipe_pictures(&pack->recipe);
    const uint64_t shape[4] = {total, side, side, 3};
    bool good = npz_file_array(npz, "arr_0", "|u1", shape, 4);

    progress_start(&pack->progress, "pictures packed", total);
    for (uint64_t place = 0; place < total && good && *bad < MOST_COMPLAINTS; place++) {
        if (!read_picture(pack, index_at(&pack->recipe, place)))
            ++*bad;
        else
            good = npz_file_write(npz, pack->pixels, side * side * 3);
        progress_show(&pack->progress, place + 1);
    }
    progress_clear(&pack->progress);
    return good && !*bad;
}

static bool write_classes(const Pack *pack, NpzFile *npz)
{
    const uint64_t total = recipe_pictures(&pack->recipe);
    bool good = npz_file_array(npz, "arr_1", "<i8", &total, 1);

    for (uint64_t place = 0; place < total && good; place++) {
        uint64_t class_id = htole64(index_at(&pack->recipe, place) / pack->recipe.per_class);

        good = npz_file_write(npz, &class_id, sizeof class_id);
    }
    return good;
}

/* Before a file is called good, it has been read. */
static bool read_back(const char *part, const char *path)
{
    errno = 0;
    if (npz_file_verify(part, 2))
        return true;
    if (errno)
        complain("%s: cannot be read back: %s", path, strerror(errno));
    else
        complain("%s: what was written reads back otherwise: check the disk, and pack again", path);
    return false;
}

static bool write_npz(Pack *pack, const char *path)
{
    char part[WHOLE_FILE_NAME];
    unsigned bad = 0;
    int error = 0;
    bool good;
    NpzFile *npz;

    if (!whole_file_replaces(path)) {
        complain("%s: found something else than a file, expected the name of one", path);
        return false;
    }
    whole_file_clean(path);
    whole_file_part(part, path);
    errno = 0;
    npz = npz_file_create(part);
    good = npz && write_pictures(pack, npz, &bad) && write_classes(pack, npz);
    error = good ? 0 : errno;
    if (npz && !npz_file_close(npz) && good) {
        good = false;
        error = errno;
    }
    if (good && read_back(part, path))
        return whole_file_keep(part, path, true);
    if (!good)
        complain("%s: cannot be written: %s", path,
                 bad     ? "not all pictures are good"
                 : error ? strerror(error)
                         : "no memory");
    unlink(part);
    return false;
}

/* ---- the sums -------------------------------------------------------------------------------- */

static bool write_sums(const Pack *pack)
{
    const uint64_t total = recipe_pictures(&pack->recipe);
    char path[WHOLE_FILE_NAME], part[WHOLE_FILE_NAME], recipe[DIGEST_TEXT];
    bool good = false;
    FILE *file;

    snprintf(path, sizeof path, "%s/" PACK_SUMS, pack->folder);
    whole_file_clean(path);
    whole_file_part(part, path);
    digest_text(recipe, pack->recipe.text, strlen(pack->recipe.text));
    file = fopen(part, "w");
    if (file) {
        good = fprintf(file, "%s  " RECIPE_FILE "\n", recipe) > 0;
        for (uint64_t i = 0; i < total && good; i++)
            good = fprintf(file, "%s  %06" PRIu64 ".png\n", pack->digest[i], i) > 0;
        good = fclose(file) == 0 && good;
    }
    if (good)
        return whole_file_keep(part, path, true);
    complain("%s: cannot be written: %s", path, strerror(errno));
    unlink(part);
    return false;
}

bool sample_pack(const char *folder, const char *npz)
{
    Pack pack = {.folder = folder};
    char *target;
    uint64_t total;
    bool good = false;

    if (!recipe_load(&pack.recipe, folder) || !all_there(&pack))
        return false;
    target = whole_file_behind(npz);
    total = recipe_pictures(&pack.recipe);
    pack.pixels = malloc((size_t)pack.recipe.side * pack.recipe.side * 3);
    pack.digest = malloc(total * sizeof *pack.digest);
    if (!pack.pixels || !pack.digest || !target)
        complain("no memory for the checksums");
    else
        good = write_npz(&pack, target) && write_sums(&pack);
    if (good) {
        remove_parts(folder);
        printf("%s: %" PRIu64 " pictures of %u classes, %u x %u\n", npz, total, pack.recipe.classes,
               pack.recipe.side, pack.recipe.side);
        printf("%s/" PACK_SUMS ": %" PRIu64 " checksums\n", folder, total + 1);
    }
    free(pack.pixels);
    free(pack.digest);
    free(target);
    return good;
}
