/* OUT/.pond/manifest: what export has put into OUT, so that it knows its own files from others'.
 * Sealed lines (sealed.c): the version, folders, each target followed by its files; each field
 * stands in docs/format.md. Targets are ordered by path, so equal exports give equal catalogs. */
#include "export/publish_int.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MANIFEST_VERSION = 1 };

/* ---- writing ---- */

static Err *put_head(FileOut *out, const Manifest *manifest)
{
    JsonOut json = json_out(&out->text);
    json_begin_object(&json);
    json_kv_int(&json, "version", MANIFEST_VERSION);
    if (manifest->has_catalog) {
        json_key(&json, "catalog");
        json_begin_object(&json);
        file_state_put(&json, &manifest->catalog);
        json_kv_str(&json, "sha256", manifest->catalog_sha256);
        json_end(&json);
    }
    json_end(&json);
    return sealed_line(out);
}

static Err *put_dir(FileOut *out, const char *dir)
{
    JsonOut json = json_out(&out->text);
    json_begin_object(&json);
    json_kv_str(&json, "dir", dir);
    json_end(&json);
    return sealed_line(out);
}

static void put_options(JsonOut *json, const ManifestTarget *target)
{
    json_key(json, "options");
    json_begin_object(json);
    json_kv_str(json, "temporal", target->temporal);
    if (target->bounds.min != TIME_MIN) json_kv_int(json, "start", target->bounds.min);
    if (target->bounds.max != TIME_MAX) json_kv_int(json, "end", target->bounds.max);
    json_end(json);
}

static Err *put_target(FileOut *out, const ManifestTarget *target)
{
    JsonOut json = json_out(&out->text);
    json_begin_object(&json);
    json_key(&json, "target");
    json_begin_object(&json);
    json_kv_str(&json, "pond", target->pond);
    json_kv_str(&json, "pattern", target->pattern);
    json_key(&json, "captures");
    json_begin_array(&json);
    for (size_t i = 0; i < target->capture_count; i++) json_put_str(&json, target->captures[i]);
    json_end(&json);
    json_kv_str(&json, "source", target->source);
    json_kv_str(&json, "path", target->path);
    json_kv_bool(&json, "raw", target->raw);
    put_options(&json, target);
    json_kv_str(&json, "partitioning", target->partitioning);
    json_key(&json, "schema");
    schema_to_json(&json, &target->schema);
    json_kv_str(&json, "fingerprint", target->fingerprint);
    json_end(&json);
    json_end(&json);
    return sealed_line(out);
}

static Err *put_file(FileOut *out, const ManifestFile *file)
{
    JsonOut json = json_out(&out->text);
    json_begin_object(&json);
    json_key(&json, "file");
    json_begin_object(&json);
    json_kv_str(&json, "path", file->path);
    json_kv_str(&json, "keys", file->keys);
    json_kv_int(&json, "rows", file->rows);
    file_state_put(&json, &file->state);
    json_kv_str(&json, "sha256", file->sha256);
    json_kv_str(&json, "fingerprint", file->fingerprint);
    if (file->has_range) {
        json_kv_int(&json, "start", file->range.min);
        json_kv_int(&json, "end", file->range.max);
    }
    json_end(&json);
    json_end(&json);
    return sealed_line(out);
}

Err *manifest_write(const char *path, const Manifest *manifest, FileState *out_state,
                    char out_seal[65])
{
    SCRATCH(scratch);
    CLEANUP(file_out_close_at) FileOut out = {0};
    TRY(file_out_open(scratch, path, &out));
    TRY(put_head(&out, manifest));
    for (size_t i = 0; i < manifest->dirs.n; i++) TRY(put_dir(&out, manifest->dirs.v[i]));
    for (size_t t = 0; t < manifest->targets.n; t++) {
        const ManifestTarget *target = &manifest->targets.v[t];
        TRY(put_target(&out, target));
        for (size_t i = 0; i < target->file_count; i++) TRY(put_file(&out, &target->files[i]));
    }
    return sealed_finish(&out, out_state, out_seal);
}

/* ---- reading: what is kept is copied out of the line's arena ---- */

static const char *get_str(Arena *arena, const Json *json, const char *key)
{
    return arena_strdup(arena, json_str(json, key, ""));
}

static void get_hex(const Json *json, const char *key, char out[65])
{
    (void)snprintf(out, 65, "%s", json_str(json, key, ""));
}

static const char *const *get_captures(Arena *arena, const Json *array, size_t *out_count)
{
    *out_count = array != NULL && array->kind == JSON_ARRAY ? array->count : 0;
    const char **texts = AARRAY(arena, const char *, *out_count);
    for (size_t i = 0; i < *out_count; i++)
        texts[i] =
            array->items[i].kind == JSON_STRING ? arena_strdup(arena, array->items[i].string) : "";
    return texts;
}

static ManifestFile get_file(Arena *arena, const Json *json)
{
    ManifestFile file = {.path = get_str(arena, json, "path"),
                         .keys = get_str(arena, json, "keys"),
                         .rows = json_int(json, "rows", -1),
                         .state = file_state_get(json)};
    get_hex(json, "sha256", file.sha256);
    get_hex(json, "fingerprint", file.fingerprint);
    file.has_range = json_get(json, "start") != NULL;
    file.range = (TimeSpan){json_int(json, "start", 0), json_int(json, "end", 0)};
    return file;
}

static Err *get_schema(Arena *arena, const Json *json, Schema *out)
{
    SCRATCH(scratch);
    Schema schema;
    TRY(schema_from_json(scratch, json, &schema));
    *out = (Schema){.columns = AARRAY(arena, Column, schema.count), .count = schema.count};
    for (size_t i = 0; i < schema.count; i++)
        out->columns[i] = (Column){.name = arena_strdup(arena, schema.columns[i].name),
                                   .type = arena_strdup(arena, schema.columns[i].type)};
    return NULL;
}

static Err *get_target(Arena *arena, const Json *json, ManifestTarget *out)
{
    const Json *options = json_get(json, "options");
    ManifestTarget target = {
        .pond = get_str(arena, json, "pond"),
        .pattern = get_str(arena, json, "pattern"),
        .source = get_str(arena, json, "source"),
        .path = get_str(arena, json, "path"),
        .raw = json_bool(json, "raw", false),
        .temporal = arena_strdup(arena, json_str(options, "temporal", NULL)),
        .bounds = {json_int(options, "start", TIME_MIN), json_int(options, "end", TIME_MAX)},
        .partitioning = get_str(arena, json, "partitioning")};
    target.captures = get_captures(arena, json_get(json, "captures"), &target.capture_count);
    TRY(get_schema(arena, json_get(json, "schema"), &target.schema));
    get_hex(json, "fingerprint", target.fingerprint);
    *out = target;
    return NULL;
}

typedef struct Reading {
    Arena *arena;
    Manifest manifest;
    VEC(ManifestFile) files; /* of the last target */
} Reading;

static void end_target(Reading *reading)
{
    if (reading->manifest.targets.n == 0) return;
    ManifestTarget *target = &reading->manifest.targets.v[reading->manifest.targets.n - 1];
    target->files = reading->files.v;
    target->file_count = reading->files.n;
    reading->files.v = NULL;
    reading->files.n = reading->files.capacity = 0;
}

static Err *get_line(Reading *reading, const Json *json)
{
    const char *dir = json_str(json, "dir", NULL);
    const Json *file = json_get(json, "file"), *target = json_get(json, "target");
    if (dir != NULL)
        vec_push(reading->arena, &reading->manifest.dirs, arena_strdup(reading->arena, dir));
    if (file != NULL) vec_push(reading->arena, &reading->files, get_file(reading->arena, file));
    if (target == NULL) return NULL;
    ManifestTarget read;
    TRY(get_target(reading->arena, target, &read));
    end_target(reading);
    vec_push(reading->arena, &reading->manifest.targets, read);
    return NULL;
}

static Err *get_head(const char *path, const Json *json, Manifest *manifest)
{
    int64_t version = json_int(json, "version", 0);
    const Json *catalog = json_get(json, "catalog");
    if (version != MANIFEST_VERSION)
        return err_hint(ERR(UNSUPPORTED,
                            "%s: version %" PRId64 " of the manifest is not known to this pond",
                            path, version),
                        "use the pond that made it, or export into another folder");
    manifest->has_catalog = catalog != NULL;
    if (catalog == NULL) return NULL;
    manifest->catalog = file_state_get(catalog);
    get_hex(catalog, "sha256", manifest->catalog_sha256);
    return NULL;
}

static Err *read_lines(Reading *reading, SealedIn *in)
{
    SCRATCH(line);
    const Json *json;
    TRY(sealed_next(in, line, &json));
    TRY(get_head(in->path, json, &reading->manifest));
    memcpy(reading->manifest.seal, in->seal, sizeof in->seal);
    for (;;) {
        arena_reset(line);
        TRY(sealed_next(in, line, &json));
        if (json == NULL) break;
        TRY(get_line(reading, json));
    }
    end_target(reading);
    return NULL;
}

Err *manifest_read(Arena *arena, const char *dir, Manifest *out)
{
    SCRATCH(text);
    char *path = path_join(text, dir, ".pond/manifest");
    Reading reading = {.arena = arena};
    SealedIn in;
    bool found;
    Err *err = sealed_open(text, path, &found, &in);
    if (err == NULL && found) err = read_lines(&reading, &in);
    if (err != NULL)
        return err_hint(
            err, "its files cannot be told from others': remove %s, or export into another folder",
            dir);
    *out = reading.manifest;
    return NULL;
}

/* ---- order and identity ---- */

bool manifest_same_key(const ManifestTarget *a, const ManifestTarget *b)
{
    if (strcmp(a->pond, b->pond) != 0 || strcmp(a->pattern, b->pattern) != 0) return false;
    if (a->capture_count != b->capture_count) return false;
    for (size_t i = 0; i < a->capture_count; i++)
        if (strcmp(a->captures[i], b->captures[i]) != 0) return false;
    return true;
}

static int target_compare(const void *a, const void *b)
{
    const ManifestTarget *left = a, *right = b;
    int by_path = strcmp(left->path, right->path);
    if (by_path != 0) return by_path;
    int by_pond = strcmp(left->pond, right->pond);
    return by_pond != 0 ? by_pond : strcmp(left->pattern, right->pattern);
}

void manifest_sort(Manifest *manifest)
{
    if (manifest->targets.n > 1)
        qsort(manifest->targets.v, manifest->targets.n, sizeof *manifest->targets.v,
              target_compare);
}
