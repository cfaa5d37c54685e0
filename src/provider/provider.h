/* provider — from names to relations and bytes: URLs and formats, ingest checks, stored nodes and
 * (through factories installed from above) derived nodes as relation trees.
 *
 * One Provider serves one command: it owns the mounted Fs (with the resolver that lists dynamic
 * directories), the Plan, and remembers each node's relation, so that nothing is discovered twice.
 * A derived node that reads itself, directly or through others, is CIRCLE and prints the way.
 *
 * Threads: one thread; resolved relations may be run by several (plan.h). */
#pragma once
#include "plan/plan.h"
#include "tinyfs/tinyfs.h"

/* ---- URLs: [host+]FORMAT[+COMPRESSION][+ENTRYTYPE]:///PATH[?opt=v&opt=v] ---- */
typedef enum Format {
    FORMAT_FILE,
    FORMAT_TABLE,
    FORMAT_SERIES,
    FORMAT_CSV,
    FORMAT_JSONL,
    FORMAT_OTELJSON
} Format;
bool format_is_text(Format format);     /* made into rows by parsing */
const char *format_name(Format format); /* as in URLs */
typedef enum Compression {
    COMPRESSION_NONE,
    COMPRESSION_GZIP,
    COMPRESSION_ZSTD,
    COMPRESSION_BZIP2
} Compression;
typedef struct UrlOption {
    const char *key, *value;
} UrlOption;
typedef struct Url {
    bool is_url; /* false: a plain path, never decoded; then format = FILE */
    bool host;   /* the host's file system */
    Format format;
    Compression compression; /* of texts */
    bool has_entry;          /* +series, +data:series ...: what it becomes on copy */
    EntryType entry;
    const char *path; /* percent-decoded; decoded wildcard characters come back-slashed, so that
                         they stay literal in patterns */
    const char *text; /* as given */
    UrlOption *options;
    size_t option_count;
} Url;
/* INVALID naming the unknown format, compression or option with the nearest name and the position.
 */
Err *url_parse(Arena *arena, const char *text, Url *out) WARN_UNUSED;
const char *url_option(const Url *url, const char *key); /* NULL when absent */

/* ---- a command's provider ---- */
typedef struct Provider Provider;
typedef struct ProviderOptions {
    FsBackend backend; /* ops NULL: no pond, only host+ URLs */
    /* What only queries need, so that listing opens and makes nothing: */
    Cache *(*cache)(void *context); /* may return NULL */
    Err *(*scratch)(void *context,
                    const char **out_dir); /* this command's own folder, removed by its owner */
    void *context;
    const char
        *format_dir; /* POND/cache/formats: Parquet made from texts, by content; NULL: in scratch */
    int threads;     /* for texts; 0: as many as there are processors, at most 4 */
    int64_t format_budget_bytes; /* of format_dir; 0: 8 GiB */
    const UrlOption *vars;       /* -v KEY=VALUE */
    size_t var_count;
} ProviderOptions;
Err *provider_open(Arena *arena, const ProviderOptions *options, Provider **out) WARN_UNUSED;
void provider_close_at(Provider **provider);
Fs *provider_fs(Provider *provider);                            /* NULL without a pond */
Err *provider_plan(Provider *provider, Plan **out) WARN_UNUSED; /* made on first use */
/* A zone of the host's tz database. NOT_FOUND with how names look. */
Err *provider_zone(Arena *arena, const char *name, const Zone **out) WARN_UNUSED;
Arena *provider_arena(Provider *provider);
/* What it knows of the pond's content: after a commit. */
void provider_forget(Provider *provider);
Err *provider_scratch_dir(Provider *provider, const char **out) WARN_UNUSED;

/* Factories, installed from above (module factory). `dir` and `node` are dynamic: a stored node
 * with a factory or a derived one. */
typedef struct ProviderFactories {
    Err *(*children)(Provider *provider, const Node *dir, const char *path, Node **out,
                     size_t *count);
    Err *(*relation)(Provider *provider, const Node *node, const char *path, const Rel **out);
} ProviderFactories;
void provider_set_factories(Provider *provider, const ProviderFactories *factories);

/* ---- relations ---- */
typedef struct Source {
    Node node;        /* id.text[0] = 0 for host files */
    const char *path; /* pond path, or host path */
    const char *const *captures;
    size_t capture_count;
    bool host;
} Source;
/* What a pattern or URL names, sorted by path; may be none. */
Err *provider_match(Provider *provider, Arena *arena, const char *pattern_or_url, Source **out,
                    size_t *count) WARN_UNUSED;
/* The absolute path and size of the host file that a URL or plain host path names. NOT_FOUND,
 * INVALID when it is a directory. */
Err *provider_host_file(Arena *arena, const Url *url, char **out, int64_t *size) WARN_UNUSED;
/* Is it something with rows (table, series, dynamic, text by URL format)? */
bool provider_is_queryable(const Node *node);
/* The relation of one node, stored or derived; remembered. INVALID for directories and raw data.
 * `url` may be NULL: a plain path. */
Err *provider_relation(Provider *provider, const Source *source, const Url *url, const Rel **out)
    WARN_UNUSED;
/* One version of a table or series, within the node's temporal bounds. */
Err *provider_version_relation(Provider *provider, const Source *source, const Version *version,
                               const Rel **out) WARN_UNUSED;
/* Exactly one: path or URL. NOT_FOUND (nearest name), INVALID when it names several or a directory.
 */
Err *provider_relation_of(Provider *provider, const char *path_or_url, const Rel **out) WARN_UNUSED;

/* CIRCLE when the node (a new one, inside the transaction) reads itself; other errors of it are
 * left for its use. No text is parsed. */
Err *provider_check_circle(Provider *provider, const char *path) WARN_UNUSED;

/* ---- collapse: many versions of a series into few, its content unchanged ---- */
typedef struct CollapseRun {
    size_t begin, end; /* versions [begin, end) become one */
} CollapseRun;
typedef struct CollapsePlan {
    size_t first;      /* the versions before it are not touched */
    CollapseRun *runs; /* those from it on; one alone is only numbered anew */
    size_t run_count;  /* 0: nothing to do */
    size_t after;      /* how many versions there will be */
    int64_t rewrite_bytes;
    const char *reason; /* why more than `most` stay; NULL when they do not */
} CollapsePlan;
/* What to do so that at most `most` of the live versions of a series (data or table) stay; versions
 * of half a gigabyte are full and stay. What is rewritten follows what was added: the rule stands
 * in provider/collapse.c. */
Err *provider_collapse_plan(Arena *arena, EntryType type, const Version *versions, size_t count,
                            size_t most, CollapsePlan *out) WARN_UNUSED;
typedef struct CollapseCall {
    const Node *node;
    const char *path;
    const Version *versions; /* those that were planned with */
    const CollapsePlan *plan;
} CollapseCall;
/* Inside a transaction. Rows in version order, each version's in its own; temporal bounds are not
 * applied. CORRUPT when the old versions do not hold what is recorded of them. */
Err *provider_collapse(Provider *provider, Arena *arena, const CollapseCall *call) WARN_UNUSED;

/* ---- configuration text ---- */
/* ${env:VAR} ${env:VAR:-default} ${var:KEY} $$ in every scalar of a tree, at use; $0 and ${10} are
 * left alone. INVALID with position when unset. */
Err *provider_expand(Provider *provider, Arena *arena, Yaml *tree) WARN_UNUSED;

/* ---- ingest: what comes into the pond is checked here ---- */
typedef struct IngestOptions {
    const char *label;       /* for messages: the source's name */
    const char *time_column; /* ?time=COL, or NULL: found by the rule of cli.md */
    const char *unit;        /* ?unit=s|ms|us|ns, or NULL */
    bool series;             /* must have a time column without nulls */
    bool converted;          /* made here from a text: messages do not speak of Parquet */
} IngestOptions;
/* Decodes every column of a Parquet file once and fills in rows, schema, time column, unit,
 * intervals (<= 64), in_order. INVALID: "not a valid parquet file" with PAR1 hint, truncated,
 * undecodable. `meta` size and sha256 are the caller's. */
Err *provider_check_parquet(Provider *provider, Arena *arena, const char *path,
                            const IngestOptions *options, Version *meta) WARN_UNUSED;
/* Converts a text on the host (url->format) to one Parquet file: types by all its values, row order
 * kept, the time column TIMESTAMPTZ. Fills in `meta` like provider_check_parquet. INVALID with the
 * line for what is no such text; nothing is left at `parquet` then. */
Err *provider_text_to_parquet(Provider *provider, Arena *arena, const char *path, const Url *url,
                              const char *label, const char *parquet, Version *meta) WARN_UNUSED;

/* ---- packed texts: streaming unpackers ---- */
typedef struct Unpacker Unpacker;
Unpacker *unpacker_new(Compression compression);
void unpacker_free_at(Unpacker **unpacker);
/* From in[0, *size) into out[0, *room); sets both to what was used and made. False: damaged. */
bool unpacker_step(Unpacker *unpacker, const char *in, size_t *size, char *out, size_t *room);
bool unpacker_is_between(const Unpacker *unpacker);         /* at the end of a member */
Compression compression_of(const char *bytes, size_t size); /* by the magic bytes; NONE */
const char *compression_name(Compression compression);
