/* A node as a relation: stored tables and series as scans of their versions, texts as scans of
 * Parquet made from them, dynamic nodes by their factory. Each is built once per command. */
#include "perf/lookup.h"
#include "perf/ops.h"
#include "provider/provider_int.h"
#include <string.h>

static Err *version_scan_file(Provider *provider, const char *path, const Version *version,
                              ScanFile *out)
{
    Arena *arena = provider->arena;
    const FsBackend *backend = &provider->options.backend;
    Content content;
    TRY(backend->ops->locate(backend->self, arena, version, &content));
    PERF_LOOKUP(look, PERF_CACHE_footer);
    (void)perf_found(&look, true); /* what the log says stands in for it */
    if (content.path == NULL) {
        return err_path(ERR(CORRUPT, "%s: version %lld is a table without a blob", path,
                            (long long)version->version),
                        path);
    }
    memcpy(out->sha256, version->sha256, sizeof out->sha256);
    const char *label = arena_printf(arena, "%s v%lld", path, (long long)version->version);
    TRY(scan_file_of(arena, version, content.path, label, out));
    out->stored = true;
    return NULL;
}

Err *provider_check_file(void *context, const ScanFile *file)
{
    const FsBackend *backend = &((Provider *)context)->options.backend;
    SCRATCH(scratch);
    Version version = {.size_bytes = file->size_bytes, .parquet = true};
    Content content;
    memcpy(version.sha256, file->sha256, sizeof version.sha256);
    return ERR_WRAP(backend->ops->content(backend->self, scratch, &version, &content), "%s",
                    file->label);
}

static TimeSpan overrides_of(const Node *node)
{
    return (TimeSpan){.min = node->has_min_override ? node->min_override : TIME_MIN,
                      .max = node->has_max_override ? node->max_override : TIME_MAX};
}

static Err *stored_relation(Provider *provider, const Source *source, const Rel **out)
{
    Arena *arena = provider->arena;
    const FsBackend *backend = &provider->options.backend;
    Version *versions = NULL;
    size_t count = 0;
    TRY(backend->ops->versions(backend->self, arena, source->node.id, &versions, &count));
    ScanSpec spec = {.label = arena_strdup(arena, source->path),
                     .files = AARRAY(arena, ScanFile, count + 1),
                     .clip = overrides_of(&source->node)};
    for (size_t i = 0; i < count; i++) {
        if (!versions[i].parquet) continue; /* a 0-byte version holds nothing */
        TRY(version_scan_file(provider, source->path, &versions[i],
                              &spec.files[spec.file_count++]));
    }
    if (spec.file_count == 0) {
        *out = rel_empty(arena, spec.label, NULL);
        return NULL;
    }
    return rel_scan(arena, &spec, out);
}

Err *provider_version_relation(Provider *provider, const Source *source, const Version *version,
                               const Rel **out)
{
    ScanSpec spec = {.label = arena_strdup(provider->arena, source->path),
                     .files = ANEW(provider->arena, ScanFile),
                     .file_count = 1,
                     .clip = overrides_of(&source->node)};
    TRY(version_scan_file(provider, source->path, version, &spec.files[0]));
    return rel_scan(provider->arena, &spec, out);
}

static Err *host_parquet_relation(Provider *provider, const Source *source, const Url *url,
                                  const Rel **out)
{
    Arena *arena = provider->arena;
    ScanSpec spec = {.label = arena_strdup(arena, url->text),
                     .files = ANEW(arena, ScanFile),
                     .file_count = 1,
                     .clip = {TIME_MIN, TIME_MAX}};
    ScanFile *file = &spec.files[0];
    Version meta = {0};
    TRY(os_sha256_file(source->path, &file->size_bytes, file->sha256));
    TRY(provider_check_parquet(provider, arena, source->path,
                               &(IngestOptions){.label = url->text,
                                                .time_column = url_option(url, "time"),
                                                .unit = url_option(url, "unit")},
                               &meta));
    meta.size_bytes = file->size_bytes;
    TRY(scan_file_of(arena, &meta, source->path, spec.label, file));
    return rel_scan(arena, &spec, out);
}

static Err *dynamic_relation(Provider *provider, const Source *source, const Rel **out)
{
    if (provider->factories.relation == NULL)
        return ERR(INTERNAL, "%s: no factories are installed", source->path);
    TRY(trail_enter(provider, source->path));
    Err *err = provider->factories.relation(provider, &source->node, source->path, out);
    trail_leave(provider);
    return err;
}

static Err *not_queryable(const Source *source)
{
    if (entry_is_dir(source->node.type)) {
        return err_hint(err_path(ERR(INVALID, "%s: is a directory", source->path), source->path),
                        "name what is in it: %s/*", source->path);
    }
    if (source->node.type == ENTRY_DYNAMIC_DATA) {
        return err_path(
            ERR(INVALID, "%s: is %s, it has no rows", source->path, source->node.factory),
            source->path);
    }
    return err_hint(
        err_path(ERR(INVALID, "%s: is raw data, it has no rows", source->path), source->path),
        "read it with a format: csv://%s", source->path);
}

static Err *build(Provider *provider, const Source *source, const Url *url, const Rel **out)
{
    PERF_SPAN_FOR(PERF_relation_build, source->path);
    if (url != NULL && format_is_text(url->format))
        return text_relation(provider, source, url, out);
    if (source->host) return host_parquet_relation(provider, source, url, out);
    if (source->node.type == ENTRY_DYNAMIC) return dynamic_relation(provider, source, out);
    if (!provider_is_queryable(&source->node)) return not_queryable(source);
    return stored_relation(provider, source, out);
}

/* Derived nodes have ids of their own; the text after the id tells formats apart. */
static char *relation_key(Arena *arena, const Source *source, const Url *url)
{
    bool plain = url == NULL || (!format_is_text(url->format) && !url->host);
    return plain ? arena_strdup(arena, source->node.id.text)
                 : arena_printf(arena, "%s %s", source->path, url->text);
}

Err *provider_relation(Provider *provider, const Source *source, const Url *url, const Rel **out)
{
    char *key = relation_key(provider->arena, source, url);
    perf_count_for(PERF_relation_ask, key);
    PERF_LOOKUP(look, PERF_CACHE_relation);
    const Rel *known = map_get(&provider->relations, key);
    if (!perf_found(&look, known != NULL && toggle_on(TOGGLE_relation_memo))) {
        size_t used = arena_used(provider->arena), inner = provider->relation_bytes;
        TRY(build(provider, source, url, &known));
        perf_add(PERF_schema_column, rel_schema(known)->count);
        (void)map_put(&provider->relations, key, (void *)(uintptr_t)known);
        size_t all = arena_used(provider->arena) - used; /* with what its inputs took */
        perf_fetched(&look, (int64_t)(all - (provider->relation_bytes - inner)));
        provider->relation_bytes = inner + all;
    }
    *out = known;
    return NULL;
}
