/* locate.c - finds a manifest by the user's name for a model. */
#include "error.h"
#include "line/line.h"
#include "model/file.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool is_folder(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static bool exists(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0;
}

static bool ends_with_yaml(const char *name)
{
    size_t length = strlen(name);

    return length > 5 && !strcmp(name + length - 5, ".yaml");
}

/* The only manifest of a folder. */
static char *manifest_in(const char *folder, CodesrcError *error)
{
    char *found = NULL;
    unsigned count = 0;
    struct dirent *entry;
    CodeReason reason;
    DIR *list = opendir(folder);

    if (!list) {
        code_fail(error, CODESRC_UNREADABLE, "%s: the folder cannot be opened: %s", folder,
                  code_reason(&reason, errno));
        return NULL;
    }
    while ((entry = readdir(list))) {
        if (!ends_with_yaml(entry->d_name) || ++count > 1)
            continue;
        if (asprintf(&found, "%s/%s", folder, entry->d_name) < 0)
            found = NULL;
    }
    closedir(list);
    if (count == 1 && found)
        return found;
    free(found);
    if (count == 1)
        code_fail(error, CODESRC_NO_MEMORY, "%s: no memory for a path", folder);
    else
        code_fail(error, CODESRC_NOT_FOUND,
                  "%s: %u manifests (*.yaml) in this folder, expected one", folder, count);
    return NULL;
}

/* folder/name/name.yaml or folder/name.yaml, if there is one. */
static char *bundled_in(const char *folder, size_t length, const char *name)
{
    char *path = NULL;

    if (asprintf(&path, "%.*s/%s/%s.yaml", (int)length, folder, name, name) >= 0) {
        if (exists(path))
            return path;
        free(path);
    }
    if (asprintf(&path, "%.*s/%s.yaml", (int)length, folder, name) >= 0) {
        if (exists(path))
            return path;
        free(path);
    }
    return NULL;
}

/* A library in its build tree finds build/models next to build/engine, an installed one the
 * configured folder. */
static char *bundled(const char *name)
{
    const char *list = getenv("CODESRC_MODEL_PATH");
    Dl_info info;
    char *path = NULL;

    while (list && *list && !path) {
        size_t length = strcspn(list, ":");

        path = length ? bundled_in(list, length, name) : NULL;
        list += length + (list[length] == ':');
    }
    if (!path && dladdr((void *)codesrc_model_locate, &info) && info.dli_fname) {
        const char *slash = strrchr(info.dli_fname, '/');
        char beside[PATH_MAX], plain[PATH_MAX];

        /* Without its detours the path is fit to be read in messages. */
        if (slash &&
            (size_t)snprintf(beside, sizeof beside, "%.*s/../models", (int)(slash - info.dli_fname),
                             info.dli_fname) < sizeof beside &&
            realpath(beside, plain))
            path = bundled_in(plain, strlen(plain), name);
    }
    return path ? path : bundled_in(CODE_MODELS_DIR, strlen(CODE_MODELS_DIR), name);
}

char *codesrc_model_locate(const char *name, CodesrcError *error)
{
    char *path;

    if (!name || !*name) {
        code_fail(error, CODESRC_SETTINGS, "model \"\": expected a manifest, a folder or a name");
        return NULL;
    }
    if (!strchr(name, '/') && !ends_with_yaml(name)) {
        path = bundled(name);
        if (path)
            return path;
    }
    if (is_folder(name))
        return manifest_in(name, error);
    if (exists(name) || strchr(name, '/') || ends_with_yaml(name)) {
        if (!exists(name)) {
            code_fail(error, CODESRC_NOT_FOUND, "%.*s: no such file", CODE_CUT(name, 300));
            return NULL;
        }
        path = strdup(name);
        if (!path)
            code_fail(error, CODESRC_NO_MEMORY, "%.*s: no memory for a path", CODE_CUT(name, 300));
        return path;
    }
    code_fail(error, CODESRC_NOT_FOUND,
              "model \"%.*s\": no such file or folder, nor a bundled model in $CODESRC_MODEL_PATH "
              "or %s",
              CODE_CUT(name, 200), CODE_MODELS_DIR);
    return NULL;
}
