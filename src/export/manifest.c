/* OUT/.pond/manifest: what export has put into OUT, so that it knows its own files from others'.
 * Sealed JSON (sealed.c); each field stands in docs/format.md. Targets are ordered by path, so
 * equal exports give equal catalogs. */
#include "export/publish_int.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MANIFEST_VERSION = 1 };
static const size_t MANIFEST_BYTES_MAX = (size_t)1 << 30;

/* ---- writing ---- */

static void put_texts(JsonOut *out, const char *key, const char *const *texts, size_t count)
{
    json_key(out, key);
    json_begin_array(out);
    for (size_t i = 0; i < count; i++) json_put_str(out, texts[i]);
    json_end(out);
}

static void put_file(JsonOut *out, const ManifestFile *file)
{
    json_begin_object(out);
    json_kv_str(out, "path", file->path);
    json_kv_str(out, "keys", file->keys);
    json_kv_int(out, "rows", file->rows);
    file_state_put(out, &file->state);
    json_kv_str(out, "sha256", file->sha256);
    json_kv_str(out, "fingerprint", file->fingerprint);
    if (file->has_range) {
        json_kv_int(out, "start", file->range.min);
        json_kv_int(out, "end", file->range.max);
    }
    json_end(out);
}

static void put_target(JsonOut *out, const ManifestTarget *target)
{
    json_begin_object(out);
    json_kv_str(out, "pond", target->pond);
    json_kv_str(out, "pattern", target->pattern);
    put_texts(out, "captures", target->captures, target->capture_count);
    json_kv_str(out, "source", target->source);
    json_kv_str(out, "path", target->path);
    json_kv_bool(out, "raw", target->raw);
    json_key(out, "options");
    json_begin_object(out);
    json_kv_str(out, "temporal", target->temporal);
    if (target->bounds.min != TIME_MIN) json_kv_int(out, "start", target->bounds.min);
    if (target->bounds.max != TIME_MAX) json_kv_int(out, "end", target->bounds.max);
    json_end(out);
    json_kv_str(out, "partitioning", target->partitioning);
    json_key(out, "schema");
    schema_to_json(out, &target->schema);
    json_kv_str(out, "fingerprint", target->fingerprint);
    json_key(out, "files");
    json_begin_array(out);
    for (size_t i = 0; i < target->file_count; i++) put_file(out, &target->files[i]);
    json_end(out);
    json_end(out);
}

char *manifest_text(Arena *arena, const Manifest *manifest, size_t *out_size)
{
    Buf text = buf_new(arena);
    JsonOut out = json_out(&text);
    json_begin_object(&out);
    json_kv_int(&out, "version", MANIFEST_VERSION);
    if (manifest->has_catalog) {
        json_key(&out, "catalog");
        json_begin_object(&out);
        file_state_put(&out, &manifest->catalog);
        json_kv_str(&out, "sha256", manifest->catalog_sha256);
        json_end(&out);
    }
    put_texts(&out, "dirs", manifest->dirs.v, manifest->dirs.n);
    json_key(&out, "targets");
    json_begin_array(&out);
    for (size_t i = 0; i < manifest->targets.n; i++) put_target(&out, &manifest->targets.v[i]);
    json_end(&out);
    json_end(&out);
    sealed_finish(&text);
    *out_size = text.size;
    return text.data;
}

/* ---- reading ---- */

static void get_hex(const Json *json, const char *key, char out[65])
{
    (void)snprintf(out, 65, "%s", json_str(json, key, ""));
}

static const char **get_texts(Arena *arena, const Json *array, size_t *out_count)
{
    size_t count = array != NULL && array->kind == JSON_ARRAY ? array->count : 0;
    const char **texts = AARRAY(arena, const char *, count);
    for (size_t i = 0; i < count; i++)
        texts[i] = array->items[i].kind == JSON_STRING ? array->items[i].string : "";
    *out_count = count;
    return texts;
}

static ManifestFile get_file(const Json *json)
{
    ManifestFile file = {.path = json_str(json, "path", ""),
                         .keys = json_str(json, "keys", ""),
                         .rows = json_int(json, "rows", -1),
                         .state = file_state_get(json)};
    get_hex(json, "sha256", file.sha256);
    get_hex(json, "fingerprint", file.fingerprint);
    file.has_range = json_get(json, "start") != NULL;
    file.range = (TimeSpan){json_int(json, "start", 0), json_int(json, "end", 0)};
    return file;
}

static Err *get_target(Arena *arena, const Json *json, ManifestTarget *out)
{
    const Json *options = json_get(json, "options"), *files = json_get(json, "files");
    ManifestTarget target = {
        .pond = json_str(json, "pond", ""),
        .pattern = json_str(json, "pattern", ""),
        .source = json_str(json, "source", ""),
        .path = json_str(json, "path", ""),
        .raw = json_bool(json, "raw", false),
        .temporal = json_str(options, "temporal", NULL),
        .bounds = {json_int(options, "start", TIME_MIN), json_int(options, "end", TIME_MAX)},
        .partitioning = json_str(json, "partitioning", "")};
    target.captures = get_texts(arena, json_get(json, "captures"), &target.capture_count);
    TRY(schema_from_json(arena, json_get(json, "schema"), &target.schema));
    get_hex(json, "fingerprint", target.fingerprint);
    target.file_count = files != NULL && files->kind == JSON_ARRAY ? files->count : 0;
    target.files = AARRAY(arena, ManifestFile, target.file_count);
    for (size_t i = 0; i < target.file_count; i++) target.files[i] = get_file(&files->items[i]);
    *out = target;
    return NULL;
}

static Err *get_manifest(Arena *arena, const char *path, const Json *json, Manifest *out)
{
    int64_t version = json_int(json, "version", 0);
    if (version != MANIFEST_VERSION)
        return err_hint(ERR(UNSUPPORTED,
                            "%s: version %" PRId64 " of the manifest is not known to this pond",
                            path, version),
                        "use the pond that made it, or export into another folder");
    const Json *targets = json_get(json, "targets"), *catalog = json_get(json, "catalog");
    Manifest manifest = {.has_catalog = catalog != NULL};
    if (catalog != NULL) {
        manifest.catalog = file_state_get(catalog);
        get_hex(catalog, "sha256", manifest.catalog_sha256);
    }
    manifest.dirs.v = get_texts(arena, json_get(json, "dirs"), &manifest.dirs.n);
    manifest.dirs.capacity = manifest.dirs.n;
    for (size_t i = 0; targets != NULL && i < targets->count; i++) {
        ManifestTarget target;
        TRY(get_target(arena, &targets->items[i], &target));
        vec_push(arena, &manifest.targets, target);
    }
    *out = manifest;
    return NULL;
}

Err *manifest_read(Arena *arena, const char *dir, Manifest *out)
{
    char *path = path_join(arena, dir, ".pond/manifest"), *text;
    size_t size;
    TRY(os_read_file_if(arena, path, MANIFEST_BYTES_MAX, &text, &size));
    if (text == NULL) {
        *out = (Manifest){0};
        return NULL;
    }
    const Json *json = NULL;
    Err *err = sealed_open(arena, path, text, size, &json);
    if (err == NULL) err = get_manifest(arena, path, json, out);
    return err_hint(
        err, "its files cannot be told from others': remove %s, or export into another folder",
        dir);
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
