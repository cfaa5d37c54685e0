/* _last_checkpoint: which checkpoint is the newest.
 *
 * To others it is a hint as the protocol has it. To ourselves it says more, in `tags`: that newer
 * entries stand one after the other (our writer never removes one), so they may be found by
 * probing; the checkpoint's SHA-256, because the engine reads many damaged Parquet files without
 * noticing; and the checkpoint before it, so that old ones can be removed without a listing. A hint
 * of another writer, or a damaged one, is as good as none.
 *
 * Replaced whole, always after the checkpoint it names is durable. */
#include "delta/delta_int.h"
#include "os/os.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { HINT_BYTES_MAX = 64 << 20 };
#define TAG_ENTRIES_KEPT "pond.entriesKept"
#define TAG_SHA256 "pond.sha256"
#define TAG_PREVIOUS "pond.previous"

static char *hint_path(Arena *arena, const char *table)
{
    return arena_printf(arena, "%s/" HINT_NAME, delta_log_dir(arena, table));
}

char *delta_checkpoint_path(Arena *arena, const char *table, int64_t version)
{
    return arena_printf(arena, "%s/%020" PRId64 ".checkpoint.parquet", delta_log_dir(arena, table),
                        version);
}

static int64_t version_of(const char *digits)
{
    size_t count = strspn(digits, "0123456789");
    return count == 0 || count > 18 || digits[count] != '\0' ? -1 : strtoll(digits, NULL, 10);
}

Err *delta_hint_read(Arena *arena, const char *table, DeltaHint *out)
{
    char *text = NULL;
    size_t size = 0;
    const Json *hint = NULL;
    *out = (DeltaHint){.version = -1, .previous = -1};
    TRY(os_read_file_if(arena, hint_path(arena, table), HINT_BYTES_MAX, &text, &size));
    if (text == NULL) return NULL;
    Err *damaged = json_parse(arena, text, size, &hint);
    if (damaged != NULL) { /* only a hint: the listing knows */
        err_free(damaged);
        return NULL;
    }
    const Json *tags = json_get(hint, "tags");
    if (strcmp(json_str(tags, TAG_ENTRIES_KEPT, ""), "true") != 0) return NULL;
    if (json_get(hint, "parts") != NULL) return NULL;
    *out = (DeltaHint){.version = json_int(hint, "version", -1),
                       .previous = version_of(json_str(tags, TAG_PREVIOUS, "")),
                       .sha256 = json_str(tags, TAG_SHA256, NULL)};
    return NULL;
}

Err *delta_hint_remove(Arena *arena, const char *table)
{
    TRY(os_unlink_if(hint_path(arena, table)));
    return os_sync_dir(delta_log_dir(arena, table));
}

Err *delta_hint_write(Arena *arena, const char *table, const DeltaHint *hint, DeltaHintSizes sizes)
{
    Buf text = buf_new(arena);
    JsonOut out = json_out(&text);
    json_begin_object(&out);
    json_kv_int(&out, "version", hint->version);
    json_kv_int(&out, "size", sizes.actions);
    json_kv_int(&out, "sizeInBytes", sizes.bytes);
    json_kv_int(&out, "numOfAddFiles", sizes.adds);
    json_key(&out, "tags");
    json_begin_object(&out);
    json_kv_str(&out, TAG_ENTRIES_KEPT, "true");
    json_kv_str(&out, TAG_SHA256, hint->sha256);
    if (hint->previous >= 0)
        json_kv_str(&out, TAG_PREVIOUS, arena_printf(arena, "%" PRId64, hint->previous));
    json_end(&out);
    json_end(&out);
    return os_replace_file(hint_path(arena, table), text.data, text.size);
}
