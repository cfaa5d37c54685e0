/* What the files of tinyfs share: listings and lookups by directory, resolution of paths and links,
 * and the inside of patterns. */
#pragma once
#include "tinyfs/tinyfs.h"

enum { NAME_MAX_BYTES = 255, PATH_MAX_BYTES = 4096 };

/* A path as it may stand in an error message: one printable line. */
const char *path_shown(Arena *arena, const char *path);

/* Where `at` stands in `text`, in characters from 1. */
int text_column(const char *text, const char *at);

/* ---- fs.c: directories ---- */

/* A node and the path that leads to it without links. */
typedef struct Place {
    const Node *node;
    const char *real;
} Place;

Err *fs_root(Fs *fs, const Node **out) WARN_UNUSED;
/* Every entry, sorted by name. Remembered: read once between changes. */
Err *dir_list(Fs *fs, const Place *dir, const Node **out, size_t *count) WARN_UNUSED;
/* One entry, without reading a stored directory; NULL when there is none. Remembered too. */
Err *dir_lookup(Fs *fs, const Place *dir, const char *name, const Node **out) WARN_UNUSED;
/* One entry of a stored directory has changed; so may have every dynamic directory. */
void dir_changed(Fs *fs, const NodeId *dir, const char *name);
/* Adds "did you mean ..." with the name in `dir` that is nearest to `name`, when there is one. Here
 * `real` may be the path as the user wrote it. */
Err *dir_hint(Fs *fs, Err *err, const Place *dir, const char *name) WARN_UNUSED;

/* ---- match_cache.c: what patterns matched ---- */
typedef struct MatchCache {
    Arena *arena;
    Map kept;
    size_t bytes; /* ever kept */
} MatchCache;
MatchCache match_cache_new(Arena *arena);
/* Something has changed. */
void match_cache_forget(MatchCache *cache);
MatchCache *fs_match_cache(Fs *fs); /* fs.c */
typedef Err *MatchWalk(Fs *fs, Arena *arena, const Pattern *pattern, MatchOptions options,
                       Match **out, size_t *count);
/* What is kept, else what `walk` finds, which is then kept. */
Err *match_cached(MatchCache *cache, Fs *fs, Arena *arena, const Pattern *pattern,
                  MatchOptions options, MatchWalk *walk, Match **out, size_t *count) WARN_UNUSED;

/* ---- resolve.c: paths and links ---- */

/* Links followed on the way to one path, as in POSIX: at most LINKS_MAX. */
enum { LINKS_MAX = 40 };
typedef struct Trail {
    Fs *fs;
    Arena *arena; /* for paths */
    int links;
    const char *link; /* the link being followed now, as the user sees it: for messages */
} Trail;

typedef enum Outcome {
    OUTCOME_FOUND,
    OUTCOME_MISSING,     /* all but the last component exist */
    OUTCOME_MISSING_DIR, /* a directory on the way does not exist */
    OUTCOME_NOT_DIR,     /* something on the way is not a directory */
    OUTCOME_DANGLING     /* a link on the way, or the last component, points to nothing */
} Outcome;

typedef struct Resolved {
    Outcome outcome;
    Place at;           /* FOUND: links followed */
    const Node *parent; /* holds, or would hold, the last component reached, as written */
    const char *stuck; /* not FOUND: the path that is missing, no directory, or the dangling link */
    const char *target; /* DANGLING: what the link says */
} Resolved;

/* `path` is normalised. What is missing is no error here, only what cannot be read and links
 * without end. */
Err *trail_resolve(Trail *trail, const char *path, FindOptions options, Resolved *out) WARN_UNUSED;
/* Where the link `link` in `dir` leads. `logical` is its path for messages. FOUND or DANGLING. */
Err *trail_follow(Trail *trail, const Place *dir, const Node *link, const char *logical,
                  Resolved *out) WARN_UNUSED;
/* The error for an outcome that is not FOUND. */
Err *resolved_error(Fs *fs, const Resolved *resolved) WARN_UNUSED;

/* ---- pattern.c, glob.c ---- */

typedef struct CharRange {
    uint32_t first, last;
} CharRange;

typedef enum ItemKind { ITEM_TEXT, ITEM_STAR, ITEM_ANY, ITEM_SET, ITEM_CHOICE } ItemKind;

typedef struct Text {
    const char *bytes;
    size_t length;
} Text;

/* One piece of a component: literal text, `*`, `?`, `[set]` or `{a,b}`. */
typedef struct Item {
    ItemKind kind;
    Text text;         /* TEXT */
    bool negated;      /* SET */
    CharRange *ranges; /* SET */
    size_t range_count;
    Text *choices; /* CHOICE: longest first */
    size_t choice_count;
} Item;

typedef struct Component {
    bool deep;           /* `**` */
    const char *literal; /* the name it stands for, when it has no wildcard */
    Item *items;         /* else */
    size_t item_count;
} Component;

struct Pattern {
    const char *text;
    Component *components;
    size_t count, capture_count;
    bool literal;
};

bool component_matches(const Component *component, const char *name, size_t length);
