/* The format cache: a text is parsed once per content and options. Its Parquet lies in
 * POND/cache/formats/<key>.parquet; what is known of it (schema, rows, intervals) in cache.db under
 * the same key. Either may vanish at any moment: then it is made again. */
#include "perf/perf.h"
#include "provider/provider_int.h"
#include <string.h>

static const char REVISION[] = "csv 1"; /* of the conversion: another one is another key */

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

static void put_spans(JsonOut *json, const TimeSpan *spans, size_t count)
{
    json_key(json, "intervals");
    json_begin_array(json);
    for (size_t i = 0; i < count; i++) {
        json_put_int(json, spans[i].min);
        json_put_int(json, spans[i].max);
    }
    json_end(json);
}

static void remember(Provider *provider, const char *key, const Version *meta, int64_t size_bytes)
{
    SCRATCH(scratch);
    Buf text = buf_new(scratch);
    JsonOut json = json_out(&text);
    json_begin_object(&json);
    json_kv_int(&json, "size", size_bytes);
    json_kv_int(&json, "rows", meta->rows);
    json_kv_str(&json, "time", meta->time_column);
    json_kv_bool(&json, "in_order", meta->in_order);
    put_spans(&json, meta->intervals, meta->interval_count);
    json_key(&json, "schema");
    json_put_raw(&json, meta->schema);
    json_end(&json);
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
    *found = stat.size_bytes == json_int(json, "size", -1);
    const Json *spans = json_get(json, "intervals");
    if (!*found || spans == NULL) return NULL;
    file->rows = json_int(json, "rows", 0);
    file->size_bytes = stat.size_bytes;
    file->time_column = json_str(json, "time", NULL);
    file->in_order = json_bool(json, "in_order", false);
    TimeSpan *intervals = AARRAY(arena, TimeSpan, spans->count / 2 + 1);
    for (size_t i = 0; i + 1 < spans->count; i += 2) {
        intervals[i / 2] = (TimeSpan){spans->items[i].integer, spans->items[i + 1].integer};
    }
    file->intervals = intervals;
    file->interval_count = spans->count / 2;
    return schema_from_json(arena, json_get(json, "schema"), &file->schema);
}

static Err *make(Provider *provider, const char *text_path, const Url *url, const char *label,
                 const char *key, const char *path, ScanFile *file)
{
    Arena *arena = provider->arena;
    char *staged = NULL;
    Version meta = {0};
    OsStat stat;
    const Json *schema = NULL;
    TRY(provider_scratch_path(provider, arena, ".parquet", &staged));
    TRY(provider_csv_to_parquet(provider, arena, text_path, url, label, staged));
    TRY(provider_check_parquet(provider, arena, staged,
                               &(IngestOptions){.label = label,
                                                .series = true,
                                                .converted = true,
                                                .time_column = url_option(url, "time")},
                               &meta));
    TRY(os_stat(staged, &stat));
    char *dir = path_parent(arena, path);
    Err *err = os_mkdirs(dir);
    if (err == NULL) err = os_rename(staged, path);
    if (err == NULL) {
        remember(provider, key, &meta, stat.size_bytes);
    } else { /* the cache folder cannot be written: this command's own copy serves */
        err_free(err);
        path = staged;
    }
    TRY(json_parse(arena, meta.schema, strlen(meta.schema), &schema));
    TRY(schema_from_json(arena, schema, &file->schema));
    file->path = path;
    file->rows = meta.rows;
    file->size_bytes = stat.size_bytes;
    file->time_column = meta.time_column;
    file->intervals = meta.intervals;
    file->interval_count = meta.interval_count;
    file->in_order = meta.in_order;
    return NULL;
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
