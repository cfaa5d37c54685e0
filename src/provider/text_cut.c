/* Cuts a text into pieces of whole records. A piece is a buffer of the text's bytes; what is left
 * of it behind its last whole record begins the next. At the end of a text that may still grow the
 * rest is left out; else it is the last record. */
#include "provider/text_int.h"
#include <stdlib.h>
#include <string.h>

static char *new_buffer(size_t size)
{
    char *buffer = malloc(size + 1);
    if (buffer == NULL) abort();
    return buffer;
}

/* Reads until the buffer is full, which is made no larger than what there is. */
static Err *read_on(Cutter *cutter, size_t wanted)
{
    size_t room = 1 << 16;
    while (cutter->size < wanted && !cutter->ended) {
        size_t got = 0;
        room = room * 4 < wanted ? room * 4 : wanted;
        char *grown = realloc(cutter->buffer, room + 1);
        if (grown == NULL) abort();
        cutter->buffer = grown;
        if (cutter->size >= room) continue;
        TRY(source_read(cutter->source, cutter->buffer + cutter->size, room - cutter->size, &got));
        cutter->ended = got < room - cutter->size;
        cutter->size += got;
    }
    return NULL;
}

Err *cutter_fill(Cutter *cutter)
{
    if (cutter->filled) return NULL;
    size_t wanted = cutter->piece_bytes;
    if (cutter->sizes != NULL) wanted = (size_t)*cutter->sizes;
    if (cutter->buffer == NULL) cutter->buffer = new_buffer(0);
    TRY(read_on(cutter, wanted));
    cutter->filled = true;
    return NULL;
}

/* How much of what is in the buffer is the piece. */
static size_t piece_size(Cutter *cutter)
{
    const TextJob *job = cutter->job;
    size_t size = cutter->size - cutter->at;
    if (cutter->sizes != NULL) return size < (size_t)*cutter->sizes ? size : (size_t)*cutter->sizes;
    if (cutter->ended && !job->series) return size;
    size_t cut = size > 0 ? job->driver->cut(job, cutter->buffer + cutter->at, size) : 0;
    cutter->too_long = size - cut > TEXT_RECORD_BYTES_MAX;
    return cut;
}

Err *cutter_next(Cutter *cutter, char **out_memory, TextPiece *out)
{
    *out = (TextPiece){0};
    *out_memory = NULL;
    if (cutter->too_long) return NULL;
    TRY(cutter_fill(cutter));
    size_t cut = piece_size(cutter);
    while (cut == 0 && !cutter->ended && !cutter->too_long) { /* a record longer than a piece */
        TRY(read_on(cutter, cutter->size + cutter->piece_bytes));
        cut = piece_size(cutter);
    }
    const size_t rest = cutter->size - cutter->at - cut;
    if (cutter->sizes != NULL) cutter->sizes++;
    if (cut == 0) return NULL;
    *out = (TextPiece){cutter->buffer + cutter->at, cut};
    *out_memory = cutter->buffer;
    char *next = new_buffer(rest);
    memcpy(next, out->bytes + cut, rest);
    cutter->buffer = next;
    cutter->offset += (int64_t)cut;
    cutter->at = 0;
    cutter->size = rest;
    cutter->filled = false;
    return NULL;
}

void cutter_close(Cutter *cutter)
{
    free(cutter->buffer);
    cutter->buffer = NULL;
    source_close_at(&cutter->source);
}
