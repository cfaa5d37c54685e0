/* From patterns to inputs, once over the catalog: relations for what has rows, bytes for raw data.
 * A pattern that names nothing, or a directory, is an error: the user meant something else, and an
 * export that silently holds less is worse than none. */
#include "export/export_int.h"
#include <string.h>

typedef struct Resolving {
    Arena *arena;
    Provider *provider;
    const char *pattern;
    Url url;
    VEC(ExportInput) inputs;
} Resolving;

static Err *resolve_raw(Resolving *r, const Source *source, ExportInput *input)
{
    FsBackend backend = fs_backend(provider_fs(r->provider));
    Version *versions;
    size_t count;
    TRY(backend.ops->versions(backend.self, r->arena, source->node.id, &versions, &count));
    Content *pieces = AARRAY(r->arena, Content, count);
    Sha256 *hash = sha256_new(r->arena);
    for (size_t i = 0; i < count; i++) {
        TRY(backend.ops->content(backend.self, r->arena, &versions[i], &pieces[i]));
        sha256_add_text(hash, versions[i].sha256);
    }
    char hex[SHA256_HEX + 1];
    sha256_hex(hash, hex);
    input->pieces = pieces;
    input->piece_count = count;
    input->raw_fingerprint = arena_strdup(r->arena, hex);
    return NULL;
}

static Err *resolve_source(Resolving *r, const Source *source)
{
    ExportInput input = {.pattern = r->pattern,
                         .source = source->path,
                         .captures = source->captures,
                         .capture_count = source->capture_count};
    Meter meter = meter_begin();
    bool as_text = r->url.is_url && r->url.format != FORMAT_FILE;
    if (entry_is_dir(source->node.type))
        return err_hint(
            ERR(INVALID, "%s: is a directory, and only files are exported", source->path),
            "write a pattern that matches files, such as '%s/*'", source->path);
    if (source->node.type == ENTRY_DYNAMIC_DATA)
        return err_hint(ERR(INVALID, "%s: is %s, which holds nothing to export", source->path,
                            source->node.factory),
                        "write a pattern that does not match it");
    if (as_text || provider_is_queryable(&source->node))
        TRY(provider_relation(r->provider, source, r->url.is_url ? &r->url : NULL, &input.rel));
    else
        TRY(resolve_raw(r, source, &input));
    meter_end(&meter, PHASE_REGISTRATION, &input.phases);
    vec_push(r->arena, &r->inputs, input);
    return NULL;
}

static Err *resolve_pattern(Resolving *r)
{
    TRY(url_parse(r->arena, r->pattern, &r->url));
    if (r->url.host)
        return err_hint(
            ERR(INVALID, "%s: export reads from the pond, not from the host", r->pattern),
            "copy it in first with 'pond copy'");
    Source *sources;
    size_t count;
    Meter meter = meter_begin();
    TRY(provider_match(r->provider, r->arena, r->pattern, &sources, &count));
    ExportPhases found = {0}; /* by all of them */
    meter_end(&meter, PHASE_TRAVERSAL, &found);
    if (count == 0)
        return err_hint(ERR(NOT_FOUND, "%s: nothing in the pond matches", r->pattern),
                        "see what there is with 'pond list'");
    for (size_t i = 0; i < count; i++) {
        TRY(os_check_interrupt());
        TRY(resolve_source(r, &sources[i]));
        phases_add(&r->inputs.v[r->inputs.n - 1].phases, &found, 1.0 / (double)count);
    }
    return NULL;
}

static bool given_before(const ExportOptions *options, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(options->patterns[i], options->patterns[index]) == 0) return true;
    return false;
}

Err *inputs_resolve(Arena *arena, Provider *provider, const ExportOptions *options,
                    ExportInput **out, size_t *out_count)
{
    Resolving resolving = {.arena = arena, .provider = provider};
    for (size_t i = 0; i < options->pattern_count; i++) {
        if (given_before(options, i)) continue;
        resolving.pattern = options->patterns[i];
        TRY(resolve_pattern(&resolving));
    }
    *out = resolving.inputs.v;
    *out_count = resolving.inputs.n;
    return NULL;
}
