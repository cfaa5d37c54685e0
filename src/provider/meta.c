/* What is known of a Parquet file, as text (for the format cache, and between processes) and as a
 * file to scan. */
#include "provider/provider_int.h"
#include <string.h>

void meta_to_json(JsonOut *json, const Version *meta)
{
    json_begin_object(json);
    json_kv_int(json, "size", meta->size_bytes);
    json_kv_int(json, "rows", meta->rows);
    json_kv_str(json, "time", meta->time_column);
    json_kv_int(json, "unit", (int64_t)meta->time_unit);
    json_kv_bool(json, "in_order", meta->in_order);
    json_key(json, "intervals");
    json_begin_array(json);
    for (size_t i = 0; i < meta->interval_count; i++) {
        json_put_int(json, meta->intervals[i].min);
        json_put_int(json, meta->intervals[i].max);
    }
    json_end(json);
    json_kv_str(json, "schema", meta->schema);
    if (meta->attributes != NULL) json_kv_str(json, "attributes", meta->attributes);
    json_end(json);
}

void meta_from_json(Arena *arena, const Json *json, Version *meta)
{
    const Json *spans = json_get(json, "intervals");
    size_t count = spans != NULL ? spans->count / 2 : 0;
    meta->parquet = true;
    meta->rows = json_int(json, "rows", 0);
    meta->time_column = json_str(json, "time", NULL);
    meta->time_unit = (TimeUnit)json_int(json, "unit", TIME_UNIT_NONE);
    meta->in_order = json_bool(json, "in_order", false);
    meta->schema = json_str(json, "schema", NULL);
    meta->attributes = json_str(json, "attributes", NULL);
    meta->intervals = AARRAY(arena, TimeSpan, count + 1);
    meta->interval_count = count;
    for (size_t i = 0; i < count; i++) {
        meta->intervals[i] =
            (TimeSpan){spans->items[2 * i].integer, spans->items[2 * i + 1].integer};
    }
}

Err *scan_file_of(Arena *arena, const Version *meta, const char *path, const char *label,
                  ScanFile *out)
{
    const Json *schema = NULL;
    if (meta->schema == NULL) return ERR(CORRUPT, "%s: no schema was recorded", label);
    TRY(json_parse(arena, meta->schema, strlen(meta->schema), &schema));
    TRY(schema_from_json(arena, schema, &out->schema));
    out->path = path;
    out->label = label;
    out->rows = meta->rows;
    out->size_bytes = meta->size_bytes;
    out->time_column = meta->time_column;
    out->time_unit = meta->time_unit;
    out->intervals = meta->intervals;
    out->interval_count = meta->interval_count;
    out->in_order = meta->in_order;
    out->facts = meta->attributes;
    return NULL;
}
