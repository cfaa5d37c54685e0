/* What a relation will take and give, before it runs: rel_work. Nothing here asks the engine; every
 * figure is a guess from recorded rows, sizes, intervals and schemas, and nothing but predictions
 * may follow from it.
 *
 * A flow goes up the tree: rows, what the values of each column are like (values.h), and the rhythm
 * of the times (the usual step and where it begins), because a join has as many rows as its sides
 * have different times.
 *
 * Of a file whose columns were not looked at when it came in, the bytes are spread over them by
 * type, by weights set by hand. */
#include "plan/plan_int.h"
#include "plan/values.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>

static const double FULL_DOUBLE_BYTES = 6.9; /* of all digits, after zstd */
static const double PART_DOUBLE_BYTES = 5;   /* of a few digits, where there is no dictionary */
static const double EVEN_TIME_BYTES = 0.003, UNEVEN_TIME_BYTES = 2.6;
/* The engine keeps a dictionary of a column while a row group has no more distinct values than a
 * fifth of its rows. */
static const double DICTIONARY_PART = 5, ROW_GROUP_ROWS = 122880;

typedef struct Flow {
    double rows;
    Values *values; /* a column */
    double step_us; /* 0: no rhythm */
    TimeUs phase;   /* a time of the rhythm */
} Flow;

typedef struct Guessing {
    Arena *arena;
    Map flows;        /* by node and span: what is shared is guessed once */
    double file_rows; /* of what is written */
} Guessing;

static Flow flow_of(Guessing *guessing, const Rel *rel, TimeSpan span);

/* ---- columns ---- */

/* Shares of a row's bytes. */
static double type_weight(const char *type)
{
    switch (type_class(type)) {
    case TYPE_BOOL: return 0.1;
    case TYPE_INT: return 1;
    case TYPE_FLOAT: return strcmp(type, "FLOAT") == 0 ? 3 : 5;
    case TYPE_DECIMAL: return 3;
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ: return 2;
    case TYPE_DATE: return 0.5;
    case TYPE_TEXT: return 1;
    case TYPE_OTHER: break;
    }
    return 5;
}

/* Bytes a value in a row group, with a dictionary. */
static double dictionary_bytes(double distinct, double rows)
{
    return log2(distinct + 1) / 8 + 8 * distinct / rows;
}

/* Doubles that take `each` in a stored file of `rows`, in files of other sizes: a dictionary pays
 * in long files only, so small ones are dearer. How many distinct values there are follows from
 * what the stored ones take. */
static double double_bytes(const Guessing *guessing, double each, double rows)
{
    double low = 1, group = rows < ROW_GROUP_ROWS ? rows : ROW_GROUP_ROWS;
    double high = group / DICTIONARY_PART, own = guessing->file_rows;
    if (own > ROW_GROUP_ROWS) own = ROW_GROUP_ROWS;
    if (each >= PART_DOUBLE_BYTES || high < 2 || own < 1 || dictionary_bytes(high, group) < each)
        return each;
    for (int i = 0; i < 40; i++) {
        double middle = (low + high) / 2;
        if (dictionary_bytes(middle, group) < each)
            low = middle;
        else
            high = middle;
    }
    return low > own / DICTIONARY_PART ? PART_DOUBLE_BYTES : dictionary_bytes(low, own);
}

static double time_bytes(double step_us)
{
    return step_us > 0 ? EVEN_TIME_BYTES : UNEVEN_TIME_BYTES;
}

static Values time_values(double step_us)
{
    return step_us > 0 ? values_even() : values_fixed(UNEVEN_TIME_BYTES);
}

/* Columns of which nothing is known. */
static void fill_by_type(const Rel *rel, Flow *flow)
{
    const Schema *schema = &rel->facts->schema;
    for (size_t i = 0; i < schema->count; i++)
        flow->values[i] = (ptrdiff_t)i == rel->facts->time_index
                              ? time_values(flow->step_us)
                              : values_fixed(type_weight(schema->columns[i].type));
}

static Flow flow_new(const Guessing *guessing, const Rel *rel)
{
    Flow flow = {.values = AARRAY(guessing->arena, Values, rel->facts->schema.count + 1)};
    for (size_t i = 0; i < rel->facts->schema.count; i++) flow.values[i] = values_none();
    return flow;
}

/* ---- leaves ---- */

/* A step that means something: seconds, or the inverse of a rate. */
static double even_step(double length_us, double gaps)
{
    if (gaps < 1 || length_us <= 0) return 0;
    double step = length_us / gaps, unit = step >= 2e6 ? 1e6 : 1e3;
    double even = round(step / unit) * unit;
    return even > 0 && fabs(step - even) <= 0.002 * even ? even : 0;
}

static void find_rhythm(const Rel *rel, const FileList *list, Flow *flow)
{
    double length = 0, gaps = 0;
    for (size_t i = 0; i < list->count; i++) {
        const ScanFile *file = list->files[i];
        for (size_t j = 0; j < file->interval_count; j++)
            length += (double)file->intervals[j].max - (double)file->intervals[j].min;
        gaps += (double)file->rows - (double)file->interval_count;
    }
    flow->step_us = rel->facts->time_index >= 0 ? even_step(length, gaps) : 0;
    if (flow->step_us > 0) flow->phase = list->files[0]->intervals[0].min;
}

static bool is_time(const ScanFile *file, const Column *column)
{
    return file->time_column != NULL && strcmp(column->name, file->time_column) == 0;
}

/* A file's bytes by the types of its columns. */
static void spread_file(const Guessing *guessing, const ScanFile *file, double step_us,
                        Values *values)
{
    double weights = 0, times = 0;
    const double overhead = 60 + 115 * (double)file->schema.count;
    double all = (double)file->size_bytes - overhead, rows = (double)file->rows;
    if (all < 0) all = 0;
    for (size_t i = 0; i < file->schema.count; i++) {
        const Column *column = &file->schema.columns[i];
        if (is_time(file, column))
            times = time_bytes(step_us) * rows;
        else
            weights += type_weight(column->type);
    }
    if (times > all || weights <= 0) times = all;
    for (size_t i = 0; i < file->schema.count; i++) {
        const Column *column = &file->schema.columns[i];
        double each = (all - times) * type_weight(column->type) / weights / rows;
        if (strcmp(column->type, "DOUBLE") == 0) each = double_bytes(guessing, each, rows);
        values[i] = values_fixed(is_time(file, column) ? times / rows : each);
    }
}

/* What the columns of a file are like, to those of the scan: `rows` of it. */
static void add_file(const Guessing *guessing, const Rel *rel, const ScanFile *file, double rows,
                     Flow *flow)
{
    size_t count = file->schema.count;
    if (file->rows <= 0 || rows <= 0) return;
    Values *values = AARRAY(guessing->arena, Values, count + 1),
           *added = AARRAY(guessing->arena, Values, rel->facts->schema.count + 1);
    const ColumnFacts *facts = facts_from_json(guessing->arena, file->facts, count, file->rows);
    if (facts == NULL) spread_file(guessing, file, flow->step_us, values);
    for (size_t i = 0; i < count && facts != NULL; i++)
        values[i] = values_of_facts(file->schema.columns[i].type, &facts[i], file->rows);
    for (size_t i = 0; i < rel->facts->schema.count; i++) added[i] = values_none();
    for (size_t i = 0; i < count; i++) {
        ptrdiff_t at = is_time(file, &file->schema.columns[i])
                           ? rel->facts->time_index
                           : schema_find(&rel->facts->schema, file->schema.columns[i].name);
        if (at >= 0) added[at] = values[i];
    }
    for (size_t i = 0; i < rel->facts->schema.count; i++)
        flow->values[i] = values_join(&flow->values[i], flow->rows, &added[i], rows);
    flow->rows += rows;
}

static Flow scan_flow(const Guessing *guessing, const Rel *rel, TimeSpan span)
{
    Flow flow = flow_new(guessing, rel);
    if (rel->facts->time_index < 0) span = SPAN_ALL;
    FileList list = scan_select(guessing->arena, &rel->scan, span);
    span = span_meet(span, rel->scan.clip);
    find_rhythm(rel, &list, &flow);
    for (size_t i = 0; i < list.count; i++)
        add_file(guessing, rel, list.files[i], scan_file_rows(list.files[i], span), &flow);
    if (rel->facts->time_index >= 0 && !values_are_even(&flow.values[rel->facts->time_index]))
        flow.step_us = 0;
    return flow;
}

static Flow synthetic_flow(const Guessing *guessing, const Rel *rel, TimeSpan span)
{
    Flow flow = flow_new(guessing, rel);
    TimeSpan indexes = synthetic_indexes(&rel->synthetic, span);
    if (!span_is_empty(indexes)) flow.rows = (double)(indexes.max - indexes.min + 1);
    flow.step_us = (double)rel->synthetic.interval_us;
    flow.phase = rel->synthetic.start;
    for (size_t i = 0; i < rel->facts->schema.count; i++)
        flow.values[i] =
            (ptrdiff_t)i == rel->facts->time_index ? values_even() : values_full(FULL_DOUBLE_BYTES);
    return flow;
}

/* ---- operators ---- */

/* The rows of an input behind those before it: columns of the output from those of that name. */
static void add_named(const Rel *rel, const Rel *input, const Flow *from, Flow *flow)
{
    const Schema *schema = &rel->facts->schema;
    const Values none = values_none();
    for (size_t i = 0; i < schema->count; i++) {
        ptrdiff_t at = (ptrdiff_t)i == rel->facts->time_index
                           ? input->facts->time_index
                           : schema_find(&input->facts->schema, schema->columns[i].name);
        flow->values[i] = values_join(&flow->values[i], flow->rows,
                                      at >= 0 ? &from->values[at] : &none, from->rows);
    }
    flow->rows += from->rows;
}

static Flow project_flow(Guessing *guessing, const Rel *rel, TimeSpan span)
{
    const Rel *input = rel->inputs[0];
    Flow from = flow_of(guessing, input, rel_span_below(rel, input, span));
    Flow flow = flow_new(guessing, rel);
    flow.rows = from.rows;
    flow.step_us = from.step_us;
    flow.phase = from.phase;
    for (size_t i = 0; i < rel->project.count; i++) {
        const char *source = rel->project.columns[i].source;
        ptrdiff_t at = source == NULL ? -1 : schema_find(&input->facts->schema, source);
        if (at >= 0) flow.values[i] = from.values[at];
    }
    return flow;
}

static Flow union_flow(Guessing *guessing, const Rel *rel, TimeSpan span)
{
    Flow flow = flow_new(guessing, rel);
    for (size_t i = 0; i < rel->input_count; i++) {
        const Rel *input = rel->inputs[i];
        Flow from = flow_of(guessing, input, rel_span_below(rel, input, span));
        flow.step_us = rel->input_count == 1 ? from.step_us : 0;
        flow.phase = from.phase;
        add_named(rel, input, &from, &flow);
    }
    return flow;
}

/* How much of the times of `one` lies outside of `others`, 0 to 1. */
static double part_outside(const RelExtent *one, const RelExtent *others, TimeSpan span)
{
    double whole = 0, inside = 0;
    for (size_t i = 0; i < one->count; i++) {
        TimeSpan part = span_meet(one->intervals[i], span);
        if (span_is_empty(part)) continue;
        whole += (double)part.max - (double)part.min + 1;
        for (size_t j = 0; j < others->count; j++) {
            TimeSpan both = span_meet(part, others->intervals[j]);
            if (!span_is_empty(both)) inside += (double)both.max - (double)both.min + 1;
        }
    }
    return whole > 0 && inside < whole ? 1 - inside / whole : 0;
}

/* Every time of `coarse` is one of `fine`, where that has rows. */
static bool rhythms_meet(const Flow *fine, const Flow *coarse)
{
    if (fine->step_us <= 0 || coarse->step_us <= 0) return false;
    int64_t step = (int64_t)fine->step_us;
    return (int64_t)coarse->step_us % step == 0 && (coarse->phase - fine->phase) % step == 0;
}

/* The rows that a side adds to those of the sides before it. */
static double rows_added(Guessing *guessing, const Rel *rel, const Flow *flows, size_t side,
                         TimeSpan span)
{
    double least = 1;
    for (size_t i = 0; i < rel->input_count; i++) {
        bool is_before =
            flows[i].rows > flows[side].rows || (flows[i].rows == flows[side].rows && i < side);
        if (!is_before) continue;
        RelExtent own = rel_extent(guessing->arena, rel->inputs[side]);
        RelExtent other = rel_extent(guessing->arena, rel->inputs[i]);
        bool meet = rhythms_meet(&flows[i], &flows[side]) ||
                    (flows[i].step_us <= 0 && flows[side].step_us <= 0 &&
                     flows[i].rows == flows[side].rows);
        if (!meet || !own.known || !other.known) continue;
        double outside = part_outside(&own, &other, span);
        if (outside < least) least = outside;
    }
    return least * flows[side].rows;
}

/* The sides' columns side by side, among rows that some of them lack. */
static void join_values(const Rel *rel, const Flow *sides, size_t longest, Flow *flow)
{
    size_t column = 1;
    for (size_t i = 0; i < rel->input_count; i++) {
        const RelFacts *facts = rel->inputs[i]->facts;
        for (size_t j = 0; j < facts->schema.count; j++)
            if ((ptrdiff_t)j != facts->time_index && column < rel->facts->schema.count)
                flow->values[column++] =
                    values_spread(&sides[i].values[j], sides[i].rows, flow->rows);
    }
    ptrdiff_t time = rel->inputs[longest]->facts->time_index;
    flow->values[0] =
        flow->step_us > 0 || time < 0 ? time_values(flow->step_us) : sides[longest].values[time];
}

static Flow join_flow(Guessing *guessing, const Rel *rel, TimeSpan span)
{
    Flow flow = flow_new(guessing, rel), *sides = AARRAY(guessing->arena, Flow, rel->input_count);
    size_t longest = 0;
    for (size_t i = 0; i < rel->input_count; i++)
        sides[i] = flow_of(guessing, rel->inputs[i], rel_span_below(rel, rel->inputs[i], span));
    for (size_t i = 0; i < rel->input_count; i++) {
        flow.rows += rows_added(guessing, rel, sides, i, span);
        if (sides[i].rows > sides[longest].rows) longest = i;
    }
    flow.step_us = sides[longest].step_us;
    flow.phase = sides[longest].phase;
    join_values(rel, sides, longest, &flow);
    return flow;
}

static Values agg_values(const Rel *rel, const BucketAgg *agg, const Flow *from, double rows)
{
    const Schema *schema = &rel->inputs[0]->facts->schema;
    ptrdiff_t at = agg->column == NULL ? -1 : schema_find(schema, agg->column);
    Values full = values_full(FULL_DOUBLE_BYTES);
    return values_aggregate(agg->kind, at >= 0 ? &from->values[at] : &full,
                            rows > 0 ? from->rows / rows : 1);
}

static Flow bucket_flow(Guessing *guessing, const Rel *rel, TimeSpan span)
{
    const Rel *input = rel->inputs[0];
    const Grid *grid = &rel->bucket->grid;
    Flow from = flow_of(guessing, input, rel_span_below(rel, input, span));
    Flow flow = flow_new(guessing, rel);
    flow.rows = rel_bucket_rows(rel, grid, span, from.rows);
    flow.step_us = (double)grid->width_us;
    flow.phase = grid->origin;
    flow.values[0] = values_even();
    for (size_t i = 0; i < rel->bucket->spec.agg_count; i++)
        flow.values[i + 1] = agg_values(rel, &rel->bucket->spec.aggs[i], &from, flow.rows);
    return flow;
}

/* Rows of user SQL: all of its inputs', or one a bucket where it groups by buckets of time. */
static Flow sql_flow(Guessing *guessing, const Rel *rel, TimeSpan span)
{
    Flow flow = flow_new(guessing, rel);
    const SqlLocal *local = &rel->facts->sql.local;
    double best = 0;
    for (size_t i = 0; i < rel->input_count; i++) {
        if (!rel_reads(rel, i)) continue;
        const Rel *input = rel->inputs[i];
        Flow from = flow_of(guessing, input, rel_span_below(rel, input, span));
        if (from.rows > best) {
            best = from.rows;
            flow.step_us = from.step_us;
            flow.phase = from.phase;
        }
        add_named(rel, input, &from, &flow);
    }
    if (!rel->facts->cuts_above && local->grid_count > 0)
        flow.rows = rel_bucket_rows(rel, &local->grids[local->grid_count - 1], span, flow.rows);
    const Schema *schema = &rel->facts->schema;
    for (size_t i = 0; i < schema->count; i++) {
        if (flow.values[i].filled > 0) continue;
        bool is_real = type_class(schema->columns[i].type) == TYPE_FLOAT;
        flow.values[i] =
            values_fixed(is_real ? PART_DOUBLE_BYTES : type_weight(schema->columns[i].type) / 4);
    }
    return flow;
}

static Flow find_flow(Guessing *guessing, const Rel *rel, TimeSpan span)
{
    Flow flow = flow_new(guessing, rel);
    switch (rel->kind) {
    case REL_SCAN: return scan_flow(guessing, rel, span);
    case REL_SYNTHETIC: return synthetic_flow(guessing, rel, span);
    case REL_PROJECT: return project_flow(guessing, rel, span);
    case REL_PASS:
    case REL_RETIME:
    case REL_RANGE:
    case REL_SORT:
    case REL_UNION: return union_flow(guessing, rel, span);
    case REL_JOIN: return join_flow(guessing, rel, span);
    case REL_BUCKET:
    case REL_BUCKET_OVER: return bucket_flow(guessing, rel, span);
    case REL_SQL: return sql_flow(guessing, rel, span);
    case REL_PARTIALS:
    case REL_ROWS:
    case REL_EMPTY: break;
    }
    if (rel->kind == REL_PARTIALS) flow.rows = (double)rel_rows_estimate(rel, span);
    fill_by_type(rel, &flow);
    return flow;
}

static Flow flow_of(Guessing *guessing, const Rel *rel, TimeSpan span)
{
    char *key = arena_printf(guessing->arena, "%p %" PRId64 " %" PRId64, (const void *)rel,
                             span.min, span.max);
    Flow *known = map_get(&guessing->flows, key);
    if (known == NULL) {
        Flow flow = find_flow(guessing, rel, span);
        known = arena_memdup(guessing->arena, &flow, sizeof flow);
        map_put(&guessing->flows, key, known);
    }
    return *known;
}

/* ---- the whole ---- */

static RelWorkKind kind_of(Guessing *guessing, Map *seen, const Rel *rel)
{
    char *key = arena_printf(guessing->arena, "%p", (const void *)rel);
    RelWorkKind kind = rel->kind == REL_SQL                                      ? REL_WORK_SQL
                       : rel->kind == REL_JOIN                                   ? REL_WORK_JOIN
                       : rel->kind == REL_BUCKET || rel->kind == REL_BUCKET_OVER ? REL_WORK_BUCKET
                                                                                 : REL_WORK_COPY;
    if (map_has(seen, key)) return kind;
    map_put(seen, key, guessing);
    for (size_t i = 0; i < rel->input_count; i++) {
        RelWorkKind below = kind_of(guessing, seen, rel->inputs[i]);
        if (below > kind) kind = below;
    }
    return kind;
}

void rel_work(const Rel *rel, TimeSpan span, double file_rows, RelWork *out)
{
    SCRATCH(scratch);
    Guessing guessing = {.arena = scratch, .flows = map_new(scratch), .file_rows = file_rows};
    Map seen = map_new(scratch);
    const ScanFile **files;
    size_t count;
    Flow flow = flow_of(&guessing, rel, span);
    RelWork work = {.kind = kind_of(&guessing, &seen, rel), .rows = flow.rows};
    for (size_t i = 0; i < rel->facts->schema.count; i++)
        work.bytes += values_bytes(&flow.values[i], flow.rows, file_rows);
    TimeSpan asked = rel->facts->is_time_local ? span : SPAN_ALL;
    rel_inputs_in(scratch, rel, asked, &files, &count);
    for (size_t i = 0; i < count; i++) {
        double rows = scan_file_rows(files[i], asked);
        work.rows_in += rows;
        work.cells_in += rows * (double)files[i]->schema.count;
        if (files[i]->rows > 0)
            work.bytes_in += (double)files[i]->size_bytes * rows / (double)files[i]->rows;
    }
    if (count == 0) work.rows_in = flow.rows;
    if (count == 0) work.cells_in = flow.rows * (double)rel->facts->schema.count;
    *out = work;
}
