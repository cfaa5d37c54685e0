/* The bytes of a text: segments (the versions of a node, or one host file) one behind the other, as
 * they are or unpacked. Unpacking goes through all of them as one stream, so that what was appended
 * to a packed text may be a member of its own or the rest of one. */
#include "provider/text_int.h"
#include <string.h>

enum { PACKED_STEP = 1 << 18 };

struct TextSource {
    Arena *arena;
    const TextSegment *segments;
    size_t count, at; /* `at`: the segment being read */
    const Url *url;
    OsFile *file;
    int64_t offset; /* in the segment */
    Unpacker *unpacker;
    char *packed; /* read but not yet unpacked */
    size_t packed_at, packed_size;
    int64_t packed_before; /* bytes unpacked before those in `packed` */
    bool packed_end;
};

void source_close_at(TextSource **out)
{
    TextSource *source = *out;
    if (source == NULL) return;
    os_close_at(&source->file);
    unpacker_free_at(&source->unpacker);
    *out = NULL;
}

/* ---- stored bytes ---- */

static void next_segment(TextSource *source)
{
    os_close_at(&source->file);
    source->at++;
    source->offset = 0;
}

static Err *read_segment(TextSource *source, char *into, size_t size, size_t *out_got)
{
    const TextSegment *segment = &source->segments[source->at];
    int64_t left = segment->size - source->offset;
    if ((int64_t)size > left) size = (size_t)left;
    if (segment->path == NULL) {
        memcpy(into, segment->bytes + source->offset, size);
        *out_got = size;
        return NULL;
    }
    if (source->file == NULL) TRY(os_open_read(segment->path, &source->file));
    return os_pread(source->file, into, size, source->offset, out_got);
}

/* Less than `size` only at the end. */
static Err *read_stored(TextSource *source, char *into, size_t size, size_t *out_got)
{
    size_t all = 0;
    while (all < size && source->at < source->count) {
        if (source->offset >= source->segments[source->at].size) {
            next_segment(source);
            continue;
        }
        size_t got = 0;
        TRY(read_segment(source, into + all, size - all, &got));
        if (got == 0)
            return ERR(IO, "%s: the file became shorter while it was read", source->url->text);
        all += got;
        source->offset += (int64_t)got;
    }
    *out_got = all;
    return NULL;
}

static void skip_stored(TextSource *source, int64_t skip)
{
    while (source->at < source->count && skip >= source->segments[source->at].size) {
        skip -= source->segments[source->at].size;
        next_segment(source);
    }
    source->offset = skip;
}

/* ---- unpacking ---- */

static Err *unpack_error(const TextSource *source, const char *what)
{
    return ERR(INVALID, "%s: the %s data %s at byte %lld", source->url->text,
               compression_name(source->url->compression), what,
               (long long)(source->packed_before + (int64_t)source->packed_at));
}

static Err *refill(TextSource *source)
{
    source->packed_before += (int64_t)source->packed_size;
    source->packed_at = 0;
    TRY(read_stored(source, source->packed, PACKED_STEP, &source->packed_size));
    source->packed_end = source->packed_size < PACKED_STEP;
    return NULL;
}

static Err *read_unpacked(TextSource *source, char *into, size_t size, size_t *out_got)
{
    size_t all = 0;
    while (all < size) {
        if (source->packed_at == source->packed_size && !source->packed_end) TRY(refill(source));
        bool ended = source->packed_at == source->packed_size;
        if (ended && unpacker_is_between(source->unpacker)) break;
        size_t used = source->packed_size - source->packed_at, made = size - all;
        if (!unpacker_step(source->unpacker, source->packed + source->packed_at, &used, into + all,
                           &made))
            return err_hint(unpack_error(source, "are damaged"), "ask for another copy");
        if (ended && made == 0)
            return err_hint(unpack_error(source, "are cut off"), "ask for another copy");
        source->packed_at += used;
        all += made;
    }
    *out_got = all;
    return NULL;
}

Err *source_read(TextSource *source, char *into, size_t size, size_t *out_got)
{
    TRY(os_check_interrupt());
    return source->unpacker != NULL ? read_unpacked(source, into, size, out_got)
                                    : read_stored(source, into, size, out_got);
}

static Err *skip_unpacked(TextSource *source, int64_t skip)
{
    SCRATCH(scratch);
    char *ignored = arena_alloc(scratch, PACKED_STEP);
    while (skip > 0) {
        size_t step = skip < PACKED_STEP ? (size_t)skip : PACKED_STEP, got = 0;
        TRY(source_read(source, ignored, step, &got));
        if (got == 0) return NULL;
        skip -= (int64_t)got;
    }
    return NULL;
}

/* ---- opening ---- */

static Err *check_magic(const TextSource *source, const char *bytes, size_t size)
{
    const Url *url = source->url;
    Compression found = compression_of(bytes, size);
    if (found == url->compression || size == 0) return NULL;
    const char *wanted = compression_name(url->compression);
    if (found == COMPRESSION_NONE)
        return err_hint(ERR(INVALID, "%s: is not %s data", url->text, wanted),
                        "leave out '+%s' to read it as it is", wanted);
    const char *name = compression_name(found);
    return err_hint(ERR(INVALID, "%s: is %s data", url->text, name), "say so in the URL: %s+%s:///",
                    format_name(url->format), name);
}

static Err *open_source(TextSource *source, int64_t skip)
{
    char magic[4];
    size_t got = 0;
    TRY(read_stored(source, magic, sizeof magic, &got));
    TRY(check_magic(source, magic, got));
    os_close_at(&source->file);
    source->at = 0;
    source->offset = 0;
    if (source->url->compression == COMPRESSION_NONE) {
        skip_stored(source, skip);
        return NULL;
    }
    source->unpacker = unpacker_new(source->url->compression);
    source->packed = arena_alloc(source->arena, PACKED_STEP);
    return skip_unpacked(source, skip);
}

Err *source_open(Arena *arena, const TextSegment *segments, size_t count, const Url *url,
                 int64_t skip, TextSource **out)
{
    TextSource *source = ANEW(arena, TextSource);
    *source = (TextSource){.arena = arena, .segments = segments, .count = count, .url = url};
    Err *err = open_source(source, skip);
    if (err != NULL)
        source_close_at(&source);
    else
        *out = source;
    return err;
}
