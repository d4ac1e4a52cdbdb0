/* file.c - reads a golden file: .safetensors with tensors of any type and JSON in its metadata. The
 * engine's own reader takes weights only, and should not judge itself. */
#include "golden.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool read_all(GoldenFile *file, FILE *stream)
{
    long size;

    if (fseek(stream, 0, SEEK_END) || (size = ftell(stream)) < 8 || fseek(stream, 0, SEEK_SET))
        return false;
    file->size = (size_t)size;
    file->data = malloc(file->size);
    return file->data && fread(file->data, 1, file->size, stream) == file->size;
}

bool golden_open(GoldenFile *file, const char *path)
{
    FILE *stream = fopen(path, "rb");
    uint64_t length;
    bool good = false;

    *file = (GoldenFile){.path = path};
    if (stream && read_all(file, stream)) {
        memcpy(&length, file->data, 8);
        if (length <= file->size - 8) {
            file->header = json_loadb((char *)file->data + 8, length, 0, NULL);
            file->start = 8 + length;
            file->size -= file->start;
        }
        good = file->header != NULL;
    }
    if (stream)
        fclose(stream);
    if (!good) {
        printf("%s: not a golden file", path);
        golden_close(file);
    }
    return good;
}

void golden_close(GoldenFile *file)
{
    json_decref(file->header);
    free(file->data);
    *file = (GoldenFile){0};
}

bool golden_has(const GoldenFile *file, const char *name)
{
    return json_object_get(file->header, name) != NULL;
}

const void *golden_tensor(const GoldenFile *file, const char *name, const char *type, size_t count)
{
    json_t *entry = json_object_get(file->header, name);
    json_t *offsets = json_object_get(entry, "data_offsets");
    const char *found = json_string_value(json_object_get(entry, "dtype"));
    size_t begin = (size_t)json_integer_value(json_array_get(offsets, 0));
    size_t end = (size_t)json_integer_value(json_array_get(offsets, 1));
    size_t width = !strcmp(type, "U8") ? 1 : 4;

    if (!found || strcmp(found, type) || end > file->size || end - begin != count * width) {
        printf(" tensor %s: %s with %zu bytes, expected %s with %zu", name,
               found ? found : "nothing", end - begin, type, count * width);
        return NULL;
    }
    return file->data + file->start + begin;
}

static const char *metadata_text(const GoldenFile *file, const char *key)
{
    return json_string_value(json_object_get(json_object_get(file->header, "__metadata__"), key));
}

/* What is no JSON at first sight is a plain text; JSON that cannot be read is no text. */
json_t *golden_metadata(const GoldenFile *file, const char *key)
{
    const char *text = metadata_text(file, key);
    json_error_t error;
    json_t *value;

    if (!text)
        return json_null();
    value = json_loads(text, JSON_DECODE_ANY, &error);
    if (value)
        return value;
    if (!strchr("[{\"-0123456789", *text))
        return json_string(text);
    printf("%s: metadata %s: %s in %s\n", file->path, key, error.text, text);
    exit(1);
}

bool golden_numbers(const GoldenFile *file, const char *key, uint64_t *numbers, unsigned count)
{
    const char *text = metadata_text(file, key), *at = text ? text : "";
    unsigned found = 0;
    char *end;

    while (found < count && *at == (found ? ',' : '[')) {
        at += 1 + strspn(at + 1, " ");
        if (*at < '0' || *at > '9')
            break;
        errno = 0;
        numbers[found] = strtoull(at, &end, 10);
        if (errno)
            break;
        found++;
        at = end;
    }
    if (found == count && count && !strcmp(at, "]"))
        return true;
    printf(" metadata %s: %s, expected %u numbers of up to 64 bits", key, text ? text : "nothing",
           count);
    return false;
}
