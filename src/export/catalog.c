/* OUT/catalog.json: what a reader of the export needs to choose files without listing or opening
 * any. Made from the manifest, so from what the writer knew of each file. Nothing in it depends on
 * when or where the export ran: equal exports, equal bytes. */
#include "export/publish_int.h"
#include <string.h>

/* "year=2024/month=7" → {"year":2024,"month":7} */
static void put_keys(JsonOut *out, const char *keys)
{
    json_key(out, "keys");
    json_begin_object(out);
    while (*keys != 0) {
        size_t name = strcspn(keys, "="), size = strcspn(keys, "/");
        SCRATCH(scratch);
        json_key(out, arena_strndup(scratch, keys, name));
        json_put_raw(out, arena_strndup(scratch, keys + name + 1, size - name - 1));
        keys += size;
        if (*keys == '/') keys++;
    }
    json_end(out);
}

static void put_time(JsonOut *out, const char *key, const TimeUs *time)
{
    SCRATCH(scratch);
    json_kv_str(out, key, time != NULL ? time_format(scratch, *time) : NULL);
}

static void put_file(JsonOut *out, const ManifestFile *file)
{
    json_begin_object(out);
    json_kv_str(out, "path", file->path);
    put_keys(out, file->keys);
    put_time(out, "start", file->has_range ? &file->range.min : NULL);
    put_time(out, "end", file->has_range ? &file->range.max : NULL);
    json_key(out, "rows");
    if (file->rows >= 0)
        json_put_int(out, file->rows);
    else
        json_put_null(out);
    json_kv_int(out, "bytes", file->state.size_bytes);
    json_kv_str(out, "sha256", file->sha256);
    json_end(out);
}

static void put_fields(JsonOut *out, const Schema *schema)
{
    json_key(out, "fields");
    json_begin_array(out);
    for (size_t i = 0; i < schema->count; i++) {
        json_begin_object(out);
        json_kv_str(out, "name", schema->columns[i].name);
        json_kv_str(out, "type", schema->columns[i].type);
        json_end(out);
    }
    json_end(out);
}

static Err *put_target(FileOut *file, JsonOut *out, const ManifestTarget *target)
{
    json_begin_object(out);
    json_kv_str(out, "pond", target->pond);
    json_kv_str(out, "pattern", target->pattern);
    json_key(out, "captures");
    json_begin_array(out);
    for (size_t i = 0; i < target->capture_count; i++) json_put_str(out, target->captures[i]);
    json_end(out);
    json_kv_str(out, "source", target->source);
    json_kv_str(out, "path", target->path);
    json_kv_str(out, "partitioning", target->partitioning);
    put_fields(out, &target->schema);
    json_key(out, "files");
    json_begin_array(out);
    for (size_t i = 0; i < target->file_count; i++) {
        put_file(out, &target->files[i]);
        TRY(file_out_flush(file));
    }
    json_end(out);
    json_end(out);
    return NULL;
}

/* The pond all targets come from; NULL when there are several. */
static const char *only_pond(const Manifest *manifest)
{
    const char *pond = NULL;
    for (size_t i = 0; i < manifest->targets.n; i++) {
        const char *other = manifest->targets.v[i].pond;
        if (pond != NULL && strcmp(pond, other) != 0) return NULL;
        pond = other;
    }
    return pond;
}

Err *catalog_write(const char *path, const Manifest *manifest, FileState *out_state,
                   char out_sha256[65])
{
    SCRATCH(scratch);
    CLEANUP(file_out_close_at) FileOut file = {0};
    TRY(file_out_open(scratch, path, &file));
    JsonOut out = json_out(&file.text);
    json_begin_object(&out);
    json_kv_int(&out, "version", 1);
    json_kv_str(&out, "pond", only_pond(manifest));
    json_key(&out, "targets");
    json_begin_array(&out);
    for (size_t i = 0; i < manifest->targets.n; i++)
        TRY(put_target(&file, &out, &manifest->targets.v[i]));
    json_end(&out);
    json_end(&out);
    buf_putc(&file.text, '\n');
    return file_out_finish(&file, out_state, out_sha256);
}
