/* pond completion: shell completion generated from the command table. */
#include "cli/cli.h"
#include <string.h>

static void put_names(const Option *options, size_t count)
{
    for (size_t i = 0; i < count; i++) out_printf(" --%s", options[i].name);
}

static void bash(void)
{
    out_printf(
        "# bash completion of pond: source it, or put it into a bash-completion folder as 'pond'\n"
        "_pond() {\n"
        "    local cur=${COMP_WORDS[COMP_CWORD]} command='' i\n"
        "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
        "        case ${COMP_WORDS[i]} in --pond | --var | -v | --color | --progress | --trace | "
        "--memory-limit | --threads | --wait) ((i++)) ;;\n"
        "        -*) ;; *) command=${COMP_WORDS[i]}; break ;; esac\n"
        "    done\n"
        "    local words=''\n"
        "    case $command in\n"
        "    '') words='");
    for (size_t i = 0; i < COMMAND_COUNT; i++) out_printf("%s ", COMMANDS[i]->name);
    out_printf("' ;;\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        out_printf("    %s) words='", COMMANDS[i]->name);
        put_names(COMMANDS[i]->options, COMMANDS[i]->option_count);
        out_printf("' ;;\n");
    }
    out_printf("    esac\n"
               "    if [[ $cur == -* || -z $command ]]; then\n"
               "        words+='");
    put_names(GLOBAL_OPTIONS, GLOBAL_OPTION_COUNT);
    out_printf("'\n"
               "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
               "    elif [[ $cur == /* && -n ${POND-} ]]; then\n"
               "        mapfile -t COMPREPLY < <(pond list --paths \"$cur*\" 2>/dev/null)\n"
               "    else\n"
               "        mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
               "    fi\n"
               "}\n"
               "complete -o filenames -F _pond pond\n");
}

static void zsh_text(const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        if (strchr("'[]:", *p) != NULL)
            out_printf(*p == '\'' ? "'\\''" : "\\%c", *p);
        else
            out_write(p, 1);
    }
}

static void zsh_options(const Option *options, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        out_printf(" \\\n            '--%s[", options[i].name);
        zsh_text(options[i].text);
        out_printf("]%s'", options[i].value != NULL ? ":value:_files" : "");
    }
}

static void zsh(void)
{
    out_printf("#compdef pond\n_pond() {\n    local -a commands\n    commands=(\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        out_printf("        '%s:", COMMANDS[i]->name);
        zsh_text(COMMANDS[i]->summary);
        out_printf("'\n");
    }
    out_printf("    )\n    if ((CURRENT == 2)); then\n        _describe command commands\n        "
               "return\n    fi\n    case $words[2] in\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        out_printf("    %s)\n        _arguments", COMMANDS[i]->name);
        zsh_options(COMMANDS[i]->options, COMMANDS[i]->option_count);
        zsh_options(GLOBAL_OPTIONS, GLOBAL_OPTION_COUNT);
        out_printf(" \\\n            '*:file:_files'\n        ;;\n");
    }
    out_printf("    esac\n}\n_pond \"$@\"\n");
}

static void fish(void)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        out_printf("complete -c pond -n __fish_use_subcommand -a %s -d '%s'\n", COMMANDS[i]->name,
                   COMMANDS[i]->summary);
        for (size_t j = 0; j < COMMANDS[i]->option_count; j++) {
            out_printf("complete -c pond -n '__fish_seen_subcommand_from %s' -l %s%s\n",
                       COMMANDS[i]->name, COMMANDS[i]->options[j].name,
                       COMMANDS[i]->options[j].value != NULL ? " -r" : "");
        }
    }
    for (size_t i = 0; i < GLOBAL_OPTION_COUNT; i++) {
        out_printf("complete -c pond -l %s%s\n", GLOBAL_OPTIONS[i].name,
                   GLOBAL_OPTIONS[i].value != NULL ? " -r" : "");
    }
}

static Err *run_completion(Cli *cli)
{
    const char *shell = cli->args[0];
    if (strcmp(shell, "bash") == 0)
        bash();
    else if (strcmp(shell, "zsh") == 0)
        zsh();
    else if (strcmp(shell, "fish") == 0)
        fish();
    else
        return err_hint(ERR(USAGE, "unknown shell '%s'", shell), "shells are bash, zsh and fish");
    return NULL;
}

const Command COMMAND_COMPLETION = {
    .name = "completion",
    .usage = "completion bash|zsh|fish",
    .summary = "print shell completion",
    .examples = "  source <(pond completion bash)\n  pond completion zsh > ~/.zfunc/_pond\n",
    .least_args = 1,
    .most_args = 1,
    .run = run_completion,
};
