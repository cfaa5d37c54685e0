/* The plans of a pond's statements: POND/history/plans, text, a plan a line:
 *
 *     <16 hex digits: XXH3-64 of the rest> <shape> <plan> <JSON>
 *
 * each of the first three 16 hex digits and a space. A line is appended when a shape has another
 * plan than its last line says, when its logical and optimised plans are there for the first time,
 * and when it was heavy for the first time: so the last line of a shape is its plan, and the texts
 * of a plan are kept once and not with each run. Shapes that were to be profiled and gave none, as
 * they are not read to their end, have the plan 0: that they are known spares the next attempt.
 * Appending is one write(2) of a line that begins and ends with a line break.
 *
 * Bounds: a line has at most 16 KiB; a file that has 256 KiB is renamed to plans.old, over the one
 * before it. A line that does not match its hash is passed by and counted. */
#include "report/report_int.h"
#include <stdlib.h>
#include <string.h>

enum {
    FILE_BYTES_FULL = 256 << 10,
    FILE_BYTES_MAX = 1 << 20, /* to read: more is not ours */
    LINE_BYTES_MAX = 16 << 10,
    DIGITS = 16,
    HEAD = 3 * (DIGITS + 1)
};

/* ---- reading ---- */

typedef struct Line {
    const char *shape, *plan; /* DIGITS each, not ended */
    const char *json;
    size_t json_size;
} Line;
typedef VEC(Line) Lines;

static bool parse_line(const char *text, size_t size, Line *out)
{
    char digits[DIGITS + 1];
    if (size <= HEAD || text[DIGITS] != ' ') return false;
    const char *rest = text + DIGITS + 1;
    (void)snprintf(digits, sizeof digits, "%016llx",
                   (unsigned long long)xxh64(rest, size - DIGITS - 1));
    if (memcmp(digits, text, DIGITS) != 0) return false;
    *out = (Line){
        .shape = rest, .plan = rest + DIGITS + 1, .json = text + HEAD, .json_size = size - HEAD};
    return true;
}

static void read_lines(Arena *arena, const char *path, Lines *lines, uint64_t *damaged)
{
    char *text = NULL;
    size_t size = 0;
    Err *err = os_read_file_if(arena, path, FILE_BYTES_MAX, &text, &size);
    *damaged += err != NULL;
    err_free(err);
    if (text == NULL) return;
    for (const char *at = text; at < text + size;) {
        const char *end = memchr(at, '\n', (size_t)(text + size - at));
        size_t length = (size_t)((end != NULL ? end : text + size) - at);
        Line line;
        if (length > 0 && parse_line(at, length, &line))
            vec_push(arena, lines, line);
        else
            *damaged += length > 0;
        at += length + 1;
    }
}

static char *plans_path(Arena *arena, const char *pond_dir, const char *suffix)
{
    return arena_printf(arena, "%s/plans%s", report_history_dir(arena, pond_dir), suffix);
}

static Lines read_all(Arena *arena, const char *pond_dir, uint64_t *damaged)
{
    Lines lines = {0};
    read_lines(arena, plans_path(arena, pond_dir, ".old"), &lines, damaged);
    read_lines(arena, plans_path(arena, pond_dir, ""), &lines, damaged);
    return lines;
}

static bool take_plan(Arena *arena, const Line *line, StoredPlan *out)
{
    const Json *json = NULL;
    Err *err = json_parse(arena, line->json, line->json_size, &json);
    bool good = err == NULL;
    err_free(err);
    if (!good) return false;
    *out = (StoredPlan){.shape = arena_strndup(arena, line->shape, DIGITS),
                        .plan = arena_strndup(arena, line->plan, DIGITS),
                        .text = json_str(json, "text", ""),
                        .run = json_str(json, "run", ""),
                        .begun = json_int(json, "begun_us", 0),
                        .logical = json_str(json, "logical", ""),
                        .optimized = json_str(json, "optimized", ""),
                        .physical = json_str(json, "physical", "")};
    return true;
}

void plans_read(Arena *arena, const char *pond_dir, StoredPlans *out)
{
    *out = (StoredPlans){0};
    Lines lines = read_all(arena, pond_dir, &out->damaged);
    out->plans = AARRAY(arena, StoredPlan, lines.n + 1);
    for (size_t i = 0; i < lines.n; i++) {
        if (take_plan(arena, &lines.v[i], &out->plans[out->count]))
            out->count++;
        else
            out->damaged++;
    }
}

/* ---- appending ---- */

static const Line *last_of(const Lines *lines, const char *shape)
{
    for (size_t i = lines->n; i-- > 0;)
        if (memcmp(lines->v[i].shape, shape, DIGITS) == 0) return &lines->v[i];
    return NULL;
}

static const char NO_PLAN[] = "0000000000000000", HEAVY[] = "\"heavy\":true";

static bool has_member(const Line *line, const char *quoted_key)
{
    return memmem(line->json, line->json_size, quoted_key, strlen(quoted_key)) != NULL;
}

/* What ran, as the profile has it. */
static const char *physical_text(Arena *arena, const Run *run, const RunQuery *query)
{
    Buf text = buf_new(arena);
    for (size_t i = 0; i < run->operator_count; i++) {
        const RunOperator *op = &run->operators[i];
        if (strcmp(op->shape, query->shape) != 0) continue;
        buf_printf(&text, "%*s%s%s%s", 2 * (int)op->depth, "", op->name,
                   *op->detail != '\0' ? " " : "", op->detail);
        if (op->estimate >= 0) buf_printf(&text, " ~%lld", (long long)op->estimate);
        buf_putc(&text, '\n');
    }
    return text.data;
}

static void put_text(JsonOut *json, const char *key, const char *text)
{
    if (*text != '\0') json_kv_str(json, key, text);
}

static void put_line(Buf *out, const Run *run, const RunQuery *query, const char *plan)
{
    SCRATCH(scratch);
    Buf line = buf_new(scratch);
    JsonOut json = json_out(&line);
    buf_printf(&line, "%s %.*s ", query->shape, DIGITS, plan);
    json_begin_object(&json);
    json_kv_int(&json, "begun_us", run->begun);
    json_kv_str(&json, "run", run->id);
    if (query->cells_most >= PERF_HEAVY_CELLS) json_kv_bool(&json, "heavy", true);
    put_text(&json, "text", query->text);
    put_text(&json, "logical", query->logical);
    put_text(&json, "optimized", query->optimized);
    put_text(&json, "physical", physical_text(scratch, run, query));
    json_end(&json);
    if (line.size > LINE_BYTES_MAX) return;
    buf_printf(out, "\n%016llx ", (unsigned long long)xxh64(line.data, line.size));
    buf_add(out, line.data, line.size);
    buf_putc(out, '\n');
}

static Err *append(Arena *arena, const char *pond_dir, const Buf *text)
{
    CLEANUP(os_close_at) OsFile *file = NULL;
    OsStat stat;
    const char *path = plans_path(arena, pond_dir, "");
    TRY(report_history_make(report_history_dir(arena, pond_dir)));
    TRY(os_open_append(path, &file));
    TRY(os_fstat(file, &stat));
    if (stat.size_bytes >= FILE_BYTES_FULL) {
        os_close_at(&file);
        TRY(os_rename(path, plans_path(arena, pond_dir, ".old")));
        TRY(os_open_append(path, &file));
    }
    return os_write(file, text->data, text->size);
}

/* Adds the query's line when it tells something new. */
static void keep_query(Arena *arena, const Lines *lines, const Run *run, RunQuery *query, Buf *out)
{
    const Line *last = last_of(lines, query->shape);
    bool has_plan = *query->plan != '\0';
    const char *before = last != NULL ? last->plan : NO_PLAN;
    const char *plan = has_plan ? query->plan : before;
    bool had_plan = memcmp(before, NO_PLAN, DIGITS) != 0;
    bool is_other = has_plan && memcmp(before, plan, DIGITS) != 0;
    bool has_more = last != NULL && *query->logical != '\0' && !has_member(last, "\"logical\":");
    bool is_heavy =
        last != NULL && query->cells_most >= PERF_HEAVY_CELLS && !has_member(last, HEAVY);
    if (is_other && had_plan) query->plan_before = arena_strndup(arena, before, DIGITS);
    if (last == NULL || is_other || has_more || is_heavy) put_line(out, run, query, plan);
}

Err *plans_keep(Arena *arena, const char *pond_dir, Run *run)
{
    SCRATCH(scratch);
    uint64_t damaged = 0;
    Lines lines = {0};
    Buf fresh = buf_new(scratch);
    bool is_read = false;
    for (size_t i = 0; i < run->query_count; i++) {
        RunQuery *query = &run->queries[i];
        if (query->asked == 0 && query->cells_most < PERF_HEAVY_CELLS) continue;
        if (!is_read) lines = read_all(scratch, pond_dir, &damaged);
        is_read = true;
        keep_query(arena, &lines, run, query, &fresh);
    }
    return fresh.size > 0 ? append(scratch, pond_dir, &fresh) : NULL;
}

size_t plans_known(void *context, PerfKnown *out)
{
    SCRATCH(scratch);
    uint64_t damaged = 0;
    Lines lines = read_all(scratch, context, &damaged);
    size_t skip = lines.n > PERF_KNOWN_MAX ? lines.n - PERF_KNOWN_MAX : 0;
    for (size_t i = skip; i < lines.n; i++) {
        char digits[DIGITS + 1] = {0};
        memcpy(digits, lines.v[i].shape, DIGITS);
        out[i - skip] = (PerfKnown){.shape = strtoull(digits, NULL, 16),
                                    .is_heavy = has_member(&lines.v[i], HEAVY)};
    }
    return lines.n - skip;
}
