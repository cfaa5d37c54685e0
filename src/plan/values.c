/* values.h. The constants were fitted by writing files of random walks, noise, counts, quantised
 * and periodic values with the engine and asking parquet_metadata (decision 0137). */
#include "plan/values.h"
#include <math.h>

static const double GROUP_ROWS = 122880, DICTIONARY_PART = 5;
static const double PAGE_BYTES = 45;   /* of a column in a row group, whatever it holds */
static const double LATER_GROUP = 100; /* in the footer, of each row group but the first */
static const double BLOOM_HEAD = 26, BLOOM_LEAST = 32, BLOOM_VALUE = 1.21;
static const double FULL_REAL = 7.02;                                       /* all digits */
static const double FEW_DIGITS = 1.9, SOME_DIGITS = 3.2, MANY_DIGITS = 6.3; /* plain bytes */

/* ---- distinct values ---- */

/* Different ones among `draws` out of `population`. */
static double drawn(double population, double draws)
{
    return population > 0 ? population * (1 - exp(-draws / population)) : 0;
}

/* The population that gives so many different values. */
static double population_of(double distinct, double draws)
{
    double low = distinct, high = distinct * 1e4;
    for (int i = 0; i < 30; i++) {
        double middle = (low + high) / 2;
        if (drawn(middle, draws) < distinct)
            low = middle;
        else
            high = middle;
    }
    return high;
}

static double window_rows(size_t window)
{
    return (double)facts_window(window);
}

/* Between two windows: draws from a population where both look like that, else along a power. */
static double between(const Values *values, size_t window, double rows)
{
    double from = window_rows(window - 1), to = window_rows(window);
    double below = values->distinct[window - 1], above = values->distinct[window];
    if (below <= 0) return 0;
    if (rows <= to && fabs(drawn(above, from) - below) <= 0.07 * below) return drawn(above, rows);
    return below * pow(rows / from, log(above / below) / log(to / from));
}

static double values_distinct(const Values *values, double rows)
{
    double own = rows * values->stretch;
    size_t window = 1;
    if (own <= window_rows(0)) return own < values->distinct[0] ? own : values->distinct[0];
    while (window + 1 < FACT_WINDOWS && window_rows(window) < own) window++;
    return between(values, window, own);
}

/* Beyond what was counted: draws from a population where the counts look like that, else growing as
 * between the last two. */
static void extend(Values *values, size_t known, double all, double rows)
{
    double before = known > 0 ? values->distinct[known - 1] : 1,
           before_rows = known > 0 ? window_rows(known - 1) : 1;
    if (known > 1 && rows < 2 * before_rows) {
        before = values->distinct[known - 2];
        before_rows = window_rows(known - 2);
    }
    double population = population_of(all, rows), slope = 0;
    bool is_drawn = fabs(drawn(population, before_rows) - before) <= 0.07 * before;
    if (before > 0 && all > before) slope = log(all / before) / log(rows / before_rows);
    for (size_t i = known; i < FACT_WINDOWS; i++) {
        double window = window_rows(i);
        values->distinct[i] =
            is_drawn ? drawn(population, window) : all * pow(window / rows, slope < 1 ? slope : 1);
    }
}

static void count_drawn(Values *values, double population)
{
    for (size_t i = 0; i < FACT_WINDOWS; i++)
        values->distinct[i] = drawn(population, window_rows(i));
}

/* Whether neighbours are nearer to each other than others are. */
static bool is_local(const Values *values)
{
    double all = values->distinct[FACT_WINDOWS - 1], part = values->distinct[1];
    return part < 0.8 * drawn(all, window_rows(1));
}

/* ---- bytes ---- */

static double index_bytes(double distinct)
{
    double exact = log2(distinct), bits = floor(exact) + 1;
    if (distinct <= 1) return 0;
    if (bits <= 4) return (exact + 0.5 < bits ? exact + 0.5 : bits) / 8 + 0.005;
    return bits == 8 || bits == 16 ? exact * 1.01 / 8 : bits * 1.02 / 8;
}

static double bloom_bytes(double distinct)
{
    double bytes = BLOOM_LEAST;
    while (bytes < BLOOM_VALUE * distinct) bytes *= 2;
    return bytes + BLOOM_HEAD;
}

static bool has_dictionary(const Values *values, double distinct, double rows)
{
    return values->kind != VALUES_FIXED && distinct <= rows / DICTIONARY_PART;
}

/* Long row groups compress better, as each byte of their reals has blocks of its own. */
static double plain_scale(const Values *values, double count)
{
    static const double BLOCK = 14000, FEW = 0.045, MANY = 0.01;
    if (values->kind != VALUES_REAL || count <= BLOCK) return 1;
    return 1 - (values->plain < MANY_DIGITS ? FEW : MANY) * log2(count / BLOCK);
}

static double plain_head(const Values *values)
{
    static const double TABLES = 100; /* of codes, where they pay */
    return values->plain > 0.05 && values->plain < MANY_DIGITS ? TABLES : 0;
}

static double group_bytes(const Values *values, double rows)
{
    double count = rows * values->filled, distinct = values_distinct(values, rows);
    if (values->kind == VALUES_FIXED) return count * values->plain;
    if (distinct > count) distinct = count;
    if (has_dictionary(values, distinct, rows))
        return PAGE_BYTES + count * index_bytes(distinct) * values->indexed +
               distinct * values->entry + bloom_bytes(distinct);
    return PAGE_BYTES + plain_head(values) + count * values->plain * plain_scale(values, count);
}

double values_bytes(const Values *values, double rows, double file_rows)
{
    if (rows <= 0 || values->filled <= 0) return 0;
    if (file_rows < 1) file_rows = 1;
    double full = floor(file_rows / GROUP_ROWS), rest = file_rows - full * GROUP_ROWS;
    double bytes = full > 0 ? full * group_bytes(values, GROUP_ROWS) : 0;
    if (rest > 0) bytes += group_bytes(values, rest);
    bytes += LATER_GROUP * (ceil(file_rows / GROUP_ROWS) - 1);
    return bytes * rows / file_rows;
}

/* ---- values ---- */

Values values_none(void)
{
    return (Values){.kind = VALUES_INT, .stretch = 1};
}

Values values_fixed(double each)
{
    return (Values){.kind = VALUES_FIXED, .filled = 1, .stretch = 1, .plain = each};
}

static Values all_different(ValuesKind kind, double plain)
{
    Values values = {
        .kind = kind, .filled = 1, .stretch = 1, .plain = plain, .entry = plain, .indexed = 1};
    for (size_t i = 0; i < FACT_WINDOWS; i++) values.distinct[i] = window_rows(i);
    return values;
}

Values values_even(void)
{
    return all_different(VALUES_INT, 0);
}

bool values_are_even(const Values *values)
{
    static const double UNEVEN_BYTES = 0.5;
    return values->kind == VALUES_FIXED || values->plain < UNEVEN_BYTES;
}

Values values_full(double plain)
{
    return all_different(VALUES_REAL, plain);
}

static ValuesKind kind_of(const char *type)
{
    switch (type_class(type)) {
    case TYPE_INT:
    case TYPE_DECIMAL:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
    case TYPE_DATE: return VALUES_INT;
    case TYPE_FLOAT: return VALUES_REAL;
    case TYPE_TEXT: return VALUES_TEXT;
    case TYPE_BOOL:
    case TYPE_OTHER: break;
    }
    return VALUES_FIXED;
}

static double entry_bytes(ValuesKind kind, double plain)
{
    if (kind != VALUES_REAL) return plain + (kind == VALUES_TEXT ? 1 : 0.5);
    return plain >= MANY_DIGITS ? plain : plain < 4.4 ? 2.4 : 0.55 * plain;
}

/* What its own file says, where that is of ours. */
static void fit_to_bytes(Values *values, double bytes, double rows)
{
    double group = rows < GROUP_ROWS ? rows : GROUP_ROWS, groups = ceil(rows / GROUP_ROWS);
    double count = rows * values->filled, distinct = values_distinct(values, group);
    bytes -= groups * PAGE_BYTES;
    if (!has_dictionary(values, distinct, group)) {
        values->plain = 1;
        bytes -= groups * plain_head(values);
        values->plain = bytes > 0 ? bytes / count : 0;
        values->plain /= plain_scale(values, group * values->filled);
        return;
    }
    double usual = index_bytes(distinct) * count;
    bytes -= groups * distinct * values->entry;
    if (usual > 0) values->indexed = bytes > 0 ? bytes / usual : 0;
    if (values->indexed > 1.1) values->indexed = 1.1;
}

Values values_of_facts(const char *type, const ColumnFacts *facts, int64_t rows)
{
    static const double CLOSE = 1.05; /* entropy is not reached */
    ValuesKind kind = kind_of(type);
    double all_rows = (double)rows, filled = 1 - (double)facts->nulls / all_rows;
    if (filled <= 0) return values_none();
    if (kind == VALUES_FIXED || !facts->is_counted)
        return values_fixed(facts->bytes >= 0 ? (double)facts->bytes / all_rows : 1);
    Values values = {.kind = kind, .filled = filled, .stretch = 1, .indexed = 1};
    values.plain = facts->plain >= 0 ? facts->plain * CLOSE : 4;
    values.entry = entry_bytes(kind, values.plain);
    size_t last = facts_windows(rows) - 1;
    for (size_t i = 0; i < last; i++) values.distinct[i] = (double)facts->distinct[i];
    extend(&values, last, (double)facts->distinct[last], all_rows);
    if (facts->bytes >= 0) fit_to_bytes(&values, (double)facts->bytes, all_rows);
    return values;
}

static double mean(double one, double one_weight, double other, double other_weight)
{
    double all = one_weight + other_weight;
    return all > 0 ? (one * one_weight + other * other_weight) / all : 0;
}

Values values_join(const Values *one, double one_rows, const Values *other, double other_rows)
{
    double a = one_rows * one->filled, b = other_rows * other->filled;
    if (a <= 0 || b <= 0) {
        Values only = a > 0 ? *one : *other;
        double rows = a > 0 ? one_rows : other_rows;
        return values_spread(&only, rows, one_rows + other_rows);
    }
    Values both = a >= b ? *one : *other;
    both.filled = mean(one->filled, one_rows, other->filled, other_rows);
    both.plain = mean(one->plain, a, other->plain, b);
    both.entry = mean(one->entry, a, other->entry, b);
    both.indexed = mean(one->indexed, a, other->indexed, b);
    both.stretch = mean(one->stretch, one_rows, other->stretch, other_rows);
    for (size_t i = 0; i < FACT_WINDOWS; i++)
        both.distinct[i] = mean(one->distinct[i], a, other->distinct[i], b);
    return both;
}

Values values_spread(const Values *values, double rows, double all)
{
    Values spread = *values;
    double share = all > 0 && rows < all ? rows / all : 1;
    spread.filled *= share;
    spread.stretch *= share;
    return spread;
}

/* ---- aggregates ---- */

/* No factor but 2: sums divided by it keep their few digits. */
static bool is_power_of_two(double size)
{
    double whole = round(size);
    return whole > 0 && frexp(whole, &(int){0}) == 0.5;
}

static double mean_plain(const Values *values, double size)
{
    if (is_power_of_two(size)) return values->plain + 0.15 * log2(size);
    if (values->plain < FEW_DIGITS) return 3.1;
    if (values->plain < SOME_DIGITS) return 5.7;
    return values->plain < MANY_DIGITS ? 6.55 : FULL_REAL;
}

static double sum_plain(const Values *values, double size)
{
    double more = values->plain < FEW_DIGITS ? 0.08 : values->plain < SOME_DIGITS ? 0.12 : 0.19;
    double plain = values->plain + more * log2(size);
    return plain < FULL_REAL ? plain : FULL_REAL;
}

/* Sums of `size` values, and with them means. */
static void count_sums(Values *out, const Values *values, double size)
{
    double all = values->distinct[FACT_WINDOWS - 1];
    if (all < 0.2 * window_rows(FACT_WINDOWS - 1) || is_local(values))
        count_drawn(out, is_local(values) ? all * size : 1.3 * all * sqrt(size));
    else
        *out = all_different(out->kind, out->plain);
}

/* Extremes of values that come in any order lie near the ends of what there is. */
static void count_extremes(Values *out, const Values *values, double size)
{
    bool local = is_local(values);
    double share = local || size < 4.2 ? 1 : 4.2 / size;
    for (size_t i = 0; i < FACT_WINDOWS; i++)
        out->distinct[i] =
            drawn(values_distinct(values, window_rows(i) * size) * share, window_rows(i));
    if (local && values->kind == VALUES_REAL) out->plain += 0.1 * log2(size);
}

static void deviate(Values *out, const Values *values, double size)
{
    double all = values->distinct[FACT_WINDOWS - 1];
    if (all <= 2)
        count_drawn(out, size < 10 * sqrt(size) ? size : 10 * sqrt(size));
    else
        *out = values_full(FULL_REAL);
}

Values values_aggregate(AggKind kind, const Values *values, double size)
{
    Values out = *values;
    bool is_real = kind == AGG_AVG || kind == AGG_STDDEV;
    if (kind == AGG_COUNT) {
        out = all_different(VALUES_INT, 0.3);
        count_drawn(&out, 1);
        return out;
    }
    out.filled = 1;
    out.indexed = 1;
    if (size <= 1.5) {
        out.filled = kind == AGG_STDDEV ? 0 : values->filled;
        out.indexed = values->indexed;
        if (is_real) out.kind = VALUES_REAL;
        return out;
    }
    if (values->kind == VALUES_FIXED) return values_full(kind == AGG_SUM ? 5.6 : FULL_REAL);
    if (is_real) out.kind = VALUES_REAL;
    if (kind == AGG_AVG) out.plain = mean_plain(values, size);
    if (kind == AGG_SUM) out.plain = sum_plain(values, size);
    if (kind == AGG_AVG || kind == AGG_SUM) count_sums(&out, values, size);
    if (kind == AGG_STDDEV) deviate(&out, values, size);
    if (kind == AGG_MIN || kind == AGG_MAX) count_extremes(&out, values, size);
    if (kind == AGG_FIRST || kind == AGG_LAST)
        for (size_t i = 0; i < FACT_WINDOWS; i++)
            out.distinct[i] = drawn(values_distinct(values, window_rows(i) * size), window_rows(i));
    out.stretch = 1;
    out.entry = entry_bytes(out.kind, out.plain);
    return out;
}
