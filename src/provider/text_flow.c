/* Pieces of a text side by side: each worker takes the next piece from the cutter, in the order of
 * the text, and converts it (or only learns what it holds) on a connection of its own. A piece that
 * does not fit is learned in full, and the layout of those that are taken later follows at once;
 * what the text's types really are is decided by the caller from all that was learned, in the order
 * of the text. After a fault nothing more is taken; pieces before it are finished, so that the
 * first fault of the text is the one that is told. */
#include "provider/text_flow.h"
#include <pthread.h>
#include <stdlib.h>

struct Flow {
    const FlowSpec *spec;
    pthread_mutex_t lock;
    const Layout *layout; /* of the pieces to come */
    VEC(FlowPiece *) pieces;
    Arena *arena; /* of the list */
    bool stop;
    Err *error; /* of taking pieces */
};

/* ---- taking pieces ---- */

static FlowPiece *piece_new(Flow *flow, int64_t offset)
{
    Arena *arena = arena_new();
    FlowPiece *piece = ANEW(arena, FlowPiece);
    piece->arena = arena;
    piece->offset = offset;
    piece->layout = flow->layout;
    vec_push(flow->arena, &flow->pieces, piece);
    return piece;
}

static Err *take_locked(Flow *flow, FlowPiece **out, char **memory, TextPiece *bytes)
{
    const FlowSpec *spec = flow->spec;
    int64_t offset = spec->cutter->offset;
    *out = NULL;
    TRY(cutter_next(spec->cutter, memory, bytes));
    if (bytes->size == 0) return NULL;
    FlowPiece *piece = piece_new(flow, offset);
    piece->size = (int64_t)bytes->size;
    if (spec->wanted != NULL && !spec->wanted[flow->pieces.n - 1]) piece->passed = true;
    if (!spec->only_learn && !piece->passed)
        TRY(spec->input->new_path(spec->input->context, piece->arena, &piece->path));
    *out = piece;
    return NULL;
}

static FlowPiece *take(Flow *flow, char **memory, TextPiece *bytes)
{
    FlowPiece *piece = NULL;
    (void)pthread_mutex_lock(&flow->lock);
    *memory = NULL;
    if (!flow->stop) {
        Err *err = take_locked(flow, &piece, memory, bytes);
        if (err != NULL) {
            flow->error = err;
            piece = NULL;
        }
        flow->stop = flow->stop || piece == NULL;
    }
    (void)pthread_mutex_unlock(&flow->lock);
    return piece;
}

/* ---- one piece ---- */

/* The columns of `shape`, nothing seen in them. */
static void shape_like(Shape *out, Arena *arena, const Shape *shape)
{
    shape_init(out, arena);
    shape_join(out, shape);
    for (size_t i = 0; i < out->columns.n; i++) {
        out->columns.v[i].seen = 0;
        out->columns.v[i].unit = TIME_UNIT_NONE;
    }
}

static void learn(Flow *flow, FlowPiece *piece, const TextPiece *bytes)
{
    const TextJob *job = flow->spec->job;
    TextReader reader = {0};
    shape_like(&piece->shape, piece->arena, flow->spec->shape);
    text_reader_init(&reader, piece->arena, job, NULL, bytes);
    text_check_bytes(&reader);
    piece->learned = true;
    piece->written.fault = reader.fault;
    piece->written.file.lines = text_count_lines(bytes->bytes, bytes->size);
    if (reader.fault.what == NULL)
        (void)job->driver->learn(job, bytes, piece->arena, &piece->shape, &piece->written.fault);
}

static Err *write_piece(Flow *flow, Conn *conn, FlowPiece *piece, const TextPiece *bytes)
{
    PieceWrite write = {.job = flow->spec->job,
                        .layout = piece->layout,
                        .conn = conn,
                        .path = piece->path,
                        .piece = *bytes};
    return piece_write(piece->arena, &write, &piece->written);
}

/* What later pieces are written by: a guess that takes in what this one holds. */
static void relayout(Flow *flow, FlowPiece *piece)
{
    Shape *joined = ANEW(piece->arena, Shape);
    Layout *layout = ANEW(piece->arena, Layout);
    (void)pthread_mutex_lock(&flow->lock);
    shape_init(joined, piece->arena);
    shape_join(joined, flow->layout->shape);
    shape_join(joined, &piece->shape);
    Err *err = flow->spec->job->driver->layout(piece->arena, flow->spec->job, joined, layout);
    if (err == NULL) flow->layout = layout;
    if (err == NULL) piece->layout = layout;
    err_free(err); /* the caller meets it again */
    (void)pthread_mutex_unlock(&flow->lock);
}

static Err *convert(Flow *flow, Conn *conn, FlowPiece *piece, const TextPiece *bytes)
{
    const FlowSpec *spec = flow->spec;
    if (piece->passed) return NULL;
    if (spec->only_learn) {
        learn(flow, piece, bytes);
        return NULL;
    }
    TRY(write_piece(flow, conn, piece, bytes));
    if (!piece->written.misfit) return NULL;
    learn(flow, piece, bytes);
    if (piece->written.fault.what != NULL) return NULL;
    relayout(flow, piece);
    return write_piece(flow, conn, piece, bytes);
}

/* ---- workers ---- */

static void work(Flow *flow, Conn *conn)
{
    TextPiece bytes;
    char *memory = NULL;
    for (FlowPiece *piece; (piece = take(flow, &memory, &bytes)) != NULL; free(memory)) {
        piece->error = convert(flow, conn, piece, &bytes);
        if (piece->error == NULL && piece->written.fault.what == NULL) continue;
        (void)pthread_mutex_lock(&flow->lock);
        flow->stop = true;
        (void)pthread_mutex_unlock(&flow->lock);
    }
}

static void *worker(void *context)
{
    Flow *flow = context;
    CLEANUP(engine_disconnect_at) Conn *conn = NULL;
    Err *err = engine_connect(&conn);
    if (err == NULL)
        work(flow, conn);
    else
        err_free(err); /* the others do it */
    return NULL;
}

static void run_workers(Flow *flow, Conn *conn, int threads)
{
    pthread_t others[FLOW_THREADS_MAX];
    int started = 0;
    for (; started + 1 < threads && started < FLOW_THREADS_MAX; started++)
        if (pthread_create(&others[started], NULL, worker, flow) != 0) break;
    work(flow, conn);
    for (int i = 0; i < started; i++) (void)pthread_join(others[i], NULL);
}

Flow *flow_run(const FlowSpec *spec, Conn *conn, int threads)
{
    Arena *arena = arena_new();
    Flow *flow = ANEW(arena, Flow);
    *flow = (Flow){.spec = spec, .layout = spec->layout, .arena = arena};
    (void)pthread_mutex_init(&flow->lock, NULL);
    run_workers(flow, conn, threads);
    return flow;
}

FlowPiece **flow_pieces(const Flow *flow, size_t *out_count)
{
    *out_count = flow->pieces.n;
    return flow->pieces.v;
}

Err *flow_take_error(Flow *flow)
{
    for (size_t i = 0; i < flow->pieces.n; i++) {
        FlowPiece *piece = flow->pieces.v[i];
        Err *err = piece->error;
        piece->error = NULL;
        if (err != NULL || piece->written.fault.what != NULL) return err;
    }
    Err *err = flow->error;
    flow->error = NULL;
    return err;
}

void flow_free_at(Flow **out)
{
    Flow *flow = *out;
    if (flow == NULL) return;
    for (size_t i = 0; i < flow->pieces.n; i++) {
        err_free(flow->pieces.v[i]->error);
        arena_free(flow->pieces.v[i]->arena);
    }
    err_free(flow->error);
    (void)pthread_mutex_destroy(&flow->lock);
    arena_free(flow->arena);
    *out = NULL;
}
