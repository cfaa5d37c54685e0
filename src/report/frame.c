/* A frame: what is written whole, and found again behind damage:
 *
 *     magic "\xF5RUN" · size of the body (4 bytes, little endian) · XXH3-64 of the body (8 bytes,
 *     little endian) · body: kind (a letter), content */
#include "report/report_int.h"

static const char MAGIC[4] = "\xF5RUN";

void frame_put(Buf *to, char kind, const Buf *content)
{
    Buf body = buf_new(to->arena);
    buf_putc(&body, kind);
    buf_add(&body, content->data, content->size);
    buf_add(to, MAGIC, sizeof MAGIC);
    wire_put_le(to, body.size, 4);
    wire_put_le(to, xxh64(body.data, body.size), 8);
    buf_add(to, body.data, body.size);
}

size_t frame_at(const char *at, size_t left, size_t most, const char **out_body)
{
    if (left <= FRAME_HEAD || memcmp(at, MAGIC, sizeof MAGIC) != 0) return 0;
    size_t size = wire_le(at + 4, 4);
    if (size == 0 || size > most || size > left - FRAME_HEAD) return 0;
    if (xxh64(at + FRAME_HEAD, size) != wire_le(at + 8, 8)) return 0;
    *out_body = at + FRAME_HEAD;
    return size;
}

const char *frame_find(const char *from, size_t left)
{
    return memmem(from, left, MAGIC, sizeof MAGIC);
}
