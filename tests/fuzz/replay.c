/* replay.c - runs a fuzz target over the files of folders, for builds without libFuzzer.
 * Arguments: folders. */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* The targets' own mutators are linked, but nothing calls them. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size)
{
    (void)data, (void)max_size;
    return size;
}

/* As an allocation of exactly its size, so that the address sanitizer sees a read past its end. */
static bool replay(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat status;
    uint8_t *data;
    bool good;

    if (!file || fstat(fileno(file), &status) || !S_ISREG(status.st_mode)) {
        if (file)
            fclose(file);
        return false;
    }
    data = malloc((size_t)status.st_size + !status.st_size);
    good = data && fread(data, 1, (size_t)status.st_size, file) == (size_t)status.st_size;
    fclose(file);
    if (good)
        LLVMFuzzerTestOneInput(data, (size_t)status.st_size);
    free(data);
    return good;
}

int main(int argc, char **argv)
{
    unsigned count = 0;

    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);
        struct dirent *entry;

        while (folder && (entry = readdir(folder))) {
            char path[1000];

            snprintf(path, sizeof path, "%s/%s", argv[i], entry->d_name);
            count += replay(path);
        }
        if (folder)
            closedir(folder);
    }
    printf("%u inputs\n", count);
    return count ? 0 : 1;
}
