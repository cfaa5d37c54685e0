/* Helpers of the tests of `plan`: a folder of their own, Parquet files made by plain SQL, scans
 * over them, and rows as text ("1970-01-01T00:00:00Z|1|2.5|NULL", one line each). */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/os.h"
#include "plan/plan.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ALL ((TimeSpan){TIME_MIN, TIME_MAX})
#define TZ "TIMESTAMP WITH TIME ZONE"

typedef struct World {
    Arena *arena;
    Plan *plan;
    Conn *conn;
    char *dir;
    int files;
} World;

static inline void must(Err *err)
{
    if (err == NULL) return;
    const char *hint = err_hint_text(err);
    fail_msg("%s: %s (%s)", err_code_name(err_code(err)), err_message(err),
             hint != NULL ? hint : "");
}

static inline void expect_error(Err *err, ErrCode code, const char *words)
{
    if (err == NULL) fail_msg("no error, wanted one with: %s", words);
    if (err_code(err) != code || strstr(err_message(err), words) == NULL)
        fail_msg("wanted %s with '%s', got %s: %s", err_code_name(code), words,
                 err_code_name(err_code(err)), err_message(err));
    err_free(err);
}

static inline TimeUs at(const char *text)
{
    TimeUs time;
    must(time_parse(text, &time));
    return time;
}

static inline Err *load_zone(void *context, Arena *arena, const char *name, const Zone **out)
{
    (void)context;
    char *bytes;
    size_t size;
    char *path = arena_printf(arena, "/usr/share/zoneinfo/%s", name);
    TRY(os_read_file_if(arena, path, 1 << 20, &bytes, &size));
    if (bytes == NULL) return ERR(NOT_FOUND, "zone %s: not in the tz database", name);
    return zone_parse(arena, name, bytes, size, out);
}

static inline int world_open(void **state)
{
    char template[] = "/tmp/pond-plan-XXXXXX";
    Arena *arena = arena_new();
    World *world = ANEW(arena, World);
    world->arena = arena;
    world->dir = arena_strdup(arena, mkdtemp(template));
    world->plan = plan_new(arena, NULL);
    plan_set_zone_source(world->plan, load_zone, NULL);
    must(engine_connect(&world->conn));
    *state = world;
    return 0;
}

static inline int world_close(void **state)
{
    World *world = *state;
    plan_close_at(&world->plan);
    engine_disconnect_at(&world->conn);
    must(os_remove_tree(world->dir));
    arena_free(world->arena);
    return 0;
}

static inline char *new_path(World *world)
{
    return arena_printf(world->arena, "%s/f%d.parquet", world->dir, ++world->files);
}

/* What ingest records of a file, asked of the engine. */
static inline ScanFile make_file(World *world, const char *sql, const char *time_column,
                                 TimeUnit unit)
{
    ScanFile file = {.path = new_path(world), .time_column = time_column, .time_unit = unit};
    must(engine_exec(world->conn, arena_printf(world->arena, "COPY (%s) TO '%s' (FORMAT parquet)",
                                               sql, file.path)));
    must(engine_parquet_schema(world->arena, world->conn, file.path, &file.schema, &file.rows));
    must(os_sha256_file(file.path, &file.size_bytes, file.sha256));
    file.label = arena_printf(world->arena, "/s.series v%d", world->files);
    return file;
}

/* With intervals and order as given: "" for none, "a/b" per interval. */
static inline ScanFile with_span(World *world, ScanFile file, TimeUs min, TimeUs max)
{
    TimeSpan *span = ANEW(world->arena, TimeSpan);
    *span = (TimeSpan){min, max};
    file.intervals = span;
    file.interval_count = 1;
    file.in_order = true;
    return file;
}

static inline const Rel *scan_of(World *world, ScanFile *files, size_t count)
{
    const Rel *rel = NULL;
    must(rel_scan(
        world->arena,
        &(ScanSpec){.label = "/s.series", .files = files, .file_count = count, .clip = ALL}, &rel));
    must(plan_resolve(world->plan, rel));
    return rel;
}

static inline void add_cell(Arena *arena, Buf *out, const Vector *vector, size_t row,
                            const char *type)
{
    size_t size;
    if (vector_is_null(vector, row)) {
        buf_puts(out, "NULL");
    } else if (vector->phys == PHYS_NESTED) {
        buf_puts(out, "?");
    } else if (type_class(type) == TYPE_TIMESTAMPTZ || strcmp(type, "TIMESTAMP") == 0) {
        buf_puts(out, time_format(arena, engine_int(vector, row)));
    } else if (vector->phys == PHYS_F64 || vector->phys == PHYS_F32) {
        buf_printf(out, "%.17g", engine_double(vector, row));
    } else if (vector->phys == PHYS_STRING) {
        const char *bytes = engine_str(vector, row, &size);
        buf_add(out, bytes, size);
    } else if (vector->phys == PHYS_I128) {
        __int128 value;
        memcpy(&value, (const char *)vector->data + row * sizeof value, sizeof value);
        buf_printf(out, "%" PRId64 ":%" PRIu64, (int64_t)(value >> 64), (uint64_t)value);
    } else {
        buf_printf(out, "%" PRId64, engine_int(vector, row));
    }
}

static inline Err *rows_of(World *world, const Rel *rel, RelRead read, char **out)
{
    TRY(plan_resolve(world->plan, rel));
    CLEANUP(rel_close_at) RelStream *stream = NULL;
    TRY(rel_open(world->plan, rel, read, &stream));
    const Schema *schema = rel_stream_schema(stream);
    Buf text = buf_new(world->arena);
    for (;;) {
        Chunk chunk;
        TRY(rel_next(stream, &chunk));
        if (chunk.rows == 0) break;
        for (size_t row = 0; row < chunk.rows; row++) {
            for (size_t i = 0; i < chunk.columns; i++) {
                if (i > 0) buf_putc(&text, '|');
                add_cell(world->arena, &text, &chunk.vectors[i], row, schema->columns[i].type);
            }
            buf_putc(&text, '\n');
        }
    }
    *out = text.data;
    return NULL;
}

static inline char *all_rows(World *world, const Rel *rel)
{
    char *rows = NULL;
    must(rows_of(world, rel, (RelRead){.span = ALL, .sorted = true}, &rows));
    return rows;
}

static inline char *rows_in(World *world, const Rel *rel, TimeUs min, TimeUs max)
{
    char *rows = NULL;
    must(rows_of(world, rel, (RelRead){.span = {min, max}, .sorted = true}, &rows));
    return rows;
}

/* As exports do with what is not time-local: written whole, and read from there. */
static inline Err *materialized(Plan *plan, Arena *arena, Conn *conn, const Rel *rel, TimeSpan span,
                                const char *path, const Rel **out)
{
    RelWritten written;
    const RelWrite write = {.read = {.span = span, .sorted = true}, .path = path, .scratch = true};
    TRY(rel_write(plan, arena, conn, rel, &write, &written));
    return rel_of_written(arena, conn, rel, path, &written, out);
}

#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, world_open, world_close)
