/* A text into Parquet files, one a piece.
 *
 * The first megabyte tells what to expect; pieces are written by that, side by side. When something
 * else turns up, the text's types are those of all that was seen, and the pieces that were written
 * by others are written again. So the rows are those of a text whose every value was looked at
 * before, at the price of one reading. */
#include "perf/ops.h"
#include "provider/text_flow.h"
#include <stdlib.h>
#include <string.h>

typedef struct Convert {
    Arena *arena;
    TextJob *job;
    const TextInput *input;
    TextState *state;
    Conn *conn;
    Cutter cutter;
    Layout *layout;
} Convert;

/* ---- errors ---- */

static Err *fault_error(const Convert *convert, const TextFault *fault, int64_t lines_before)
{
    int64_t line = lines_before + fault->line + 1;
    Err *err = err_make(fault->code, __FILE__, __LINE__, "%s: line %lld: %s", convert->job->label,
                        (long long)line, fault->what);
    if (line <= INT32_MAX) err = err_at(err, (int)line, fault->column > 0 ? fault->column : 1);
    return fault->hint != NULL ? err_hint(err, "%s", fault->hint) : err;
}

static Err *too_long(const Convert *convert, int64_t lines_before)
{
    return err_hint(ERR(LIMIT, "%s: line %lld: longer than %d MiB", convert->job->label,
                        (long long)lines_before + 1, TEXT_RECORD_BYTES_MAX >> 20),
                    "a quote that is not closed?");
}

static Err *refuse_null_times(const Convert *convert)
{
    int64_t nulls = 0, first = 0, rows = 0;
    for (size_t i = 0; i < convert->state->files.n; i++) {
        const TextFile *file = &convert->state->files.v[i];
        if (nulls == 0 && file->null_times > 0) first = rows + file->first_null;
        nulls += file->null_times;
        rows += file->meta.rows;
    }
    if (nulls == 0) return NULL;
    return err_hint(ERR(INVALID, "%s: time column '%s' is null in %lld %s, first in row %lld",
                        convert->job->label, convert->layout->columns[convert->layout->time].name,
                        (long long)nulls, nulls == 1 ? "row" : "rows", (long long)first + 1),
                    "remove those rows");
}

/* ---- the beginning ---- */

static Err *open_cutter(Convert *convert, int64_t offset)
{
    const TextInput *input = convert->input;
    cutter_close(&convert->cutter);
    convert->cutter =
        (Cutter){.job = convert->job, .piece_bytes = input->piece_bytes, .offset = offset};
    return source_open(convert->arena, input->segments, input->count, convert->job->url, offset,
                       &convert->cutter.source);
}

static Err *begin(Convert *convert, Shape *shape, bool *out_begun)
{
    Cutter *cutter = &convert->cutter;
    TextJob *job = convert->job;
    size_t used = 0;
    TRY(cutter_fill(cutter));
    if (cutter->size == 0 && !job->series)
        return ERR(INVALID, "%s: the file is empty%s", job->label,
                   job->driver->format == FORMAT_CSV ? ": it has no header line" : "");
    TRY(job->driver->begin(job, cutter->buffer, cutter->size, cutter->ended, shape, &used));
    *out_begun = used != SIZE_MAX;
    if (!*out_begun && !cutter->ended) return too_long(convert, 0);
    if (!*out_begun) return NULL;
    convert->state->lines += text_count_lines(cutter->buffer, used);
    cutter->at = used;
    cutter->offset = convert->state->offset = (int64_t)used;
    return NULL;
}

/* A text known before is begun again for the driver's sake: what stands before its records. */
static Err *begin_known(Convert *convert)
{
    Shape ignored;
    bool begun = false;
    TextState *state = convert->state;
    int64_t offset = state->offset, lines = state->lines;
    shape_init(&ignored, convert->arena);
    TRY(open_cutter(convert, 0));
    TRY(begin(convert, &ignored, &begun));
    state->offset = offset;
    state->lines = lines;
    return NULL;
}

/* ---- what to expect ---- */

static void sample(Convert *convert, Shape *shape)
{
    const Cutter *cutter = &convert->cutter;
    const TextJob *job = convert->job;
    TextFault ignored = {0};
    size_t size = cutter->size - cutter->at, bad = 0;
    const char *bytes = cutter->buffer + cutter->at;
    if (size > convert->input->sample_bytes) size = convert->input->sample_bytes;
    size_t cut = size > 0 ? job->driver->cut(job, bytes, size) : 0;
    if (cut == 0 && cutter->ended && !job->series) cut = size;
    if (cut == 0 || text_find_bad_byte(bytes, cut, &bad)) return;
    SCRATCH(scratch);
    (void)job->driver->learn(job, &(TextPiece){bytes, cut}, scratch, shape, &ignored);
}

static void shape_copy(Shape *to, Arena *arena, const Shape *from)
{
    shape_init(to, arena);
    shape_join(to, from);
}

static Err *make_layout(Convert *convert, const Shape *shape)
{
    Layout *layout = ANEW(convert->arena, Layout);
    TRY(convert->job->driver->layout(convert->arena, convert->job, shape, layout));
    convert->layout = layout;
    return NULL;
}

/* ---- passes ---- */

static Err *first_fault(const Convert *convert, const Flow *flow, int64_t lines)
{
    size_t count = 0;
    FlowPiece **pieces = flow_pieces(flow, &count);
    for (size_t i = 0; i < count; i++) {
        const PieceWritten *written = &pieces[i]->written;
        if (written->fault.what != NULL) return fault_error(convert, &written->fault, lines);
        lines += written->file.lines;
    }
    return NULL;
}

/* Everything that follows is looked at first: the sample did not tell enough. */
static Err *learn_all(Convert *convert, Shape *shape)
{
    CLEANUP(flow_free_at) Flow *flow = NULL;
    FlowSpec spec = {.job = convert->job,
                     .input = convert->input,
                     .cutter = &convert->cutter,
                     .shape = shape,
                     .only_learn = true};
    size_t count = 0;
    flow = flow_run(&spec, convert->conn, convert->input->threads);
    TRY(flow_take_error(flow));
    TRY(first_fault(convert, flow, convert->state->lines));
    FlowPiece **pieces = flow_pieces(flow, &count);
    int64_t lines = convert->state->lines;
    for (size_t i = 0; i < count; i++) {
        shape_join(shape, &pieces[i]->shape);
        lines += pieces[i]->written.file.lines;
    }
    if (convert->cutter.too_long) return too_long(convert, lines);
    return open_cutter(convert, convert->state->offset);
}

static TextFile file_copy(Arena *arena, const FlowPiece *piece)
{
    TextFile file = piece->written.file;
    file.offset = piece->offset;
    file.size = piece->size;
    file.path = arena_strdup(arena, file.path);
    file.meta = version_copy(arena, &file.meta);
    TextNote *notes = AARRAY(arena, TextNote, file.note_count + 1);
    for (size_t i = 0; i < file.note_count; i++)
        notes[i] = (TextNote){arena_strdup(arena, file.notes[i].name), file.notes[i].target};
    file.notes = notes;
    return file;
}

/* The pieces become files of the state; what was learned, part of its shape. */
static Err *take_pieces(Convert *convert, const Flow *flow, Shape *shape)
{
    TextState *state = convert->state;
    size_t count = 0;
    FlowPiece **pieces = flow_pieces(flow, &count);
    TRY(first_fault(convert, flow, state->lines));
    for (size_t i = 0; i < count; i++) {
        const FlowPiece *piece = pieces[i];
        if (piece->learned) shape_join(shape, &piece->shape);
        perf_add(PERF_format_byte, (uint64_t)piece->size);
        vec_push(convert->arena, &state->files, file_copy(convert->arena, piece));
        state->lines += piece->written.file.lines;
        state->offset = piece->offset + piece->size;
    }
    return convert->cutter.too_long ? too_long(convert, state->lines) : NULL;
}

static Err *convert_new(Convert *convert, Shape *shape)
{
    CLEANUP(flow_free_at) Flow *flow = NULL;
    FlowSpec spec = {.job = convert->job,
                     .input = convert->input,
                     .cutter = &convert->cutter,
                     .shape = shape,
                     .layout = convert->layout};
    flow = flow_run(&spec, convert->conn, convert->input->threads);
    TRY(flow_take_error(flow));
    return take_pieces(convert, flow, shape);
}

/* ---- once more ---- */

/* A column without values fits any type; the others must be of the layout's, in its order. */
static bool file_fits(const TextFile *file, const Layout *layout)
{
    size_t at = 0;
    if (file->path == NULL) return false;
    for (size_t i = 0; i < file->note_count; i++) {
        const TextNote *note = &file->notes[i];
        while (at < layout->count && strcmp(layout->columns[at].name, note->name) != 0) at++;
        if (at == layout->count) return false;
        if (note->target != TARGET_NOTHING && note->target != layout->columns[at].target)
            return false;
    }
    return strcmp(file->meta.time_column, layout->columns[layout->time].name) == 0;
}

static int64_t lines_of(const TextState *state)
{
    int64_t lines = 0;
    for (size_t i = 0; i < state->files.n; i++) lines += state->files.v[i].lines;
    return lines;
}

static Err *replace_files(Convert *convert, const Flow *flow)
{
    TextState *state = convert->state;
    size_t count = 0;
    FlowPiece **pieces = flow_pieces(flow, &count);
    int64_t lines = state->lines - lines_of(state); /* of the header */
    if (count != state->files.n)
        return ERR(IO, "%s: the text became shorter while it was read", convert->job->label);
    for (size_t i = 0; i < count; i++) {
        const PieceWritten *written = &pieces[i]->written;
        TextFile *file = &state->files.v[i];
        if (written->fault.what != NULL) return fault_error(convert, &written->fault, lines);
        lines += file->lines;
        if (pieces[i]->passed) continue;
        perf_add(PERF_format_byte, (uint64_t)pieces[i]->size);
        *file = file_copy(convert->arena, pieces[i]);
    }
    return NULL;
}

/* Writes the files again that do not fit the layout, by the borders that they had. */
static Err *convert_again(Convert *convert)
{
    TextState *state = convert->state;
    CLEANUP(flow_free_at) Flow *flow = NULL;
    bool *wanted = AARRAY(convert->arena, bool, state->files.n + 1), any = false;
    int64_t *sizes = AARRAY(convert->arena, int64_t, state->files.n + 1);
    for (size_t i = 0; i < state->files.n; i++) {
        wanted[i] = !file_fits(&state->files.v[i], convert->layout);
        sizes[i] = state->files.v[i].size;
        any = any || wanted[i];
    }
    if (!any) return NULL;
    TRY(open_cutter(convert, state->files.v[0].offset));
    convert->cutter.sizes = sizes;
    FlowSpec spec = {.job = convert->job,
                     .input = convert->input,
                     .cutter = &convert->cutter,
                     .shape = &state->shape,
                     .layout = convert->layout,
                     .wanted = wanted};
    flow = flow_run(&spec, convert->conn, convert->input->threads);
    TRY(flow_take_error(flow));
    return replace_files(convert, flow);
}

/* ---- all of it ---- */

static Err *expect(Convert *convert, Shape *expected)
{
    const TextState *state = convert->state;
    TRY(cutter_fill(&convert->cutter));
    shape_copy(expected, convert->arena, &state->shape);
    sample(convert, expected);
    Err *err = make_layout(convert, expected);
    if (err == NULL) return NULL;
    err_free(err); /* perhaps the rest tells more */
    shape_copy(expected, convert->arena, &state->shape);
    TRY(learn_all(convert, expected));
    return make_layout(convert, expected);
}

static Err *advance(Convert *convert)
{
    TextState *state = convert->state;
    Shape *expected = ANEW(convert->arena, Shape);
    bool begun = true;
    if (state->offset > 0) TRY(begin_known(convert));
    TRY(open_cutter(convert, state->offset));
    if (state->offset == 0) TRY(begin(convert, &state->shape, &begun));
    if (!begun) return NULL;
    TRY(expect(convert, expected));
    TRY(convert_new(convert, expected));
    shape_copy(&state->shape, convert->arena, expected);
    TRY(make_layout(convert, &state->shape));
    TRY(convert_again(convert));
    return refuse_null_times(convert);
}

/* ---- formats that convert their pieces themselves ---- */

static Err *keep_own(Convert *convert)
{
    const TextDriver *driver = convert->job->driver;
    Buf text = buf_new(convert->arena);
    JsonOut json = json_out(&text);
    if (driver->state_put == NULL) return NULL;
    driver->state_put(convert->job, &json);
    return json_parse(convert->arena, text.data, text.size, &convert->state->own);
}

static Err *convert_part(Convert *convert, const TextPiece *piece, int64_t offset)
{
    TextState *state = convert->state;
    TextJob *job = convert->job;
    TextFile file = {.offset = offset,
                     .size = (int64_t)piece->size,
                     .lines = text_count_lines(piece->bytes, piece->size)};
    char *path = NULL;
    TRY(convert->input->new_path(convert->input->context, convert->arena, &path));
    TRY(ERR_WRAP(job->driver->part(job, convert->arena, convert->conn, piece, state->lines + 1,
                                   path, &file.meta),
                 "%s", job->label));
    perf_add(PERF_format_byte, piece->size);
    file.path = path;
    vec_push(convert->arena, &state->files, file);
    state->lines += file.lines;
    state->offset = offset + file.size;
    return NULL;
}

static Err *advance_parts(Convert *convert)
{
    TextState *state = convert->state;
    const size_t before = state->files.n;
    bool begun = true;
    if (state->offset > 0) TRY(begin_known(convert));
    TRY(open_cutter(convert, state->offset));
    if (state->offset == 0) TRY(begin(convert, &state->shape, &begun));
    if (begun && state->own != NULL) TRY(convert->job->driver->state_get(convert->job, state->own));
    while (begun) {
        TextPiece piece;
        char *memory = NULL;
        int64_t offset = convert->cutter.offset;
        TRY(cutter_next(&convert->cutter, &memory, &piece));
        begun = piece.size > 0;
        Err *err = begun ? convert_part(convert, &piece, offset) : NULL;
        free(memory);
        TRY(err);
    }
    if (convert->cutter.too_long) return too_long(convert, state->lines);
    if (state->files.n > before && convert->job->driver->done != NULL)
        convert->job->driver->done(convert->job);
    return keep_own(convert);
}

Err *text_advance(Arena *arena, TextJob *job, const TextInput *input, TextState *state,
                  Layout *out_layout)
{
    Convert convert = {.arena = arena, .job = job, .input = input, .state = state};
    if (state->shape.arena == NULL) shape_init(&state->shape, arena);
    TRY(provider_conn(job->provider, &convert.conn));
    Err *err = job->driver->part != NULL ? advance_parts(&convert) : advance(&convert);
    cutter_close(&convert.cutter);
    TRY(err);
    *out_layout = convert.layout != NULL ? *convert.layout : (Layout){.time = -1};
    return NULL;
}

/* ---- one file ---- */

typedef struct Chain {
    Convert *convert;
    char *memory;
} Chain;

static Err *chain_next(void *context, TextPiece *out)
{
    Chain *chain = context;
    free(chain->memory);
    chain->memory = NULL;
    TRY(cutter_next(&chain->convert->cutter, &chain->memory, out));
    perf_add(PERF_format_byte, out->size);
    return NULL;
}

static Err *write_chain(Convert *convert, const char *path, PieceWritten *out)
{
    Chain chain = {.convert = convert};
    PieceWrite write = {.job = convert->job,
                        .layout = convert->layout,
                        .conn = convert->conn,
                        .path = path,
                        .more = chain_next,
                        .context = &chain};
    Err *err = chain_next(&chain, &write.piece);
    if (err == NULL) err = piece_write(convert->arena, &write, out);
    free(chain.memory);
    return err;
}

static Err *write_whole(Convert *convert, const char *path, PieceWritten *written)
{
    TextState *state = convert->state;
    Shape *expected = ANEW(convert->arena, Shape);
    bool begun = true;
    TRY(open_cutter(convert, 0));
    TRY(begin(convert, &state->shape, &begun));
    TRY(expect(convert, expected));
    TRY(write_chain(convert, path, written));
    if (!written->misfit) return NULL;
    TRY(open_cutter(convert, state->offset));
    shape_copy(expected, convert->arena, &state->shape);
    TRY(learn_all(convert, expected));
    TRY(make_layout(convert, expected));
    return write_chain(convert, path, written);
}

static Err *finish_whole(Convert *convert, PieceWritten *written)
{
    TextState *state = convert->state;
    if (written->fault.what != NULL) return fault_error(convert, &written->fault, state->lines);
    if (written->misfit) return ERR(INTERNAL, "%s: its types do not settle", convert->job->label);
    if (convert->cutter.too_long) return too_long(convert, state->lines + written->file.lines);
    vec_push(convert->arena, &state->files, written->file);
    return refuse_null_times(convert);
}

Err *text_write(Arena *arena, TextJob *job, const TextInput *input, const char *path, Version *meta)
{
    TextState state = {0};
    PieceWritten written = {0};
    Convert convert = {.arena = arena, .job = job, .input = input, .state = &state};
    shape_init(&state.shape, arena);
    TRY(provider_conn(job->provider, &convert.conn));
    Err *err = write_whole(&convert, path, &written);
    if (err == NULL) err = finish_whole(&convert, &written);
    cutter_close(&convert.cutter);
    if (err == NULL)
        *meta = written.file.meta;
    else
        err_free(os_unlink_if(path));
    return err;
}
