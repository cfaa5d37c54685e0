/* pond_spans: the spans that are kept of past runs, file by file, in each in order of their begins.
 */
#include "cli/catalog.h"
#include <math.h>

enum { RUN, BEGUN, LANE, DEPTH, NAME, LAYER, BEGIN, BEGIN_US, DURATION_US };

static const CatalogColumn COLUMNS[] = {
    [RUN] = {"run", "VARCHAR", "id of the run"},
    [BEGUN] = {"begun", "TIMESTAMP WITH TIME ZONE", "when its process began"},
    [LANE] = {"lane", "BIGINT", "which of its threads, from 0"},
    [DEPTH] = {"depth", "BIGINT", "how many spans are around it"},
    [NAME] = {"name", "VARCHAR", "of the operation: pond perf ops"},
    [LAYER] = {"layer", "VARCHAR", "which of the layers"},
    [BEGIN] = {"begin", "TIMESTAMP WITH TIME ZONE", "when it began"},
    [BEGIN_US] = {"begin_us", "DOUBLE", "since the process began, in microseconds"},
    [DURATION_US] = {"duration_us", "DOUBLE", "how long it took"},
};

typedef struct SpanCursor {
    Cli *cli;
    Arena *arena, *file_arena;
    const char **files;
    size_t file_count, file;
    RunSpans run;
    size_t next;
} SpanCursor;

static Err *find_files(const CatalogTable *table, SpanCursor *cursor)
{
    Pond *pond = NULL;
    TRY(cli_open_pond(cursor->cli, &pond));
    TRY(spans_list(cursor->arena, pond_info(pond)->dir, &cursor->files, &cursor->file_count));
    if (cursor->file_count > 0) return NULL;
    return err_hint(ERR(NOT_FOUND, "%s: no spans of a run are kept yet", table->name),
                    "record some: pond perf record -- list, or POND_TRACE=spans");
}

static Err *spans_open(void *context, void **out)
{
    const CatalogSource *source = context;
    Arena *arena = arena_new();
    SpanCursor *cursor = ANEW(arena, SpanCursor);
    cursor->cli = source->cli;
    cursor->arena = arena;
    cursor->file_arena = arena_new();
    Err *err = find_files(source->table, cursor);
    if (err != NULL) {
        arena_free(cursor->file_arena);
        arena_free(arena);
        return err;
    }
    *out = cursor;
    return NULL;
}

static void spans_close(void *context)
{
    SpanCursor *cursor = context;
    arena_free(cursor->file_arena);
    arena_free(cursor->arena);
}

static void put_span(const SpanCursor *cursor, FeedColumn *columns, size_t row)
{
    const RunSpans *run = &cursor->run;
    const PerfRecord *record = &run->spans.records[cursor->next];
    const char *name = run->names[record->op];
    int op = perf_op_by_name(name);
    double begin_ns = (double)(int64_t)(record->begin_ticks - run->start_ticks) * run->ns_per_tick;
    cell_put_text(&columns[RUN], row, run->run);
    cell_put_int(&columns[BEGUN], row, run->begun);
    cell_put_int(&columns[LANE], row, run->spans.lanes[cursor->next]);
    cell_put_int(&columns[DEPTH], row, record->depth);
    cell_put_text(&columns[NAME], row, name);
    cell_put_text(&columns[LAYER], row, op >= 0 ? perf_op_info((PerfOp)op)->layer : NULL);
    cell_put_int(&columns[BEGIN], row, run->begun + llround(begin_ns / 1000));
    cell_put_real(&columns[BEGIN_US], row, begin_ns / 1000);
    cell_put_real(&columns[DURATION_US], row,
                  ldexp(record->length, record->shift) * run->ns_per_tick / 1000);
}

static void next_file(SpanCursor *cursor)
{
    const char *name = cursor->files[cursor->file++];
    arena_reset(cursor->file_arena);
    cursor->next = 0;
    const char *dir = pond_info(cursor->cli->pond)->dir;
    bool mend = !pond_is_read_only(cursor->cli->pond);
    if (!spans_read(cursor->file_arena, dir, name, mend, &cursor->run))
        log_warn("%s/history/%s is damaged%s; its spans are not shown", dir, name,
                 mend ? " and was set aside as *.damaged" : "");
}

static Err *spans_next(void *context, FeedColumn *columns, size_t capacity, size_t *out_rows)
{
    SpanCursor *cursor = context;
    size_t rows = 0;
    while (rows < capacity) {
        if (cursor->next < cursor->run.spans.count) {
            put_span(cursor, columns, rows++);
            cursor->next++;
            continue;
        }
        if (cursor->file == cursor->file_count) break;
        TRY(os_check_interrupt());
        next_file(cursor);
    }
    *out_rows = rows;
    return NULL;
}

const CatalogTable CATALOG_SPANS = {
    .name = "pond_spans",
    .text =
        "single calls of the last 8 runs that were recorded with spans, or killed with them and "
        "recovered; the newest 65,536 of each",
    .columns = COLUMNS,
    .column_count = sizeof COLUMNS / sizeof *COLUMNS,
    .feed = {spans_open, spans_next, spans_close},
};
