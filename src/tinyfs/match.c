/* Walking by a pattern: one descent, each directory read at most once.
 *
 * While it descends, the walk carries the set of positions in the pattern that the path so far can
 * have reached (a component automaton): position i means that the first i components have matched.
 * Several `**` only make the set larger, never the walk longer. Where the only position stands
 * before a literal name, the directory is not read: the name is looked up. Captures are read off
 * each matched path afterwards.
 *
 * Directories are taken in the order of their names and before what they hold, so matches come out
 * sorted. Links are followed where the walk goes on below them, or where they match and links are
 * not wanted; links along one path count as in a path that is typed, so every path found can be
 * opened. A directory entered a second time on one path, through a link, would have no end below a
 * `**`: that is an error. */
#include "perf/ops.h"
#include "tinyfs/tinyfs_int.h"
#include <string.h>

typedef struct Walk {
    Fs *fs;
    Arena *arena;   /* results */
    Arena *scratch; /* directories' paths and sets */
    const Pattern *pattern;
    MatchOptions options;
    VEC(Match) matches;
} Walk;

/* A directory on the path from the root to where the walk is. */
typedef struct Frame {
    const struct Frame *up;
    Place place;
    const char *path; /* logical */
    int links;        /* followed to get here */
    const char *link; /* the last one of them, or NULL */
    bool *positions;  /* [0, pattern->count]; the last one: the directory itself matched */
    bool *next;       /* the same for the entry that is being looked at */
} Frame;

/* ---- sets of positions ---- */

/* A `**` that something follows may stand for nothing. */
static void set_position(const Pattern *pattern, bool *positions, size_t i)
{
    positions[i] = true;
    while (i + 1 < pattern->count && pattern->components[i].deep) positions[++i] = true;
}

/* From a directory's positions to those of its entry `name`. False when there are none. */
static bool advance(const Frame *dir, const Pattern *pattern, const char *name)
{
    size_t length = strlen(name);
    bool any = false;
    memset(dir->next, 0, pattern->count + 1);
    for (size_t i = 0; i < pattern->count; i++) {
        const Component *component = &pattern->components[i];
        if (!dir->positions[i]) continue;
        if (!component->deep && !component_matches(component, name, length)) continue;
        any = true;
        if (!component->deep || i + 1 == pattern->count) set_position(pattern, dir->next, i + 1);
        if (component->deep) set_position(pattern, dir->next, i);
    }
    return any;
}

static bool goes_on(const Pattern *pattern, const bool *positions)
{
    for (size_t i = 0; i < pattern->count; i++) {
        if (positions[i]) return true;
    }
    return false;
}

static bool goes_on_without_end(const Pattern *pattern, const bool *positions)
{
    for (size_t i = 0; i < pattern->count; i++) {
        if (positions[i] && pattern->components[i].deep) return true;
    }
    return false;
}

/* The one name that can match in this directory, or NULL when several can. A set of several
 * positions begins with a `**`: it came from there, and a `**` stays. */
static const char *only_name(const Pattern *pattern, const bool *positions)
{
    for (size_t i = 0; i < pattern->count; i++) {
        if (positions[i]) return pattern->components[i].literal;
    }
    return NULL;
}

/* ---- the descent ---- */

static Err *walk_dir(Walk *walk, Frame *dir);

static void add_match(Walk *walk, const Node *node, const char *path)
{
    Match match = {.node = *node, .path = path, .capture_count = walk->pattern->capture_count};
    (void)pattern_match(walk->pattern, walk->arena, path, &match.captures);
    vec_push(walk->arena, &walk->matches, match);
    perf_count(PERF_pattern_match);
}

/* What is wrong in one place of the tree may be told and passed by; what is wrong with the store,
 * or ends the command, may not. */
static Err *past(const Walk *walk, Err *err)
{
    if (err == NULL || walk->options.broken == NULL) return err;
    ErrCode code = err_code(err);
    bool local = code == ERR_INVALID || code == ERR_NOT_FOUND || code == ERR_CIRCLE ||
                 code == ERR_SQL || code == ERR_UNSUPPORTED;
    if (!local) return err;
    walk->options.broken(walk->options.context, err);
    err_free(err);
    return NULL;
}

static Err *check_entered(const Walk *walk, const Frame *child)
{
    if (child->link == NULL || !goes_on_without_end(walk->pattern, child->positions)) return NULL;
    for (const Frame *above = child->up; above != NULL; above = above->up) {
        if (!node_id_equal(&above->place.node->id, &child->place.node->id)) continue;
        SCRATCH(scratch);
        return err_path(ERR(INVALID, "%s: through the link %s the directory %s contains itself",
                            path_shown(scratch, child->path), path_shown(scratch, child->link),
                            path_shown(scratch, above->path)),
                        child->link);
    }
    return NULL;
}

static Err *enter(Walk *walk, const Frame *dir, Frame *child)
{
    size_t bytes = walk->pattern->count + 1;
    child->up = dir;
    child->positions = arena_memdup(walk->scratch, dir->next, bytes);
    child->next = arena_alloc(walk->scratch, bytes);
    Err *err = check_entered(walk, child);
    return err != NULL ? past(walk, err) : walk_dir(walk, child);
}

/* Follows a link the walk has met. *out_exists = false: it dangles and nobody wants its target. */
static Err *follow(Walk *walk, const Frame *dir, const Node *link, Frame *child, bool *out_exists)
{
    Trail trail = {.fs = walk->fs, .arena = walk->scratch, .links = dir->links};
    Resolved end = {0};
    TRY(trail_follow(&trail, &dir->place, link, child->path, &end));
    *out_exists = end.outcome == OUTCOME_FOUND;
    if (!*out_exists && !walk->options.keep_links) return resolved_error(walk->fs, &end);
    child->place = end.at;
    child->links = trail.links;
    child->link = child->path;
    return NULL;
}

/* An entry whose name fits some position of dir->next. */
static Err *visit(Walk *walk, const Frame *dir, const Node *entry)
{
    bool matched = dir->next[walk->pattern->count], below = goes_on(walk->pattern, dir->next);
    bool is_link = entry->type == ENTRY_SYMLINK, exists = true;
    if (!matched && !is_link && !entry_is_dir(entry->type)) return NULL;
    Arena *paths = matched ? walk->arena : walk->scratch;
    Frame child = {
        .path = path_join(paths, dir->path, entry->name), .links = dir->links, .link = dir->link};
    bool same = dir->links == 0; /* no link on the way: both paths are one */
    const char *real = same ? child.path : path_join(walk->scratch, dir->place.real, entry->name);
    child.place = (Place){entry, real};
    bool keep = is_link && walk->options.keep_links;
    if (is_link && (below || !keep)) {
        Err *err = follow(walk, dir, entry, &child, &exists);
        if (err != NULL) {
            exists = false;
            TRY(past(walk, err));
        }
    }
    if (matched && (exists || keep)) add_match(walk, keep ? entry : child.place.node, child.path);
    if (!below || !exists || !entry_is_dir(child.place.node->type)) return NULL;
    return enter(walk, dir, &child);
}

static Err *walk_name(Walk *walk, const Frame *dir, const char *name)
{
    const Node *entry = NULL;
    TRY(dir_lookup(walk->fs, &dir->place, name, &entry));
    if (entry == NULL || !advance(dir, walk->pattern, name)) return NULL;
    return visit(walk, dir, entry);
}

static Err *walk_dir(Walk *walk, Frame *dir)
{
    const char *name =
        toggle_on(TOGGLE_literal_names) ? only_name(walk->pattern, dir->positions) : NULL;
    if (name != NULL) return walk_name(walk, dir, name);
    const Node *entries = NULL;
    size_t count = 0;
    Err *err = dir_list(walk->fs, &dir->place, &entries, &count);
    if (err != NULL) return past(walk, err);
    for (size_t i = 0; i < count; i++) {
        if (advance(dir, walk->pattern, entries[i].name)) TRY(visit(walk, dir, &entries[i]));
    }
    return NULL;
}

static Err *walk_all(Fs *fs, Arena *arena, const Pattern *pattern, MatchOptions options,
                     Match **out, size_t *count)
{
    SCRATCH(scratch);
    Walk walk = {
        .fs = fs, .arena = arena, .scratch = scratch, .pattern = pattern, .options = options};
    Frame top = {.path = "/", .place = {.real = "/"}};
    PERF_SPAN_FOR(PERF_pattern_walk, pattern->text);
    perf_add(PERF_pattern_wild, pattern->capture_count);
    TRY(fs_root(fs, &top.place.node));
    top.positions = arena_alloc(scratch, pattern->count + 1);
    top.next = arena_alloc(scratch, pattern->count + 1);
    set_position(pattern, top.positions, 0);
    if (pattern->count == 0)
        add_match(&walk, top.place.node, "/");
    else
        TRY(walk_dir(&walk, &top));
    *out = walk.matches.v;
    *count = walk.matches.n;
    return NULL;
}

Err *fs_match(Fs *fs, Arena *arena, const Pattern *pattern, MatchOptions options, Match **out,
              size_t *count)
{
    /* Who hears of what is broken wants to hear it each time. */
    if (options.broken != NULL || !toggle_on(TOGGLE_pattern_memo))
        return walk_all(fs, arena, pattern, options, out, count);
    return match_cached(fs_match_cache(fs), fs, arena, pattern, options, walk_all, out, count);
}
