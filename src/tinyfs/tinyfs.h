/* tinyfs — the virtual file system: nodes, paths, symlinks, patterns with captures, walking, and
 * the interface that a store implements (FsBackend: `memory.c` here, `tlogfs` over a Delta table).
 *
 * A node is a directory, a symlink, data or a table, stored or *derived*: one that exists only
 * because a factory lists it below a dynamic directory. Derived directories are walked like stored
 * ones; a resolver installed from above lists them.
 *
 * Invariant: within one Fs each directory is read from the backend at most once between changes,
 * and each path resolves the same way. Names are UTF-8 without '/' and NUL, 1..255 bytes, not "."
 * or "..".
 *
 * Threads: an Fs and its backend belong to one thread at a time.
 *
 * Errors: NOT_FOUND (with the nearest sibling's name as hint), EXISTS, INVALID (name, not a
 * directory, symlink loop: more than 40 links or a directory that contains itself through a link).
 */
#pragma once
#include "base/base.h"

/* ---- nodes ---- */
typedef enum EntryType {
    ENTRY_DIR,          /* directory */
    ENTRY_SYMLINK,      /* symlink */
    ENTRY_DATA,         /* data: bytes; a new version replaces */
    ENTRY_DATA_SERIES,  /* data:series: bytes; a new version appends */
    ENTRY_TABLE,        /* table: Parquet; a new version replaces */
    ENTRY_TABLE_SERIES, /* table:series: Parquet; live versions united by column name */
    ENTRY_DYNAMIC,      /* table:dynamic: made by a factory, queryable */
    ENTRY_DYNAMIC_DIR,  /* dynamic-directory: listed by a factory */
    ENTRY_DYNAMIC_DATA  /* data:dynamic: a factory's configuration that others use (a transform):
                           neither rows nor entries */
} EntryType;
enum { ENTRY_TYPE_COUNT = ENTRY_DYNAMIC_DATA + 1 };
const char *entry_type_name(EntryType type); /* "table:series" */
bool entry_type_parse(const char *name, EntryType *out);
bool entry_is_dir(EntryType type);       /* DIR, DYNAMIC_DIR */
bool entry_is_dynamic(EntryType type);   /* made by a factory: DYNAMIC, _DIR, _DATA */
bool entry_is_series(EntryType type);    /* DATA_SERIES, TABLE_SERIES */
bool entry_is_table(EntryType type);     /* TABLE, TABLE_SERIES */
bool entry_has_versions(EntryType type); /* data and tables, series or not */

typedef struct NodeId {
    char text[37]; /* UUID, lower case; the root is 00000000-0000-7000-8000-000000000000 */
} NodeId;
extern const NodeId NODE_ROOT;
NodeId node_id_new(void); /* UUIDv7 of now */
/* Where new ids come from instead of the system's clock and chance, for generated ponds; {0} ends
 * it. */
typedef struct NodeIdSource {
    uint64_t (*now_ms)(void);
    void (*random)(void *into, size_t size_bytes);
} NodeIdSource;
void node_id_source_set(NodeIdSource source);
NodeId node_id_derived(const char *material); /* deterministic, from SHA-256 */
bool node_id_equal(const NodeId *a, const NodeId *b);

typedef struct Node {
    NodeId id, parent;
    const char *name; /* "" for the root */
    EntryType type;
    int64_t version; /* of the newest live version; for others the number of node states, from 1 */
    int64_t txn;     /* transaction of the last change */
    TimeUs time;     /* of the last change; derived nodes: of the node whose factory lists them */
    int64_t size_bytes;    /* series: sum of live versions; data, table: the newest; others -1 */
    int64_t rows;          /* likewise; -1 unknown or not a table */
    int64_t version_count; /* live ones */
    bool has_range;        /* time range of the live versions' rows, not clipped by overrides */
    TimeSpan range;
    bool has_min_override, has_max_override; /* temporal bounds set by the user */
    TimeUs min_override, max_override;
    const char *factory;    /* dynamic nodes and executables; else NULL */
    const char *content;    /* factory configuration (YAML as given) or symlink target; else NULL */
    const char *attributes; /* JSON object text, or NULL */
    bool derived;           /* exists only through a factory */
    const void *derivation; /* derived: the factory's own description of it, in the Fs's arena */
} Node;

Node node_copy(Arena *arena, const Node *node); /* its texts too; not `derivation` */

/* One version of a data, data:series, table or table:series. */
typedef struct Version {
    int64_t version, txn;
    TimeUs time; /* when it came in */
    int64_t size_bytes;
    char sha256[65];
    const char *bytes; /* inline content (<= 4 KiB), else NULL: then a blob */
    bool parquet;
    int64_t rows;            /* Parquet: rows; else -1 */
    const char *time_column; /* NULL when it has none */
    TimeUnit time_unit;      /* when the column is an INT64 */
    TimeSpan *intervals;     /* up to 64 disjoint ones, ascending, covering every row's time */
    size_t interval_count;
    bool in_order;          /* rows ascend in time (equal times allowed) */
    const char *schema;     /* JSON text of schema_to_json, or NULL */
    const char *attributes; /* JSON object text, or NULL */
} Version;

Version version_copy(Arena *arena, const Version *version); /* `bytes` get a NUL behind them */
/* Sets what a node says of its live versions (ascending): version, version_count, size_bytes, rows,
 * range. For backends. */
void node_sum_versions(Node *node, const Version *versions, size_t count);

/* What a new version is made of. Exactly one of bytes and staged_path is set. */
typedef struct VersionSpec {
    /* All but version, txn, time; of staged files size and sha256 are taken as given. */
    Version meta;
    /* A finished file in the backend's staging folder: it is moved, not copied. */
    const char *staged_path;
} VersionSpec;

/* Where a version's bytes are. */
typedef struct Content {
    const char *bytes; /* inline, `size_bytes` long; or NULL */
    const char *path;  /* host path of a verified, immutable file; or NULL */
    int64_t size_bytes;
} Content;

/* ---- the interface a store implements. All reads see the open transaction's own changes. ----
 * What a function returns lives in the arena it was given. tests/tinyfs/contract.h holds every
 * store to what stands here. Writes that are refused change nothing: INVALID (name, not a stored
 * directory, not empty, below itself, the root, a change of type that would lose entries or
 * versions), EXISTS (the name is taken), NOT_FOUND (no such node or parent), INTERNAL (no
 * transaction, a malformed VersionSpec). `out` of create and append may be NULL. `txn` and `time`
 * are the transaction's, one for all it changes, known from its begin; an aborted one leaves no gap
 * in txn. */
typedef struct FsBackendOps {
    const char *name;
    /* Reads. `*found` = false is no error. Children come sorted by name bytes, versions are the
     * live ones, ascending. Content whose hash is wrong is CORRUPT. */
    Err *(*get)(void *self, Arena *arena, NodeId id, bool *found, Node *out);
    Err *(*lookup)(void *self, Arena *arena, NodeId parent, const char *name, bool *found,
                   Node *out);
    Err *(*children)(void *self, Arena *arena, NodeId parent, Node **out, size_t *count);
    Err *(*versions)(void *self, Arena *arena, NodeId id, Version **out, size_t *count);
    Err *(*content)(void *self, Arena *arena, const Version *version, Content *out);
    /* The same without a look at a file: what is only planned with. It is to be read after
     * `content` only. */
    Err *(*locate)(void *self, Arena *arena, const Version *version, Content *out);
    /* Writes: only inside a transaction. `create` takes parent, name, type, factory, content and
     * attributes; `update` the whole state: type, factory, content, overrides, attributes. */
    Err *(*create)(void *self, Arena *arena, const Node *node, Node *out);
    Err *(*update)(void *self, const Node *node);
    Err *(*rename)(void *self, NodeId id, NodeId new_parent, const char *new_name);
    Err *(*remove)(void *self, NodeId id); /* a directory must be empty */
    /* data, table: drops the older ones. Inline bytes: at most 4096, never Parquet. Numbers ascend
     * and are never given twice. */
    Err *(*append)(void *self, NodeId id, const VersionSpec *spec, Version *out);
    /* The live ones among from..to. */
    Err *(*drop)(void *self, NodeId id, int64_t from, int64_t to);
    const char *(*staging_dir)(void *self); /* exists, on the blobs' file system */
} FsBackendOps;
typedef struct FsBackend {
    const FsBackendOps *ops;
    void *self;
} FsBackend;

/* A store in memory with the same contract, for tests. begin/commit/abort are its own. Content
 * given as staged_path stays a file there; it is not read, so its hash is believed. */
typedef struct FsMemory FsMemory;
Err *fs_memory_open(Arena *arena, const char *staging_dir, FsMemory **out) WARN_UNUSED;
FsBackend fs_memory_backend(FsMemory *memory);
void fs_memory_begin(FsMemory *memory);
void fs_memory_commit(FsMemory *memory);
void fs_memory_abort(FsMemory *memory);

/* ---- a mounted file system: backend + resolver + the listings of this command ----
 * Nodes that fs_* functions return point into the Fs's arena and stay as they are until it ends,
 * also after fs_forget. */
typedef struct Fs Fs;
/* Lists a dynamic directory (stored with a factory, or derived). Children have name, type, factory,
 * content, derivation set, in any order; id, parent, version, txn, time, size, rows, derived are
 * filled in by tinyfs. Called at most once per directory and Fs generation. It may walk the same
 * Fs; when that leads back to a directory being listed, the error CIRCLE prints the way. `path`
 * is without links. */
typedef struct FsResolver {
    Err *(*children)(void *context, Arena *arena, const Node *dir, const char *path, Node **out,
                     size_t *count);
    void *context;
} FsResolver;
Err *fs_open(Arena *arena, FsBackend backend, Fs **out) WARN_UNUSED;
void fs_set_resolver(Fs *fs, FsResolver resolver);
FsBackend fs_backend(const Fs *fs);
Arena *fs_arena(const Fs *fs); /* lives as long as the Fs */
/* Drops remembered listings: after changes made through the backend itself, and after an abort. */
void fs_forget(Fs *fs);

/* ---- paths ---- */
char *path_join(Arena *arena, const char *dir, const char *name);
const char *path_base(const char *path);           /* after the last '/'; "" for the root */
char *path_parent(Arena *arena, const char *path); /* "/" for the root */
/* Absolute, without ".", "..", double or trailing slashes; a path without a leading slash starts at
 * the root. ".." is taken textually. INVALID when empty, when ".." leads above the root or a name
 * is bad; LIMIT above 4096 bytes. */
Err *path_normalize(Arena *arena, const char *path, char **out) WARN_UNUSED;
Err *path_check_name(const char *name) WARN_UNUSED;
int path_compare(const char *a, const char *b); /* component-wise, by bytes: "/a/b" before "/a-b" */

typedef struct Found {
    bool exists;
    Node node;        /* when it exists */
    const char *path; /* logical, normalised: as walked, not a link's target */
    Node parent;      /* holds, or would hold, the last component; the root's is itself */
    const char *name; /* last component */
} Found;
/* Follows symlinks everywhere but, with `keep_last`, in the last component. A missing last
 * component is no error (exists = false); a missing directory on the way and a dangling link are
 * NOT_FOUND. A link's relative target starts at the directory that really holds the link. */
typedef struct FindOptions {
    bool keep_last;
} FindOptions;
Err *fs_find(Fs *fs, Arena *arena, const char *path, FindOptions options, Found *out) WARN_UNUSED;
/* fs_find, and NOT_FOUND with a nearest name when it does not exist. */
Err *fs_get(Fs *fs, Arena *arena, const char *path, FindOptions options, Found *out) WARN_UNUSED;
/* Children of a directory node, stored or dynamic, sorted by name; symlinks as symlinks. `path` is
 * the directory's, for the resolver. */
Err *fs_children(Fs *fs, Arena *arena, const Node *dir, const char *path, const Node **out,
                 size_t *count) WARN_UNUSED;

/* ---- patterns (cli.md, "Names, paths, patterns") ----
 * Within one component: `*` any text, also none; `?` one character; `[abc]`, `[a-z]`, `[!a]` one
 * character of (or not of) a set; `{a,b}` one of some texts. Characters are Unicode code points. A
 * component `**` stands for any number of directories, also none; as the last component it stands
 * for everything below, files and directories at any depth, but not the directory before it. A
 * trailing slash means `*` behind it, capture included. A backslash makes the next character
 * literal. A leading slash may be left out. "." is dropped; ".." takes back a component without
 * wildcards. At most 4096 bytes (LIMIT). */
typedef struct Pattern Pattern;
/* INVALID with the column. */
Err *pattern_compile(Arena *arena, const char *text, const Pattern **out) WARN_UNUSED;
bool pattern_is_literal(const Pattern *pattern); /* no wildcard: names at most one path */
const char *pattern_text(const Pattern *pattern);
size_t pattern_capture_count(const Pattern *pattern);
/* Whole path against the pattern; *out_captures (may be NULL) gets pattern_capture_count texts.
 * Where several captures are possible, wildcards take as much as they can, leftmost first. Cost:
 * (length of the pattern) x (length of the path) at worst. */
bool pattern_match(const Pattern *pattern, Arena *arena, const char *path,
                   const char ***out_captures);
/* "$0", "${10}", "$$" in `text`. All digits behind "$" belong to the index. INVALID when an index
 * has no capture, and for any other "$". */
Err *captures_expand(Arena *arena, const char *text, const char *const *captures, size_t count,
                     char **out) WARN_UNUSED;

typedef struct Match {
    Node node;        /* links followed, unless keep_links */
    const char *path; /* logical */
    const char **captures;
    size_t capture_count;
} Match;
typedef struct MatchOptions {
    bool keep_links; /* report a matched symlink itself (list) */
    /* Hears of each directory that cannot be listed and each link that cannot be followed, where
     * the walk then goes past them; the error stays the walk's. NULL: the first one ends the walk.
     */
    void (*broken)(void *context, const Err *err);
    void *context;
} MatchOptions;
/* All matches sorted by path, each once. Literal components are looked up, so a walk starts at the
 * literal prefix; each directory is read at most once, each dynamic one listed at most once. Links
 * are followed, and a directory is walked below each path that leads to it. A dangling link is
 * NOT_FOUND naming it (with keep_links: no error); a directory met again below itself under a `**`
 * is INVALID naming the link. A literal pattern that names nothing gives no match. */
Err *fs_match(Fs *fs, Arena *arena, const Pattern *pattern, MatchOptions options, Match **out,
              size_t *count) WARN_UNUSED;

/* ---- changes by path ----
 * Inside the backend's transaction. `out` may be NULL. What is remembered follows them. */
/* With `parents` directories on the way are made, and an existing one is fine. */
Err *fs_mkdir(Fs *fs, Arena *arena, const char *path, bool parents, Node *out) WARN_UNUSED;
/* The parent must exist; EXISTS. Of `template` as in FsBackendOps.create. */
Err *fs_create(Fs *fs, Arena *arena, const char *path, const Node *template, Node *out) WARN_UNUSED;
/* Onto a directory: into it; onto a file: EXISTS. Moves a link, not its target. */
Err *fs_move(Fs *fs, Arena *arena, const char *from, const char *to) WARN_UNUSED;
/* The link itself, not its target. Derived nodes: INVALID naming their factory node. */
Err *fs_remove(Fs *fs, Arena *arena, const char *path, bool recursive) WARN_UNUSED;
/* One member of a node's attributes, as JSON text; the others stay. */
Err *fs_set_attribute(Fs *fs, Arena *arena, NodeId id, const char *key, const char *json_text)
    WARN_UNUSED;
