/* POND/history/ranges, in the machine's byte order, replaced as a whole by rename:
 *
 *     "PONDRNG1"  u32 size of the file  u32 clock  u32 figures  u32 lines
 *     the lines (struct Line); u64: XXH3-64 of all before
 *
 * Bounds: 40 command lines, those used last; the last 9 runs of each that came after a change of
 * the pond and 9 on the pond as it is now. */
#include "report/alarm.h"
#include "report/predict.h"
#include "report/report_int.h"
#include <math.h>
#include <string.h>

enum {
    RUNS_KEPT = 9,
    LINES_MOST = 40,
    CALM_RUNS = 4,     /* in range, until the same may be told again */
    CHANGED_RUNS = 5,  /* before figures by unit are judged on a pond that changes, */
    REPEATED_RUNS = 2, /* and before anything is on one that does not */
    BYTES_MAX = 64 << 10
};
/* Above the median: what a run on an unchanged pond may have more, and one after a change, whose
 * targets, partitions and rows are others. */
static const double MADS = 4, MARGINS[2] = {0.5, 0.05}, BY_KEY_MOST = 1.05;
static const double COUNTS_SLACK = 3, BYTES_SLACK = 1 << 16; /* above the range that are no news */
static const char MAGIC[8] = "PONDRNG1"; /* another when the order of figures changes */

typedef enum FigureKind { UNIT, SUM, COLD } FigureKind;

typedef struct Figure {
    const char *name, *over, *under;
    FigureKind kind;
    const char *cause, *command;
} Figure;

static const Figure FIGURES[] = {
#define FIGURE(name, over, under, kind, cause, command) {name, over, under, kind, cause, command},
#include "report/alarm_figures.def"
#undef FIGURE
};
enum { FIGURE_COUNT = sizeof FIGURES / sizeof *FIGURES };

typedef enum Since { CHANGED, REPEATED } Since;

typedef struct Line { /* of a command, as it was given */
    uint64_t key;
    int64_t pond_version;
    uint32_t used, counts[2]; /* runs, by Since */
    uint32_t raised;          /* figures, by bit */
    uint8_t calm[FIGURE_COUNT + 1];
    float sums[FIGURE_COUNT];                 /* the most so far */
    float values[2][FIGURE_COUNT][RUNS_KEPT]; /* < 0: it had none */
} Line;

typedef struct Head {
    char magic[8];
    uint32_t size_bytes, clock, figures, lines;
} Head;

typedef struct Ranges {
    uint32_t clock;
    size_t line_count;
    Line lines[LINES_MOST];
} Ranges;

/* ---- the file ---- */

static size_t size_of(const Head *head)
{
    return sizeof *head + sizeof(Line) * head->lines + sizeof(uint64_t);
}

static bool parse(const char *bytes, size_t size, Ranges *out)
{
    Head head;
    uint64_t hash;
    if (size < sizeof head + sizeof hash) return false;
    memcpy(&head, bytes, sizeof head);
    memcpy(&hash, bytes + size - sizeof hash, sizeof hash);
    if (memcmp(head.magic, MAGIC, sizeof MAGIC) != 0 || head.size_bytes != size ||
        head.lines > LINES_MOST || size_of(&head) != size ||
        xxh64(bytes, size - sizeof hash) != hash)
        return false;
    if (head.figures != FIGURE_COUNT) return true; /* of another build: begin anew */
    out->clock = head.clock;
    out->line_count = head.lines;
    memcpy(out->lines, bytes + sizeof head, sizeof(Line) * head.lines);
    return true;
}

static Err *load(Arena *arena, const char *pond_dir, Ranges **out)
{
    const char *dir = report_history_dir(arena, pond_dir);
    char *bytes = NULL;
    size_t size = 0;
    *out = ANEW(arena, Ranges);
    Err *err = os_read_file_if(arena, arena_printf(arena, "%s/%s", dir, REPORT_RANGES), BYTES_MAX,
                               &bytes, &size);
    if (err != NULL && err_code(err) != ERR_LIMIT) return err;
    bool is_unread = err != NULL || (bytes != NULL && !parse(bytes, size, *out));
    bool is_other = bytes != NULL && report_is_of_other_form(bytes, size, MAGIC);
    err_free(err);
    if (!is_unread || is_other) return NULL;
    **out = (Ranges){0};
    report_set_aside(dir, REPORT_RANGES);
    log_warn("%s/ranges is damaged; the usual ranges of work are learned anew", dir);
    return NULL;
}

static Err *save(Arena *arena, const char *pond_dir, const Ranges *ranges)
{
    Buf bytes = buf_new(arena);
    Head head = {
        .clock = ranges->clock, .figures = FIGURE_COUNT, .lines = (uint32_t)ranges->line_count};
    memcpy(head.magic, MAGIC, sizeof MAGIC);
    head.size_bytes = (uint32_t)size_of(&head);
    buf_add(&bytes, &head, sizeof head);
    buf_add(&bytes, ranges->lines, sizeof(Line) * ranges->line_count);
    uint64_t hash = xxh64(bytes.data, bytes.size);
    buf_add(&bytes, &hash, sizeof hash);
    return report_replace(pond_dir, REPORT_RANGES, bytes.data, bytes.size);
}

/* ---- figures ---- */

/* Files of data: stored, kept as Parquet, or materialised. */
static bool is_data(const char *class)
{
    return strcmp(class, os_class_name(OS_BLOB)) == 0 ||
           strcmp(class, os_class_name(OS_CACHE)) == 0 ||
           strcmp(class, os_class_name(OS_STAGING)) == 0;
}

static double io_sum(const Run *run, const char *op, bool bytes)
{
    double sum = 0;
    for (size_t i = 0; i < run->io_count; i++) {
        const RunIo *io = &run->io[i];
        if (strcmp(io->origin, "engine") != 0 || strcmp(io->op, op) != 0 || !is_data(io->class))
            continue;
        sum += (double)(bytes ? io->bytes : io->calls);
    }
    return sum;
}

static double count_of(const Run *run, const char *name)
{
    const RunOp *op = run_op(run, name);
    return op != NULL ? (double)op->count : 0;
}

static double footer_sum(const Run *run, bool files)
{
    double sum = 0;
    for (size_t i = 0; i < run->file_count; i++)
        if (run->files[i].footers > 0 && is_data(run->files[i].class))
            sum += files ? 1 : (double)run->files[i].footers;
    return sum;
}

/* Of the persistent cache. */
static double store_sum(const Run *run, bool misses)
{
    for (size_t i = 0; i < run->cache_count; i++) {
        const RunCache *cache = &run->caches[i];
        if (strcmp(cache->name, perf_cache_info(PERF_CACHE_store)->name) == 0)
            return (double)(misses ? cache->misses : cache->asked);
    }
    return 0;
}

static double sum_of(const Run *run, const char *name)
{
    if (strcmp(name, "ONE") == 0) return 1;
    if (strcmp(name, "STORE_MISSES") == 0) return store_sum(run, true);
    if (strcmp(name, "STORE_ASKED") == 0) return store_sum(run, false);
    if (strcmp(name, "FOOTERS") == 0) return footer_sum(run, false);
    /* an exported file meets few versions, a version few exported files: all meetings, about */
    if (strcmp(name, "FOOTER_FILES") == 0)
        return footer_sum(run, true) + count_of(run, "export_partition");
    /* of a command that is no export: there the engine is asked by file */
    if (strcmp(name, "READ_SERIES") == 0)
        return count_of(run, "export_target") > 0 ? 0 : count_of(run, "relation_build");
    if (strcmp(name, "DATA_BYTES") == 0) return io_sum(run, "read", true);
    if (strcmp(name, "ENGINE_OPENS") == 0) return io_sum(run, "open", false);
    return count_of(run, name);
}

static bool counts_bytes(const Figure *figure)
{
    return strcmp(figure->over, "DATA_BYTES") == 0 || strcmp(figure->over, "format_byte") == 0;
}

/* ---- ranges ---- */

/* Of those kept; false when they are too few. */
static bool range_of(const Line *line, Since since, size_t number, double *out_most)
{
    static const size_t LEAST[2] = {CHANGED_RUNS, REPEATED_RUNS};
    const float *values = line->values[since][number];
    double kept[RUNS_KEPT];
    size_t count = 0, held = line->counts[since] < RUNS_KEPT ? line->counts[since] : RUNS_KEPT;
    for (size_t i = 0; i < held; i++)
        if (values[i] >= 0) kept[count++] = (double)values[i];
    if (count < LEAST[since]) return false;
    double median = stats_median(kept, count);
    for (size_t i = 0; i < count; i++) kept[i] = fabs(kept[i] - median);
    double spread = MADS * stats_median(kept, count), margin = MARGINS[since] * median;
    *out_most = median + (spread > margin ? spread : margin);
    return true;
}

typedef struct Judging {
    Arena *arena;
    Run *run;
    Line *line;
    Since since;
    VEC(RunAlarm) alarms;
} Judging;

static bool is_out(const Judging *j, size_t number, double over, double under, RunAlarm *out)
{
    const Figure *figure = &FIGURES[number];
    const Line *line = j->line;
    double most, value = over / under;
    if (!range_of(line, j->since, number, &most)) return false;
    double slack = figure->kind == COLD ? 1 : counts_bytes(figure) ? BYTES_SLACK : COUNTS_SLACK;
    if (value <= most || (value - most) * under < slack - 1e-9) return false;
    /* fewer units share what a command does once: no more in sum is no news */
    if (j->since == CHANGED && over <= (double)line->sums[number] * (1 + MARGINS[REPEATED]))
        return false;
    out->value = value;
    out->most = most;
    out->runs = line->counts[j->since] < RUNS_KEPT ? line->counts[j->since] : RUNS_KEPT;
    return true;
}

static void judge_figure(Judging *j, size_t number)
{
    const Figure *figure = &FIGURES[number];
    Line *line = j->line;
    double over = sum_of(j->run, figure->over), under = sum_of(j->run, figure->under);
    RunAlarm alarm = {.name = figure->name, .cause = figure->cause};
    uint32_t bit = 1U << number;
    bool judged = under > 0 && (figure->kind == UNIT || j->since == REPEATED);
    bool out = judged && is_out(j, number, over, under, &alarm);
    alarm.command = arena_printf(j->arena, "%s %s", figure->command, j->run->id);
    if (out && (line->raised & bit) == 0) vec_push(j->arena, &j->alarms, alarm);
    if (out) line->raised |= bit;
    line->calm[number] = out ? 0 : (uint8_t)(line->calm[number] + (line->calm[number] < CALM_RUNS));
    if (line->calm[number] == CALM_RUNS) line->raised &= ~bit;
    line->values[j->since][number][line->counts[j->since] % RUNS_KEPT] =
        under > 0 ? (float)(over / under) : -1;
    if (over > (double)line->sums[number]) line->sums[number] = (float)over;
}

/* Operations that are done once for each key, whatever the command. */
static void judge_keys(Judging *j)
{
    static const char *const ONCE[] = {"dir_read",   "dir_dynamic", "relation_build",
                                       "schema_sql", "blob_verify", "checkpoint_read"};
    for (size_t i = 0; i < sizeof ONCE / sizeof *ONCE; i++) {
        const RunOp *op = run_op(j->run, ONCE[i]);
        if (op == NULL || op->keys == 0 || op->per_key <= BY_KEY_MOST) continue;
        const PerfOpInfo *info = perf_op_info((PerfOp)perf_op_by_name(ONCE[i]));
        RunAlarm alarm = {
            .name = arena_printf(j->arena, "calls of %s a key", ONCE[i]),
            .value = op->per_key,
            .most = BY_KEY_MOST,
            .cause = arena_printf(j->arena, "%s: once for each is enough", info->text),
            .command = arena_printf(j->arena, "pond perf report --run %s", j->run->id)};
        vec_push(j->arena, &j->alarms, alarm);
    }
}

/* ---- a run ---- */

static uint64_t key_of(const Run *run)
{
    SCRATCH(scratch);
    const char *text = arena_printf(scratch, "%s\n%s", run->version, run->command);
    return xxh64(text, strlen(text));
}

static Line *line_of(Ranges *ranges, const Run *run)
{
    uint64_t key = key_of(run);
    size_t place = 0;
    for (size_t i = 0; i < ranges->line_count; i++) {
        if (ranges->lines[i].key == key) return &ranges->lines[i];
        if (ranges->lines[i].used < ranges->lines[place].used) place = i;
    }
    if (ranges->line_count < LINES_MOST) place = ranges->line_count++;
    ranges->lines[place] = (Line){.key = key, .pond_version = -1};
    return &ranges->lines[place];
}

static bool happened(const Run *run, const char *name)
{
    return run_op(run, name) != NULL;
}

/* What was kept has gone for a reason that is known. */
static bool is_cold(const Run *run)
{
    return happened(run, "index_rebuild") || happened(run, "index_catch_up") ||
           happened(run, "format_damaged");
}

static void judge_line(Judging *j, Ranges *ranges, int64_t pond_version)
{
    Line *line = j->line = line_of(ranges, j->run);
    bool is_new = line->pond_version < 0;
    j->since = !is_new && line->pond_version == pond_version ? REPEATED : CHANGED;
    line->used = ++ranges->clock;
    line->pond_version = pond_version;
    if (j->since == CHANGED) line->counts[REPEATED] = 0; /* they were on another pond */
    if (is_cold(j->run)) return;
    for (size_t i = 0; i < FIGURE_COUNT; i++) judge_figure(j, i);
    line->counts[j->since]++;
}

/* Optimisations were off: it is judged, since such runs are how alarms are tried, but no range
 * learns from it. */
static bool is_altered(const Run *run)
{
    return *run->toggles_off != '\0';
}

Err *alarms_judge(Arena *arena, const AlarmContext *context, Run *run)
{
    Judging j = {.arena = arena, .run = run};
    Ranges *ranges;
    if (run->status != 0 || happened(run, "log_commit")) return NULL;
    judge_keys(&j);
    bool has_work = happened(run, "engine_statement") || happened(run, "relation_ask");
    if (has_work) {
        TRY(load(arena, context->pond_dir, &ranges));
        judge_line(&j, ranges, context->pond_version);
        if (!is_altered(run)) TRY(save(arena, context->pond_dir, ranges));
    }
    for (size_t i = 0; is_altered(run) && i < j.alarms.n; i++)
        j.alarms.v[i].cause =
            arena_printf(arena, "%s; off: %s", j.alarms.v[i].cause, run->toggles_off);
    run->alarms = j.alarms.v;
    run->alarm_count = j.alarms.n;
    return NULL;
}

char *alarm_format(Arena *arena, const RunAlarm *alarm)
{
    const char *since = alarm->runs == 0
                            ? ""
                            : arena_printf(arena, " in the %u runs before", (unsigned)alarm->runs);
    return arena_printf(arena, "%.4g %s, at most %.4g%s (%s)", alarm->value, alarm->name,
                        alarm->most, since, alarm->cause);
}
