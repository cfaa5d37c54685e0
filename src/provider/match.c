/* What a pattern or URL names. In the pond: tinyfs matches, links followed. On the host: one file.
 */
#include "provider/provider_int.h"
#include <string.h>

Err *provider_host_file(Arena *arena, const Url *url, char **out, int64_t *size)
{
    bool exists = false;
    OsStat stat;
    TRY(os_absolute(arena, url->path, out));
    TRY(os_stat_if(*out, &exists, &stat));
    if (!exists) {
        Err *err = err_path(ERR(NOT_FOUND, "%s: no such file on the host", url->text), *out);
        bool mark = url->is_url && strchr(url->text, '?') != NULL;
        return mark ? err_hint(err, "'?' begins the options; in a name it is written %%3F") : err;
    }
    if (stat.is_dir)
        return err_path(ERR(INVALID, "%s: is a directory on the host", url->text), *out);
    os_class_add(*out, OS_HOST);
    *size = stat.size_bytes;
    return NULL;
}

static Err *host_source(Arena *arena, const Url *url, Source **out, size_t *count)
{
    char *path = NULL;
    int64_t size = 0;
    TRY(provider_host_file(arena, url, &path, &size));
    engine_allow(path);
    Source *source = ANEW(arena, Source);
    *source = (Source){
        .path = path,
        .host = true,
        .node = {.name = path_base(path), .type = ENTRY_DATA, .size_bytes = size, .rows = -1}};
    *out = source;
    *count = 1;
    return NULL;
}

Err *provider_match(Provider *provider, Arena *arena, const char *pattern_or_url, Source **out,
                    size_t *count)
{
    Url url;
    TRY(url_parse(arena, pattern_or_url, &url));
    if (url.host) return host_source(arena, &url, out, count);
    if (provider->fs == NULL) {
        return err_hint(
            ERR(NOT_A_POND, "%s: a pond path, but no pond is given", pattern_or_url),
            "name it with --pond DIR or POND, or read a host file with host+FORMAT:///path");
    }
    const Pattern *pattern = NULL;
    Match *matches = NULL;
    size_t match_count = 0;
    TRY(pattern_compile(arena, url.path, &pattern));
    TRY(fs_match(provider->fs, arena, pattern, (MatchOptions){0}, &matches, &match_count));
    Source *sources = AARRAY(arena, Source, match_count);
    for (size_t i = 0; i < match_count; i++) {
        sources[i] = (Source){.node = matches[i].node,
                              .path = matches[i].path,
                              .captures = matches[i].captures,
                              .capture_count = matches[i].capture_count};
    }
    *out = sources;
    *count = match_count;
    return NULL;
}

bool provider_is_queryable(const Node *node)
{
    return node->type == ENTRY_TABLE || node->type == ENTRY_TABLE_SERIES ||
           node->type == ENTRY_DYNAMIC;
}

/* A path that names nothing: ask tinyfs, whose error knows the nearest name. */
static Err *missing(Provider *provider, Arena *arena, const Url *url)
{
    Found found;
    const Pattern *pattern = NULL;
    TRY(pattern_compile(arena, url->path, &pattern));
    if (pattern_is_literal(pattern))
        TRY(fs_get(provider->fs, arena, url->path, (FindOptions){0}, &found));
    return err_path(ERR(NOT_FOUND, "%s: nothing matches", url->text), url->path);
}

Err *provider_relation_of(Provider *provider, const char *path_or_url, const Rel **out)
{
    Arena *arena = provider->arena;
    Url url;
    Source *sources = NULL;
    size_t count = 0;
    TRY(url_parse(arena, path_or_url, &url));
    TRY(provider_match(provider, arena, path_or_url, &sources, &count));
    if (count == 0) return missing(provider, arena, &url);
    if (count > 1) {
        return err_hint(ERR(INVALID, "%s: names %zu things, one is wanted", path_or_url, count),
                        "the first are %s and %s", sources[0].path, sources[1].path);
    }
    return provider_relation(provider, &sources[0], &url, out);
}
