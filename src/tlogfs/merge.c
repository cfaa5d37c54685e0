/* Checkpoints, and the merging of log data files that goes with them.
 *
 * Due every 9 commits; the merge is the tenth. It replaces neighbouring data files by one with the
 * same rows in the same order (removes and one add, dataChange = false) and reads nothing but those
 * files. The checkpoint is then put together from the catalog index (live files, tombstones younger
 * than 24 h), never from an older checkpoint.
 *
 * Tiers. A file's tier follows from the number of transactions it spans (from add.stats):
 *     tier      0    1    2     3      4      5     ... each further one 4 times the last
 *     from      1    9   90  1080  17280  69120
 *     at most   9    9   11    15      3      3     files between two checkpoints
 * A merge takes all files of tier 0; if the result completes its tier (10, 12, 16, then 4 files) it
 * takes that tier's files in the same step, and so on upwards: always a suffix of the files in
 * order of transactions, so their ranges stay disjoint. Live files: at most 9 + 9 + 11 + 15 + 3 a
 * tier above: 62 up to 17280 * 4^6 = 70 million commits (134 years at one a minute).
 *
 * Cost: a row is rewritten once a tier, so log(n) times; the steps whose period is long enough to
 * be felt fall every 90, 1,080 and 17,280 commits. 1,080 rather than 900 or 1,000: the windows of
 * commits 4,001-5,000 and 9,001-10,000 each hold exactly one such step (4,320 and 9,720), far from
 * their ends, and none of the next tier (17,280); so do the same windows counted in Delta versions.
 * A fan-out of ten throughout would put a lump of 10,000 rows on commit 10,000. Tombstones make up
 * most of a checkpoint; at one commit a minute their number is constant after 24 h = 1,440 commits.
 * (docs/decisions/0010)
 *
 * Failure at any point leaves the log as it was or with the merge done; a missing checkpoint is
 * made at the next commit. */
#include "perf/ops.h"
#include "tlogfs/tlog_int.h"
#include <string.h>

enum { CHECKPOINT_COMMITS = 9, TIER_COUNT = 11 };
#define TOMBSTONE_MS (US_PER_DAY / 1000)

typedef struct Tier {
    int64_t commits; /* a file that spans as many is of this tier */
    size_t files;    /* so many make one of the next */
} Tier;
static const Tier TIERS[TIER_COUNT] = {
    {1, 1},      {9, 10},      {90, 12},     {1080, 16},    {17280, 4},          {69120, 4},
    {276480, 4}, {1105920, 4}, {4423680, 4}, {17694720, 4}, {70778880, SIZE_MAX}};

static size_t tier_of(int64_t commits)
{
    size_t tier = 0;
    while (tier + 1 < TIER_COUNT && commits >= TIERS[tier + 1].commits) tier++;
    return tier;
}

/* Of the files first..last, taken as one. */
static size_t tier_of_files(const LogFile *files, size_t first, size_t last)
{
    return tier_of(files[last].last_txn - files[first].first_txn + 1);
}

size_t tlog_plan_merge(const LogFile *files, size_t count)
{
    size_t start = count - 1;
    while (start > 0 && tier_of_files(files, start - 1, start - 1) == 0) start--;
    for (;;) {
        size_t tier = tier_of_files(files, start, count - 1), peers = start;
        while (peers > 0 && tier_of_files(files, peers - 1, peers - 1) <= tier) peers--;
        size_t last = count - 1;
        bool alone = tier_of_files(files, last, last) == tier && start == last;
        if (peers == start || alone || start - peers + 1 < TIERS[tier].files) return start;
        start = peers;
    }
}

bool tlog_checkpoint_due(Tlog *tlog)
{
    return toggle_on(TOGGLE_log_merge) &&
           tlog->stamp.log_version - tlog->stamp.checkpoint_version >= CHECKPOINT_COMMITS;
}

/* ---- the merge ---- */

typedef struct Merge {
    const LogFile *files;
    size_t count;
    DeltaAdd add;
    DeltaRemove *removes;
    const char *txn_id;
    int64_t version;
} Merge;

static Err *write_merged(Tlog *tlog, Arena *arena, Merge *merge)
{
    const char **paths = AARRAY(arena, const char *, merge->count);
    for (size_t i = 0; i < merge->count; i++)
        paths[i] = path_join(arena, tlog->log_dir, merge->files[i].path);
    TRY(log_source_verify(&tlog->source, merge->files, merge->count));
    char *sql = arena_printf(arena, "SELECT %s FROM %s", row_columns_sql(arena),
                             engine_read_parquet_sql(arena, paths, merge->count, ""));
    int64_t last = merge->files[merge->count - 1].last_txn, rows = 0;
    TRY(log_write_file(arena, &tlog->source, last, sql, &merge->add));
    merge->add.data_change = false;
    for (size_t i = 0; i < merge->count; i++) rows += merge->files[i].rows;
    const Json *stats = NULL;
    Err *error = json_parse(arena, merge->add.stats, strlen(merge->add.stats), &stats);
    if (error == NULL && json_int(stats, "numRecords", -1) != rows) {
        error = ERR(CORRUPT, "log files up to transaction %lld do not hold %lld rows",
                    (long long)last, (long long)rows);
    }
    if (error != NULL) err_free(os_unlink_if(path_join(arena, tlog->log_dir, merge->add.path)));
    return error;
}

static Err *commit_merge(Tlog *tlog, Arena *arena, Merge *merge)
{
    TimeUs now = os_now();
    merge->removes = AARRAY(arena, DeltaRemove, merge->count);
    for (size_t i = 0; i < merge->count; i++) {
        merge->removes[i] = (DeltaRemove){.path = merge->files[i].path,
                                          .deleted_ms = now / 1000,
                                          .size_bytes = merge->files[i].size_bytes};
    }
    merge->txn_id = random_uuid(arena);
    merge->version = tlog->stamp.log_version + 1;
    LogEntryInfo info = {.operation = "OPTIMIZE", .time = now, .txn_id = merge->txn_id};
    DeltaCommit commit = {.info = log_entry_info(arena, &info),
                          .adds = &merge->add,
                          .add_count = 1,
                          .removes = merge->removes,
                          .remove_count = merge->count};
    bool won = false, certain = true;
    Err *error =
        log_commit(arena, &tlog->source, merge->version, &commit, merge->txn_id, &won, &certain);
    if (error == NULL && !won)
        error = ERR(CONFLICT, "%s: another writer committed first", tlog->dir);
    if (error != NULL && certain)
        err_free(os_unlink_if(path_join(arena, tlog->log_dir, merge->add.path)));
    return error;
}

static Err *note_merge(Tlog *tlog, const Merge *merge)
{
    Stamp stamp = tlog->stamp;
    for (size_t i = 0; i < merge->count; i++) {
        TRY(index_log_file_remove(tlog->index, &stamp, &merge->removes[i]));
    }
    TRY(index_log_file_add(tlog->index, &stamp, &merge->add));
    stamp.log_version = merge->version;
    stamp.entry_id = merge->txn_id;
    return index_stamp_put(tlog->index, &stamp);
}

/* Changes the index in a transaction of its own; when that fails it is merely behind. */
typedef Err *IndexChange(Tlog *tlog, const void *context);
static Err *change_index(Tlog *tlog, IndexChange *change, const void *context)
{
    index_rollback(tlog->index);
    Err *error = index_begin_write(tlog->index);
    if (error == NULL) error = change(tlog, context);
    if (error == NULL) error = index_commit(tlog->index);
    if (error != NULL) log_debug("the index stays behind: %s", err_message(error));
    err_free(error);
    return tlog_refresh(tlog);
}

static Err *note_merge_change(Tlog *tlog, const void *context)
{
    return note_merge(tlog, context);
}

static Err *merge_files(Tlog *tlog, Arena *arena, bool merge_all, TlogCheckpoint *out)
{
    LogFile *files = NULL;
    size_t count = 0;
    TLOG_READ(tlog, index_log_files(tlog->index, arena, &tlog->stamp, &files, &count));
    if (count < 2) return NULL;
    size_t start = merge_all ? 0 : tlog_plan_merge(files, count);
    if (count - start < 2) return NULL;
    PERF_SPAN(PERF_merge);
    Merge merge = {.files = files + start, .count = count - start};
    TRY(write_merged(tlog, arena, &merge));
    TRY(commit_merge(tlog, arena, &merge));
    for (size_t i = start; i < count; i++) out->merged_rows += files[i].rows;
    out->merged_files = (int64_t)merge.count;
    perf_add(PERF_merge_row, (uint64_t)out->merged_rows);
    return change_index(tlog, note_merge_change, &merge);
}

/* ---- the checkpoint ---- */

static Err *snapshot_of_index(Tlog *tlog, Arena *arena, DeltaSnapshot *out)
{
    LogFile *files = NULL;
    DeltaRemove *removes = NULL;
    size_t count = 0, remove_count = 0;
    DeltaSnapshot snapshot = {.version = tlog->stamp.log_version,
                              .checkpoint_version = tlog->stamp.checkpoint_version};
    TRY(index_log_table_get(tlog->index, arena, &snapshot.protocol, &snapshot.metadata));
    TRY(index_log_files(tlog->index, arena, &tlog->stamp, &files, &count));
    TRY(index_tombstones(tlog->index, arena, &tlog->stamp, &removes, &remove_count));
    DeltaAdd *adds = AARRAY(arena, DeltaAdd, count);
    for (size_t i = 0; i < count; i++) {
        adds[i] = (DeltaAdd){.path = files[i].path,
                             .size_bytes = files[i].size_bytes,
                             .modified_ms = files[i].modified_ms,
                             .stats = files[i].stats,
                             .tags = files[i].tags};
    }
    DeltaTxn *txn = ANEW(arena, DeltaTxn);
    *txn = (DeltaTxn){tlog->app_id, tlog->stamp.txn, tlog->stamp.time / 1000};
    snapshot.adds = adds;
    snapshot.add_count = count;
    snapshot.removes = removes;
    snapshot.remove_count = remove_count;
    snapshot.txns = txn;
    snapshot.txn_count = 1;
    *out = snapshot;
    return NULL;
}

static Err *note_checkpoint(Tlog *tlog, const void *context)
{
    Stamp stamp = tlog->stamp;
    stamp.checkpoint_version = stamp.log_version;
    TRY(index_tombstones_expire(tlog->index, &stamp, *(const int64_t *)context));
    return index_stamp_put(tlog->index, &stamp);
}

static Err *write_checkpoint(Tlog *tlog, Arena *arena)
{
    if (tlog->stamp.checkpoint_version == tlog->stamp.log_version) return NULL;
    DeltaSnapshot snapshot;
    TLOG_READ(tlog, snapshot_of_index(tlog, arena, &snapshot));
    int64_t expire_ms = os_now() / 1000 - TOMBSTONE_MS;
    TRY(delta_checkpoint_write(arena, tlog->log_dir, &snapshot, expire_ms));
    return change_index(tlog, note_checkpoint, &expire_ms);
}

Err *tlog_checkpoint(Tlog *tlog, bool merge_all, TlogCheckpoint *out)
{
    SCRATCH(scratch);
    if (tlog->tx != NULL) return ERR(INTERNAL, "a checkpoint inside a transaction");
    TlogCheckpoint done = {0};
    TRY(tlog_refresh(tlog));
    TRY(merge_files(tlog, scratch, merge_all, &done));
    TRY(write_checkpoint(tlog, scratch));
    done.log_version = tlog->stamp.log_version;
    *out = done;
    return NULL;
}
