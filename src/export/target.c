/* Targets: where each input goes, and what must not be.
 *
 * Refused here, before OUT is touched: two inputs in one place, a raw file where another target
 * needs a directory, --temporal or bounds on a table without time, columns that differ only in
 * case, and a data column named like a key of the path: a reader of Hive layouts would silently see
 * the path's value in its place. */
#include "export/export_int.h"
#include "perf/ops.h"
#include <string.h>
#include <strings.h>

static Err *check_places(Arena *arena, const Target *targets, size_t count)
{
    Map at = map_new(arena);
    for (size_t i = 0; i < count; i++) {
        const ExportInput *other = map_get(&at, targets[i].path);
        if (other != NULL)
            return err_hint(ERR(INVALID, "%s and %s would both be exported to %s", other->source,
                                targets[i].input->source, targets[i].path),
                            "make the pattern capture what tells them apart, or export them to "
                            "different folders");
        map_put(&at, targets[i].path, (void *)(uintptr_t)targets[i].input);
    }
    for (size_t i = 0; i < count; i++)
        for (char *above = path_parent(arena, targets[i].path);
             above[0] != 0 && strcmp(above, "/") != 0; above = path_parent(arena, above)) {
            const ExportInput *other = map_get(&at, above);
            if (other != NULL && other->rel == NULL)
                return err_hint(ERR(INVALID,
                                    "%s would be the file %s, and %s needs a folder of that name",
                                    other->source, above, targets[i].input->source),
                                "export them to different folders");
        }
    return NULL;
}

static Err *check_time(const ExportInput *input, const ExportOptions *options)
{
    if (rel_time_index(input->rel) >= 0) return NULL;
    bool bounded = options->bounds.min != TIME_MIN || options->bounds.max != TIME_MAX;
    if (options->temporal == NULL && !bounded) return NULL;
    return err_hint(ERR(INVALID, "%s: has no time column, so %s", input->source,
                        options->temporal != NULL ? "it cannot be partitioned by time"
                                                  : "time bounds cannot hold"),
                    "export it in a run of its own, without %s",
                    options->temporal != NULL ? "--temporal" : "--start-time and --end-time");
}

static Err *check_case(const ExportInput *input)
{
    SCRATCH(scratch);
    const Schema *schema = rel_schema(input->rel);
    Map seen = map_new(scratch);
    for (size_t i = 0; i < schema->count; i++) {
        char *folded = arena_strdup(scratch, schema->columns[i].name);
        for (char *c = folded; *c != 0; c++)
            if (*c >= 'A' && *c <= 'Z') *c = (char)(*c + 'a' - 'A');
        const char *other = map_get(&seen, folded);
        if (other != NULL)
            return err_hint(ERR(INVALID, "%s: the columns %s and %s differ only in case",
                                input->source, other, schema->columns[i].name),
                            "rename one of them with column-rename or in SQL");
        map_put(&seen, folded, (void *)(uintptr_t)schema->columns[i].name);
    }
    return NULL;
}

static Err *target_make(Arena *arena, const ExportCall *call, const ExportInput *input, Target *out)
{
    *out = (Target){.input = input, .rel = input->rel};
    char *path;
    TRY(name_target_path(arena, input, &path));
    out->path = path;
    if (strcmp(path, "catalog.json") == 0)
        return err_hint(ERR(INVALID,
                            "%s: its place in the export, catalog.json, is the export's own",
                            input->source),
                        "export it with a pattern that captures a folder's name too");
    if (input->rel == NULL) return NULL;
    TRY(plan_resolve(call->plan, input->rel));
    TRY(check_time(input, call->options));
    return check_case(input);
}

Err *targets_make(Arena *arena, const ExportCall *call, Target **out)
{
    PERF_SPAN(PERF_export_plan);
    Target *targets = AARRAY(arena, Target, call->input_count);
    for (size_t i = 0; i < call->input_count; i++) {
        TRY(os_check_interrupt());
        Meter meter = meter_begin();
        TRY(target_make(arena, call, &call->inputs[i], &targets[i]));
        meter_end(&meter, PHASE_PLANNING, &targets[i].phases);
    }
    TRY(check_places(arena, targets, call->input_count));
    perf_add(PERF_export_target, call->input_count);
    *out = targets;
    return NULL;
}

static Err *check_column(const Target *target, const char *key, const char *whence)
{
    const Schema *schema = rel_schema(target->input->rel);
    for (size_t i = 0; i < schema->count; i++)
        if (strcasecmp(schema->columns[i].name, key) == 0)
            return err_hint(ERR(INVALID, "%s: the column %s has the name of a key in the path, %s",
                                target->input->source, schema->columns[i].name, whence),
                            "rename the column with column-rename or in SQL: readers would get the "
                            "key's value instead");
    return NULL;
}

Err *target_check_columns(const Target *target)
{
    if (target->input->rel == NULL) return NULL;
    SCRATCH(scratch);
    for (size_t i = 0; i < target->parts.n; i++) {
        const char *key = part_name(target->parts.v[i]);
        TRY(check_column(target, key, arena_printf(scratch, "%s=...", key)));
    }
    const char *at = target->path;
    while (*at != 0) {
        size_t size = strcspn(at, "/");
        const char *component = arena_strndup(scratch, at, size), *equals = strchr(component, '=');
        if (equals != NULL)
            TRY(check_column(target,
                             arena_strndup(scratch, component, (size_t)(equals - component)),
                             component));
        at += size;
        if (*at == '/') at++;
    }
    return NULL;
}
