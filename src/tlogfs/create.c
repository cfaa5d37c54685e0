/* Making a pond: folders, the root directory's row, and log entry 0.
 *
 * The pond exists from the moment that entry 0 is linked into place; a crash before leaves a
 * skeleton without it, which may be initialised again. Any other content of the folder is somebody
 * else's: POND_EXISTS, nothing is touched. */
#include "tlogfs/tlog_int.h"
#include <string.h>

static Err *foreign(const char *dir, const char *name)
{
    SCRATCH(scratch);
    return err_hint(ERR(POND_EXISTS, "%s: the folder holds other files: %s", dir,
                        text_printable(scratch, name)),
                    "choose an absent or empty folder");
}

typedef bool IsOurs(const OsEntry *entry);

static bool in_pond(const OsEntry *entry)
{
    static const char *const NAMES[] = {"log", "blobs", "tmp", "cache", "history"};
    if (strcmp(entry->name, "lock") == 0) return entry->is_file;
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        if (strcmp(entry->name, NAMES[i]) == 0) return entry->is_dir;
    }
    return false;
}

static bool in_log(const OsEntry *entry)
{
    if (strcmp(entry->name, "_delta_log") == 0) return entry->is_dir;
    return entry->is_file && text_starts(entry->name, "part-00000000000000000001-") &&
           text_ends(entry->name, ".parquet");
}

static bool in_delta_log(const OsEntry *entry)
{
    return entry->is_file && entry->name[0] == '.'; /* what was never published */
}

static bool in_empty(const OsEntry *entry)
{
    (void)entry;
    return false;
}

/* All entries of `path`, which may be absent, are ours. */
static Err *check_entries(const char *dir, const char *path, IsOurs *is_ours)
{
    SCRATCH(scratch);
    OsStat stat;
    bool exists = false;
    TRY(os_stat_if(path, &exists, &stat));
    if (!exists) return NULL;
    if (!stat.is_dir) return ERR(POND_EXISTS, "%s: not a folder", path);
    OsEntry *entries = NULL;
    size_t count = 0;
    TRY(os_list(scratch, path, &entries, &count));
    for (size_t i = 0; i < count; i++) {
        if (!is_ours(&entries[i])) return foreign(dir, entries[i].name);
    }
    return NULL;
}

/* The folder is absent, empty, or the skeleton of an init that never ended. */
static Err *check_free(const char *dir)
{
    SCRATCH(scratch);
    char *log = path_join(scratch, dir, "log");
    bool exists = false;
    OsStat stat;
    TRY(os_stat_if(dir, &exists, &stat));
    if (exists && !stat.is_dir) return ERR(POND_EXISTS, "%s: not a folder", dir);
    if (!exists) return NULL;
    TRY(delta_entry_probe(scratch, log, 0, &exists));
    if (exists) return ERR(POND_EXISTS, "%s: there is a pond already", dir);
    TRY(check_entries(dir, dir, in_pond));
    TRY(check_entries(dir, log, in_log));
    TRY(check_entries(dir, path_join(scratch, log, "_delta_log"), in_delta_log));
    TRY(check_entries(dir, path_join(scratch, dir, "blobs"), in_empty));
    return check_entries(dir, path_join(scratch, dir, "history"), in_empty);
}

static Err *make_folders(Arena *arena, const char *dir)
{
    static const char *const FOLDERS[] = {"log/_delta_log", "blobs", "tmp", "cache", "history"};
    for (size_t i = 0; i < sizeof FOLDERS / sizeof *FOLDERS; i++) {
        TRY(os_mkdirs(path_join(arena, dir, FOLDERS[i])));
    }
    return NULL;
}

static Err *first_entry(Arena *arena, const char *pond_id, const char *birthplace, TimeUs time,
                        const TlogCommitInfo *who, DeltaAdd *add, DeltaCommit *out)
{
    static const TxMetrics ONE_NODE = {.nodes = 1};
    LogEntryInfo info = {.operation = "CREATE TABLE",
                         .who = who,
                         .txn = 1,
                         .time = time,
                         .metrics = &ONE_NODE,
                         .txn_id = random_uuid(arena)};
    char *schema = NULL;
    TRY(delta_schema_json(arena, &ROW_SCHEMA, &schema));
    DeltaPair *pairs = AARRAY(arena, DeltaPair, 3);
    pairs[0] = (DeltaPair){"pond.id", pond_id};
    pairs[1] = (DeltaPair){"pond.birthplace", birthplace};
    pairs[2] = (DeltaPair){"pond.format", arena_printf(arena, "%d", POND_FORMAT)};
    DeltaTxn *txn = ANEW(arena, DeltaTxn);
    *txn = (DeltaTxn){arena_printf(arena, "pond:%s", pond_id), 1, time / 1000};
    *out = (DeltaCommit){.info = log_entry_info(arena, &info),
                         .protocol = {.reader = 1, .writer = 2},
                         .metadata = {.id = random_uuid(arena),
                                      .name = "pond",
                                      .schema = schema,
                                      .configuration = pairs,
                                      .configuration_count = 3,
                                      .created_ms = time / 1000},
                         .adds = add,
                         .add_count = 1,
                         .txns = txn,
                         .txn_count = 1};
    return NULL;
}

static Err *write_first(Arena *arena, LogSource *source, const char *birthplace,
                        const TlogCommitInfo *who)
{
    TimeUs time = os_now();
    LogRow root = {.txn = 1,
                   .seq = 1,
                   .op = ROW_NODE,
                   .node = NODE_ROOT,
                   .name = "",
                   .type = ENTRY_DIR,
                   .time = time,
                   .size_bytes = -1,
                   .rows = -1};
    DeltaAdd add;
    DeltaCommit commit;
    TRY(log_write_rows(arena, source, &root, 1, &add));
    TRY(first_entry(arena, node_id_new().text, birthplace, time, who, &add, &commit));
    bool won = false, certain = true;
    Err *error =
        log_commit(arena, source, 0, &commit, commit_txn_id(arena, &commit), &won, &certain);
    if (!won && certain) err_free(os_unlink_if(path_join(arena, source->dir, add.path)));
    TRY(error);
    return won ? NULL : ERR(POND_EXISTS, "%s: another process made a pond here", source->dir);
}

Err *tlog_create(const char *dir, const char *birthplace, const TlogCommitInfo *info)
{
    SCRATCH(scratch);
    char *absolute = NULL;
    TRY(os_absolute(scratch, dir, &absolute));
    TRY(check_free(absolute));
    tlog_register_classes(absolute);
    TRY(make_folders(scratch, absolute));
    LogSource source = {.dir = path_join(scratch, absolute, "log")};
    Err *error = write_first(scratch, &source, birthplace, info);
    engine_disconnect_at(&source.conn);
    TRY(error);
    /* The engine is loaded now; the next command need not load it to build the index. */
    CLEANUP(tlog_close_at) Tlog *tlog = NULL;
    err_free(tlog_open(absolute, (TlogOptions){0}, &tlog));
    return NULL;
}
