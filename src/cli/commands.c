/* The one table of commands. */
#include "cli/commands.h"
#include <string.h>

/* clang-format off */
const Command *const COMMANDS[] = {
    &COMMAND_INIT,
    &COMMAND_LIST,
    &COMMAND_DESCRIBE,
    &COMMAND_CAT,
    &COMMAND_SQL,
    &COMMAND_COPY,
    &COMMAND_MKDIR,
    &COMMAND_RM,
    &COMMAND_MV,
    &COMMAND_LN,
    &COMMAND_MKNOD,
    &COMMAND_FACTORIES,
    &COMMAND_APPLY,
    &COMMAND_RUN,
    &COMMAND_EXPORT,
    &COMMAND_BOUNDS,
    &COMMAND_OVERLAPS,
    &COMMAND_LOG,
    &COMMAND_SHOW,
    &COMMAND_STATUS,
    &COMMAND_CONFIG,
    &COMMAND_MAINTAIN,
    &COMMAND_FSCK,
    &COMMAND_RECOVER,
    &COMMAND_PERF,
    &COMMAND_BENCH,
    &COMMAND_VERSION,
    &COMMAND_HELP,
    &COMMAND_COMPLETION,
};
/* clang-format on */
const size_t COMMAND_COUNT = sizeof COMMANDS / sizeof *COMMANDS;

const Command *command_find(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(COMMANDS[i]->name, name) == 0) return COMMANDS[i];
    }
    return NULL;
}

const char *command_word(const Command *command)
{
    const char *space = strrchr(command->name, ' ');
    return space != NULL ? space + 1 : command->name;
}

const Command *command_find_sub(const Command *command, const char *word)
{
    for (size_t i = 0; i < command->sub_count; i++)
        if (strcmp(command_word(command->subs[i]), word) == 0) return command->subs[i];
    return NULL;
}

Err *command_no_sub(const Command *command, const char *word)
{
    SCRATCH(arena);
    const char **words = AARRAY(arena, const char *, command->sub_count);
    Buf all = buf_new(arena);
    for (size_t i = 0; i < command->sub_count; i++) {
        words[i] = command_word(command->subs[i]);
        buf_printf(&all, "%s%s", i > 0 ? ", " : "", words[i]);
    }
    Err *err = word != NULL ? ERR(USAGE, "pond %s: unknown sub-command '%s'", command->name, word)
                            : ERR(USAGE, "pond %s: a sub-command is missing", command->name);
    const char *near = word != NULL ? text_nearest(word, words, command->sub_count) : NULL;
    return near != NULL ? err_hint(err, "did you mean '%s'?", near)
                        : err_hint(err, "there are: %s", all.data);
}
