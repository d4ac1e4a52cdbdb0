/* options.c - reads a command line by a table of options. */
#include "options.h"

#include "complain.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

typedef struct Parser {
    const Program *program;
    char *values;
    const char **operands;
    const Command *command;
    unsigned operand_count;
    uint64_t used; /* bit i: option i of the table was given */
} Parser;

const Option options_common[] = {
    {"help", 'h', NULL, OPTION_FLAG, 0, .help = "print this text and exit"},
    {"version", 0, NULL, OPTION_FLAG, 0, .help = "print the version and exit"},
    {0},
};

void options_fail(const Program *program, const char *format, ...)
{
    va_list arguments;
    char *text;

    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        text = NULL;
    va_end(arguments);
    complain("%s; see %s --help", text ? text : "no memory", program->name);
    exit(2);
}

/* ---- names ----------------------------------------------------------------------------------- */

static size_t least_of(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Letters to insert, remove or replace, or neighbours to swap, to get from one word to the other
 * (optimal string alignment). */
static size_t distance(const char *from, const char *to)
{
    enum { MOST = 40 };
    size_t rows[3][MOST + 1], length = strlen(to), n = strlen(from);

    if (length > MOST)
        return SIZE_MAX;
    for (size_t i = 0; i <= length; i++)
        rows[0][i] = i;
    for (size_t k = 1; k <= n; k++) {
        size_t *row = rows[k % 3], *last = rows[(k + 2) % 3], *before = rows[(k + 1) % 3];

        row[0] = k;
        for (size_t i = 1; i <= length; i++) {
            row[i] = least_of(last[i - 1] + (from[k - 1] != to[i - 1]),
                              least_of(last[i], row[i - 1]) + 1);
            if (k > 1 && i > 1 && from[k - 1] == to[i - 2] && from[k - 2] == to[i - 1])
                row[i] = least_of(row[i], before[i - 2] + 1);
        }
    }
    return rows[n % 3][length];
}

/* Keeps `name` if it is nearer to `text` than the nearest name so far. */
static void consider(const char *text, const char *name, const char **nearest, size_t *least)
{
    size_t apart = strlen(text) > 2 && strstr(name, text) ? 1 : distance(text, name);

    if (apart <= strlen(name) / 3 && apart < *least) {
        *least = apart;
        *nearest = name;
    }
}

static const char *nearest_option(const Program *program, const char *text)
{
    const char *nearest = NULL;
    size_t least = SIZE_MAX;

    for (const Option *option = program->options; option->help; option++)
        if (option->name)
            consider(text, option->name, &nearest, &least);
    for (const Option *option = options_common; option->help; option++)
        consider(text, option->name, &nearest, &least);
    return nearest;
}

static const char *nearest_command(const Program *program, const char *text)
{
    const char *nearest = NULL;
    size_t least = SIZE_MAX;

    for (const Command *command = program->commands; command->name; command++)
        consider(text, command->name, &nearest, &least);
    return nearest;
}

/* ---- values ---------------------------------------------------------------------------------- */

static uint64_t whole_number(const Program *program, const Option *option, const char *text)
{
    unsigned long long value;
    char *end;

    errno = 0;
    value = strtoull(text, &end, 10);
    if (errno || *text < '0' || *text > '9' || *end || value < option->least ||
        value > option->most)
        options_fail(program, "--%s %s: expected a whole number in %" PRIu64 "..%" PRIu64,
                     option->name, text, option->least, option->most);
    return value;
}

static double real_number(const Program *program, const Option *option, const char *text)
{
    char *end;
    double value = strtod(text, &end);

    if (end == text || *end || !(value >= option->low && value <= option->high))
        options_fail(program, "--%s %s: expected a number in %g..%g", option->name, text,
                     option->low, option->high);
    return value;
}

static unsigned choice(const Program *program, const Option *option, const char *text)
{
    size_t length = strlen(text);
    unsigned index = 0;

    for (const char *word = option->words; *word; index++) {
        size_t size = strcspn(word, " ");

        if (size == length && !strncmp(word, text, size))
            return index;
        word += size + strspn(word + size, " ");
    }
    options_fail(program, "--%s %s: expected one of: %s", option->name, text, option->words);
}

/* The place of one more value of an option that may be repeated. */
static unsigned next_place(const Program *program, const Option *option, unsigned *count)
{
    if (*count == OPTION_LIST_MOST)
        options_fail(program, "--%s: given more than %d times", option->name, OPTION_LIST_MOST);
    return (*count)++;
}

static void add_number(const Program *program, const Option *option, OptionList *list,
                       const char *text)
{
    unsigned value = (unsigned)whole_number(program, option, text);

    list->value[next_place(program, option, &list->count)] = value;
}

static void add_text(const Program *program, const Option *option, OptionTexts *texts,
                     const char *text)
{
    texts->value[next_place(program, option, &texts->count)] = text;
}

static void store(Parser *parser, const Option *option, const char *text)
{
    const Program *program = parser->program;
    void *to = parser->values + option->at;

    switch (option->type) {
    case OPTION_FLAG:
        *(bool *)to = true;
        break;
    case OPTION_TEXT:
        *(const char **)to = text;
        break;
    case OPTION_COUNT:
        *(unsigned *)to = (unsigned)whole_number(program, option, text);
        break;
    case OPTION_INT:
        *(int *)to = (int)whole_number(program, option, text);
        break;
    case OPTION_LARGE:
        *(uint64_t *)to = whole_number(program, option, text);
        break;
    case OPTION_REAL:
        *(double *)to = real_number(program, option, text);
        break;
    case OPTION_CHOICE:
        *(unsigned *)to = choice(program, option, text);
        break;
    case OPTION_LIST:
        add_number(program, option, to, text);
        break;
    case OPTION_TEXTS:
        add_text(program, option, to, text);
        break;
    }
    if (option->given)
        *(bool *)(parser->values + option->given) = true;
    parser->used |= 1ull << (option - program->options);
}

/* ---- options --------------------------------------------------------------------------------- */

static void print_and_exit(const Program *program, const Option *option)
{
    if (option == options_common)
        options_help(program, stdout);
    else
        printf("%s (codesrc) %s\n", program->name, CODESRC_VERSION);
    exit(complain_unwritten());
}

static void generate_and_exit(const Program *program, const char *what)
{
    if (!strcmp(what, "man"))
        options_manual(program, stdout);
    else if (!strcmp(what, "bash"))
        options_bash(program, stdout);
    else if (!strcmp(what, "zsh"))
        options_zsh(program, stdout);
    else
        options_fail(program, "--generate=%s: expected man, bash or zsh", what);
    exit(complain_unwritten());
}

/* The option that a text of `length` bytes names or shortens. NULL if there is none, or if there
 * are two and no name is the whole text. */
static const Option *find_name(const Program *program, const char *text, size_t length)
{
    const Option *tables[] = {program->options, options_common}, *found = NULL;
    unsigned count = 0;

    for (size_t i = 0; i < 2; i++) {
        for (const Option *option = tables[i]; option->help; option++) {
            if (!option->name || strncmp(option->name, text, length))
                continue;
            if (!option->name[length])
                return option;
            found = option;
            count++;
        }
    }
    return count == 1 ? found : NULL;
}

static const Option *find_letter(const Program *program, char letter)
{
    const Option *tables[] = {program->options, options_common};

    for (size_t i = 0; i < 2; i++)
        for (const Option *option = tables[i]; option->help; option++)
            if (option->letter && option->letter == letter)
                return option;
    return NULL;
}

/* `value`: the value in the same argument, or NULL. Returns how many more arguments were read. */
static int take_option(Parser *parser, const Option *option, const char *value, const char *next)
{
    const Program *program = parser->program;
    bool own = option >= options_common && option < options_common + 2;

    if (!option->argument && value)
        options_fail(program, "--%s takes no value", option->name);
    if (option->argument && !value && !next)
        options_fail(program, "--%s needs a value, %s", option->name, option->argument);
    if (own)
        print_and_exit(program, option);
    store(parser, option, value ? value : next);
    return option->argument && !value;
}

static int take_long(Parser *parser, const char *text, const char *next)
{
    const Program *program = parser->program;
    size_t length = strcspn(text, "=");
    const Option *option;
    char name[40];

    snprintf(name, sizeof name, "%.*s", (int)least_of(length, sizeof name - 1), text);
    if (!strcmp(name, "generate") && text[length])
        generate_and_exit(program, text + length + 1);
    option = find_name(program, text, length);
    if (!option) {
        const char *nearest = nearest_option(program, name);

        options_fail(program, "unknown option --%s%s%s%s", name, nearest ? " (perhaps --" : "",
                     nearest ? nearest : "", nearest ? ")" : "");
    }
    return take_option(parser, option, text[length] ? text + length + 1 : NULL, next);
}

/* "-o FILE", "-oFILE", and flags one after the other. */
static int take_letters(Parser *parser, const char *text, const char *next)
{
    for (; *text; text++) {
        const Option *option = find_letter(parser->program, *text);

        if (!option)
            options_fail(parser->program, "unknown option -%c", *text);
        if (option->argument)
            return take_option(parser, option, text[1] ? text + 1 : NULL, next);
        take_option(parser, option, NULL, NULL);
    }
    return 0;
}

/* ---- commands and operands ------------------------------------------------------------------- */

static unsigned words_in(const char *text)
{
    unsigned count = 0;

    for (; *text; text += strspn(text, " ")) {
        text += strcspn(text, " ");
        count++;
    }
    return count;
}

static void list_commands(const Program *program, char *text, size_t size)
{
    size_t length = 0;

    for (const Command *command = program->commands; command->name; command++)
        length += (size_t)snprintf(text + length, size - length, "%s%s",
                                   command == program->commands ? ""
                                   : command[1].name            ? ", "
                                                                : " or ",
                                   command->name);
}

static void take_command(Parser *parser, const char *text)
{
    const Program *program = parser->program;
    const char *nearest;
    char known[100];

    for (const Command *command = program->commands; command->name; command++)
        if (!strcmp(command->name, text))
            parser->command = command;
    if (parser->command)
        return;
    nearest = nearest_command(program, text);
    list_commands(program, known, sizeof known);
    if (nearest)
        options_fail(program, "unknown command %s (perhaps %s)", text, nearest);
    options_fail(program, "unknown command %s: expected %s", text, known);
}

static void take_operand(Parser *parser, const char *text)
{
    if (!parser->command)
        take_command(parser, text);
    else if (parser->operand_count == words_in(parser->command->operands))
        options_fail(parser->program, "unexpected argument %s", text);
    else
        parser->operands[parser->operand_count++] = text;
}

/* Every option that was given has to be one of the command. */
static void check_options(const Parser *parser)
{
    const Program *program = parser->program;
    const Command *command = parser->command;
    unsigned heading = 0;

    for (const Option *option = program->options; option->help; option++) {
        unsigned commands = option->commands ? option->commands : heading;

        if (!option->name)
            heading = option->commands;
        else if (parser->used >> (option - program->options) & 1 && commands &&
                 !(commands >> (command - program->commands) & 1))
            options_fail(program, "--%s is not an option of %s", option->name, command->name);
    }
}

static void check_end(const Parser *parser)
{
    const Program *program = parser->program;
    const Command *command = parser->command;
    char known[100];

    if (!command) {
        list_commands(program, known, sizeof known);
        options_fail(program, "no command: expected %s", known);
    }
    check_options(parser);
    if (parser->operand_count < words_in(command->operands))
        options_fail(program, "%s%sexpected %s", command->name, *command->name ? ": " : "",
                     command->operands);
}

unsigned options_parse(const Program *program, int argc, char **argv, void *values,
                       const char *operands[OPTIONS_MOST_OPERANDS])
{
    Parser parser = {.program = program, .values = values, .operands = operands};
    bool only_operands = false;

    if (!*program->commands->name)
        parser.command = program->commands;
    for (int i = 1; i < argc; i++) {
        const char *text = argv[i], *next = i + 1 < argc ? argv[i + 1] : NULL;

        if (only_operands || text[0] != '-' || !text[1])
            take_operand(&parser, text);
        else if (text[1] != '-')
            i += take_letters(&parser, text + 1, next);
        else if (text[2])
            i += take_long(&parser, text + 2, next);
        else
            only_operands = true;
    }
    check_end(&parser);
    return (unsigned)(parser.command - program->commands);
}
