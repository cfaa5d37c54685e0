/* Raw data: the bytes of a `data` node, or of all live versions of a `data:series` one after the
 * other, as one file. Copied through a fixed buffer and hashed on the way; a partial file is
 * removed on failure. */
#include "export/export_int.h"
#include <string.h>

enum { BUFFER_BYTES = 256 * 1024 };

typedef struct RawOut {
    OsFile *file;
    Sha256 *hash;
    int64_t size_bytes;
} RawOut;

static Err *put(RawOut *out, const void *bytes, size_t size)
{
    TRY(os_write(out->file, bytes, size));
    sha256_add(out->hash, bytes, size);
    out->size_bytes += (int64_t)size;
    return NULL;
}

static Err *put_file(RawOut *out, Arena *arena, const char *path)
{
    CLEANUP(os_close_at) OsFile *in = NULL;
    TRY(os_open_read(path, &in));
    char *buffer = arena_alloc(arena, BUFFER_BYTES);
    for (;;) {
        size_t got;
        TRY(os_check_interrupt());
        TRY(os_read(in, buffer, BUFFER_BYTES, &got));
        if (got == 0) return NULL;
        TRY(put(out, buffer, got));
    }
}

static Err *put_pieces(RawOut *out, Arena *arena, const Content *pieces, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (pieces[i].path != NULL)
            TRY(put_file(out, arena, pieces[i].path));
        else if (pieces[i].size_bytes > 0)
            TRY(put(out, pieces[i].bytes, (size_t)pieces[i].size_bytes));
    }
    return NULL;
}

Err *raw_write(const char *path, const Content *pieces, size_t count, int64_t *out_size,
               char out_sha256[65])
{
    SCRATCH(scratch);
    RawOut out = {.hash = sha256_new(scratch)};
    TRY(os_open_new(path, &out.file));
    Err *err = put_pieces(&out, scratch, pieces, count);
    char hex[SHA256_HEX + 1];
    sha256_hex(out.hash, hex);
    Err *closing = os_close(out.file);
    if (err == NULL)
        err = closing;
    else
        err_free(closing);
    if (err != NULL) {
        err_free(os_unlink_if(path));
        return err;
    }
    *out_size = out.size_bytes;
    memcpy(out_sha256, hex, sizeof hex);
    return NULL;
}
