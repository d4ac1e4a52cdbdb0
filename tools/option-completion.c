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

/* Whether an option takes a class. Its names come from `code-model inspect`, of --model if that is
 * given already. */
static bool takes_class(const Program *program)
{
    for (const Option *option = program->options; option->help; option++)
        if (option->value == 'c')
            return true;
    return false;
}

#define CLASSES_OF "code-model inspect \"%s\" 2>/dev/null | sed -n \"s/^ *[0-9][0-9]*  //p\""

/* ---- bash ------------------------------------------------------------------------------------ */

/* A model's names may have blanks, and come from files of others: so bash expands none of them, and
 * with `-o filenames` quotes them. */
static void bash_classes(const Program *program, FILE *to)
{
    print_identifier(program->name, to);
    fprintf(to,
            "_classes() {\n"
            "    local plain=${current//[\\\\\\\"\\']/} model=vistas name i\n\n"
            "    for ((i = 1; i < COMP_CWORD - 1; i++)); do\n"
            "        [[ ${COMP_WORDS[i]} == --model || ${COMP_WORDS[i]} == -m ]] || continue\n"
            "        [[ ${COMP_WORDS[i + 1]} != = ]] || ((i++))\n"
            "        model=${COMP_WORDS[i + 1]/#\\~/$HOME}\n"
            "    done\n"
            "    while IFS= read -r name; do\n"
            "        [[ $name != \"$plain\"* ]] || COMPREPLY+=(\"$name\")\n"
            "    done < <(printf '%%s\\n' $1; " CLASSES_OF ")\n"
            "    compopt -o filenames +o default\n"
            "}\n",
            "${model//[\\\\\\\"\\']/}");
}

/* bash completes paths itself if nothing is suggested; other values get no suggestion. */
static void bash_value(const Program *program, const Option *option, FILE *to)
{
    if (!option->name || !option->argument)
        return;
    fprintf(to, "    --%s", option->name);
    if (option->letter)
        fprintf(to, " | -%c", option->letter);
    fputs(")\n", to);
    if (option->value == 'c') {
        fputs("        ", to);
        print_identifier(program->name, to);
        fprintf(to, "_classes '%s'\n", option->words);
    } else if (option->value == 'm') {
        fprintf(to,
                "        mapfile -t COMPREPLY < <(compgen -W '%s' -- \"$current\"\n"
                "            compgen -d -- \"$current\"; compgen -f -X '!*.yaml' -- "
                "\"$current\")\n"
                "        compopt -o filenames\n",
                option->words);
    } else if (option->words) {
        fprintf(to, "        mapfile -t COMPREPLY < <(compgen -W '%s' -- \"$current\")\n",
                option->words);
    }
    if (!option->value)
        fputs("        compopt +o default\n", to);
    fputs("        return\n        ;;\n", to);
}

void options_bash(const Program *program, FILE *to)
{
    fprintf(to, "# Completion of bash for %s.\n", program->name);
    if (takes_class(program))
        bash_classes(program, to);
    print_identifier(program->name, to);
    fputs("() {\n"
          "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}\n\n"
          "    COMPREPLY=()\n"
          "    [[ $previous != = ]] || previous=${COMP_WORDS[COMP_CWORD - 2]} # --name=value\n"
          "    [[ $current != = ]] || current=\n"
          "    case $previous in\n",
          to);
    for (const Option *option = program->options; option->help; option++)
        bash_value(program, option, to);
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

/* compadd quotes what needs quotes. */
static void zsh_classes(const Program *program, FILE *to)
{
    print_identifier(program->name, to);
    fprintf(to,
            "_classes() {\n"
            "    compadd -- \"$@\" ${(f)\"$(" CLASSES_OF ")\"}\n"
            "}\n",
            "${(Q)~${opt_args[--model]:-${opt_args[-m]:-vistas}}}");
}

static void zsh_option(const Program *program, const Option *option, FILE *to)
{
    const char *equals = option->argument ? "=" : ""; /* the value may follow it or a blank */

    if (!option->name)
        return;
    fputs(" \\\n    ", to);
    if (option->letter)
        fprintf(to, "'(-%c --%s)'{-%c,--%s%s}", option->letter, option->name, option->letter,
                option->name, equals);
    else
        fprintf(to, "'%s--%s%s'",
                option->type == OPTION_LIST || option->type == OPTION_TEXTS ? "*" : "",
                option->name, equals);
    fputs("'[", to);
    zsh_text(option->help, to);
    fputs("]", to);
    if (option->argument) {
        fprintf(to, ":%s:", option->argument);
        if (option->value == 'c') {
            fputc('{', to);
            print_identifier(program->name, to);
            fprintf(to, "_classes %s}", option->words);
        } else if (option->value == 'm')
            fprintf(to, "{_files -g \"*.yaml\"; compadd -- %s}", option->words);
        else if (option->words)
            fprintf(to, "(%s)", option->words);
        else if (option->value)
            fputs(option->value == 'd' ? "_files -/" : "_files", to);
        else
            fputc(' ', to);
    }
    fputc('\'', to);
}

void options_zsh(const Program *program, FILE *to)
{
    fprintf(to, "#compdef %s\n# Completion of zsh for %s.\n", program->name, program->name);
    if (takes_class(program))
        zsh_classes(program, to);
    fputs("_arguments -s", to);
    for (const Option *option = program->options; option->help; option++)
        zsh_option(program, option, to);
    for (const Option *option = options_common; option->help; option++)
        zsh_option(program, option, to);
    if (*program->commands->name) {
        fputs(" \\\n    '1:command:(", to);
        print_command_names(program, to);
        fputs(")'", to);
    }
    fputs(" \\\n    '*:argument:_files'\n", to);
}
