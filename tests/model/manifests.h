/* manifests.h - shared by the tests of manifests. */
#ifndef CODE_TESTS_MANIFESTS_H
#define CODE_TESTS_MANIFESTS_H

#include "hostile.h"

#define FILE_NAME "case.yaml"

/* Parts of a manifest that is right. */
#define HEAD  "name: m\npatch_nums: [1, 2, 3]\nclasses: 4\n"
#define VAE   "vae: {file: v.pth}\n"
#define DRAFT "drafter: {file: d.pth}\n"
#define REST  VAE DRAFT
#define GOOD  HEAD REST

static inline void refuse_bytes(const char *label, Bytes *bytes, const char *text)
{
    refuse(CASE_MANIFEST, label, FILE_NAME, bytes, CODESRC_MALFORMED, text);
}

static inline void refuse_text(const char *label, const char *manifest, const char *text)
{
    Bytes bytes = {0};

    put_text(&bytes, manifest);
    refuse_bytes(label, &bytes, text);
}

static inline void accept_text(const char *label, const char *manifest)
{
    Bytes bytes = {0};

    put_text(&bytes, manifest);
    allow(CASE_MANIFEST, label, FILE_NAME, &bytes);
}

static inline void refuse_repeated(const char *label, const char *head, const char *text,
                                   size_t count, const char *expected)
{
    Bytes bytes = {0};

    put_text(&bytes, head);
    put_repeated(&bytes, text, count);
    refuse_bytes(label, &bytes, expected);
}

#endif
