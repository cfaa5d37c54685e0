/* Synthetic points as SQL over range(): row i stands at start + i * interval. A span of time is a
 * range of indexes, so a part costs what it holds. Formulas: docs/factories.md.
 *
 * Noise is counter-based: splitmix64 of (seed, index), so that any row can be made alone. 64-bit
 * arithmetic that wraps is written as UHUGEINT multiplication masked to 64 bits, which is exact. */
#include "plan/plan_int.h"
#include <inttypes.h>

static int64_t saturating_sub(int64_t a, int64_t b)
{
    int64_t out;
    if (!__builtin_sub_overflow(a, b, &out)) return out;
    return a < 0 ? INT64_MIN : INT64_MAX;
}

/* Inclusive; empty when max < min. */
TimeSpan synthetic_indexes(const SyntheticSpec *spec, TimeSpan span)
{
    int64_t last =
        (int64_t)(((uint64_t)spec->end - (uint64_t)spec->start) / (uint64_t)spec->interval_us);
    TimeSpan indexes = {0, last};
    if (span_is_empty(span) || span.max < spec->start) return (TimeSpan){0, -1};
    if (span.min > spec->start) {
        int64_t past = saturating_sub(span.min, spec->start);
        indexes.min = past / spec->interval_us + (past % spec->interval_us != 0);
    }
    int64_t until = saturating_sub(span.max, spec->start) / spec->interval_us;
    if (until < last) indexes.max = until;
    return indexes;
}

/* As text: a numeric literal would be a DECIMAL first, and rounded twice. */
static char *number(Arena *arena, double value)
{
    return arena_printf(arena, "'%.17g'::DOUBLE", value);
}

/* (z * factor) mod 2^64, z being UHUGEINT below 2^64. */
static char *multiply_64(Arena *arena, const char *z, uint64_t factor)
{
    return arena_printf(arena, "(%s * %" PRIu64 "::UHUGEINT & 18446744073709551615::UHUGEINT)", z,
                        factor);
}

static char *xor_shift(Arena *arena, const char *z, int bits)
{
    return arena_printf(arena, "xor(%s, %s >> %d)", z, z, bits);
}

/* splitmix64's output function at state seed + (i + 1) * gamma. Each step is a sub-query, or the
 * text would double with every xor-shift. */
static char *noise_sql(Arena *arena, const Wave *wave)
{
    char *state = arena_printf(arena,
                               "(%" PRIu64
                               "::UHUGEINT + (i + 1)::UHUGEINT * 11400714819323198485::UHUGEINT) & "
                               "18446744073709551615::UHUGEINT",
                               (uint64_t)wave->seed);
    char *first = multiply_64(arena, xor_shift(arena, "z", 30), UINT64_C(0xbf58476d1ce4e5b9));
    char *second = multiply_64(arena, xor_shift(arena, "z", 27), UINT64_C(0x94d049bb133111eb));
    char *hash =
        arena_printf(arena,
                     "list_transform(list_transform(list_transform([%s], lambda z: %s), lambda "
                     "z: %s), lambda z: %s)[1]",
                     state, first, second, xor_shift(arena, "z", 31));
    char *unit = arena_printf(arena, "((%s >> 11)::DOUBLE / 9007199254740992.0::DOUBLE)", hash);
    return arena_printf(arena, "(%s * (2.0::DOUBLE * %s - 1.0::DOUBLE) + %s)",
                        number(arena, wave->amplitude), unit, number(arena, wave->offset));
}

/* Place within the period, `ahead` of it by a part, in [0, 1). */
static char *cycle_sql(Arena *arena, const Wave *wave, double ahead)
{
    char *turns = arena_printf(arena, "(t / %s + %s / (2.0::DOUBLE * pi()) + %s)",
                               number(arena, wave->period_s), number(arena, wave->phase),
                               number(arena, ahead));
    return arena_printf(arena, "(%s - floor(%s))", turns, turns);
}

static char *wave_sql(Arena *arena, const Wave *wave)
{
    char *amplitude = number(arena, wave->amplitude), *offset = number(arena, wave->offset);
    switch (wave->kind) {
    case WAVE_SINE:
        return arena_printf(arena, "(%s * sin(2.0::DOUBLE * pi() * (t / %s) + %s) + %s)", amplitude,
                            number(arena, wave->period_s), number(arena, wave->phase), offset);
    case WAVE_TRIANGLE:
        return arena_printf(arena,
                            "(%s * (1.0::DOUBLE - 4.0::DOUBLE * abs(%s - 0.5::DOUBLE)) + %s)",
                            amplitude, cycle_sql(arena, wave, 0.25), offset);
    case WAVE_SQUARE:
        return arena_printf(arena, "(CASE WHEN %s < 0.5::DOUBLE THEN %s ELSE -%s END + %s)",
                            cycle_sql(arena, wave, 0), amplitude, amplitude, offset);
    case WAVE_LINE: return arena_printf(arena, "(%s * t + %s)", number(arena, wave->slope), offset);
    case WAVE_NOISE: return noise_sql(arena, wave);
    }
    return NULL;
}

static void emit_value(Emit *emit, const SyntheticColumn *column)
{
    buf_puts(&emit->sql, "0.0::DOUBLE");
    for (size_t i = 0; i < column->wave_count; i++)
        buf_printf(&emit->sql, " + %s", wave_sql(emit->arena, &column->waves[i]));
}

Err *emit_synthetic(Emit *emit, const Rel *rel, EmitWish wish)
{
    const SyntheticSpec *spec = &rel->synthetic;
    TimeSpan indexes = synthetic_indexes(spec, wish.span);
    int64_t ordinal = emit->next_ordinal++;
    if (span_is_empty(indexes)) {
        emit_nothing(emit, &rel->facts->schema, wish.with_order);
        return NULL;
    }
    buf_printf(&emit->sql, "SELECT make_timestamptz(%" PRId64 " + i * %" PRId64 ") AS c0",
               spec->start, spec->interval_us);
    for (size_t i = 0; i < spec->column_count; i++) {
        buf_puts(&emit->sql, ", ");
        emit_value(emit, &spec->columns[i]);
        buf_printf(&emit->sql, " AS c%zu", i + 1);
    }
    if (wish.with_order) buf_printf(&emit->sql, ", %" PRId64 "::BIGINT AS o, i AS r", ordinal);
    buf_printf(&emit->sql,
               " FROM (SELECT i, (i * %" PRId64 ")::DOUBLE / 1e6::DOUBLE AS t FROM range(%" PRId64
               ", %" PRId64 ") AS n(i))",
               spec->interval_us, indexes.min, indexes.max + 1);
    return NULL;
}
