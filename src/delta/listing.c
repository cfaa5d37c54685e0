/* Where a replay begins: the newest checkpoint not above the wanted version.
 *
 * Two ways. (1) _last_checkpoint, when our own writer wrote it (it says so in `tags`) and never
 * removes entries: then the newer entries stand one after the other and are found by probing, so
 * opening a table does not depend on the length of its history. (2) Anything else (another writer's
 * hint may be stale, damaged, or point at a missing file, and entries may have been cleaned away):
 * a listing of _delta_log decides alone. Names that are not ours to know are skipped. Of several
 * checkpoints of one version a uuid-named one wins over the classic one, that over a complete
 * multi-part one. */
#include "delta/delta_int.h"
#include "perf/ops.h"
#include <stdlib.h>
#include <string.h>

enum { VERSION_DIGITS = 20 };

/* ---- names ---- */

/* `count` digits and then `after`: the number, or -1. */
static int64_t digits_of(const char *name, size_t count, char after)
{
    if (strspn(name, "0123456789") != count || name[count] != after) return -1;
    char digits[VERSION_DIGITS + 1];
    memcpy(digits, name, count);
    digits[count] = '\0';
    unsigned long long number = strtoull(digits, NULL, 10);
    return number > INT64_MAX ? -1 : (int64_t)number;
}

static bool is_uuid(const char *text)
{
    for (size_t i = 0; i < 36; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (is_dash ? text[i] != '-'
                    : strchr("0123456789abcdefABCDEF", text[i]) == NULL || text[i] == '\0')
            return false;
    }
    return true;
}

/* What a name in _delta_log stands for. */
typedef struct LogName {
    int64_t version; /* -1: nothing of interest */
    CheckpointKind kind;
    int64_t part, part_count;
    bool is_json;
} LogName;

static LogName checkpoint_name(const char *rest, int64_t version)
{
    LogName name = {.version = version};
    if (strcmp(rest, "parquet") == 0) {
        name.kind = CHECKPOINT_CLASSIC;
    } else if (strlen(rest) > 37 && is_uuid(rest) && rest[36] == '.') {
        name.is_json = strcmp(rest + 37, "json") == 0;
        if (name.is_json || strcmp(rest + 37, "parquet") == 0) name.kind = CHECKPOINT_UUID;
    } else {
        name.part = digits_of(rest, 10, '.');
        name.part_count = name.part < 0 ? -1 : digits_of(rest + 11, 10, '.');
        if (name.part_count > 0 && name.part > 0 && name.part <= name.part_count &&
            strcmp(rest + 22, "parquet") == 0)
            name.kind = CHECKPOINT_MULTI;
    }
    if (name.kind == CHECKPOINT_NONE) name.version = -1;
    return name;
}

static LogName name_read(const char *text)
{
    int64_t version = digits_of(text, VERSION_DIGITS, '.');
    LogName none = {.version = -1};
    if (version < 0) return none;
    const char *rest = text + VERSION_DIGITS + 1;
    if (strcmp(rest, "json") == 0) return (LogName){.version = version};
    if (text_starts(rest, "checkpoint."))
        return checkpoint_name(rest + strlen("checkpoint."), version);
    return none;
}

/* ---- the listing ---- */

/* A checkpoint, put together from its parts as they are met. */
typedef struct Candidate {
    DeltaCheckpointRef ref;
    int64_t part_count;
} Candidate;
typedef VEC(Candidate) CandidateVec;

static bool is_complete(const Candidate *candidate)
{
    return candidate->ref.kind != CHECKPOINT_MULTI ||
           (int64_t)candidate->ref.path_count == candidate->part_count;
}

/* Parts of two sets of one version may be interleaved (1 of 2, 1 of 3, 2 of 2 ...), versions never
 * are. */
static Candidate *candidate_of(Arena *arena, CandidateVec *candidates, const LogName *name)
{
    for (size_t i = candidates->n; name->kind == CHECKPOINT_MULTI && i-- > 0;) {
        Candidate *candidate = &candidates->v[i];
        if (candidate->ref.version != name->version) break;
        if (candidate->ref.kind == CHECKPOINT_MULTI && candidate->part_count == name->part_count)
            return candidate;
    }
    Candidate fresh = {
        .ref = {.kind = name->kind, .version = name->version, .is_json = name->is_json},
        .part_count = name->part_count};
    vec_push(arena, candidates, fresh);
    return &candidates->v[candidates->n - 1];
}

static void candidate_take(Arena *arena, CandidateVec *candidates, const LogName *name,
                           const char *path)
{
    DeltaCheckpointRef *ref = &candidate_of(arena, candidates, name)->ref;
    ref->paths = arena_grow(arena, ref->paths, ref->path_count * sizeof(char *),
                            (ref->path_count + 1) * sizeof(char *));
    ref->paths[ref->path_count++] = path;
}

/* The newest complete one not above `version`; of one version the kind that stands last in the
 * enum. */
static void choose(const CandidateVec *candidates, int64_t version, DeltaStart *start)
{
    for (size_t i = 0; i < candidates->n; i++) {
        const Candidate *candidate = &candidates->v[i];
        const DeltaCheckpointRef *best = &start->checkpoint;
        if (!is_complete(candidate)) continue;
        if (start->oldest_kept < 0 || candidate->ref.version < start->oldest_kept)
            start->oldest_kept = candidate->ref.version;
        if (version >= 0 && candidate->ref.version > version) continue;
        if (candidate->ref.version > best->version ||
            (candidate->ref.version == best->version && candidate->ref.kind >= best->kind))
            start->checkpoint = candidate->ref;
    }
}

Err *delta_log_list(Arena *arena, const char *dir, OsEntry **out, size_t *count)
{
    PERF_SPAN_FOR(PERF_log_list, dir);
    TRY(os_list(arena, dir, out, count));
    perf_add(PERF_log_listed, *count);
    return NULL;
}

static Err *start_by_listing(Arena *arena, const char *table, int64_t version, DeltaStart *out)
{
    const char *dir = delta_log_dir(arena, table);
    OsEntry *entries = NULL;
    size_t count = 0;
    DeltaStart start = {
        .checkpoint = {.version = -1}, .listed = true, .newest_entry = -1, .oldest_kept = -1};
    CandidateVec candidates = {0};
    TRY(delta_log_list(arena, dir, &entries, &count));
    for (size_t i = 0; i < count; i++) {
        LogName name = name_read(entries[i].name);
        if (name.version < 0 || entries[i].is_dir) continue;
        if (name.kind != CHECKPOINT_NONE) {
            candidate_take(arena, &candidates, &name,
                           arena_printf(arena, "%s/%s", dir, entries[i].name));
            continue;
        }
        if (name.version > start.newest_entry) start.newest_entry = name.version;
        if (name.version == 0) start.oldest_kept = 0;
    }
    if (toggle_on(TOGGLE_checkpoint) || start.oldest_kept != 0)
        choose(&candidates, version, &start);
    *out = start;
    return NULL;
}

/* ---- the two ways ---- */

static Err *start_by_hint(Arena *arena, const char *table, int64_t version, bool *out_found,
                          DeltaStart *out)
{
    DeltaHint hint = {.version = -1};
    OsStat stat;
    *out_found = false;
    TRY(delta_hint_read(arena, table, &hint));
    if (hint.version < 0 || (version >= 0 && hint.version > version)) return NULL;
    const char **path = ANEW(arena, const char *);
    *path = delta_checkpoint_path(arena, table, hint.version);
    TRY(os_stat_if(*path, out_found, &stat));
    if (!*out_found) return NULL;
    *out = (DeltaStart){.checkpoint = {.kind = CHECKPOINT_CLASSIC,
                                       .version = hint.version,
                                       .paths = path,
                                       .path_count = 1,
                                       .sha256 = hint.sha256},
                        .newest_entry = -1,
                        .oldest_kept = -1};
    return NULL;
}

Err *delta_start_find(Arena *arena, const char *table, int64_t version, DeltaStart *out)
{
    OsStat stat;
    bool exists = false;
    if (toggle_on(TOGGLE_checkpoint)) TRY(start_by_hint(arena, table, version, &exists, out));
    if (exists) return NULL;
    TRY(os_stat_if(delta_log_dir(arena, table), &exists, &stat));
    if (!exists || !stat.is_dir)
        return err_path(ERR(NOT_FOUND, "%s: no Delta table (no _delta_log)", table), table);
    TRY(start_by_listing(arena, table, version, out));
    if (out->newest_entry < 0 && out->oldest_kept < 0)
        return err_path(ERR(NOT_FOUND, "%s: no Delta table (an empty _delta_log)", table), table);
    return NULL;
}
