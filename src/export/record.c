/* The redo record OUT/.pond/publish as text: sealed JSON (sealed.c), fields in docs/format.md. It
 * says everything that completing a publish needs, so that the manifest of before need not be
 * asked. */
#include "export/publish_int.h"
#include <inttypes.h>

enum { RECORD_VERSION = 1 };
static const size_t RECORD_BYTES_MAX = (size_t)1 << 30;

static void put_was(JsonOut *out, const FileState *was, const char *sha256)
{
    json_key(out, "was");
    json_begin_object(out);
    file_state_put(out, was);
    json_kv_str(out, "sha256", sha256);
    json_end(out);
}

static void put_texts(JsonOut *out, const char *key, const TextVec *texts)
{
    json_key(out, key);
    json_begin_array(out);
    for (size_t i = 0; i < texts->n; i++) json_put_str(out, texts->v[i]);
    json_end(out);
}

static void put_moves(JsonOut *out, const Changes *changes)
{
    json_key(out, "moves");
    json_begin_array(out);
    for (size_t i = 0; i < changes->moves.n; i++) {
        const Move *move = &changes->moves.v[i];
        json_begin_object(out);
        json_kv_str(out, "staged", move->staged);
        json_kv_str(out, "path", move->path);
        file_state_put(out, &move->state);
        if (move->replaces) put_was(out, &move->was, move->was_sha256);
        json_end(out);
    }
    json_end(out);
}

static void put_removals(JsonOut *out, const Changes *changes)
{
    json_key(out, "removals");
    json_begin_array(out);
    for (size_t i = 0; i < changes->removals.n; i++) {
        const Removal *removal = &changes->removals.v[i];
        json_begin_object(out);
        json_kv_str(out, "path", removal->path);
        put_was(out, &removal->was, removal->was_sha256);
        json_end(out);
    }
    json_end(out);
}

char *record_text(Arena *arena, const Changes *changes, size_t *out_size)
{
    Buf text = buf_new(arena);
    JsonOut out = json_out(&text);
    json_begin_object(&out);
    json_kv_int(&out, "version", RECORD_VERSION);
    put_texts(&out, "dirs_made", &changes->dirs_made);
    put_moves(&out, changes);
    put_removals(&out, changes);
    put_texts(&out, "dirs_unused", &changes->dirs_unused);
    json_end(&out);
    sealed_finish(&text);
    *out_size = text.size;
    return text.data;
}

static size_t count_of(const Json *array)
{
    return array != NULL && array->kind == JSON_ARRAY ? array->count : 0;
}

static void get_texts(Arena *arena, const Json *array, TextVec *out)
{
    for (size_t i = 0; i < count_of(array); i++)
        if (array->items[i].kind == JSON_STRING) vec_push(arena, out, array->items[i].string);
}

static void get_changes(Arena *arena, const Json *json, Changes *out)
{
    const Json *moves = json_get(json, "moves"), *removals = json_get(json, "removals");
    for (size_t i = 0; i < count_of(moves); i++) {
        const Json *item = &moves->items[i], *was = json_get(item, "was");
        Move move = {.staged = json_str(item, "staged", ""),
                     .path = json_str(item, "path", ""),
                     .state = file_state_get(item),
                     .replaces = was != NULL,
                     .was = file_state_get(was),
                     .was_sha256 = json_str(was, "sha256", "")};
        vec_push(arena, &out->moves, move);
    }
    for (size_t i = 0; i < count_of(removals); i++) {
        const Json *item = &removals->items[i], *was = json_get(item, "was");
        Removal removal = {.path = json_str(item, "path", ""),
                           .was = file_state_get(was),
                           .was_sha256 = json_str(was, "sha256", "")};
        vec_push(arena, &out->removals, removal);
    }
    get_texts(arena, json_get(json, "dirs_made"), &out->dirs_made);
    get_texts(arena, json_get(json, "dirs_unused"), &out->dirs_unused);
}

Err *record_read(Arena *arena, const OutDir *out, bool *out_found, Changes *changes)
{
    char *text;
    size_t size;
    TRY(os_read_file_if(arena, out->record_path, RECORD_BYTES_MAX, &text, &size));
    *out_found = text != NULL;
    if (text == NULL) return NULL;
    const Json *json;
    TRY(sealed_open(arena, out->record_path, text, size, &json));
    int64_t version = json_int(json, "version", 0);
    if (version != RECORD_VERSION)
        return err_hint(ERR(UNSUPPORTED, "%s: version %" PRId64 " is not known to this pond",
                            out->record_path, version),
                        "complete the export with the pond that began it: 'pond recover -d %s'",
                        out->dir);
    *changes = (Changes){0};
    get_changes(arena, json, changes);
    return NULL;
}
