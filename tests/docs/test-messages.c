/* test-messages.c - what docs/troubleshooting.md quotes in bold must be a message of the sources.
 * Arguments: the document, and folders of sources. */
#include "../test.h"

#include <ctype.h>
#include <ftw.h>
#include <stdbool.h>

/* A text of which ANY stands for any characters: "…" of the document, "%s" of a format. */
enum { ANY = '\1', MOST = 400, MOST_FORMATS = 6000 };

static char (*formats)[MOST];
static unsigned format_count;

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    size_t size = 0;
    ssize_t got = file ? getdelim(&text, &size, '\0', file) : -1;

    if (file)
        fclose(file);
    if (got >= 0)
        return text;
    perror(path);
    exit(99);
}

/* ---- sources --------------------------------------------------------------------------------- */

static void append(char *text, size_t *length, char c)
{
    if (*length + 1 < MOST && !(c == ANY && *length && text[*length - 1] == ANY)) {
        text[(*length)++] = c;
        text[*length] = '\0';
    }
}

/* Appends a literal that begins at its quote. Returns what follows it. */
static const char *read_literal(const char *at, char *text, size_t *length)
{
    for (at++; *at && *at != '"'; at++)
        if (*at == '\\' && at[1]) {
            at++;
            append(text, length, *at == 'n' ? '\n' : *at);
        } else if (*at == '%' && at[1] == '%') {
            append(text, length, *at++);
        } else if (*at == '%') {
            at += 1 + strspn(at + 1, "-+ #0123456789.*lhzjt");
            append(text, length, ANY);
            if (*at == '"')
                break; /* "%" PRIu64 */
        } else {
            append(text, length, *at);
        }
    return *at ? at + 1 : at;
}

static const char *skip_word(const char *at)
{
    while (isalnum((unsigned char)*at) || *at == '_')
        at++;
    return at;
}

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t\n");
}

/* Literals that follow one another, with macros between and behind them, are one text, which may be
 * part of a longer one. */
static const char *read_text(const char *at)
{
    char *text = formats[format_count];
    size_t length = 0;

    append(text, &length, ANY);
    while (*at == '"') {
        at = skip_blanks(read_literal(at, text, &length));
        if (isupper((unsigned char)*at) || !strncmp(at, "PRI", 3)) {
            append(text, &length, ANY);
            at = skip_blanks(skip_word(at));
        }
    }
    append(text, &length, ANY);
    if (length > 8 && format_count + 1 < MOST_FORMATS)
        format_count++;
    return at;
}

static int read_source(const char *path, const struct stat *status, int flag, struct FTW *walk)
{
    const char *dot = strrchr(path, '.');
    char *text;

    (void)status, (void)walk;
    if (flag != FTW_F || !dot || (strcmp(dot, ".c") && strcmp(dot, ".h") && strcmp(dot, ".cu")))
        return 0;
    text = read_file(path);
    for (const char *at = text; *at;)
        if (at[0] == '/' && at[1] == '*')
            at = strstr(at + 2, "*/") ? strstr(at + 2, "*/") + 2 : at + 2;
        else if (at[0] == '\'')
            at += at[1] == '\\' ? 4 : 3;
        else if (*at == '"')
            at = read_text(at);
        else
            at++;
    free(text);
    return 0;
}

/* ---- comparing ------------------------------------------------------------------------------- */

/* The most letters of `heading` that `format` has too, if one text fits both; else -1. */
static int common(const char *heading, const char *format)
{
    static int rows[2][MOST + 1];
    size_t n = strlen(heading), m = strlen(format);

    for (size_t i = n + 1; i--;)
        for (size_t j = m + 1; j--;) {
            int *row = rows[i & 1], *next = rows[~i & 1], best = i == n && j == m ? 0 : -1;

            if (i < n && (heading[i] == ANY || (j < m && format[j] == ANY)))
                best = next[j];
            if (j < m && (format[j] == ANY || (i < n && heading[i] == ANY)))
                best = row[j + 1] > best ? row[j + 1] : best;
            if (i < n && j < m && heading[i] == format[j] && heading[i] != ANY &&
                next[j + 1] >= 0 && next[j + 1] + !!isalpha((unsigned char)heading[i]) > best)
                best = next[j + 1] + !!isalpha((unsigned char)heading[i]);
            row[j] = best;
        }
    return rows[0][0];
}

/* Does a format have at least a third of the letters of a heading? */
static bool is_printed(const char *heading)
{
    int letters = 0;

    for (const char *at = heading; *at; at++)
        letters += !!isalpha((unsigned char)*at);
    for (unsigned i = 0; i < format_count; i++)
        if (3 * common(heading, formats[i]) >= letters)
            return true;
    return false;
}

/* ---- the document ---------------------------------------------------------------------------- */

/* A text in bold without markup. Examples may be any: the file in front, and what is in quotes. */
static void clean(const char *bold, size_t length, char heading[MOST])
{
    static const char dots[] = "…";
    size_t used = 0, word;

    *heading = '\0';
    for (size_t i = 0; i < length; i++)
        if (!strncmp(bold + i, dots, sizeof dots - 1)) {
            append(heading, &used, ANY);
            i += sizeof dots - 2;
        } else if (bold[i] == '"' && memchr(bold + i + 1, '"', length - i - 1)) {
            append(heading, &used, '"');
            append(heading, &used, ANY);
            append(heading, &used, '"');
            i = (size_t)((const char *)memchr(bold + i + 1, '"', length - i - 1) - bold);
        } else if (bold[i] != '\\') {
            append(heading, &used, bold[i] == '\n' ? ' ' : bold[i]);
        }
    append(heading, &used, ANY); /* the message may go on */
    word = strcspn(heading, " ");
    if (word && heading[word - 1] == ':' && strpbrk(heading, "/.\1") < heading + word) {
        *heading = ANY;
        memmove(heading + 1, heading + word + 1, strlen(heading + word));
    }
}

/* Of a paragraph. Texts with a full stop are symptoms. */
static unsigned check_paragraph(const char *text)
{
    unsigned quoted = 0;
    char heading[MOST];

    for (const char *at = text, *close; (at = strstr(at, "**")); at = close + 2) {
        close = strstr(at + 2, "**");
        if (!close)
            break;
        if (close[-1] == '.' || !strncmp(close + 2, " [from", 6))
            continue;
        clean(at + 2, (size_t)(close - at - 2), heading);
        CHECK(is_printed(heading), "no source prints: %.*s", (int)(close - at - 2), at + 2);
        quoted++;
    }
    return quoted;
}

int main(int argc, char **argv)
{
    unsigned quoted = 0;
    char *text, *end;

    if (argc < 3) {
        fprintf(stderr, "usage: %s DOCUMENT FOLDER...\n", argv[0]);
        return 2;
    }
    formats = calloc(MOST_FORMATS, sizeof *formats);
    for (int i = 2; formats && i < argc; i++)
        nftw(argv[i], read_source, 16, FTW_PHYS);
    text = read_file(argv[1]);
    end = strstr(text, "\n## Problems without a message");
    CHECK(end && format_count + 1 < MOST_FORMATS, "%u texts in the sources", format_count);
    if (end)
        *end = '\0';
    for (char *at = text; at; at = end ? end + 2 : NULL) {
        end = strstr(at, "\n\n");
        if (end)
            *end = '\0';
        quoted += check_paragraph(at);
    }
    CHECK(quoted > 40, "%u quotations", quoted);
    printf("%u quotations, %u texts in the sources\n", quoted, format_count);
    free(text);
    free(formats);
    return test_end();
}
