/* A store in memory with the contract of FsBackendOps, for tests.
 *
 * A Record is never changed once it stands in the map: a change puts a new one in its place through
 * record_set, the one function that keeps the directories' sorted entries and the undo list. Abort
 * plays the undo list backwards. Nothing is freed before the arena. Staged files stay where they
 * are, found again by their hash, as blobs are; that hash is taken as given, because this module
 * reads no files. */
#include "tinyfs/tinyfs_int.h"
#include <string.h>
#include <time.h>

enum { INLINE_MAX_BYTES = 4096 };

typedef struct Record {
    Node node;
    Version *versions;      /* live, ascending */
    size_t count, capacity; /* of the array, which the next Record may share and fill further */
    int64_t last_version;   /* the highest number ever given */
} Record;

/* The entries of one directory, sorted by name. */
typedef struct Entries {
    VEC(Record *) sorted;
} Entries;

typedef struct Undo {
    NodeId id;
    Record *before; /* NULL: it did not exist */
} Undo;

struct FsMemory {
    Arena *arena;
    const char *staging_dir;
    Map records; /* id → Record; NULL once removed */
    Map dirs;    /* id → Entries */
    Map blobs;   /* sha256 → path of a staged file */
    VEC(Undo) undo;
    bool open; /* a transaction */
    int64_t txn;
    TimeUs time;
};

/* ---- records ---- */

static Entries *entries_of(FsMemory *memory, const NodeId *dir)
{
    Entries *entries = map_get(&memory->dirs, dir->text);
    if (entries == NULL) {
        entries = ANEW(memory->arena, Entries);
        (void)map_put(&memory->dirs, dir->text, entries);
    }
    return entries;
}

/* Where `name` stands, or would stand. */
static size_t position_of(const Entries *entries, const char *name)
{
    size_t low = 0, high = entries->sorted.n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        bool before = strcmp(entries->sorted.v[middle]->node.name, name) < 0;
        if (before)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static Record *entry_get(FsMemory *memory, const NodeId *dir, const char *name)
{
    const Entries *entries = entries_of(memory, dir);
    size_t at = position_of(entries, name);
    if (at == entries->sorted.n || strcmp(entries->sorted.v[at]->node.name, name) != 0) return NULL;
    return entries->sorted.v[at];
}

static void entry_add(FsMemory *memory, Record *record)
{
    Entries *entries = entries_of(memory, &record->node.parent);
    size_t at = position_of(entries, record->node.name);
    vec_push(memory->arena, &entries->sorted, record);
    Record **place = entries->sorted.v + at;
    memmove(place + 1, place, (entries->sorted.n - 1 - at) * sizeof *place);
    *place = record;
}

static void entry_remove(FsMemory *memory, const Record *record)
{
    Entries *entries = entries_of(memory, &record->node.parent);
    size_t at = position_of(entries, record->node.name);
    Record **place = entries->sorted.v + at;
    entries->sorted.n--;
    memmove(place, place + 1, (entries->sorted.n - at) * sizeof *place);
}

static Record *record_get(const FsMemory *memory, const NodeId *id)
{
    return map_get(&memory->records, id->text);
}

static bool is_root(const NodeId *id)
{
    return node_id_equal(id, &NODE_ROOT);
}

/* `after` NULL removes. The root is in no directory. */
static void record_replace(FsMemory *memory, const NodeId *id, Record *after)
{
    Record *before = record_get(memory, id);
    if (before != NULL && !is_root(id)) entry_remove(memory, before);
    if (after != NULL && !is_root(id)) entry_add(memory, after);
    (void)map_put(&memory->records, id->text, after);
}

static void record_set(FsMemory *memory, const NodeId *id, Record *after)
{
    Undo undo = {.id = *id, .before = record_get(memory, id)};
    vec_push(memory->arena, &memory->undo, undo);
    record_replace(memory, id, after);
}

/* A copy to be changed, stamped with this transaction. */
static Record *record_next(FsMemory *memory, const Record *record)
{
    Record *next = arena_memdup(memory->arena, record, sizeof *record);
    next->node.txn = memory->txn;
    next->node.time = memory->time;
    return next;
}

/* What changes beside the caller's fields: versioned nodes speak of their versions, others count
 * states. */
static void record_summarize(Record *record)
{
    if (entry_has_versions(record->node.type)) {
        node_sum_versions(&record->node, record->versions, record->count);
    } else {
        record->node.version++;
        record->node.size_bytes = record->node.rows = -1;
    }
}

/* ---- transactions ---- */

static TimeUs now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
}

Err *fs_memory_open(Arena *arena, const char *staging_dir, FsMemory **out)
{
    FsMemory *memory = ANEW(arena, FsMemory);
    *memory = (FsMemory){.arena = arena,
                         .staging_dir = arena_strdup(arena, staging_dir),
                         .records = map_new(arena),
                         .dirs = map_new(arena),
                         .blobs = map_new(arena)};
    fs_memory_begin(memory);
    Record root = {.node = {.id = NODE_ROOT, .name = "", .type = ENTRY_DIR}};
    Record *made = record_next(memory, &root);
    record_summarize(made);
    record_set(memory, &NODE_ROOT, made);
    fs_memory_commit(memory);
    *out = memory;
    return NULL;
}

void fs_memory_begin(FsMemory *memory)
{
    TimeUs now = now_us();
    memory->open = true;
    memory->txn++;
    memory->time = now > memory->time ? now : memory->time + 1;
}

void fs_memory_commit(FsMemory *memory)
{
    memory->open = false;
    memory->undo.n = 0;
}

void fs_memory_abort(FsMemory *memory)
{
    while (memory->undo.n > 0) {
        const Undo *undo = &memory->undo.v[--memory->undo.n];
        record_replace(memory, &undo->id, undo->before);
    }
    memory->open = false;
    memory->txn--;
}

/* ---- reads ---- */

static Err *memory_get(void *self, Arena *arena, NodeId id, bool *found, Node *out)
{
    const Record *record = record_get(self, &id);
    *found = record != NULL;
    if (record != NULL) *out = node_copy(arena, &record->node);
    return NULL;
}

static Err *memory_lookup(void *self, Arena *arena, NodeId parent, const char *name, bool *found,
                          Node *out)
{
    const Record *record = entry_get(self, &parent, name);
    *found = record != NULL;
    if (record != NULL) *out = node_copy(arena, &record->node);
    return NULL;
}

static Err *memory_children(void *self, Arena *arena, NodeId parent, Node **out, size_t *count)
{
    const Entries *entries = entries_of(self, &parent);
    Node *nodes = AARRAY(arena, Node, entries->sorted.n);
    for (size_t i = 0; i < entries->sorted.n; i++)
        nodes[i] = node_copy(arena, &entries->sorted.v[i]->node);
    *out = nodes;
    *count = entries->sorted.n;
    return NULL;
}

static Err *no_such_node(const NodeId *id)
{
    return ERR(NOT_FOUND, "node %s: it does not exist", id->text);
}

static Err *memory_versions(void *self, Arena *arena, NodeId id, Version **out, size_t *count)
{
    const Record *record = record_get(self, &id);
    if (record == NULL) return no_such_node(&id);
    Version *versions = AARRAY(arena, Version, record->count);
    for (size_t i = 0; i < record->count; i++)
        versions[i] = version_copy(arena, &record->versions[i]);
    *out = versions;
    *count = record->count;
    return NULL;
}

static Err *memory_content(void *self, Arena *arena, const Version *version, Content *out)
{
    const FsMemory *memory = self;
    Content content = {.size_bytes = version->size_bytes};
    if (version->bytes == NULL) {
        content.path = arena_strdup(arena, map_get(&memory->blobs, version->sha256));
        if (content.path == NULL) return ERR(CORRUPT, "content %s: it is missing", version->sha256);
    } else {
        char hash[SHA256_HEX + 1];
        sha256_of(version->bytes, (size_t)version->size_bytes, hash);
        if (strcmp(hash, version->sha256) != 0) {
            return ERR(CORRUPT, "content %s: its bytes have another hash, %s", version->sha256,
                       hash);
        }
        content.bytes = arena_strndup(arena, version->bytes, (size_t)version->size_bytes);
    }
    *out = content;
    return NULL;
}

/* ---- checks of writes ---- */

static Err *writable(const FsMemory *memory)
{
    return memory->open ? NULL : ERR(INTERNAL, "a change outside a transaction");
}

/* `name` may be given to an entry of `dir`. */
static Err *check_place(FsMemory *memory, const NodeId *dir, const char *name)
{
    TRY(path_check_name(name));
    const Record *parent = record_get(memory, dir);
    if (parent == NULL) return no_such_node(dir);
    SCRATCH(scratch);
    const char *shown = path_shown(scratch, name);
    if (parent->node.type != ENTRY_DIR) {
        return ERR(INVALID, "%s: its parent '%s' is not a stored directory", shown,
                   path_shown(scratch, parent->node.name));
    }
    if (entry_get(memory, dir, name) != NULL) return ERR(EXISTS, "%s: the name is taken", shown);
    return NULL;
}

static Err *check_state(const Node *node)
{
    SCRATCH(scratch);
    const char *name = path_shown(scratch, node->name);
    if (entry_is_dynamic(node->type) && node->factory == NULL)
        return ERR(INVALID, "%s: a dynamic node needs a factory", name);
    bool target = node->content != NULL && node->content[0] != '\0';
    if (node->type == ENTRY_SYMLINK && !target)
        return ERR(INVALID, "%s: a symlink needs a target", name);
    return NULL;
}

static bool is_below(const FsMemory *memory, const NodeId *id, const NodeId *top)
{
    const Record *record = record_get(memory, id);
    while (record != NULL && !node_id_equal(&record->node.id, top)) {
        record = is_root(&record->node.id) ? NULL : record_get(memory, &record->node.parent);
    }
    return record != NULL;
}

/* ---- writes of nodes ---- */

static Err *memory_create(void *self, Arena *arena, const Node *node, Node *out)
{
    FsMemory *memory = self;
    TRY(writable(memory));
    TRY(check_place(memory, &node->parent, node->name));
    TRY(check_state(node));
    Record fresh = {.node = {.id = node_id_new(),
                             .parent = node->parent,
                             .name = node->name,
                             .type = node->type,
                             .factory = node->factory,
                             .content = node->content,
                             .attributes = node->attributes}};
    Record *record = record_next(memory, &fresh);
    record->node = node_copy(memory->arena, &record->node);
    record_summarize(record);
    record_set(memory, &record->node.id, record);
    if (out != NULL) *out = node_copy(arena, &record->node);
    return NULL;
}

static Err *check_type_change(const Record *from, const Node *to)
{
    bool dir = from->node.type == ENTRY_DIR;
    if (dir == (to->type == ENTRY_DIR) && (from->count == 0 || entry_has_versions(to->type)))
        return NULL;
    SCRATCH(scratch);
    return ERR(INVALID, "%s: a %s cannot become a %s", path_shown(scratch, from->node.name),
               entry_type_name(from->node.type), entry_type_name(to->type));
}

static Err *memory_update(void *self, const Node *node)
{
    FsMemory *memory = self;
    TRY(writable(memory));
    const Record *record = record_get(memory, &node->id);
    if (record == NULL) return no_such_node(&node->id);
    TRY(check_state(node));
    TRY(check_type_change(record, node));
    Record *next = record_next(memory, record);
    Node state = node_copy(memory->arena, node);
    next->node.type = state.type;
    next->node.factory = state.factory;
    next->node.content = state.content;
    next->node.attributes = state.attributes;
    next->node.has_min_override = state.has_min_override;
    next->node.has_max_override = state.has_max_override;
    next->node.min_override = state.has_min_override ? state.min_override : 0;
    next->node.max_override = state.has_max_override ? state.max_override : 0;
    record_summarize(next);
    record_set(memory, &node->id, next);
    return NULL;
}

static Err *memory_rename(void *self, NodeId id, NodeId new_parent, const char *new_name)
{
    FsMemory *memory = self;
    TRY(writable(memory));
    const Record *record = record_get(memory, &id);
    if (record == NULL) return no_such_node(&id);
    if (is_root(&id)) return ERR(INVALID, "the root cannot be renamed");
    if (is_below(memory, &new_parent, &id)) {
        SCRATCH(scratch);
        return ERR(INVALID, "%s: a directory cannot be moved into itself",
                   path_shown(scratch, record->node.name));
    }
    TRY(check_place(memory, &new_parent, new_name));
    Record *next = record_next(memory, record);
    next->node.parent = new_parent;
    next->node.name = arena_strdup(memory->arena, new_name);
    record_summarize(next);
    record_set(memory, &id, next);
    return NULL;
}

static Err *memory_remove(void *self, NodeId id)
{
    FsMemory *memory = self;
    TRY(writable(memory));
    const Record *record = record_get(memory, &id);
    if (record == NULL) return no_such_node(&id);
    if (is_root(&id)) return ERR(INVALID, "the root cannot be removed");
    if (entries_of(memory, &id)->sorted.n > 0) {
        SCRATCH(scratch);
        return ERR(INVALID, "%s: the directory is not empty",
                   path_shown(scratch, record->node.name));
    }
    record_set(memory, &id, NULL);
    return NULL;
}

/* ---- writes of versions ---- */

static Err *check_spec(const Record *record, const VersionSpec *spec)
{
    SCRATCH(scratch);
    const char *name = path_shown(scratch, record->node.name);
    const Version *meta = &spec->meta;
    if (!entry_has_versions(record->node.type)) {
        return ERR(INVALID, "%s: a %s has no versions", name, entry_type_name(record->node.type));
    }
    if ((meta->bytes == NULL) == (spec->staged_path == NULL)) {
        return ERR(INTERNAL, "%s: a version is made of bytes or of a staged file", name);
    }
    bool fits = meta->bytes == NULL || (!meta->parquet && meta->size_bytes <= INLINE_MAX_BYTES);
    if (fits) return NULL;
    return ERR(INTERNAL, "%s: Parquet, and content above %d bytes, must come as a staged file",
               name, INLINE_MAX_BYTES);
}

static void fill_version(FsMemory *memory, const VersionSpec *spec, int64_t number, Version *out)
{
    *out = version_copy(memory->arena, &spec->meta);
    out->version = number;
    out->txn = memory->txn;
    out->time = memory->time;
    if (spec->staged_path != NULL) {
        (void)map_put(&memory->blobs, out->sha256, arena_strdup(memory->arena, spec->staged_path));
    } else {
        sha256_of(out->bytes, (size_t)out->size_bytes, out->sha256);
    }
}

static Err *memory_append(void *self, NodeId id, const VersionSpec *spec, Version *out)
{
    FsMemory *memory = self;
    TRY(writable(memory));
    const Record *record = record_get(memory, &id);
    if (record == NULL) return no_such_node(&id);
    TRY(check_spec(record, spec));
    Record *next = record_next(memory, record);
    VEC(Version) versions = {next->versions, next->count, next->capacity};
    if (!entry_is_series(record->node.type)) memset(&versions, 0, sizeof versions);
    Version version = {0};
    fill_version(memory, spec, ++next->last_version, &version);
    vec_push(memory->arena, &versions, version);
    next->versions = versions.v;
    next->count = versions.n;
    next->capacity = versions.capacity;
    record_summarize(next);
    record_set(memory, &id, next);
    if (out != NULL) *out = version;
    return NULL;
}

static Err *memory_drop(void *self, NodeId id, int64_t from, int64_t to)
{
    FsMemory *memory = self;
    TRY(writable(memory));
    const Record *record = record_get(memory, &id);
    if (record == NULL) return no_such_node(&id);
    Record *next = record_next(memory, record);
    next->versions = AARRAY(memory->arena, Version, record->count);
    next->count = 0;
    next->capacity = record->count;
    for (size_t i = 0; i < record->count; i++) {
        const Version *version = &record->versions[i];
        if (version->version < from || version->version > to)
            next->versions[next->count++] = *version;
    }
    record_summarize(next);
    record_set(memory, &id, next);
    return NULL;
}

static const char *memory_staging_dir(void *self)
{
    const FsMemory *memory = self;
    return memory->staging_dir;
}

static const FsBackendOps MEMORY_OPS = {
    .name = "memory",
    .get = memory_get,
    .lookup = memory_lookup,
    .children = memory_children,
    .versions = memory_versions,
    .content = memory_content,
    .locate = memory_content,
    .create = memory_create,
    .update = memory_update,
    .rename = memory_rename,
    .remove = memory_remove,
    .append = memory_append,
    .drop = memory_drop,
    .staging_dir = memory_staging_dir,
};

FsBackend fs_memory_backend(FsMemory *memory)
{
    return (FsBackend){.ops = &MEMORY_OPS, .self = memory};
}
