/* forms.c - what a file is by its first bytes: names and endings of files say nothing. */
#include "model/formats.h"

#include "error.h"
#include "model/bytes.h"

#include <string.h>

/* A file that begins with these bytes at `at`, and what is said of it. */
typedef struct Form {
    size_t at;
    const char *bytes;
    size_t count;
    const char *text;
} Form;

#define BEGINS(bytes)     0, bytes, sizeof(bytes) - 1
#define HAS_AT(at, bytes) at, bytes, sizeof(bytes) - 1
#define SAVE_AGAIN        "convert it with torch.save(torch.load(FILE, map_location='cpu'), NEW)"
#define FETCH_AGAIN       "fetch the file itself, on Hugging Face under /resolve/ and not /blob/"

static const Form forms[] = {
    {BEGINS("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e"),
     "found the legacy format of PyTorch before 1.6, expected a zip: " SAVE_AGAIN},
    {HAS_AT(257, "ustar"),
     "found a tar archive, the format of PyTorch 0.1, expected a zip: unpack it "
     "with tar if it holds weights, else " SAVE_AGAIN},
    {BEGINS("PYTORCH1"), "found a preview format of PyTorch 1.0, expected a zip: " SAVE_AGAIN},
    {BEGINS("version https://git-lfs"),
     "found a Git LFS pointer, expected weights: fetch them with `git lfs pull` in its folder"},
    {BEGINS("Entry not found"), "found a server's answer, 'Entry not found', expected weights: "
                                "check the name, and " FETCH_AGAIN},
    {BEGINS("Repository not found"),
     "found a server's answer, 'Repository not found', expected weights: check the name, and "
     "" FETCH_AGAIN},
    {BEGINS("Access to "),
     "found a server's answer that refuses access, expected weights: log in, for "
     "Hugging Face with `huggingface-cli login`"},
    {BEGINS("Invalid "),
     "found a server's answer that refuses access, expected weights: log in, for "
     "Hugging Face with `huggingface-cli login`"},
    {BEGINS("GGUF"),
     "found a GGUF file, expected .safetensors or .pth: fetch the weights that it was "
     "made from"},
    {BEGINS("\x89HDF"), "found an HDF5 file, expected .safetensors or .pth: write its arrays with "
                        "safetensors.numpy.save_file"},
    {BEGINS("\x93NUMPY"),
     "found a NumPy array, expected .safetensors or .pth: write named arrays with "
     "safetensors.numpy.save_file"},
    {BEGINS("\x1f\x8b"), "found a gzip archive, expected weights: unpack it with `gunzip`"},
    {BEGINS("\x28\xb5\x2f\xfd"), "found a zstd archive, expected weights: unpack it with `unzstd`"},
    {BEGINS("\xfd"
            "7zXZ"),
     "found an xz archive, expected weights: unpack it with `unxz`"},
};

/* A .safetensors file begins with a length, which is 0x4b50 or 0x0280 as readily as any other
 * number. So the whole signature of a zip is looked at: as a length it would be too large. */
bool code_form_is_zip(const uint8_t *begin, size_t size)
{
    return size >= 4 && (!memcmp(begin, "PK\3\4", 4) || !memcmp(begin, "PK\5\6", 4));
}

static size_t skip_blanks(const uint8_t *begin, size_t size)
{
    size_t at = 0;

    while (at < size && memchr(" \t\r\n", begin[at], 4))
        at++;
    return at;
}

/* Text whose first character is that. The eight bytes that begin a .safetensors file are a number,
 * of which the last are 0. */
static bool is_text(const uint8_t *begin, size_t size, char first)
{
    size_t at = skip_blanks(begin, size);

    return at < size && begin[at] == (uint8_t)first && size >= 8 && !memchr(begin, '\0', 8);
}

bool code_form_is_json(const uint8_t *begin, size_t size)
{
    return is_text(begin, size, '{');
}

bool code_form_is_safetensors(const uint8_t *begin, size_t size)
{
    return size > 8 && begin[8] == '{' && !memcmp(begin + 4, "\0\0\0", 4);
}

/* Why such a file is refused, and what its user should do, in one sentence; NULL: nothing is known
 * against it. */
static const char *why_refused(const uint8_t *begin, size_t size)
{
    if (code_form_is_safetensors(begin, size)) /* its length may look like a signature */
        return NULL;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (size >= forms[i].at + forms[i].count &&
            !memcmp(begin + forms[i].at, forms[i].bytes, forms[i].count))
            return forms[i].text;
    if (is_text(begin, size, '<'))
        return "found a web page, expected weights: " FETCH_AGAIN;
    if (size >= 9 && begin[0] == 0x80 && begin[1] >= 2 && begin[1] <= 5)
        return "found a bare pickle, expected the zip that torch.save writes: " SAVE_AGAIN;
    return NULL;
}

bool code_form_begin(const CodeFile *file, uint8_t begin[CODE_FORM_BYTES], size_t *size,
                     CodesrcError *error)
{
    const char *refused;

    *size = file->size < CODE_FORM_BYTES ? (size_t)file->size : CODE_FORM_BYTES;
    if (!code_file_read(file, 0, begin, *size, error))
        return false;
    refused = why_refused(begin, *size);
    return !refused || code_fail(error, CODESRC_MALFORMED, "%s: %s", file->name, refused);
}

bool code_form_is_weights(const uint8_t *begin, size_t size)
{
    if (code_form_is_zip(begin, size) || why_refused(begin, size))
        return true;
    if (code_form_is_json(begin, size))
        return memmem(begin, size, "\"weight_map\"", 12) || memmem(begin, size, "\"metadata\"", 10);
    for (size_t i = 0; i < size; i++)
        if (begin[i] < ' ' && !memchr("\t\r\n", begin[i], 3))
            return true;
    return false;
}
