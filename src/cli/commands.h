/* The commands, one file each or one per family; see commands.c for their order. */
#pragma once
#include "cli/cli.h"

extern const Command COMMAND_INIT, COMMAND_BENCH, COMMAND_BOUNDS, COMMAND_OVERLAPS, COMMAND_LIST,
    COMMAND_DESCRIBE, COMMAND_CAT, COMMAND_SQL, COMMAND_COPY, COMMAND_MKDIR, COMMAND_RM, COMMAND_MV,
    COMMAND_LN, COMMAND_MKNOD, COMMAND_FACTORIES, COMMAND_APPLY, COMMAND_RUN, COMMAND_EXPORT,
    COMMAND_LOG, COMMAND_SHOW, COMMAND_STATUS, COMMAND_CONFIG, COMMAND_MAINTAIN, COMMAND_FSCK,
    COMMAND_RECOVER, COMMAND_PERF, COMMAND_VERSION, COMMAND_HELP, COMMAND_COMPLETION;

/* USAGE when it is a URL: a plain path in the pond is wanted. NULL is fine. */
Err *cli_pond_path(const char *path) WARN_UNUSED;

/* ---- query.c: a relation as a result ---- */
typedef enum Form {
    FORM_AUTO,
    FORM_TABLE,
    FORM_CSV,
    FORM_JSON,
    FORM_JSONL,
    FORM_PARQUET,
    FORM_RAW
} Form;
Err *form_read(const Cli *cli, Form *out) WARN_UNUSED; /* --format, --json */
typedef struct QueryPrint {
    Form form;
    const char *name; /* of what is explained */
    bool sorted;      /* in time order; else as the relation gives its rows */
} QueryPrint;
/* A resolved relation: its rows, or with --explain its statement. */
Err *query_print(Cli *cli, Plan *plan, const Rel *rel, QueryPrint print) WARN_UNUSED;
Err *file_print(const char *path) WARN_UNUSED; /* its bytes */

/* ---- collapse.c: maintain --collapse-versions ---- */
typedef struct Collapsed {
    int64_t series, versions_before, versions_after, rewritten_bytes;
} Collapsed;
/* Every stored series with more than `most` live versions. A transaction takes as many series as
 * make a good part of a gigabyte, so that what is done is done. With `dry_run` each is told, and
 * nothing is changed. */
typedef struct CollapseOptions {
    int64_t most;
    bool dry_run;
} CollapseOptions;
Err *collapse_all(Cli *cli, CollapseOptions options, Collapsed *out) WARN_UNUSED;

/* ---- perf_model.c ---- */
Err *perf_show_model(Cli *cli) WARN_UNUSED;

/* Shared by commands that print nodes. */
void json_node(JsonOut *json, const Node *node, const char *path);
const char *node_tag(EntryType type); /* "[SER]" */
