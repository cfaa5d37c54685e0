/* Raw data: the bytes of a `data` node, or of all live versions of a `data:series` one after the
 * other, as one file. Copied through a fixed buffer and hashed on the way; a partial file is
 * removed on failure. */
#include "export/export_int.h"

static Err *put_pieces(OsSink *out, const Content *pieces, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        TRY(os_check_interrupt());
        TRY(pieces[i].path != NULL
                ? os_read_each(pieces[i].path, os_sink_put, out)
                : os_sink_put(out, pieces[i].bytes, (size_t)pieces[i].size_bytes));
    }
    return NULL;
}

Err *raw_write(const char *path, const Content *pieces, size_t count, int64_t *out_size,
               char out_sha256[65])
{
    SCRATCH(scratch);
    OsSink out;
    TRY(os_sink_open(scratch, path, &out));
    TRY(os_sink_close(&out, put_pieces(&out, pieces, count), out_sha256));
    *out_size = out.size_bytes;
    return NULL;
}
