/* pond completion: shell completion generated from the command table. */
#include "cli/cli.h"
#include <string.h>

static void put_names(Buf *to, const Option *options, size_t count)
{
    for (size_t i = 0; i < count; i++) buf_printf(to, " --%s", options[i].name);
}

static void bash(Buf *to)
{
    buf_puts(
        to,
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
    for (size_t i = 0; i < COMMAND_COUNT; i++) buf_printf(to, "%s ", COMMANDS[i]->name);
    buf_printf(to, "' ;;\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        buf_printf(to, "    %s) words='", COMMANDS[i]->name);
        put_names(to, COMMANDS[i]->options, COMMANDS[i]->option_count);
        buf_printf(to, "' ;;\n");
    }
    buf_printf(to, "    esac\n"
                   "    if [[ $cur == -* || -z $command ]]; then\n"
                   "        words+='");
    put_names(to, GLOBAL_OPTIONS, GLOBAL_OPTION_COUNT);
    buf_printf(to, "'\n"
                   "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
                   "    elif [[ $cur == /* && -n ${POND-} ]]; then\n"
                   "        mapfile -t COMPREPLY < <(pond list --paths \"$cur*\" 2>/dev/null)\n"
                   "    else\n"
                   "        mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
                   "    fi\n"
                   "}\n"
                   "complete -o filenames -F _pond pond\n");
}

static void zsh_text(Buf *to, const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        if (strchr("'[]:", *p) != NULL)
            buf_printf(to, *p == '\'' ? "'\\''" : "\\%c", *p);
        else
            buf_putc(to, *p);
    }
}

static void zsh_options(Buf *to, const Option *options, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_printf(to, " \\\n            '--%s[", options[i].name);
        zsh_text(to, options[i].text);
        buf_printf(to, "]%s'", options[i].value != NULL ? ":value:_files" : "");
    }
}

static void zsh(Buf *to)
{
    buf_printf(to, "#compdef pond\n_pond() {\n    local -a commands\n    commands=(\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        buf_printf(to, "        '%s:", COMMANDS[i]->name);
        zsh_text(to, COMMANDS[i]->summary);
        buf_printf(to, "'\n");
    }
    buf_printf(to,
               "    )\n    if ((CURRENT == 2)); then\n        _describe command commands\n        "
               "return\n    fi\n    case $words[2] in\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        buf_printf(to, "    %s)\n        _arguments", COMMANDS[i]->name);
        zsh_options(to, COMMANDS[i]->options, COMMANDS[i]->option_count);
        zsh_options(to, GLOBAL_OPTIONS, GLOBAL_OPTION_COUNT);
        buf_printf(to, " \\\n            '*:file:_files'\n        ;;\n");
    }
    buf_printf(to, "    esac\n}\n_pond \"$@\"\n");
}

static void fish(Buf *to)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        buf_printf(to, "complete -c pond -n __fish_use_subcommand -a %s -d '%s'\n",
                   COMMANDS[i]->name, COMMANDS[i]->summary);
        for (size_t j = 0; j < COMMANDS[i]->option_count; j++) {
            buf_printf(to, "complete -c pond -n '__fish_seen_subcommand_from %s' -l %s%s\n",
                       COMMANDS[i]->name, COMMANDS[i]->options[j].name,
                       COMMANDS[i]->options[j].value != NULL ? " -r" : "");
        }
    }
    for (size_t i = 0; i < GLOBAL_OPTION_COUNT; i++) {
        buf_printf(to, "complete -c pond -l %s%s\n", GLOBAL_OPTIONS[i].name,
                   GLOBAL_OPTIONS[i].value != NULL ? " -r" : "");
    }
}

static Err *run_completion(Cli *cli)
{
    static const struct {
        const char *shell;
        void (*put)(Buf *to);
    } SHELLS[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};
    for (size_t i = 0; i < sizeof SHELLS / sizeof *SHELLS; i++) {
        if (strcmp(cli->args[0], SHELLS[i].shell) != 0) continue;
        Buf script = buf_new(cli->arena);
        SHELLS[i].put(&script);
        out_text(cli, "shell", SHELLS[i].shell, "script", script.data);
        return NULL;
    }
    return err_hint(ERR(USAGE, "unknown shell '%s'", cli->args[0]),
                    "shells are bash, zsh and fish");
}

const Command COMMAND_COMPLETION = {
    .name = "completion",
    .usage = "completion bash|zsh|fish",
    .summary = "print shell completion",
    .examples = "  source <(pond completion bash)\n  pond completion zsh > ~/.zfunc/_pond\n",
    .json = "{\"shell\",\"script\"}",
    .least_args = 1,
    .most_args = 1,
    .run = run_completion,
};
