/* synthetic-timeseries: points at a fixed interval, each value the sum of its components. The
 * formulas stand in docs/factories.md. */
#include "factory/factory_int.h"
#include <string.h>

static const FactoryKey KEYS[] = {
    {"start", "time", "the first point", true},
    {"end", "time", "the last point at the latest (inclusive)", true},
    {"interval", "duration", "between points", true},
    {"time_column", "text", "name of the time column (timestamp)", false},
    {"points", "list", "columns: {name, components} each", true},
};
static const FactoryKey POINT_KEYS[] = {
    {"name", "text", "the column's name", true},
    {"components", "list", "what its value is the sum of", true},
};
static const FactoryKey WAVE_KEYS[] = {
    {"type", "text", "sine, triangle, square, line or noise", true},
    {"amplitude", "number", "1", false},
    {"period", "duration", "needed by sine, triangle, square", false},
    {"offset", "number", "added to the value (0)", false},
    {"phase", "number", "in radians (0)", false},
    {"slope", "number", "line: per second (0)", false},
    {"seed", "integer", "noise (0)", false},
};
static const char *const WAVES[] = {[WAVE_SINE] = "sine",
                                    [WAVE_TRIANGLE] = "triangle",
                                    [WAVE_SQUARE] = "square",
                                    [WAVE_LINE] = "line",
                                    [WAVE_NOISE] = "noise"};
enum { WAVE_COUNT = sizeof WAVES / sizeof *WAVES };

static Err *read_kind(const Yaml *node, WaveKind *out)
{
    for (size_t i = 0; i < WAVE_COUNT; i++) {
        if (strcmp(node->text, WAVES[i]) != 0) continue;
        *out = (WaveKind)i;
        return NULL;
    }
    const char *near = text_nearest(node->text, WAVES, WAVE_COUNT);
    Err *err = yaml_error(node, "unknown component type '%s'", node->text);
    return near != NULL ? err_hint(err, "did you mean '%s'?", near)
                        : err_hint(err, "types are sine, triangle, square, line, noise");
}

static Err *read_wave(const Yaml *node, Wave *out)
{
    const char *type = NULL;
    int64_t period_us = 0;
    Wave wave = {.amplitude = 1};
    TRY(factory_check_keys(node, "component", WAVE_KEYS, sizeof WAVE_KEYS / sizeof *WAVE_KEYS));
    TRY(yaml_str(node, "type", true, &type));
    TRY(read_kind(yaml_get(node, "type"), &wave.kind));
    TRY(yaml_double(node, "amplitude", false, &wave.amplitude));
    TRY(yaml_double(node, "offset", false, &wave.offset));
    TRY(yaml_double(node, "phase", false, &wave.phase));
    TRY(yaml_double(node, "slope", false, &wave.slope));
    TRY(yaml_int(node, "seed", false, &wave.seed));
    const Yaml *period = yaml_get(node, "period");
    if (period != NULL) TRY(factory_duration(period, &period_us));
    wave.period_s = (double)period_us / (double)US_PER_SECOND;
    bool periodic =
        wave.kind == WAVE_SINE || wave.kind == WAVE_TRIANGLE || wave.kind == WAVE_SQUARE;
    if (periodic && period == NULL) return yaml_error(node, "a %s needs a 'period'", type);
    *out = wave;
    return NULL;
}

static Err *read_point(Arena *arena, const Yaml *node, SyntheticColumn *out)
{
    const Yaml *components = NULL;
    TRY(factory_check_keys(node, "point", POINT_KEYS, sizeof POINT_KEYS / sizeof *POINT_KEYS));
    TRY(yaml_str(node, "name", true, &out->name));
    TRY(yaml_list(node, "components", true, &components));
    if (components->count == 0)
        return yaml_error(components, "point '%s' has no components", out->name);
    out->waves = AARRAY(arena, Wave, components->count);
    out->wave_count = components->count;
    for (size_t i = 0; i < components->count; i++)
        TRY(read_wave(components->items[i], &out->waves[i]));
    return NULL;
}

static Err *read_spec(Arena *arena, const Yaml *config, SyntheticSpec *out)
{
    const Yaml *points = NULL;
    SyntheticSpec spec = {.time_column = "timestamp", .interval_us = 1, .end = TIME_MAX};
    TRY(factory_check_keys(config, "synthetic-timeseries", KEYS, sizeof KEYS / sizeof *KEYS));
    TRY(factory_time(config, "start", true, &spec.start));
    TRY(factory_time(config, "end", true, &spec.end));
    TRY(factory_duration(yaml_get(config, "interval"), &spec.interval_us));
    TRY(yaml_str(config, "time_column", false, &spec.time_column));
    TRY(yaml_list(config, "points", true, &points));
    if (points->count == 0) return yaml_error(points, "'points' is empty");
    if (spec.end < spec.start)
        return yaml_error(yaml_get(config, "end"), "'end' is before 'start'");
    spec.columns = AARRAY(arena, SyntheticColumn, points->count);
    spec.column_count = points->count;
    Map names = map_new(arena);
    (void)map_put(&names, spec.time_column, &spec);
    for (size_t i = 0; i < points->count; i++) {
        TRY(read_point(arena, points->items[i], &spec.columns[i]));
        if (map_put(&names, spec.columns[i].name, &spec)) continue;
        return yaml_error(points->items[i], "column '%s' appears twice", spec.columns[i].name);
    }
    *out = spec;
    return NULL;
}

static Err *validate(Arena *arena, const Yaml *config)
{
    SyntheticSpec spec;
    return read_spec(arena, config, &spec);
}

static Err *relation(const FactoryCall *call, const Rel **out)
{
    SyntheticSpec spec;
    TRY(read_spec(call->arena, call->config, &spec));
    spec.label = call->path;
    return rel_synthetic(call->arena, &spec, out);
}

const Factory FACTORY_SYNTHETIC = {
    .name = "synthetic-timeseries",
    .kind = FACTORY_FILE,
    .text = "made-up points: sums of sine, triangle, square, line and noise",
    .keys = KEYS,
    .key_count = sizeof KEYS / sizeof *KEYS,
    .example = "start: 2024-01-01T00:00:00Z\n"
               "end: 2024-01-31T23:45:00Z\n"
               "interval: 15m\n"
               "points:\n"
               "  - name: temperature\n"
               "    components:\n"
               "      - {type: sine, amplitude: 5, period: 1d, offset: 12}\n"
               "      - {type: noise, amplitude: 0.2, seed: 7}\n",
    .validate = validate,
    .relation = relation,
};
