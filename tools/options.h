/* options.h - the command line of a program, stated once: parsing, --help, --version, the manual
 * page and the completions of bash and zsh all use the same table. */
#ifndef CODE_TOOLS_OPTIONS_H
#define CODE_TOOLS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The type that an option writes, `at` bytes into the structure given to options_parse. */
typedef enum OptionType {
    OPTION_FLAG,   /* bool, true */
    OPTION_TEXT,   /* const char * */
    OPTION_COUNT,  /* unsigned, least..most */
    OPTION_INT,    /* int, least..most */
    OPTION_LARGE,  /* uint64_t, least..most */
    OPTION_REAL,   /* double, low..high */
    OPTION_CHOICE, /* unsigned: which of `words` */
    OPTION_LIST,   /* OptionList, of least..most; may be repeated */
    OPTION_TEXTS,  /* OptionTexts; may be repeated */
} OptionType;

enum { OPTION_LIST_MOST = 16 };

typedef struct OptionList {
    unsigned value[OPTION_LIST_MOST], count;
} OptionList;

/* Ends with a NULL. */
typedef struct OptionTexts {
    const char *value[OPTION_LIST_MOST + 1];
    unsigned count;
} OptionTexts;

/* A row of the table. A row without a name is a heading, a row without help ends the table. */
typedef struct Option {
    const char *name;     /* "output", for --output */
    char letter;          /* 'o', for -o; 0: none */
    const char *argument; /* the value's name in texts, "FILE"; NULL for a flag */
    OptionType type;
    size_t at;
    const char *help; /* a sentence or two, without a full stop at the end */

    uint64_t least, most;
    double low, high;
    size_t given;      /* offset of a bool that becomes true; 0: none, so it cannot come first */
    const char *words; /* possible values, with spaces between; of a text, suggestions only */
    char value;        /* 'f': a file's path, 'd': a folder's, 'm': a model, 'c': a class of it */
    unsigned commands; /* bit i: an option of command i; of a heading: of all rows below; 0: any */
} Option;

typedef struct Command {
    const char *name;     /* "" for the only command of a program without commands */
    const char *operands; /* "NAME FOLDER": all of them are needed; "" */
    const char *usage;    /* options as the usage line shows them, "[OPTION]... --output FILE" */
    const char *summary;  /* what it does; "" without commands */
} Command;

typedef struct Example {
    const char *command, *what;
} Example;

/* All arrays end with a row of zeros. */
typedef struct Program {
    const char *name, *summary; /* "code-image", "draw pictures with a VAR model" */
    const char *description;    /* paragraphs, with an empty line between them */
    const Command *commands;
    const Option *options;
    const Example *examples;
} Program;

enum { OPTIONS_MOST_OPERANDS = 2 };

/* Reads the command line into `values`. Returns the index of the command and its operands, or ends
 * the program: with status 0 after --help and --version, and with status 2 and one line on stderr
 * if something is not understood. An option may be shortened as long as it is unique. */
unsigned options_parse(const Program *program, int argc, char **argv, void *values,
                       const char *operands[OPTIONS_MOST_OPERANDS]);

/* Ends the program with status 2 after a line on stderr, "PROGRAM: TEXT; see PROGRAM --help". */
__attribute__((noreturn, format(printf, 2, 3))) void options_fail(const Program *program,
                                                                  const char *format, ...);

/* What options_parse prints for --help and, so that the build can install them, for
 * `--generate=man`, `--generate=bash` and `--generate=zsh`. */
void options_help(const Program *program, FILE *to);
void options_manual(const Program *program, FILE *to);
void options_bash(const Program *program, FILE *to);
void options_zsh(const Program *program, FILE *to);

/* --help and --version, which all programs have: rows as in a table. */
extern const Option options_common[];

#endif
