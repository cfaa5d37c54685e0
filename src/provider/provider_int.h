/* What the files of provider share. */
#pragma once
#include "os/os.h"
#include "provider/provider.h"

typedef VEC(const char *) TextVec;

struct Provider {
    Arena *arena;
    ProviderOptions options;
    Fs *fs;
    Plan *plan;          /* made on first use */
    const char *scratch; /* likewise */
    ProviderFactories factories;
    Map relations;         /* key of relation_key -> const Rel * */
    size_t relation_bytes; /* of the arena, that building them took */
    TextVec trail;         /* paths of the derived nodes being listed or built, outermost first */
    bool without_texts;    /* texts are not parsed: each is an empty relation */
    int scratch_files;
    size_t piece_bytes, sample_bytes; /* of texts; 0: the usual ones. Tests make them small. */
    Conn *conn;                       /* for checks and conversions; opened on first use */
};

/* A derived node begins and ends being looked into; entering one that is on the trail is the circle
 * error. */
Err *trail_enter(Provider *provider, const char *path) WARN_UNUSED;
void trail_leave(Provider *provider);

/* The content of a stored file is as it was when it came in (for plan_set_file_check). */
Err *provider_check_file(void *provider, const ScanFile *file) WARN_UNUSED;
Err *provider_conn(Provider *provider, Conn **out) WARN_UNUSED;
Cache *provider_cache(Provider *provider);
/* A new name in the scratch folder. */
Err *provider_scratch_path(Provider *provider, Arena *arena, const char *suffix, char **out)
    WARN_UNUSED;

/* The time column of a schema by the rule of cli.md: -1 when there is none; INVALID that lists the
 * candidates when there are several. */
Err *time_column_find(const Schema *schema, const char *wanted, const char *label, ptrdiff_t *out)
    WARN_UNUSED;
bool time_column_is_named(const char *name);
/* What an INT64 time counts, by the magnitude of a typical value; NONE when that does not tell. */
TimeUnit time_unit_guess(int64_t typical);
Err *time_unit_parse(const char *text, TimeUnit *out) WARN_UNUSED;

/* Disjoint intervals that cover all times added, kept few by closing the smallest gaps first. */
typedef struct Cover Cover;
Cover *cover_new(Arena *arena);
void cover_add(Cover *cover, TimeUs *times, size_t count); /* may reorder `times` */
void cover_add_spans(Cover *cover, const TimeSpan *spans, size_t count);
void cover_finish(Cover *cover, Arena *arena, int64_t rows, TimeSpan **out, size_t *out_count);

/* What is known of a Parquet file (rows, size, schema, time column, intervals, order) as JSON and
 * back, and as a file to scan. */
void meta_to_json(JsonOut *json, const Version *meta);
void meta_from_json(Arena *arena, const Json *json, Version *meta);
Err *scan_file_of(Arena *arena, const Version *meta, const char *path, const char *label,
                  ScanFile *out) WARN_UNUSED;

/* Runs `body` in a child process; its result or error comes back. A child that crashes is INVALID
 * naming `label`. */
typedef Err *MetaBody(void *context, Arena *arena, Version *meta);
Err *isolated(Arena *arena, const char *label, MetaBody *body, void *context, Version *meta)
    WARN_UNUSED;

/* Texts (text_int.h has the formats' seam): a node or host file read through a text format. Parsed
 * once per content and options. */
Err *text_relation(Provider *provider, const Source *source, const Url *url, const Rel **out)
    WARN_UNUSED;
