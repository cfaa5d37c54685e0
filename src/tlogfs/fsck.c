/* Integrity of a pond, from the truth outwards. Nothing is changed; problems are listed, not
 * returned.
 *
 *   log      entries 0..N are there and readable, transactions ascend by one, and the live files
 * they add up to are those of the checkpointed snapshot; the data files are there with their size
 * and row count rows     every row is read and replayed into a second index in memory: form, order,
 * unique names, parents, cycles, versions (index_apply.c says what cannot follow) content  inline
 * content and blobs against their SHA-256 (quick: blobs by existence and size) index    equals the
 * second one; if not, only something disposable is damaged root     the fingerprint, over the
 * replayed tree
 *
 * A log that cannot be replayed stops the checks that need it; the root is then empty. */
#include "tlogfs/tlog_int.h"
#include <string.h>

typedef struct Fsck {
    Arena *arena;
    Tlog *tlog;
    TlogFsckOptions options;
    Index *replayed;
    Stamp stamp;
    TlogFsck result;
    VEC(TlogProblem) problems;
    int64_t done_bytes, all_bytes;
    Map live; /* data files that the entries add up to */
    Map bad;  /* blob name → Users, of damaged blobs */
} Fsck;

/* The versions that refer to a damaged blob. */
typedef struct Users {
    size_t problem;
    VEC(TlogRef) refs;
} Users;

static void problem(Fsck *fsck, ErrCode code, bool fatal, const char *what, const char *mend)
{
    TlogProblem found = {.code = code, .what = what, .mend = mend, .fatal = fatal};
    vec_push(fsck->arena, &fsck->problems, found);
}

/* An error becomes a problem, but being interrupted ends the check. */
static Err *note(Fsck *fsck, Err *error, const char *mend)
{
    if (error == NULL || err_code(error) == ERR_INTERRUPTED) return error;
    problem(fsck, err_code(error), true, arena_strdup(fsck->arena, err_message(error)), mend);
    err_free(error);
    return NULL;
}

enum { REFS_TOLD = 5 }; /* of a problem, in its text */

static const char RESTORE[] = "restore the pond from a copy",
                  PUT_BACK[] = "put the file back from a copy, or copy the same content into the "
                               "pond again";

/* ---- the log's entries ---- */

static Err *live_files(Fsck *fsck, const DeltaCommit *commit)
{
    for (size_t i = 0; i < commit->remove_count; i++)
        map_put(&fsck->live, commit->removes[i].path, NULL);
    for (size_t i = 0; i < commit->add_count; i++) map_put(&fsck->live, commit->adds[i].path, fsck);
    return NULL;
}

static int64_t txn_of(const Fsck *fsck, const DeltaCommit *commit)
{
    for (size_t i = 0; i < commit->txn_count; i++) {
        if (strcmp(commit->txns[i].app_id, fsck->tlog->app_id) == 0) return commit->txns[i].version;
    }
    return 0;
}

static Err *check_entry(Fsck *fsck, int64_t version, int64_t *last_txn)
{
    SCRATCH(scratch);
    DeltaCommit commit;
    bool exists = false;
    TRY(os_check_interrupt());
    TRY(delta_entry_read(scratch, fsck->tlog->log_dir, version, &exists, &commit));
    if (!exists) return ERR(CORRUPT, "log entry %lld is missing", (long long)version);
    TRY(live_files(fsck, &commit));
    int64_t txn = txn_of(fsck, &commit);
    if (txn == 0) return NULL; /* a merge */
    if (txn != *last_txn + 1) {
        return ERR(CORRUPT, "log entry %lld: transaction %lld follows %lld", (long long)version,
                   (long long)txn, (long long)*last_txn);
    }
    *last_txn = txn;
    return NULL;
}

static Err *probe_entry(Fsck *fsck, int64_t version)
{
    SCRATCH(scratch);
    bool exists = false;
    TRY(delta_entry_probe(scratch, fsck->tlog->log_dir, version, &exists));
    return exists ? NULL : ERR(CORRUPT, "log entry %lld is missing", (long long)version);
}

static Err *check_entries(Fsck *fsck)
{
    int64_t newest = fsck->tlog->stamp.log_version, txn = 0;
    size_t before = fsck->problems.n;
    fsck->live = map_new(fsck->arena);
    for (int64_t version = 0; version <= newest; version++) {
        Err *error =
            fsck->options.quick ? probe_entry(fsck, version) : check_entry(fsck, version, &txn);
        TRY(note(fsck, error, RESTORE));
    }
    fsck->result.commits = newest + 1;
    if (fsck->options.quick || fsck->problems.n > before) return NULL;
    if (txn != fsck->tlog->stamp.txn) {
        Err *error = ERR(CORRUPT, "the log's newest transaction is %lld, not %lld", (long long)txn,
                         (long long)fsck->tlog->stamp.txn);
        return note(fsck, error, RESTORE);
    }
    return NULL;
}

/* ---- the log's data files ---- */

static Err *check_data_file(Fsck *fsck, const LogFile *file)
{
    OsStat stat;
    bool exists = false;
    TRY(os_stat_if(path_join(fsck->arena, fsck->tlog->log_dir, file->path), &exists, &stat));
    if (!exists) return ERR(CORRUPT, "log file %s is missing", file->path);
    if (stat.size_bytes != file->size_bytes) {
        return ERR(CORRUPT, "log file %s has %lld bytes, not %lld", file->path,
                   (long long)stat.size_bytes, (long long)file->size_bytes);
    }
    fsck->result.rows += file->rows;
    fsck->result.bytes += file->size_bytes;
    if (fsck->options.quick || map_get(&fsck->live, file->path) != NULL) return NULL;
    return ERR(CORRUPT, "log file %s: the checkpoint names it, the log entries do not", file->path);
}

static Err *check_data_files(Fsck *fsck)
{
    LogFile *files = NULL;
    size_t count = 0, live = 0;
    TRY(index_log_files(fsck->replayed, fsck->arena, &fsck->stamp, &files, &count));
    for (size_t i = 0; i < count; i++) TRY(note(fsck, check_data_file(fsck, &files[i]), RESTORE));
    for (size_t i = 0; i < fsck->live.count; i++) live += fsck->live.entries[i].value != NULL;
    if (fsck->options.quick || live == count) return NULL;
    Err *error =
        ERR(CORRUPT, "the log's entries name %zu live data files, its checkpoint %zu", live, count);
    return note(fsck, error, RESTORE);
}

/* ---- content ---- */

static Err *progress(Fsck *fsck, int64_t bytes)
{
    fsck->done_bytes += bytes;
    if (fsck->options.progress != NULL) {
        fsck->options.progress(fsck->options.context, fsck->done_bytes, fsck->all_bytes);
    }
    return os_check_interrupt();
}

static Err *check_blob(Fsck *fsck, const BlobRow *blob)
{
    SCRATCH(scratch);
    char *path = blob_path(scratch, fsck->tlog, blob->name), hash[SHA256_HEX + 1];
    OsStat stat;
    bool exists = false;
    int64_t size = 0;
    TRY(os_stat_if(path, &exists, &stat));
    if (!exists) return ERR(CORRUPT, "blob %s is missing", path);
    if (stat.size_bytes != blob->size_bytes) {
        return ERR(CORRUPT, "blob %s has %lld bytes, not %lld", path, (long long)stat.size_bytes,
                   (long long)blob->size_bytes);
    }
    if (fsck->options.quick) return NULL;
    TRY(os_sha256_file(path, &size, hash));
    if (memcmp(hash, blob->name, SHA256_HEX) == 0) return NULL;
    return ERR(CORRUPT, "blob %s: its content has another hash", path);
}

/* Live blobs; with `sum` only their bytes. */
static Err *each_blob(Fsck *fsck, bool sum)
{
    CLEANUP(index_scan_end) IndexScan scan = {0};
    Cell cells[CELLS_MAX];
    TRY(index_scan(fsck->replayed, QUERY_ALL_BLOBS, NULL, &scan));
    for (;;) {
        bool more = false;
        SCRATCH(scratch);
        TRY(index_scan_next(&scan, &more, cells));
        if (!more) return NULL;
        BlobRow blob = blob_from_cells(scratch, cells);
        if (blob.refs < 1) continue;
        if (sum) {
            fsck->all_bytes += blob.size_bytes;
            continue;
        }
        size_t before = fsck->problems.n;
        TRY(note(fsck, check_blob(fsck, &blob), PUT_BACK));
        if (fsck->problems.n > before) {
            Users *users = ANEW(fsck->arena, Users);
            users->problem = before;
            (void)map_put(&fsck->bad, arena_strdup(fsck->arena, blob.name), users);
        }
        fsck->result.blobs++;
        fsck->result.bytes += blob.size_bytes;
        TRY(progress(fsck, blob.size_bytes));
    }
}

/* The store as it would be over the replayed index. */
static Tlog shadow_of(const Fsck *fsck)
{
    Tlog shadow = *fsck->tlog;
    shadow.index = fsck->replayed;
    shadow.tx = NULL;
    return shadow;
}

static Err *ref_of(Fsck *fsck, const NodeId *id, const Version *version, TlogRef *out)
{
    SCRATCH(scratch);
    Tlog shadow = shadow_of(fsck);
    NodeRow row;
    bool found = false;
    char *path = NULL;
    TRY(tlog_node(&shadow, scratch, id, &found, &row));
    if (!found)
        return ERR(CORRUPT, "version %lld of a node that is not there: %s",
                   (long long)version->version, id->text);
    TRY(tlog_path_of(&shadow, scratch, &row, &path));
    *out = (TlogRef){.path = arena_strdup(fsck->arena, path), .version = version->version};
    return NULL;
}

static Err *check_inline(Fsck *fsck, const NodeId *id, const Version *version)
{
    char hash[SHA256_HEX + 1];
    if (version->bytes == NULL) return NULL;
    sha256_of(version->bytes, (size_t)version->size_bytes, hash);
    if (strcmp(hash, version->sha256) == 0) return NULL;
    TlogRef *ref = ANEW(fsck->arena, TlogRef);
    TRY(ref_of(fsck, id, version, ref));
    problem(fsck, ERR_CORRUPT, true,
            arena_printf(fsck->arena, "inline content %s has another hash: %s v%lld",
                         version->sha256, ref->path, (long long)ref->version),
            RESTORE);
    fsck->problems.v[fsck->problems.n - 1].refs = ref;
    fsck->problems.v[fsck->problems.n - 1].ref_count = 1;
    return NULL;
}

static Err *check_version(Fsck *fsck, const NodeId *id, const Version *version)
{
    SCRATCH(scratch);
    fsck->result.versions++;
    TRY(note(fsck, check_inline(fsck, id, version), RESTORE));
    Users *users = version->bytes != NULL || fsck->bad.count == 0
                       ? NULL
                       : map_get(&fsck->bad, blob_name(scratch, version));
    if (users == NULL) return NULL;
    TlogRef ref;
    TRY(ref_of(fsck, id, version, &ref));
    vec_push(fsck->arena, &users->refs, ref);
    return NULL;
}

static Err *each_version(Fsck *fsck)
{
    CLEANUP(index_scan_end) IndexScan scan = {0};
    Cell cells[CELLS_MAX];
    TRY(index_scan(fsck->replayed, QUERY_ALL_VERSIONS, NULL, &scan));
    for (;;) {
        bool more = false;
        SCRATCH(scratch);
        Version version;
        TRY(index_scan_next(&scan, &more, cells));
        if (!more) return NULL;
        NodeId id = id_unpack(cells[0].bytes);
        TRY(version_from_cells(scratch, cells, &version));
        TRY(check_version(fsck, &id, &version));
    }
}

/* What is lost with each damaged blob, in the words of who has to restore it. */
static void name_users(Fsck *fsck)
{
    for (size_t i = 0; i < fsck->bad.count; i++) {
        const Users *users = fsck->bad.entries[i].value;
        TlogProblem *problem = &fsck->problems.v[users->problem];
        Buf what = buf_new(fsck->arena);
        buf_puts(&what, problem->what);
        for (size_t r = 0; r < users->refs.n && r < REFS_TOLD; r++)
            buf_printf(&what, "%s%s v%lld", r == 0 ? "; it holds " : ", ", users->refs.v[r].path,
                       (long long)users->refs.v[r].version);
        if (users->refs.n > REFS_TOLD)
            buf_printf(&what, " and %zu more", users->refs.n - REFS_TOLD);
        problem->what = what.data;
        problem->refs = users->refs.v;
        problem->ref_count = users->refs.n;
    }
}

/* ---- the whole ---- */

static Err *root_of_replayed(Fsck *fsck)
{
    Tlog shadow = shadow_of(fsck);
    Err *error = tlog_root_fingerprint(tlog_backend(&shadow), fsck->result.root);
    fsck->replayed = shadow.index;
    return error;
}

static Err *check_index(Fsck *fsck)
{
    const char *difference = NULL;
    Err *error = index_compare(fsck->tlog->index, fsck->replayed, fsck->arena, &difference);
    if (error != NULL && err_code(error) != ERR_INTERRUPTED) {
        difference = arena_strdup(fsck->arena, err_message(error));
        err_free(error);
        error = NULL;
    }
    TRY(error);
    if (difference == NULL) return NULL;
    const char *what =
        arena_printf(fsck->arena, "the catalog index differs from the log: %s", difference);
    problem(fsck, ERR_CORRUPT, false, what, "pond recover");
    return NULL;
}

static Err *check_replayed(Fsck *fsck)
{
    bool found = false;
    TRY(index_stamp_get(fsck->replayed, fsck->arena, &found, &fsck->stamp));
    fsck->result.nodes = fsck->stamp.nodes;
    TRY(check_data_files(fsck));
    TRY(each_blob(fsck, true));
    TRY(each_blob(fsck, false));
    TRY(each_version(fsck));
    name_users(fsck);
    TRY(check_index(fsck));
    return root_of_replayed(fsck);
}

static Err *check(Fsck *fsck)
{
    TRY(index_open(NULL, &fsck->replayed));
    TRY(check_entries(fsck));
    size_t before = fsck->problems.n;
    Err *error = index_rebuild(fsck->replayed, &fsck->tlog->source, fsck->tlog->stamp.log_version);
    TRY(note(fsck, error, RESTORE));
    return fsck->problems.n > before ? NULL : check_replayed(fsck);
}

Err *tlog_fsck(Arena *arena, Tlog *tlog, TlogFsckOptions options, TlogFsck *out)
{
    if (tlog->tx != NULL) return ERR(INTERNAL, "fsck inside a transaction");
    Fsck fsck = {.arena = arena, .tlog = tlog, .options = options, .bad = map_new(arena)};
    Err *error = check(&fsck);
    index_close_at(&fsck.replayed);
    TRY(error);
    fsck.result.problems = fsck.problems.v;
    fsck.result.problem_count = fsck.problems.n;
    *out = fsck.result;
    return NULL;
}

Err *tlog_index_check(Arena *arena, Tlog *tlog, const char **out_difference)
{
    CLEANUP(index_close_at) Index *replayed = NULL;
    TRY(index_open(NULL, &replayed));
    TRY(index_rebuild(replayed, &tlog->source, tlog->stamp.log_version));
    Err *error = index_compare(tlog->index, replayed, arena, out_difference);
    if (error == NULL || !tlog_can_mend(tlog)) return error;
    *out_difference = arena_strdup(arena, err_message(error));
    err_free(error);
    return NULL;
}
