/* A mounted file system: what this command has read of each directory, and the resolver's listings.
 *
 * Each directory that was touched has a Dir: its whole listing once it was read, and before that
 * the names looked up one by one, absent ones too. Between changes nothing is asked twice. All of
 * it lives in the Fs's arena, so a Node handed out stays as it was, also after fs_forget. The
 * counters PERF_lookup, PERF_dir_read, PERF_dir_entry, PERF_dir_dynamic and PERF_node_get count
 * what is asked of the layers below, PERF_dir_ask and PERF_lookup_ask also what is remembered.
 *
 * A resolver may walk this same Fs while it lists a directory. If that leads back to the directory
 * being listed, the node reads itself: the error prints the circle. */
#include "perf/lookup.h"
#include "perf/ops.h"
#include "tinyfs/tinyfs_int.h"
#include <stdlib.h>
#include <string.h>

typedef struct Dir {
    bool listed;
    const Node *entries; /* listed: sorted by name */
    size_t count;
    Map names; /* not listed: name → Node, or &ABSENT */
} Dir;

/* A dynamic directory that is being listed right now. */
typedef struct Listing {
    const struct Listing *up;
    const NodeId *id;
    const char *path;
} Listing;

struct Fs {
    Arena *arena;
    FsBackend backend;
    FsResolver resolver;
    const Node *root;
    Map dirs;         /* stored directories: id → Dir */
    Map dynamic_dirs; /* dynamic ones, which depend on everything else */
    MatchCache matches;
    const Listing *listing;
};

static Node ABSENT;

Err *fs_open(Arena *arena, FsBackend backend, Fs **out)
{
    Fs *fs = ANEW(arena, Fs);
    fs->arena = arena;
    fs->backend = backend;
    fs->matches = match_cache_new(arena);
    fs_forget(fs);
    *out = fs;
    return NULL;
}

void fs_set_resolver(Fs *fs, FsResolver resolver)
{
    fs->resolver = resolver;
    fs->dynamic_dirs = map_new(fs->arena);
    match_cache_forget(&fs->matches);
}

FsBackend fs_backend(const Fs *fs)
{
    return fs->backend;
}

Arena *fs_arena(const Fs *fs)
{
    return fs->arena;
}

void fs_forget(Fs *fs)
{
    fs->root = NULL;
    fs->dirs = map_new(fs->arena);
    fs->dynamic_dirs = map_new(fs->arena);
    match_cache_forget(&fs->matches);
}

MatchCache *fs_match_cache(Fs *fs)
{
    return &fs->matches;
}

Err *fs_root(Fs *fs, const Node **out)
{
    if (fs->root == NULL) {
        Node *root = ANEW(fs->arena, Node);
        bool found = false;
        PERF_SPAN(PERF_node_get);
        TRY(fs->backend.ops->get(fs->backend.self, fs->arena, NODE_ROOT, &found, root));
        if (!found) return ERR(CORRUPT, "/: the store has no root directory");
        fs->root = root;
    }
    *out = fs->root;
    return NULL;
}

static bool is_dynamic(const Node *dir)
{
    return dir->type == ENTRY_DYNAMIC_DIR || dir->derived;
}

static Dir *dir_of(Fs *fs, const Node *node)
{
    Map *dirs = is_dynamic(node) ? &fs->dynamic_dirs : &fs->dirs;
    Dir *dir = map_get(dirs, node->id.text);
    if (dir == NULL) {
        dir = ANEW(fs->arena, Dir);
        dir->names = map_new(fs->arena);
        (void)map_put(dirs, node->id.text, dir);
    }
    return dir;
}

/* ---- stored directories ---- */

static Err *read_stored(Fs *fs, const Place *place, Dir *dir)
{
    Node *entries = NULL;
    size_t count = 0;
    PERF_SPAN_FOR(PERF_dir_read, place->node->id.text);
    TRY(fs->backend.ops->children(fs->backend.self, fs->arena, place->node->id, &entries, &count));
    perf_add(PERF_dir_entry, count);
    dir->entries = entries;
    dir->count = count;
    dir->listed = true;
    return NULL;
}

/* ---- dynamic directories ---- */

static int compare_nodes(const void *a, const void *b)
{
    return strcmp(((const Node *)a)->name, ((const Node *)b)->name);
}

static const char *factory_of(const Node *dir)
{
    return dir->factory != NULL ? dir->factory : "the factory above it";
}

/* The id follows from where the node stands, not from how it is configured. */
static NodeId derived_id(const Node *dir, const char *name)
{
    SCRATCH(scratch);
    return node_id_derived(arena_printf(scratch, "%s/%s", dir->id.text, name));
}

static Err *complete_derived(const Place *place, Node *entries, size_t count)
{
    const Node *dir = place->node;
    for (size_t i = 0; i < count; i++) {
        Node *node = &entries[i];
        TRY(err_path(
            ERR_WRAP(path_check_name(node->name), "%s: listed by %s", place->real, factory_of(dir)),
            place->real));
        node->id = derived_id(dir, node->name);
        node->parent = dir->id;
        node->version = 1;
        node->txn = dir->txn;
        node->time = dir->time;
        node->size_bytes = node->rows = -1;
        node->derived = true;
    }
    if (count > 1) qsort(entries, count, sizeof *entries, compare_nodes);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(entries[i - 1].name, entries[i].name) != 0) continue;
        SCRATCH(scratch);
        return err_path(ERR(INVALID, "%s: %s lists the name '%s' twice",
                            path_shown(scratch, place->real), factory_of(dir),
                            path_shown(scratch, entries[i].name)),
                        place->real);
    }
    return NULL;
}

/* "/a -> /b -> /a" when `place` is being listed already. */
static Err *check_circle(Fs *fs, const Place *place)
{
    const Listing *at = fs->listing;
    while (at != NULL && !node_id_equal(at->id, &place->node->id)) at = at->up;
    if (at == NULL) return NULL;
    SCRATCH(scratch);
    const char *circle = path_shown(scratch, at->path);
    for (const Listing *step = fs->listing; step != at; step = step->up) {
        circle = arena_printf(scratch, "%s -> %s", path_shown(scratch, step->path), circle);
    }
    circle = arena_printf(scratch, "%s -> %s", path_shown(scratch, at->path), circle);
    return err_path(ERR(CIRCLE, "%s: it reads itself: %s", path_shown(scratch, at->path), circle),
                    at->path);
}

static Err *read_dynamic(Fs *fs, const Place *place, Dir *dir)
{
    TRY(check_circle(fs, place));
    const char *path = arena_strdup(fs->arena, place->real);
    if (fs->resolver.children == NULL) {
        return err_path(ERR(INTERNAL, "%s: no resolver is installed for dynamic directories", path),
                        path);
    }
    Listing here = {.up = fs->listing, .id = &place->node->id, .path = path};
    Node *entries = NULL;
    size_t count = 0;
    PERF_SPAN_FOR(PERF_dir_dynamic, path);
    fs->listing = &here;
    Err *err =
        fs->resolver.children(fs->resolver.context, fs->arena, place->node, path, &entries, &count);
    fs->listing = here.up;
    TRY(err);
    TRY(complete_derived(place, entries, count));
    perf_add(PERF_dir_entry, count);
    dir->entries = entries;
    dir->count = count;
    dir->listed = true;
    return NULL;
}

/* ---- both ---- */

static Err *dir_read(Fs *fs, const Place *place, Dir *dir)
{
    PERF_LOOKUP(look, PERF_CACHE_directory);
    if (perf_found(&look, dir->listed && toggle_on(TOGGLE_dir_memo))) return NULL;
    TRY(is_dynamic(place->node) ? read_dynamic(fs, place, dir) : read_stored(fs, place, dir));
    perf_fetched(&look, (int64_t)(dir->count * sizeof *dir->entries));
    return NULL;
}

Err *dir_list(Fs *fs, const Place *place, const Node **out, size_t *count)
{
    Dir *dir = dir_of(fs, place->node);
    perf_count_for(PERF_dir_ask, place->node->id.text);
    TRY(dir_read(fs, place, dir));
    *out = dir->entries;
    *count = dir->count;
    return NULL;
}

static const Node *find_entry(const Dir *dir, const char *name)
{
    Node key = {.name = name};
    if (dir->count == 0) return NULL;
    return bsearch(&key, dir->entries, dir->count, sizeof(Node), compare_nodes);
}

/* Asks the store for one name, once. */
static Err *lookup_stored(Fs *fs, const NodeId *id, Dir *dir, const char *name, const Node **out)
{
    PERF_LOOKUP(look, PERF_CACHE_name);
    Node *node = map_get(&dir->names, name);
    if (!perf_found(&look, node != NULL && toggle_on(TOGGLE_name_memo))) {
        bool found = false;
        Node answer = {0};
        PERF_SPAN(PERF_lookup);
        TRY(fs->backend.ops->lookup(fs->backend.self, fs->arena, *id, name, &found, &answer));
        node = found ? arena_memdup(fs->arena, &answer, sizeof answer) : &ABSENT;
        (void)map_put(&dir->names, name, node);
        perf_fetched(&look, found ? (int64_t)sizeof *node : 0);
    }
    *out = node == &ABSENT ? NULL : node;
    return NULL;
}

Err *dir_lookup(Fs *fs, const Place *place, const char *name, const Node **out)
{
    Dir *dir = dir_of(fs, place->node);
    perf_count(PERF_lookup_ask);
    bool is_listed = dir->listed && toggle_on(TOGGLE_dir_memo);
    if (!is_listed && !is_dynamic(place->node)) {
        return lookup_stored(fs, &place->node->id, dir, name, out);
    }
    TRY(dir_read(fs, place, dir));
    *out = find_entry(dir, name);
    return NULL;
}

void dir_changed(Fs *fs, const NodeId *id, const char *name)
{
    Dir *dir = map_get(&fs->dirs, id->text);
    if (dir != NULL) {
        dir->listed = false;
        if (map_has(&dir->names, name)) (void)map_put(&dir->names, name, NULL);
    }
    if (fs->dynamic_dirs.count > 0) fs->dynamic_dirs = map_new(fs->arena);
    match_cache_forget(&fs->matches);
}

Err *dir_hint(Fs *fs, Err *err, const Place *place, const char *name)
{
    const Node *entries = NULL;
    size_t count = 0;
    Err *unreadable = dir_list(fs, place, &entries, &count);
    if (unreadable != NULL) {
        err_free(unreadable);
        return err;
    }
    SCRATCH(scratch);
    const char **names = AARRAY(scratch, const char *, count);
    for (size_t i = 0; i < count; i++) names[i] = entries[i].name;
    const char *nearest = text_nearest(name, names, count);
    if (nearest == NULL) return err;
    return err_hint(err, "did you mean %s?",
                    path_shown(scratch, path_join(scratch, place->real, nearest)));
}

Err *fs_children(Fs *fs, Arena *arena, const Node *dir, const char *path, const Node **out,
                 size_t *count)
{
    if (!entry_is_dir(dir->type)) {
        return err_path(ERR(INVALID, "%s: not a directory", path_shown(arena, path)), path);
    }
    Place place = {.node = dir, .real = path};
    return dir_list(fs, &place, out, count);
}
