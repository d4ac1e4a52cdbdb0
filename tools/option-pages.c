/* option-pages.c - --help and the manual page of a program, from its table of options. */
#include "options.h"

#include <ctype.h>
#include <string.h>

enum { WIDTH = 80, HELP_COLUMN = 26 };

/* ---- --help ---------------------------------------------------------------------------------- */

/* Prints words from `column` on, and further lines from `indent` on; an empty line in the text
 * begins a paragraph. Ends the last line. */
static void print_wrapped(FILE *to, const char *text, size_t column, size_t indent)
{
    bool first = true;

    while (*text) {
        size_t breaks = 0, length = 0;

        for (; isspace((unsigned char)*text); text++)
            breaks += *text == '\n';
        length = strcspn(text, " \n");
        if (breaks > 1 || (!first && column + 1 + length > WIDTH)) {
            fprintf(to, "%s%*s", breaks > 1 ? "\n\n" : "\n", (int)indent, "");
            column = indent;
            first = true;
        }
        fprintf(to, "%s%.*s", first ? "" : " ", (int)length, text);
        column += length + !first;
        first = false;
        text += length;
    }
    fputc('\n', to);
}

static void print_usage(const Program *program, FILE *to)
{
    for (const Command *command = program->commands; command->name; command++)
        fprintf(to, "%s%s%s%s %s%s%s\n", command == program->commands ? "Usage: " : "       ",
                program->name, *command->name ? " " : "", command->name, command->usage,
                *command->operands ? " " : "", command->operands);
}

static void print_option(const Option *option, FILE *to)
{
    char text[80];
    int length;

    if (!option->name) {
        fprintf(to, "\n%s:\n", option->help);
        return;
    }
    length = option->letter
                 ? snprintf(text, sizeof text, "  -%c, --%s", option->letter, option->name)
                 : snprintf(text, sizeof text, "      --%s", option->name);
    if (option->argument)
        length += snprintf(text + length, sizeof text - (size_t)length, " %s", option->argument);
    fputs(text, to);
    if (length + 2 > HELP_COLUMN)
        fputc('\n', to);
    fprintf(to, "%*s", length + 2 > HELP_COLUMN ? HELP_COLUMN : HELP_COLUMN - length, "");
    print_wrapped(to, option->help, HELP_COLUMN, HELP_COLUMN);
}

void options_help(const Program *program, FILE *to)
{
    print_usage(program, to);
    print_wrapped(to, program->description, 0, 0);
    if (*program->commands->name)
        fputs("\nCommands:\n", to);
    for (const Command *command = program->commands; *command->name; command++) {
        fprintf(to, "  %-*s", HELP_COLUMN - 2, command->name);
        print_wrapped(to, command->summary, HELP_COLUMN, HELP_COLUMN);
        if (!command[1].name)
            break;
    }
    if (program->options->name)
        fputs("\nOptions:\n", to);
    for (const Option *option = program->options; option->help; option++)
        print_option(option, to);
    fputc('\n', to);
    for (const Option *option = options_common; option->help; option++)
        print_option(option, to);
    fputs("\nExamples:\n", to);
    for (const Example *example = program->examples; example->command; example++)
        fprintf(to, "  # %s\n  %s\n", example->what, example->command);
}

/* ---- the manual page ------------------------------------------------------------------------- */

/* As roff reads it: hyphens that can be copied, and no line that is taken for a request. */
static void print_roff(FILE *to, const char *text)
{
    bool start = true;

    for (; *text; text++) {
        if (start && (*text == '.' || *text == '\''))
            fputs("\\&", to);
        if (*text == '-')
            fputs("\\-", to);
        else if (*text == '\\')
            fputs("\\e", to);
        else if (text[0] == '\n' && text[1] == '\n')
            fputs("\n.PP", to);
        else
            fputc(*text, to);
        start = *text == '\n';
    }
    fputc('\n', to);
}

static void print_line(FILE *to, const char *request, const char *text)
{
    fprintf(to, "%s ", request);
    print_roff(to, text);
}

static void manual_head(const Program *program, FILE *to)
{
    fputs(".TH ", to);
    for (const char *c = program->name; *c; c++)
        fprintf(to, "%s%c", *c == '-' ? "\\" : "", toupper((unsigned char)*c));
    fprintf(to, " 1 \"\" \"codesrc %s\" \"User Commands\"\n.SH NAME\n", CODESRC_VERSION);
    for (const char *c = program->name; *c; c++)
        fprintf(to, "%s%c", *c == '-' ? "\\" : "", *c);
    fputs(" \\- ", to);
    print_roff(to, program->summary);
    fputs(".SH SYNOPSIS\n.nf\n", to);
    for (const Command *command = program->commands; command->name; command++) {
        char line[200];

        snprintf(line, sizeof line, "%s%s%s %s%s%s", program->name, *command->name ? " " : "",
                 command->name, command->usage, *command->operands ? " " : "", command->operands);
        print_roff(to, line);
    }
    fputs(".fi\n.SH DESCRIPTION\n", to);
    print_roff(to, program->description);
}

static void manual_option(const Option *option, FILE *to)
{
    char text[100];
    int length = 0;

    if (!option->name) {
        print_line(to, ".SS", option->help);
        return;
    }
    if (option->letter)
        length = snprintf(text, sizeof text, "-%c, ", option->letter);
    snprintf(text + length, sizeof text - (size_t)length, "--%s%s%s", option->name,
             option->argument ? " " : "", option->argument ? option->argument : "");
    fputs(".TP\n", to);
    print_line(to, ".B", text);
    print_roff(to, option->help);
}

static void manual_options(const Program *program, FILE *to)
{
    if (*program->commands->name) {
        fputs(".SH COMMANDS\n", to);
        for (const Command *command = program->commands; command->name; command++) {
            fputs(".TP\n", to);
            print_line(to, ".B", command->name);
            print_roff(to, command->summary);
        }
    }
    fputs(".SH OPTIONS\n", to);
    for (const Option *option = program->options; option->help; option++)
        manual_option(option, to);
    fputs(".SS Common\n", to);
    for (const Option *option = options_common; option->help; option++)
        manual_option(option, to);
}

static void manual_see_also(const Program *program, FILE *to)
{
    static const char *const names[] = {"image", "sample", "model", "bench", "studio"};

    fputs(".SH SEE ALSO\n", to);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(program->name + strlen("code-"), names[i]))
            fprintf(to, ".BR code\\-%s (1),\n", names[i]);
    fputs(".BR gst\\-inspect\\-1.0 (1).\n", to);
}

void options_manual(const Program *program, FILE *to)
{
    manual_head(program, to);
    manual_options(program, to);
    fputs(".SH EXAMPLES\n", to);
    for (const Example *example = program->examples; example->command; example++) {
        fputs(".PP\n", to);
        print_roff(to, example->what);
        fputs(".PP\n.in +4n\n.nf\n", to);
        print_roff(to, example->command);
        fputs(".fi\n.in\n", to);
    }
    fputs(".SH EXIT STATUS\n"
          "0 if all went well, 1 after an error, 2 if the arguments are not understood.\n"
          ".SH ENVIRONMENT\n"
          ".TP\n.B CODESRC_MODEL_PATH\n"
          "Folders, separated by colons, that are searched for models by name.\n"
          ".TP\n.B CODESRC_MODULE_PATH\n"
          "Folders that are searched for the CUDA module.\n"
          ".TP\n.B CODESRC_CPU\n"
          "The instruction set that the device cpu uses, if not the best one of the processor.\n"
          ".SH FILES\n",
          to);
    fputs(".TP\n.I ", to);
    print_roff(to, CODESRC_MODELS_DIR);
    fputs("The bundled models, each in a folder of its name.\n", to);
    manual_see_also(program, to);
    fputs(".PP\nThe GStreamer element is described by\n.BR \"gst\\-inspect\\-1.0 codesrc\" .\n",
          to);
}
