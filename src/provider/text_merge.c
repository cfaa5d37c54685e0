/* A text that grows by little gets a small file each time it is read. Neighbours at its end are
 * brought together as in a number system of base 8: eight files of one size become one of the next,
 * so that n appends leave about 8 log8(n) files, and each row is written log8(n) times. Files are
 * merged as Parquet: no text is parsed for it, and rows stay as they are. */
#include "provider/text_cache.h"
#include <string.h>

enum { TIER_FILES = 8, TIER_LEVELS = 3 };

static int level_of(const TextFile *file)
{
    int64_t most = 1 << 16;
    int level = 0;
    for (; level < TIER_LEVELS && file->size >= most; level++) most *= TIER_FILES;
    return level;
}

/* How many files at the end are of this level or below. */
static size_t tail_of(const TextState *state, int level)
{
    size_t count = 0;
    while (count < state->files.n && level_of(&state->files.v[state->files.n - 1 - count]) <= level)
        count++;
    return count;
}

/* What the rows of several files say of a column together. */
static TextNote note_of(const TextFile *files, size_t count, const char *name)
{
    TextNote note = {.name = name, .target = TARGET_NOTHING};
    for (size_t i = 0; i < count; i++) {
        for (size_t c = 0; c < files[i].note_count; c++) {
            const TextNote *other = &files[i].notes[c];
            if (other->target != TARGET_NOTHING && strcmp(other->name, name) == 0)
                note.target = other->target;
        }
    }
    return note;
}

static bool follow_each_other(const TextFile *files, size_t count)
{
    TimeUs end = TIME_MIN;
    for (size_t i = 0; i < count; i++) {
        const Version *meta = &files[i].meta;
        if (meta->rows == 0) continue;
        if (!meta->in_order || meta->intervals[0].min < end) return false;
        end = meta->intervals[meta->interval_count - 1].max;
    }
    return true;
}

static void join_intervals(Arena *arena, const TextFile *files, size_t count, Version *meta)
{
    Cover *cover = cover_new(arena);
    for (size_t i = 0; i < count; i++)
        cover_add_spans(cover, files[i].meta.intervals, files[i].meta.interval_count);
    cover_finish(cover, arena, meta->rows, &meta->intervals, &meta->interval_count);
}

/* Formats that convert their pieces themselves keep no notes. */
static char *schema_text(Arena *arena, const Schema *schema)
{
    Buf text = buf_new(arena);
    JsonOut json = json_out(&text);
    schema_to_json(&json, schema);
    return text.data;
}

static TextFile joined(Arena *arena, const TextFile *files, size_t count, const Schema *schema)
{
    TextFile file = {.offset = files[0].offset,
                     .note_count = schema->count,
                     .notes = AARRAY(arena, TextNote, schema->count + 1)};
    for (size_t i = 0; i < count; i++) {
        file.size += files[i].size;
        file.lines += files[i].lines;
        file.meta.rows += files[i].meta.rows;
    }
    if (files[0].note_count == 0) file.note_count = 0;
    for (size_t i = 0; i < file.note_count; i++)
        file.notes[i] = note_of(files, count, schema->columns[i].name);
    file.meta.parquet = true;
    file.meta.schema = files[0].note_count > 0 ? notes_schema(arena, file.notes, file.note_count)
                                               : schema_text(arena, schema);
    file.meta.time_column = files[0].meta.time_column;
    file.meta.in_order = follow_each_other(files, count);
    join_intervals(arena, files, count, &file.meta);
    return file;
}

static Err *merge(TextJob *job, const TextInput *input, const TextFile *files, size_t count,
                  TextFile *out)
{
    Provider *provider = job->provider;
    Arena *arena = provider->arena;
    const Rel *rel = NULL;
    Plan *plan = NULL;
    Conn *conn = NULL;
    char *path = NULL;
    RelWritten written;
    TRY(text_scan(provider, job->label, files, count, &rel));
    TRY(provider_plan(provider, &plan));
    TRY(plan_resolve(plan, rel));
    TRY(provider_conn(provider, &conn));
    TRY(input->new_path(input->context, arena, &path));
    /* Without notes names are internal ones, which only temporary files may have. */
    RelWrite write = {.read = {.span = {TIME_MIN, TIME_MAX}},
                      .path = path,
                      .any_time = true,
                      .scratch = files[0].note_count == 0};
    TRY(rel_write(plan, arena, conn, rel, &write, &written));
    *out = joined(arena, files, count, rel_schema(rel));
    out->path = path;
    out->meta.size_bytes = written.size_bytes;
    return NULL;
}

Err *text_merge(TextJob *job, const TextInput *input, TextState *state)
{
    for (int level = 0; level < TIER_LEVELS; level++) {
        size_t count = tail_of(state, level);
        if (count < TIER_FILES) continue;
        TextFile *files = &state->files.v[state->files.n - count], merged;
        TRY(merge(job, input, files, count, &merged));
        *files = merged;
        state->files.n -= count - 1;
    }
    return NULL;
}
