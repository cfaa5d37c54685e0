/* What the targets of text formats share. Properties: a cut stands behind a line end and cutting
 * again finds it; what a text holds does not depend on where between records it is cut; a fault
 * stands inside the bytes. */
#pragma once
#include "fuzz.h"
#include "provider/text_int.h"

static bool learned(const TextJob *job, Arena *arena, const char *bytes, size_t size, Shape *shape)
{
    TextFault fault = {0};
    TextReader reader = {0};
    TextPiece piece = {bytes, size};
    text_reader_init(&reader, arena, job, NULL, &piece);
    text_check_bytes(&reader);
    if (reader.fault.what == NULL && job->driver->learn(job, &piece, arena, shape, &fault))
        return true;
    if (reader.fault.what != NULL) fault = reader.fault;
    CHECK(fault.what != NULL && fault.line >= 0);
    int64_t ends = 0;
    for (size_t i = 0; i < size; i++) ends += bytes[i] == '\n' || bytes[i] == '\r';
    CHECK(fault.line <= ends);
    return false;
}

static void copy_names(Arena *arena, const Shape *from, Shape *to)
{
    shape_init(to, arena);
    for (size_t i = 0; i < from->columns.n; i++) {
        const ShapeColumn *column = &from->columns.v[i];
        (void)shape_column(to, column->parent, column->key, column->length);
    }
}

static void check_same(const Shape *a, const Shape *b)
{
    CHECK(a->columns.n == b->columns.n);
    for (size_t i = 0; i < a->columns.n; i++) {
        const ShapeColumn *x = &a->columns.v[i], *y = &b->columns.v[i];
        CHECK(x->parent == y->parent && x->length == y->length);
        CHECK(memcmp(x->key, y->key, x->length) == 0);
        /* a CSV column that holds words is not looked at any further */
        CHECK(x->seen == y->seen || ((x->seen & y->seen & SEEN_WORDS) != 0));
    }
}

static void check_cuts(const TextJob *job, Arena *arena, const Shape *names, const char *bytes,
                       size_t size)
{
    Shape whole, first, second;
    size_t cut = job->driver->cut(job, bytes, size), half = job->driver->cut(job, bytes, cut / 2);
    CHECK(half <= cut && cut <= size);
    copy_names(arena, names, &whole);
    if (!learned(job, arena, bytes, cut, &whole)) return;
    CHECK(cut == 0 || job->driver->cut(job, bytes, cut) == cut);
    copy_names(arena, names, &first);
    copy_names(arena, names, &second);
    CHECK(learned(job, arena, bytes, half, &first));
    CHECK(learned(job, arena, bytes + half, cut - half, &second));
    shape_join(&first, &second);
    check_same(&first, &whole);
}

static void fuzz_text(Format format, const char *url_text, const uint8_t *data, size_t size)
{
    SCRATCH(arena);
    const char *bytes = (const char *)data;
    Url url;
    Shape names;
    Layout layout;
    size_t used = 0;
    MUST(url_parse(arena, url_text, &url));
    TextJob job = {
        .url = &url, .label = "it", .driver = text_driver(format), .arena = arena, .series = true};
    shape_init(&names, arena);
    if (refused(job.driver->begin(&job, bytes, size, true, &names, &used)) || used == SIZE_MAX)
        return;
    CHECK(used <= size);
    check_cuts(&job, arena, &names, bytes + used, size - used);
    if (!learned(&job, arena, bytes + used, size - used, &names)) return;
    (void)refused(layout_make(arena, &job, &names, &layout));
}
