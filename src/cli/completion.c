/* pond completion: shell completion generated from the command table. */
#include "cli/cli.h"
#include <string.h>

static void put_names(Buf *to, const Option *options, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_printf(to, " --%s", options[i].name);
        if (options[i].letter != 0) buf_printf(to, " -%c", options[i].letter);
    }
}

/* Options of all commands that take a value, as a case pattern: the word behind is no operand. */
static void put_valued(Buf *to)
{
    bool first = true;
    Map seen = map_new(to->arena);
    for (size_t i = 0; i <= COMMAND_COUNT; i++) {
        const Option *options = i < COMMAND_COUNT ? COMMANDS[i]->options : GLOBAL_OPTIONS;
        size_t count = i < COMMAND_COUNT ? COMMANDS[i]->option_count : GLOBAL_OPTION_COUNT;
        for (size_t k = 0; k < count; k++) {
            if (options[k].value == NULL || !map_put(&seen, options[k].name, to)) continue;
            buf_printf(to, "%s--%s", first ? "" : " | ", options[k].name);
            if (options[k].letter != 0) buf_printf(to, " | -%c", options[k].letter);
            first = false;
        }
    }
}

/* What stands behind a word: pond paths, host files and URLs, or names from our own tables. */
static const char BASH_HEAD[] =
    "# bash completion of pond: source it, or put it into a bash-completion folder as 'pond'\n"
    "_pond() {\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command='' "
    "operands=0 i\n"
    "    local dir=${POND-} words=''\n"
    "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
    "        [[ ${COMP_WORDS[i]} == --pond ]] && dir=${COMP_WORDS[i + 1]}\n"
    "        case ${COMP_WORDS[i]} in\n"
    "        ";
static const char BASH_MIDDLE[] =
    ") ((i++)) ;;\n"
    "        -*) ;;\n"
    "        *) if [[ -z $command ]]; then command=${COMP_WORDS[i]}; else ((operands++)); fi ;;\n"
    "        esac\n"
    "    done\n"
    "    case $command in\n"
    "    '') words='";
static const char BASH_TAIL[] =
    "'\n"
    "    COMPREPLY=()\n"
    "    case $prev in\n"
    "    --pond | --dir | -d) mapfile -t COMPREPLY < <(compgen -d -- \"$cur\"); return ;;\n"
    "    --config-path | --trace | --file | -f) mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); "
    "return ;;\n"
    "    --format) words='auto table csv json jsonl parquet raw' ;;\n"
    "    --color) words='auto always never' ;;\n"
    "    --progress) words='auto plain json none' ;;\n"
    "    --trace-level | --level) words='off counts spans detail' ;;\n"
    "    --plans) words='auto all off' ;;\n"
    "    --temporal) words='year year,month year,month,day' ;;\n"
    "    *)\n"
    "        if [[ $cur == -* || -z $command ]]; then :\n"
    "        elif [[ $command == mknod && $operands == 0 ]]; then words=$(pond list-factories "
    "--names 2>/dev/null)\n"
    "        elif [[ $command == run && $operands == 0 && $cur != /* && -n $dir ]]; then\n"
    "            words=$(pond --pond \"$dir\" list --paths '/system/{run,etc}/*' 2>/dev/null)\n"
    "            words=${words//\\/system\\/???\\//}\n"
    "        elif [[ $command == completion ]]; then words='bash zsh fish'\n"
    "        elif [[ $command == help ]]; then :\n"
    "        elif [[ $command == config ]]; then words='set unset'\n"
    "        elif [[ $command == bench && $operands == 0 ]]; then words='list make run baseline "
    "history first ab toggles bisect selftest'\n"
    "        elif [[ $command == bench && $cur != [./]* ]]; then\n"
    "            words=$(pond bench list --names 2>/dev/null)\n"
    "        elif [[ $command == perf && $operands == 0 ]]; then words='report runs ops caches io "
    "record recover'\n"
    "        elif [[ $cur == /* && -n $dir ]]; then\n"
    "            mapfile -t COMPREPLY < <(pond --pond \"$dir\" list --paths -- \"${cur//\\\\/}*\" "
    "2>/dev/null)\n"
    "            if [[ ${#COMPREPLY[@]} == 1 && -n $(pond --pond \"$dir\" list --paths -- "
    "\"${COMPREPLY[0]}/\" 2>/dev/null) ]]; then\n"
    "                COMPREPLY[0]+=/\n"
    "                compopt -o nospace\n"
    "            fi\n"
    "            return\n"
    "        else mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); return\n"
    "        fi ;;\n"
    "    esac\n"
    "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
    "}\n"
    "complete -o filenames -F _pond pond\n";

static void put_commands(Buf *to)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) buf_printf(to, " %s", COMMANDS[i]->name);
}

static void bash(Buf *to)
{
    buf_puts(to, BASH_HEAD);
    put_valued(to);
    buf_puts(to, BASH_MIDDLE);
    put_commands(to);
    buf_puts(to, "' ;;\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        bool help = strcmp(COMMANDS[i]->name, "help") == 0;
        buf_printf(to, "    %s) words='", COMMANDS[i]->name);
        if (help) put_commands(to);
        put_names(to, COMMANDS[i]->options, COMMANDS[i]->option_count);
        buf_puts(to, help ? " patterns urls tables errors exit-codes man' ;;\n" : "' ;;\n");
    }
    buf_puts(to, "    esac\n    [[ $cur == -* || -z $command ]] && words+='");
    put_names(to, GLOBAL_OPTIONS, GLOBAL_OPTION_COUNT);
    buf_puts(to, BASH_TAIL);
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

static void fish_text(Buf *to, const char *text)
{
    buf_putc(to, '\'');
    for (const char *p = text; *p != '\0'; p++) {
        if (strchr("'\\", *p) != NULL) buf_putc(to, '\\');
        buf_putc(to, *p);
    }
    buf_putc(to, '\'');
}

static void fish_options(Buf *to, const char *command, const Option *options, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_puts(to, "complete -c pond");
        if (command != NULL) buf_printf(to, " -n '__fish_seen_subcommand_from %s'", command);
        if (options[i].letter != 0) buf_printf(to, " -s %c", options[i].letter);
        buf_printf(to, " -l %s%s -d ", options[i].name, options[i].value != NULL ? " -r" : "");
        fish_text(to, options[i].text);
        buf_putc(to, '\n');
    }
}

static void fish(Buf *to)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const Command *command = COMMANDS[i];
        buf_printf(to, "complete -c pond -n __fish_use_subcommand -a %s -d ", command->name);
        fish_text(to, command->summary);
        buf_putc(to, '\n');
        fish_options(to, command->name, command->options, command->option_count);
    }
    fish_options(to, NULL, GLOBAL_OPTIONS, GLOBAL_OPTION_COUNT);
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
