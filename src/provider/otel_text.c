/* OTLP JSON lines as a text format: each piece is a part, the state goes from one to the next. */
#include "provider/otel.h"
#include "provider/text_int.h"
#include <string.h>

static Err *begin(TextJob *job, const char *head, size_t size, bool whole, Shape *shape,
                  size_t *out_used)
{
    Otel *otel = NULL;
    (void)head;
    (void)size;
    (void)whole;
    (void)shape;
    TRY(otel_new(job->arena, job->url, &otel));
    job->own = otel;
    *out_used = 0;
    return NULL;
}

static size_t cut(const TextJob *job, const char *bytes, size_t size)
{
    const char *newline = memrchr(bytes, '\n', size);
    (void)job;
    return newline != NULL ? (size_t)(newline - bytes) + 1 : 0;
}

static Err *part(TextJob *job, Arena *arena, Conn *conn, const TextPiece *piece, int64_t first_line,
                 const char *path, Version *meta)
{
    Otel *otel = job->own;
    otel_begin(otel, first_line);
    Err *err = otel_add(otel, piece->bytes, piece->size);
    if (err == NULL) err = otel_write(otel, arena, conn, path, meta);
    otel_end(otel);
    return err;
}

static void state_put(const TextJob *job, JsonOut *json)
{
    otel_state_put(job->own, json);
}

static Err *state_get(TextJob *job, const Json *json)
{
    return otel_state_get(job->own, json);
}

static void done(const TextJob *job)
{
    SCRATCH(scratch);
    const char *left = otel_left_out(job->own, scratch);
    if (left != NULL) log_warn("%s: left out: %s", job->label, left);
}

extern const TextDriver TEXT_OTELJSON;
const TextDriver TEXT_OTELJSON = {.format = FORMAT_OTELJSON,
                                  .name = "OTLP",
                                  .begin = begin,
                                  .cut = cut,
                                  .part = part,
                                  .state_put = state_put,
                                  .state_get = state_get,
                                  .done = done,
                                  .relation = otel_relation};
