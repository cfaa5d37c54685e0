/* What index.c and index_cells.c share: the SQLite handle itself. Nobody else includes this. */
#pragma once
#include "os/os.h"
#include "perf/lookup.h"
#include "perf/perf.h"
#include "tlogfs/index_int.h"
#include <sqlite3.h>

struct Index {
    Arena *arena;
    const char *path; /* NULL = memory */
    sqlite3 *db;
    sqlite3_stmt *queries[INDEX_QUERY_COUNT], *puts[INDEX_TABLE_COUNT], *dels[INDEX_TABLE_COUNT];
    Buf bytes; /* of the row whose hash is computed */
    bool damaged, failed, in_transaction;
    int64_t held_bytes; /* of the file when it was opened */
};
Err *index_sqlite_error(Index *index, int rc) WARN_UNUSED;
Err *index_exec(Index *index, const char *sql) WARN_UNUSED;
