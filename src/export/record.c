/* The redo record OUT/.pond/publish: sealed lines (sealed.c), fields in docs/format.md. It says
 * everything that completing a publish needs, so that the manifest of before need not be asked. */
#include "export/publish_int.h"
#include <inttypes.h>

enum { RECORD_VERSION = 1 };

/* ---- writing ---- */

static Err *put_text(FileOut *out, const char *key, const char *text)
{
    JsonOut json = json_out(&out->text);
    json_begin_object(&json);
    json_kv_str(&json, key, text);
    json_end(&json);
    return sealed_line(out);
}

static void put_was(JsonOut *json, const FileState *was, const char *sha256)
{
    json_key(json, "was");
    json_begin_object(json);
    file_state_put(json, was);
    json_kv_str(json, "sha256", sha256);
    json_end(json);
}

static Err *put_move(FileOut *out, const Move *move)
{
    JsonOut json = json_out(&out->text);
    json_begin_object(&json);
    json_key(&json, "move");
    json_begin_object(&json);
    json_kv_str(&json, "staged", move->staged);
    json_kv_str(&json, "path", move->path);
    file_state_put(&json, &move->state);
    if (move->replaces) put_was(&json, &move->was, move->was_sha256);
    json_end(&json);
    json_end(&json);
    return sealed_line(out);
}

static Err *put_removal(FileOut *out, const Removal *removal)
{
    JsonOut json = json_out(&out->text);
    json_begin_object(&json);
    json_key(&json, "remove");
    json_begin_object(&json);
    json_kv_str(&json, "path", removal->path);
    put_was(&json, &removal->was, removal->was_sha256);
    json_end(&json);
    json_end(&json);
    return sealed_line(out);
}

static Err *put_version(FileOut *out)
{
    JsonOut json = json_out(&out->text);
    json_begin_object(&json);
    json_kv_int(&json, "version", RECORD_VERSION);
    json_end(&json);
    return sealed_line(out);
}

Err *record_write(const char *path, const Changes *changes)
{
    SCRATCH(scratch);
    CLEANUP(file_out_close_at) FileOut out = {0};
    FileState state;
    char seal[65];
    TRY(file_out_open(scratch, path, &out));
    TRY(put_version(&out));
    for (size_t i = 0; i < changes->dirs_made.n; i++)
        TRY(put_text(&out, "make", changes->dirs_made.v[i]));
    for (size_t i = 0; i < changes->moves.n; i++) TRY(put_move(&out, &changes->moves.v[i]));
    for (size_t i = 0; i < changes->removals.n; i++)
        TRY(put_removal(&out, &changes->removals.v[i]));
    for (size_t i = 0; i < changes->dirs_unused.n; i++)
        TRY(put_text(&out, "clear", changes->dirs_unused.v[i]));
    TRY(sealed_finish(&out, &state, seal));
    return os_sync(out.file);
}

/* ---- reading ---- */

static void get_move(Arena *arena, const Json *json, Changes *changes)
{
    const Json *was = json_get(json, "was");
    Move move = {.staged = arena_strdup(arena, json_str(json, "staged", "")),
                 .path = arena_strdup(arena, json_str(json, "path", "")),
                 .state = file_state_get(json),
                 .replaces = was != NULL,
                 .was = file_state_get(was),
                 .was_sha256 = arena_strdup(arena, json_str(was, "sha256", ""))};
    vec_push(arena, &changes->moves, move);
}

static void get_removal(Arena *arena, const Json *json, Changes *changes)
{
    const Json *was = json_get(json, "was");
    Removal removal = {.path = arena_strdup(arena, json_str(json, "path", "")),
                       .was = file_state_get(was),
                       .was_sha256 = arena_strdup(arena, json_str(was, "sha256", ""))};
    vec_push(arena, &changes->removals, removal);
}

static void get_line(Arena *arena, const Json *json, Changes *changes)
{
    const char *made = json_str(json, "make", NULL), *unused = json_str(json, "clear", NULL);
    if (json_get(json, "move") != NULL) get_move(arena, json_get(json, "move"), changes);
    if (json_get(json, "remove") != NULL) get_removal(arena, json_get(json, "remove"), changes);
    if (made != NULL) vec_push(arena, &changes->dirs_made, arena_strdup(arena, made));
    if (unused != NULL) vec_push(arena, &changes->dirs_unused, arena_strdup(arena, unused));
}

Err *record_read(Arena *arena, const OutDir *out, bool *out_found, Changes *changes)
{
    SCRATCH(text);
    SCRATCH(line);
    SealedIn in;
    const Json *json;
    TRY(sealed_open(text, out->record_path, out_found, &in));
    if (!*out_found) return NULL;
    TRY(sealed_next(&in, line, &json));
    int64_t version = json_int(json, "version", 0);
    if (version != RECORD_VERSION)
        return err_hint(ERR(UNSUPPORTED, "%s: version %" PRId64 " is not known to this pond",
                            out->record_path, version),
                        "complete the export with the pond that began it: 'pond recover -d %s'",
                        out->dir);
    Changes read = {0};
    for (;;) {
        arena_reset(line);
        TRY(sealed_next(&in, line, &json));
        if (json == NULL) break;
        get_line(arena, json, &read);
    }
    *changes = read;
    return NULL;
}
