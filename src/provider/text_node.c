/* A node or host file as a text: its bytes, what is known of it, and the relation over the Parquet
 * files made of it. Text = the contents of the live versions, one behind the other. */
#include "perf/ops.h"
#include "provider/text_cache.h"
#include <string.h>
#include <unistd.h>

enum { THREADS_MOST = 4 }; /* each holds a piece in memory, and the engine's buffers beside it */

static int thread_count(const Provider *provider)
{
    long wanted = provider->options.threads;
    if (wanted <= 0) wanted = sysconf(_SC_NPROCESSORS_ONLN);
    return wanted < 1 ? 1 : wanted > THREADS_MOST ? THREADS_MOST : (int)wanted;
}

static Err *new_path(void *context, Arena *arena, char **out)
{
    return provider_scratch_path(context, arena, ".parquet", out);
}

static TextInput input_of(Provider *provider, const TextSegment *segments, size_t count)
{
    return (TextInput){
        .segments = segments,
        .count = count,
        .piece_bytes = provider->piece_bytes > 0 ? provider->piece_bytes : TEXT_PIECE_BYTES,
        .sample_bytes = provider->sample_bytes > 0 ? provider->sample_bytes : TEXT_SAMPLE_BYTES,
        .threads = thread_count(provider),
        .new_path = new_path,
        .context = provider};
}

static TextJob job_of(Provider *provider, const Url *url, const char *label)
{
    return (TextJob){.provider = provider,
                     .url = url,
                     .label = label,
                     .driver = text_driver(url->format),
                     .arena = provider->arena};
}

/* ---- whose bytes ---- */

static Err *host_segment(Provider *provider, const Source *source, TextVersions *out)
{
    OsStat stat;
    out->segments = ANEW(provider->arena, TextSegment);
    out->hashes = ANEW(provider->arena, const char *);
    out->count = 1;
    TRY(os_stat(source->path, &stat));
    out->segments[0] = (TextSegment){.path = source->path, .size = stat.size_bytes};
    if (!text_cache_serves(provider)) return NULL;
    char *hash = arena_alloc(provider->arena, SHA256_HEX + 1);
    TRY(os_sha256_file(source->path, &out->segments[0].size, hash));
    out->hashes[0] = hash;
    return NULL;
}

static Err *node_segments(Provider *provider, const Source *source, TextVersions *out)
{
    Arena *arena = provider->arena;
    const FsBackend *backend = &provider->options.backend;
    Version *versions = NULL;
    TRY(backend->ops->versions(backend->self, arena, source->node.id, &versions, &out->count));
    out->segments = AARRAY(arena, TextSegment, out->count + 1);
    out->hashes = AARRAY(arena, const char *, out->count + 1);
    for (size_t i = 0; i < out->count; i++) {
        Content content;
        TRY(backend->ops->content(backend->self, arena, &versions[i], &content));
        out->segments[i] =
            (TextSegment){.path = content.path, .bytes = content.bytes, .size = content.size_bytes};
        out->hashes[i] = versions[i].sha256;
    }
    return NULL;
}

static Err *segments_of(Provider *provider, const Source *source, const Url *url, TextVersions *out)
{
    if (source->host) return host_segment(provider, source, out);
    EntryType type = source->node.type;
    if (type == ENTRY_DATA || type == ENTRY_DATA_SERIES)
        return node_segments(provider, source, out);
    return err_hint(ERR(INVALID, "%s: is %s, not text", url->text, entry_type_name(type)),
                    "read it by its plain path");
}

/* ---- the relation ---- */

Err *text_scan(Provider *provider, const char *label, const TextFile *files, size_t count,
               const Rel **out)
{
    Arena *arena = provider->arena;
    ScanSpec spec = {
        .label = label, .files = AARRAY(arena, ScanFile, count + 1), .clip = {TIME_MIN, TIME_MAX}};
    for (size_t i = 0; i < count; i++) {
        ScanFile *scan = &spec.files[spec.file_count];
        bool last_chance = i + 1 == count && spec.file_count == 0;
        if (files[i].meta.rows == 0 && !last_chance) continue;
        TRY(scan_file_of(arena, &files[i].meta, files[i].path, label, scan));
        memcpy(scan->sha256, files[i].key, sizeof scan->sha256);
        spec.file_count++;
    }
    return rel_scan(arena, &spec, out);
}

static Err *scan_of(Provider *provider, const char *label, const TextState *state,
                    const Layout *layout, const Rel **out)
{
    if (state->files.n > 0) return text_scan(provider, label, state->files.v, state->files.n, out);
    Schema schema = layout_schema(provider->arena, layout);
    *out = rel_empty(provider->arena, label, layout->count > 0 ? &schema : NULL);
    return NULL;
}

Err *text_relation(Provider *provider, const Source *source, const Url *url, const Rel **out)
{
    Arena *arena = provider->arena;
    TextVersions versions = {0};
    TextState state = {0};
    Layout layout = {0};
    const char *label = arena_strdup(arena, url->text);
    if (provider->without_texts) {
        *out = rel_empty(arena, label, NULL);
        return NULL;
    }
    TextJob job = job_of(provider, url, label);
    TRY(segments_of(provider, source, url, &versions));
    job.series = !source->host && source->node.type == ENTRY_DATA_SERIES;
    TextInput input = input_of(provider, versions.segments, versions.count);
    TRY(text_cached(&job, &versions, &input, &state, &layout));
    const Rel *scan = NULL;
    TRY(scan_of(provider, label, &state, &layout, &scan));
    if (job.driver->relation != NULL) return job.driver->relation(provider, label, scan, out);
    *out = scan;
    return NULL;
}

/* ---- one file of a text on the host ---- */

/* Formats that convert their pieces themselves: the relation of those is written. */
static Err *write_parts(TextJob *job, const TextInput *input, const char *parquet, Version *meta)
{
    Provider *provider = job->provider;
    Arena *arena = provider->arena;
    TextState state = {0};
    Layout layout = {0};
    Plan *plan = NULL;
    Conn *conn = NULL;
    const Rel *rel = NULL;
    RelWritten written;
    TRY(text_advance(arena, job, input, &state, &layout));
    text_name_files(&state);
    TRY(scan_of(provider, job->label, &state, &layout, &rel));
    if (job->driver->relation != NULL) TRY(job->driver->relation(provider, job->label, rel, &rel));
    TRY(provider_plan(provider, &plan));
    TRY(plan_resolve(plan, rel));
    TRY(provider_conn(provider, &conn));
    TRY(rel_write(plan, arena, conn, rel,
                  &(RelWrite){.read = {.span = {TIME_MIN, TIME_MAX}}, .path = parquet}, &written));
    return provider_check_parquet(
        provider, arena, parquet,
        &(IngestOptions){.label = job->label, .series = true, .converted = true}, meta);
}

Err *provider_text_to_parquet(Provider *provider, Arena *arena, const char *path, const Url *url,
                              const char *label, const char *parquet, Version *meta)
{
    TextJob job = job_of(provider, url, label);
    OsStat stat;
    TRY(os_stat(path, &stat));
    TextSegment segment = {.path = path, .size = stat.size_bytes};
    TextInput input = input_of(provider, &segment, 1);
    PERF_SPAN_FOR(PERF_format_parse, path);
    if (job.driver->part != NULL) return write_parts(&job, &input, parquet, meta);
    job.arena = arena;
    return text_write(arena, &job, &input, parquet, meta);
}
