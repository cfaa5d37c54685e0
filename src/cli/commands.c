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
