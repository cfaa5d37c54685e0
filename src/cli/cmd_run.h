/* Running executables: for `pond run` and after commits. */
#pragma once
#include "cli/cli.h"

typedef struct RunDone {
    const char *path;   /* of the node */
    Buf text, json;     /* what the executable says */
    TlogCommitted done; /* txn 0: it changed nothing */
} RunDone;
/* `name`: a path, or a bare name in /system/run or /system/etc. */
Err *run_executable(Cli *cli, const char *name, const char *const *args, size_t arg_count,
                    RunDone *out) WARN_UNUSED;
