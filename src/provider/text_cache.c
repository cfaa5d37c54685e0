/* The format cache: a text is parsed once per content and options. What is known of a text up to a
 * version (text_int.h, TextState) is kept in cache.db under a hash of the contents of its versions
 * up to there; its Parquet files lie in POND/cache/formats. A text that has grown begins with the
 * newest state that is known. All of it may vanish at any moment: a file that is missing or is not
 * what was written is made again. */
#include "provider/text_cache.h"
#include "perf/ops.h"
#include <stdlib.h>
#include <string.h>

static const char REVISION[] = "text 1"; /* of the conversion: another one is another key */
static const char KIND[] = "text";

bool text_cache_serves(const Provider *provider)
{
    return toggle_on(TOGGLE_format_cache) && provider->options.format_dir != NULL &&
           provider_cache((Provider *)(uintptr_t)provider) && !cache_is_off();
}

/* ---- keys ---- */

typedef struct Key {
    char hex[SHA256_HEX + 1];
} Key;

/* keys[k] stands for the first k versions, read with these options. */
static Key *keys_of(Arena *arena, const TextJob *job, const TextVersions *versions)
{
    Key *keys = AARRAY(arena, Key, versions->count + 1);
    Sha256 *hash = sha256_new(arena);
    sha256_add_text(hash, REVISION);
    sha256_add_text(hash, format_name(job->url->format));
    sha256_add_text(hash, compression_name(job->url->compression));
    sha256_add_int(hash, job->series);
    for (size_t i = 0; i < job->url->option_count; i++) {
        sha256_add_text(hash, job->url->options[i].key);
        sha256_add_text(hash, job->url->options[i].value);
    }
    sha256_hex(hash, keys[0].hex);
    for (size_t i = 0; i < versions->count; i++) {
        hash = sha256_new(arena);
        sha256_add_text(hash, keys[i].hex);
        sha256_add_text(hash, versions->hashes[i] != NULL ? versions->hashes[i] : "");
        sha256_hex(hash, keys[i + 1].hex);
    }
    return keys;
}

static void name_file(TextFile *file, const char *text_key)
{
    SCRATCH(scratch);
    Sha256 *hash = sha256_new(scratch);
    sha256_add_text(hash, text_key);
    sha256_add_int(hash, file->offset);
    sha256_add_int(hash, file->size);
    sha256_hex(hash, file->key);
}

void text_name_files(TextState *state)
{
    for (size_t i = 0; i < state->files.n; i++) name_file(&state->files.v[i], "");
}

/* ---- states as JSON ---- */

static void put_notes(JsonOut *json, const TextFile *file)
{
    json_key(json, "columns");
    json_begin_array(json);
    for (size_t i = 0; i < file->note_count; i++) {
        json_put_str(json, file->notes[i].name);
        json_put_int(json, (int64_t)file->notes[i].target);
    }
    json_end(json);
}

static void put_file(JsonOut *json, const TextFile *file)
{
    json_begin_object(json);
    json_kv_int(json, "offset", file->offset);
    json_kv_int(json, "bytes", file->size);
    json_kv_int(json, "lines", file->lines);
    json_kv_str(json, "key", file->key);
    json_kv_str(json, "sha256", file->meta.sha256);
    json_kv_int(json, "inode", (int64_t)file->inode);
    json_kv_int(json, "mtime", file->mtime_ns);
    put_notes(json, file);
    json_key(json, "meta");
    meta_to_json(json, &file->meta);
    json_end(json);
}

static char *state_text(Arena *arena, const TextState *state, size_t *out_size)
{
    Buf text = buf_new(arena);
    JsonOut json = json_out(&text);
    json_begin_object(&json);
    json_kv_int(&json, "offset", state->offset);
    json_kv_int(&json, "lines", state->lines);
    json_key(&json, "shape");
    shape_to_json(&json, &state->shape);
    if (state->own != NULL) json_key(&json, "own");
    if (state->own != NULL) json_put(&json, state->own);
    json_key(&json, "files");
    json_begin_array(&json);
    for (size_t i = 0; i < state->files.n; i++) put_file(&json, &state->files.v[i]);
    json_end(&json);
    json_end(&json);
    *out_size = text.size;
    return text.data;
}

static void get_notes(Arena *arena, const Json *json, TextFile *file)
{
    size_t count = json != NULL ? json->count / 2 : 0;
    file->notes = AARRAY(arena, TextNote, count + 1);
    file->note_count = count;
    for (size_t i = 0; i < count; i++)
        file->notes[i] =
            (TextNote){json->items[2 * i].string, (Target)json->items[2 * i + 1].integer};
}

static TextFile get_file(Arena *arena, const Json *json)
{
    TextFile file = {.offset = json_int(json, "offset", 0),
                     .size = json_int(json, "bytes", 0),
                     .lines = json_int(json, "lines", 0),
                     .inode = (uint64_t)json_int(json, "inode", 0),
                     .mtime_ns = json_int(json, "mtime", 0)};
    const Json *meta = json_get(json, "meta");
    meta_from_json(arena, meta, &file.meta);
    file.meta.size_bytes = json_int(meta, "size", -1);
    (void)snprintf(file.key, sizeof file.key, "%s", json_str(json, "key", ""));
    (void)snprintf(file.meta.sha256, sizeof file.meta.sha256, "%s", json_str(json, "sha256", ""));
    get_notes(arena, json_get(json, "columns"), &file);
    return file;
}

static Err *state_parse(Arena *arena, const char *text, size_t size, TextState *state)
{
    const Json *json = NULL;
    TRY(json_parse(arena, text, size, &json));
    const Json *files = json_get(json, "files");
    shape_init(&state->shape, arena);
    shape_from_json(&state->shape, json_get(json, "shape"));
    state->offset = json_int(json, "offset", 0);
    state->lines = json_int(json, "lines", 0);
    state->own = json_get(json, "own");
    for (size_t i = 0; files != NULL && i < files->count; i++)
        vec_push(arena, &state->files, get_file(arena, &files->items[i]));
    return NULL;
}

/* ---- files ---- */

static char *file_path(const Provider *provider, const TextFile *file)
{
    return arena_printf(provider->arena, "%s/%s.parquet", provider->options.format_dir, file->key);
}

/* Whether the file is what was written. It is read through unless it is the one that was seen. */
static bool is_whole(const char *path, TextFile *file, bool *out_gone)
{
    bool exists = false;
    OsStat stat;
    char hash[SHA256_HEX + 1];
    int64_t size = 0;
    Err *err = os_stat_if(path, &exists, &stat);
    bool good = err == NULL && exists && stat.size_bytes == file->meta.size_bytes;
    *out_gone = err == NULL && !exists;
    err_free(err);
    if (!good || (stat.inode == file->inode && stat.mtime_ns == file->mtime_ns)) return good;
    err = os_sha256_file(path, &size, hash);
    good = err == NULL && strcmp(hash, file->meta.sha256) == 0;
    err_free(err);
    if (good) file->inode = stat.inode;
    if (good) file->mtime_ns = stat.mtime_ns;
    return good;
}

/* Files that are not there or damaged lose their path: they are made again. True: there are some.
 */
static bool check_files(const Provider *provider, TextState *state)
{
    bool any = false;
    for (size_t i = 0; i < state->files.n; i++) {
        TextFile *file = &state->files.v[i];
        char *path = file_path(provider, file);
        bool gone = false; /* evicted: what is known of it outlives it */
        file->path = is_whole(path, file, &gone) ? path : NULL;
        any = any || file->path == NULL;
        if (file->path != NULL) continue;
        perf_count(PERF_format_damaged);
        if (gone) perf_cache_add(PERF_CACHE_format, PERF_GHOST_HITS, 1);
        log_debug("%s: is missing or damaged; it is made again", path);
    }
    return any;
}

/* Moves a new file to where it is kept. False: it stays in scratch. */
static bool keep_file(const Provider *provider, TextFile *file, const char *text_key)
{
    OsStat stat;
    name_file(file, text_key);
    char *path = file_path(provider, file);
    Err *err = os_sha256_file(file->path, &file->meta.size_bytes, file->meta.sha256);
    if (err == NULL) err = os_mkdirs(provider->options.format_dir);
    if (err == NULL) err = os_rename(file->path, path);
    if (err == NULL) err = os_stat(path, &stat);
    if (err != NULL) {
        err_free(err);
        return false;
    }
    file->path = path;
    file->inode = stat.inode;
    file->mtime_ns = stat.mtime_ns;
    return true;
}

/* ---- recalling and keeping ---- */

static bool recall(TextJob *job, const Key *key, TextState *state)
{
    Arena *arena = job->provider->arena;
    size_t size = 0;
    const char *text = cache_get(provider_cache(job->provider), arena, KIND, key->hex, &size);
    if (text == NULL) return false;
    Err *err = state_parse(arena, text, size, state);
    bool good = err == NULL;
    err_free(err);
    if (!good) *state = (TextState){0};
    return good;
}

static void put_state(const TextJob *job, const Key *key, const TextState *state)
{
    SCRATCH(scratch);
    size_t size = 0;
    const char *text = state_text(scratch, state, &size);
    cache_put(provider_cache(job->provider), KIND, key->hex, text, size);
}

static void keep(TextJob *job, const Key *key, TextState *state)
{
    Provider *provider = job->provider;
    bool all = true;
    for (size_t i = 0; i < state->files.n; i++) {
        TextFile *file = &state->files.v[i];
        bool kept = file->key[0] != '\0';
        if (!kept && !keep_file(provider, file, key->hex)) all = false;
    }
    if (!all) return; /* the folder cannot be written: this command's own files serve */
    put_state(job, key, state);
    text_evict(provider);
}

static int64_t bytes_of(const TextState *state)
{
    int64_t bytes = 0;
    for (size_t i = 0; i < state->files.n; i++) bytes += state->files.v[i].meta.size_bytes;
    return bytes;
}

static Err *uncached(TextJob *job, const TextInput *input, TextState *state, Layout *out_layout)
{
    PERF_SPAN_FOR(PERF_format_parse, job->label);
    PERF_LOOKUP(look, PERF_CACHE_format);
    (void)perf_found(&look, false);
    TRY(text_advance(job->provider->arena, job, input, state, out_layout));
    text_name_files(state);
    perf_fetched(&look, 0);
    return NULL;
}

static Err *layout_of(TextJob *job, const TextState *state, Layout *out)
{
    if (job->driver->layout == NULL || state->shape.columns.n == 0) return NULL;
    return job->driver->layout(job->provider->arena, job, &state->shape, out);
}

Err *text_cached(TextJob *job, const TextVersions *versions, const TextInput *input,
                 TextState *state, Layout *out_layout)
{
    Arena *arena = job->provider->arena;
    if (!text_cache_serves(job->provider)) return uncached(job, input, state, out_layout);
    PERF_LOOKUP(look, PERF_CACHE_format);
    Key *keys = keys_of(arena, job, versions);
    size_t known = versions->count;
    while (known > 0 && !recall(job, &keys[known], state))
        known = toggle_on(TOGGLE_format_growth) ? known - 1 : 0;
    bool damaged = check_files(job->provider, state);
    if (perf_found(&look, known == versions->count && known > 0 && !damaged)) {
        if (text_renew(state)) put_state(job, &keys[known], state);
        return layout_of(job, state, out_layout);
    }
    PERF_SPAN_FOR(PERF_format_parse, job->label);
    if (damaged && job->driver->part != NULL) *state = (TextState){0}; /* parts stand on parts */
    TRY(text_advance(arena, job, input, state, out_layout));
    TRY(text_merge(job, input, state));
    keep(job, &keys[versions->count], state);
    perf_fetched(&look, bytes_of(state));
    return NULL;
}
