/* The format cache: a text is parsed once per content and options. Its Parquet lies in
 * POND/cache/formats/<key>.parquet; what is known of it (schema, rows, intervals) in cache.db under
 * the same key. Either may vanish at any moment: then it is made again. */
#include "perf/perf.h"
#include "provider/provider_int.h"
#include <string.h>

static const char REVISION[] = "csv 3"; /* of the conversion: another one is another key */

static void format_key(const char *sha256, const Url *url, char out[65])
{
    SCRATCH(scratch);
    Sha256 *hash = sha256_new(scratch);
    sha256_add_text(hash, REVISION);
    sha256_add_text(hash, sha256);
    for (size_t i = 0; i < url->option_count; i++) {
        sha256_add_text(hash, url->options[i].key);
        sha256_add_text(hash, url->options[i].value);
    }
    sha256_hex(hash, out);
}

static void remember(Provider *provider, const char *key, const Version *meta)
{
    SCRATCH(scratch);
    Buf text = buf_new(scratch);
    JsonOut json = json_out(&text);
    meta_to_json(&json, meta);
    cache_put(provider_cache(provider), "format", key, text.data, text.size);
}

static Err *recall(Provider *provider, const char *key, const char *path, ScanFile *file,
                   bool *found)
{
    Arena *arena = provider->arena;
    size_t size = 0;
    const Json *json = NULL;
    OsStat stat;
    *found = false;
    const char *text = cache_get(provider_cache(provider), arena, "format", key, &size);
    if (text == NULL) return NULL;
    TRY(os_stat_if(path, found, &stat));
    if (!*found) return NULL;
    TRY(json_parse(arena, text, size, &json));
    Version meta = {.size_bytes = stat.size_bytes};
    *found = stat.size_bytes == json_int(json, "size", -1);
    if (!*found) return NULL;
    meta_from_json(arena, json, &meta);
    return scan_file_of(arena, &meta, path, file->label, file);
}

static Err *make(Provider *provider, const char *text_path, const Url *url, const char *label,
                 const char *key, const char *path, ScanFile *file)
{
    Arena *arena = provider->arena;
    char *staged = NULL;
    Version meta = {0};
    OsStat stat;
    TRY(provider_scratch_path(provider, arena, ".parquet", &staged));
    TRY(provider_csv_to_parquet(provider, arena, text_path, url, label, staged));
    TRY(provider_check_parquet(provider, arena, staged,
                               &(IngestOptions){.label = label,
                                                .series = true,
                                                .converted = true,
                                                .time_column = url_option(url, "time")},
                               &meta));
    TRY(os_stat(staged, &stat));
    meta.size_bytes = stat.size_bytes;
    char *dir = path_parent(arena, path);
    Err *err = os_mkdirs(dir);
    if (err == NULL) err = os_rename(staged, path);
    if (err == NULL) {
        remember(provider, key, &meta);
    } else { /* the cache folder cannot be written: this command's own copy serves */
        err_free(err);
        path = staged;
    }
    return scan_file_of(arena, &meta, path, file->label, file);
}

Err *text_scan_file(Provider *provider, const char *path, const char *sha256, const Url *url,
                    const char *label, ScanFile *out)
{
    const char *dir = provider->options.format_dir;
    if (dir == NULL) TRY(provider_scratch_dir(provider, &dir));
    ScanFile file = {.label = label, .time_unit = TIME_UNIT_NONE};
    bool found = false;
    format_key(sha256, url, file.sha256);
    char *parquet = arena_printf(provider->arena, "%s/%s.parquet", dir, file.sha256);
    file.path = parquet;
    Err *err = recall(provider, file.sha256, parquet, &file, &found);
    bool failed = err != NULL; /* an unreadable cache is a miss */
    err_free(err);
    if (failed || !found) TRY(make(provider, path, url, label, file.sha256, parquet, &file));
    *out = file;
    return NULL;
}
