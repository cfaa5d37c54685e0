/* The run history as tables: pond_runs, and one for each list of the model (report/fields.h), whose
 * columns follow from there. A cursor goes from run to run and holds one of them. What was not
 * measured is null. */
#include "cli/catalog.h"
#include "report/fields.h"
#include <string.h>

enum { RUN, BEGUN, OWN_COLUMNS }; /* the run that a row is of */

static const CatalogColumn RUN_COLUMNS[OWN_COLUMNS] = {
    [RUN] = {"run", "VARCHAR", "id of the run"},
    [BEGUN] = {"begun", "TIMESTAMP WITH TIME ZONE", "when the run began"},
};

/* Histograms are not in SQL; id and begin of the run stand in front. */
static bool is_column(const Section *section, const Field *field)
{
    bool in_front =
        section->key == NULL && (field->kind == FIELD_TIME || field->at == offsetof(Run, id));
    return field->kind != FIELD_HIST && !in_front;
}

static const char *type_of(FieldKind kind)
{
    switch (kind) {
    case FIELD_REAL: return "DOUBLE";
    case FIELD_INT:
    case FIELD_UINT: return "BIGINT";
    case FIELD_TIME: return RUN_COLUMNS[BEGUN].type;
    case FIELD_TEXT:
    case FIELD_WORD:
    case FIELD_HIST: break;
    }
    return "VARCHAR";
}

/* ---- rows ---- */

typedef struct RunCursor {
    Arena *arena, *run_arena;
    const Section *section;
    HistoryIndex index;
    size_t entry; /* of the next run */
    Run run;
    size_t item, items;
} RunCursor;

static Err *no_history(const CatalogTable *table)
{
    return err_hint(ERR(NOT_FOUND, "%s: no run in the history yet", table->name),
                    "commands leave one each, unless POND_HISTORY=off or the level is off");
}

static Err *runs_open(void *context, void **out)
{
    const CatalogSource *source = context;
    Arena *arena = arena_new();
    RunCursor *cursor = ANEW(arena, RunCursor);
    cursor->arena = arena;
    cursor->run_arena = arena_new();
    cursor->section = source->table->section;
    Err *err = cli_history_index(source->cli, arena, &cursor->index);
    if (err == NULL && cursor->index.count == 0) err = no_history(source->table);
    if (err != NULL) {
        arena_free(cursor->run_arena);
        arena_free(arena);
        return err;
    }
    *out = cursor;
    return NULL;
}

static void runs_close(void *context)
{
    RunCursor *cursor = context;
    arena_free(cursor->run_arena);
    arena_free(cursor->arena);
}

static void put_number(FeedColumn *column, size_t row, const Field *field, int64_t value)
{
    if (value == field->otherwise && value < 0)
        cell_put_null(column, row);
    else
        cell_put_int(column, row, value);
}

static void put_real(FeedColumn *column, size_t row, double value)
{
    if (value == 0)
        cell_put_null(column, row);
    else
        cell_put_real(column, row, value);
}

static void put_cell(FeedColumn *column, size_t row, const Field *field, const void *at)
{
    const char *text;
    switch (field->kind) {
    case FIELD_TEXT:
    case FIELD_WORD:
        text = *(const char *const *)at;
        cell_put_text(column, row, text == NULL || *text == '\0' ? NULL : text);
        return;
    case FIELD_REAL: put_real(column, row, *(const double *)at); return;
    case FIELD_INT:
    case FIELD_UINT:
    case FIELD_TIME: put_number(column, row, field, *(const int64_t *)at); return;
    case FIELD_HIST: return;
    }
}

static void put_item(RunCursor *cursor, FeedColumn *columns, size_t row)
{
    const Section *section = cursor->section;
    const char *item = run_item(section, &cursor->run, cursor->item++);
    cell_put_text(&columns[RUN], row, cursor->run.id);
    cell_put_int(&columns[BEGUN], row, cursor->run.begun);
    for (size_t f = 0, column = OWN_COLUMNS; f < section->field_count; f++) {
        if (is_column(section, &section->fields[f]))
            put_cell(&columns[column++], row, &section->fields[f], item + section->fields[f].at);
    }
}

/* The next run; one that makes no sense is passed by. */
static void next_run(RunCursor *cursor)
{
    arena_reset(cursor->run_arena);
    cursor->item = cursor->items = 0;
    if (history_run(cursor->run_arena, &cursor->index, cursor->entry++, &cursor->run))
        cursor->items = run_items(cursor->section, &cursor->run);
}

static Err *runs_next(void *context, FeedColumn *columns, size_t capacity, size_t *out_rows)
{
    RunCursor *cursor = context;
    size_t rows = 0;
    while (rows < capacity) {
        if (cursor->item < cursor->items) {
            put_item(cursor, columns, rows++);
            continue;
        }
        if (cursor->entry == cursor->index.count) break;
        TRY(os_check_interrupt());
        next_run(cursor);
    }
    *out_rows = rows;
    return NULL;
}

/* ---- the tables ---- */

void catalog_of_section(Arena *arena, const Section *section, CatalogTable *out)
{
    CatalogColumn *columns = AARRAY(arena, CatalogColumn, OWN_COLUMNS + section->field_count);
    size_t count = OWN_COLUMNS;
    memcpy(columns, RUN_COLUMNS, sizeof RUN_COLUMNS);
    for (size_t f = 0; f < section->field_count; f++) {
        const Field *field = &section->fields[f];
        if (is_column(section, field))
            columns[count++] = (CatalogColumn){field->key, type_of(field->kind), field->text};
    }
    *out = (CatalogTable){
        .name = arena_printf(arena, "pond_%s", section->key != NULL ? section->key : "runs"),
        .text = section->text,
        .columns = columns,
        .column_count = count,
        .section = section,
        .feed = {runs_open, runs_next, runs_close}};
}
