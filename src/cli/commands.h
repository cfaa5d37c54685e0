/* The commands, one file each or one per family; see commands.c for their order. */
#pragma once
#include "cli/cli.h"

extern const Command COMMAND_INIT, COMMAND_BENCH, COMMAND_BOUNDS, COMMAND_LIST, COMMAND_DESCRIBE,
    COMMAND_CAT, COMMAND_COPY, COMMAND_MKDIR, COMMAND_RM, COMMAND_MV, COMMAND_LN, COMMAND_MKNOD,
    COMMAND_FACTORIES, COMMAND_APPLY, COMMAND_RUN, COMMAND_EXPORT, COMMAND_LOG, COMMAND_SHOW,
    COMMAND_STATUS, COMMAND_CONFIG, COMMAND_MAINTAIN, COMMAND_FSCK, COMMAND_RECOVER, COMMAND_PERF,
    COMMAND_VERSION, COMMAND_HELP, COMMAND_COMPLETION;

/* USAGE when it is a URL: a plain path in the pond is wanted. NULL is fine. */
Err *cli_pond_path(const char *path) WARN_UNUSED;

/* Shared by commands that print nodes. */
void json_node(JsonOut *json, const Node *node, const char *path);
const char *node_tag(EntryType type); /* "[SER]" */
