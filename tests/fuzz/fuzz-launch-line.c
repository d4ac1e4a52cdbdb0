/* fuzz-launch-line.c - the launch line in a file of any format: what is found may be pasted into a
 * shell, so it has one command, and no character that a shell acts upon. */
#include "../model/hostile.h"
#include "fuzz.h"
#include "launch-line.h"

#include <string.h>

/* Outside of quotation marks nothing but plain characters, spaces, the remark and exclamation
 * marks between spaces; inside, what a shell acts upon has a backslash in front. */
static void check_line(const char *line)
{
    bool quoted = false;

    for (const char *c = line; *c; c++) {
        if (*c == '"')
            quoted = !quoted;
        else if (quoted && *c == '\\')
            c += c[1] != '\0';
        else if (quoted)
            fuzz_promise(!strchr("$`", *c), "no shell expands anything in the line");
        else if (*c == '!')
            fuzz_promise(c[-1] == ' ' && c[1] == ' ', "an exclamation mark links elements");
        else
            fuzz_promise(!strchr(";&|<>()$`\\'*?[]~{}\n", *c), "the line is one command");
    }
    fuzz_promise(!quoted, "quotation marks are closed");
    fuzz_promise(!strncmp(line, "gst-launch-1.0 codesrc", 22), "the line begins with its program");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CodesrcError error = {.status = CODESRC_OK};
    char line[LAUNCH_LINE_MOST];

    write_file("case", data, size);
    if (launch_line_find(line, scratch("case"), &error))
        check_line(line);
    else
        fuzz_check_error(&error);
    return 0;
}
