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
static void put_valued(Buf *to, Map *seen, const Option *options, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (options[i].value == NULL || !map_put(seen, options[i].name, to)) continue;
        buf_printf(to, "%s--%s", seen->count > 1 ? " | " : "", options[i].name);
        if (options[i].letter != 0) buf_printf(to, " | -%c", options[i].letter);
    }
}

static void put_all_valued(Buf *to)
{
    Map seen = map_new(to->arena);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const Command *command = COMMANDS[i];
        put_valued(to, &seen, command->options, command->option_count);
        for (size_t k = 0; k < command->sub_count; k++)
            put_valued(to, &seen, command->subs[k]->options, command->subs[k]->option_count);
    }
    put_valued(to, &seen, GLOBAL_OPTIONS, GLOBAL_OPTION_COUNT);
}

static void put_subs(Buf *to, const Command *command)
{
    for (size_t i = 0; i < command->sub_count; i++)
        buf_printf(to, " %s", command_word(command->subs[i]));
}

/* What stands behind a word: pond paths, host files and URLs, or names from our own tables. */
static const char BASH_HEAD[] =
    "# bash completion of pond: source it, or put it into a bash-completion folder as 'pond'\n"
    "_pond() {\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command='' "
    "operands=0 i families='";
static const char BASH_WORDS[] =
    "'\n"
    "    local dir=${POND-} words=''\n"
    "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
    "        [[ ${COMP_WORDS[i]} == --pond ]] && dir=${COMP_WORDS[i + 1]}\n"
    "        case ${COMP_WORDS[i]} in\n"
    "        ";
static const char BASH_MIDDLE[] =
    ") ((i++)) ;;\n"
    "        -*) ;;\n"
    "        *) if [[ -z $command ]]; then command=${COMP_WORDS[i]}\n"
    "            elif [[ $families == *\" $command \"* ]]; then command+=\" ${COMP_WORDS[i]}\"\n"
    "            else ((operands++)); fi ;;\n"
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
    "        if [[ $cur == -* || -z $command || $families == *\" $command \"* ]]; then :\n"
    "        elif [[ $command == mknod && $operands == 0 ]]; then words=$(pond list-factories "
    "--names 2>/dev/null)\n"
    "        elif [[ $command == run && $operands == 0 && $cur != /* && -n $dir ]]; then\n"
    "            words=$(pond --pond \"$dir\" list --paths '/system/{run,etc}/*' 2>/dev/null)\n"
    "            words=${words//\\/system\\/???\\//}\n"
    "        elif [[ $command == completion ]]; then words='bash zsh fish'\n"
    "        elif [[ $command == help ]]; then :\n"
    "        elif [[ $command == config ]]; then words='set unset'\n"
    "        elif [[ $command == bench\\ @(make|run|baseline|history) && $cur != [./]* ]]; then\n"
    "            words=$(pond bench list --names 2>/dev/null)\n"
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

static void bash_command(Buf *to, const Command *command)
{
    bool help = strcmp(command->name, "help") == 0;
    buf_printf(to, "    '%s') words='", command->name);
    if (help) put_commands(to);
    put_subs(to, command);
    put_names(to, command->options, command->option_count);
    buf_puts(to, help ? " patterns urls tables errors exit-codes man' ;;\n" : "' ;;\n");
    for (size_t i = 0; i < command->sub_count; i++) bash_command(to, command->subs[i]);
}

static void bash(Buf *to)
{
    buf_puts(to, BASH_HEAD);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (COMMANDS[i]->subs != NULL) buf_printf(to, " %s ", COMMANDS[i]->name);
    buf_puts(to, BASH_WORDS);
    put_all_valued(to);
    buf_puts(to, BASH_MIDDLE);
    put_commands(to);
    buf_puts(to, "' ;;\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) bash_command(to, COMMANDS[i]);
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

/* The names, where word `place` is to be completed. */
static void zsh_describe(Buf *to, const Command *const *commands, size_t count, int place)
{
    buf_printf(to, "    commands=(\n");
    for (size_t i = 0; i < count; i++) {
        buf_printf(to, "        '%s:", command_word(commands[i]));
        zsh_text(to, commands[i]->summary);
        buf_printf(to, "'\n");
    }
    buf_printf(to,
               "    )\n    if ((CURRENT == %d)); then\n        _describe command commands\n        "
               "return\n    fi\n",
               place);
}

static void zsh_command(Buf *to, const Command *command)
{
    buf_printf(to, "    %s)\n", command_word(command));
    if (command->subs != NULL) {
        zsh_describe(to, command->subs, command->sub_count, 3);
        buf_printf(to, "    case $words[3] in\n");
        for (size_t i = 0; i < command->sub_count; i++) zsh_command(to, command->subs[i]);
        buf_printf(to, "    esac\n        ;;\n");
        return;
    }
    buf_printf(to, "        _arguments");
    zsh_options(to, command->options, command->option_count);
    zsh_options(to, GLOBAL_OPTIONS, GLOBAL_OPTION_COUNT);
    buf_printf(to, " \\\n            '*:file:_files'\n        ;;\n");
}

static void zsh(Buf *to)
{
    buf_printf(to, "#compdef pond\n_pond() {\n    local -a commands\n");
    zsh_describe(to, COMMANDS, COMMAND_COUNT, 2);
    buf_printf(to, "    case $words[2] in\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) zsh_command(to, COMMANDS[i]);
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

static void fish_options(Buf *to, const char *condition, const Option *options, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_puts(to, "complete -c pond");
        if (condition != NULL) buf_printf(to, " -n '%s'", condition);
        if (options[i].letter != 0) buf_printf(to, " -s %c", options[i].letter);
        buf_printf(to, " -l %s%s -d ", options[i].name, options[i].value != NULL ? " -r" : "");
        fish_text(to, options[i].text);
        buf_putc(to, '\n');
    }
}

/* `offered`: when its name is; `above`: what holds below the commands that it is below of. */
static void fish_command(Buf *to, const Command *command, const char *offered, const char *above)
{
    const char *word = command_word(command);
    buf_printf(to, "complete -c pond -n '%s' -a %s -d ", offered, word);
    fish_text(to, command->summary);
    buf_putc(to, '\n');
    char *here = arena_printf(to->arena, "%s__fish_seen_subcommand_from %s", above, word);
    fish_options(to, here, command->options, command->option_count);
    if (command->subs == NULL) return;
    Buf names = buf_new(to->arena);
    put_subs(&names, command);
    char *none =
        arena_printf(to->arena, "%s; and not __fish_seen_subcommand_from%s", here, names.data);
    char *below = arena_printf(to->arena, "%s; and ", here);
    for (size_t i = 0; i < command->sub_count; i++) fish_command(to, command->subs[i], none, below);
}

static void fish(Buf *to)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fish_command(to, COMMANDS[i], "__fish_use_subcommand", "");
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
