/* option-completion.c - completions of bash and zsh for a program, from its table of options. */
#include "options.h"

#include <string.h>

/* "code-image" as the name of a function. */
static void print_identifier(const char *name, FILE *to)
{
    fputc('_', to);
    for (; *name; name++)
        fputc(*name == '-' ? '_' : *name, to);
}

static void print_command_names(const Program *program, FILE *to)
{
    for (const Command *command = program->commands; command->name; command++)
        fprintf(to, "%s%s", command == program->commands ? "" : " ", command->name);
}

/* ---- bash ------------------------------------------------------------------------------------ */

/* bash completes paths itself if nothing is suggested; other values get no suggestion. */
static void bash_value(const Option *option, FILE *to)
{
    if (!option->name || !option->argument)
        return;
    fprintf(to, "    --%s", option->name);
    if (option->letter)
        fprintf(to, " | -%c", option->letter);
    fputs(")\n", to);
    if (option->words)
        fprintf(to, "        mapfile -t COMPREPLY < <(compgen -W '%s' -- \"$current\")\n",
                option->words);
    if (!option->paths)
        fputs("        compopt +o default\n", to);
    fputs("        return\n        ;;\n", to);
}

void options_bash(const Program *program, FILE *to)
{
    fprintf(to, "# Completion of bash for %s.\n", program->name);
    print_identifier(program->name, to);
    fputs("() {\n"
          "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}\n\n"
          "    case $previous in\n",
          to);
    for (const Option *option = program->options; option->help; option++)
        bash_value(option, to);
    fputs("    esac\n"
          "    if [[ $current == -* ]]; then\n"
          "        mapfile -t COMPREPLY < <(compgen -W '",
          to);
    for (const Option *option = program->options; option->help; option++)
        if (option->name)
            fprintf(to, "--%s ", option->name);
    fputs("--help --version' -- \"$current\")\n", to);
    if (*program->commands->name) {
        fputs("    elif ((COMP_CWORD == 1)); then\n        mapfile -t COMPREPLY < <(compgen -W '",
              to);
        print_command_names(program, to);
        fputs("' -- \"$current\")\n        compopt +o default\n", to);
    }
    fputs("    fi\n}\ncomplete -o default -F ", to);
    print_identifier(program->name, to);
    fprintf(to, " %s\n", program->name);
}

/* ---- zsh ------------------------------------------------------------------------------------- */

/* Inside single quotes and brackets, and before a colon. */
static void zsh_text(const char *text, FILE *to)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", to);
        else if (strchr("[]:\\", *text))
            fprintf(to, "\\%c", *text);
        else
            fputc(*text, to);
    }
}

static void zsh_option(const Option *option, FILE *to)
{
    if (!option->name)
        return;
    fputs(" \\\n    ", to);
    if (option->letter)
        fprintf(to, "'(-%c --%s)'{-%c,--%s}", option->letter, option->name, option->letter,
                option->name);
    else
        fprintf(to, "'%s--%s'",
                option->type == OPTION_LIST || option->type == OPTION_TEXTS ? "*" : "",
                option->name);
    fputs("'[", to);
    zsh_text(option->help, to);
    fputs("]", to);
    if (option->argument) {
        fprintf(to, ":%s:", option->argument);
        if (option->words && option->paths)
            fprintf(to, "{_files; compadd -- %s}", option->words);
        else if (option->words)
            fprintf(to, "(%s)", option->words);
        else if (option->paths)
            fputs(option->paths == 'd' ? "_files -/" : "_files", to);
        else
            fputc(' ', to);
    }
    fputc('\'', to);
}

void options_zsh(const Program *program, FILE *to)
{
    fprintf(to, "#compdef %s\n# Completion of zsh for %s.\n_arguments -s", program->name,
            program->name);
    for (const Option *option = program->options; option->help; option++)
        zsh_option(option, to);
    for (const Option *option = options_common; option->help; option++)
        zsh_option(option, to);
    if (*program->commands->name) {
        fputs(" \\\n    '1:command:(", to);
        print_command_names(program, to);
        fputs(")'", to);
    }
    fputs(" \\\n    '*:argument:_files'\n", to);
}
