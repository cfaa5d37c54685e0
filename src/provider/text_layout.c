/* From a shape to the columns that are written: their names, their types by what was seen, and the
 * time column. */
#include "provider/text_int.h"
#include <string.h>
#include <strings.h>

/* Every kind but these fails a column of them. */
static bool only(unsigned seen, unsigned kinds)
{
    return (seen & ~kinds) == 0;
}

static Target target_of(unsigned seen)
{
    const unsigned stamps = SEEN_DATE | SEEN_STAMP | SEEN_STAMPTZ;
    if (seen == 0) return TARGET_NOTHING;
    if (only(seen, SEEN_BOOL)) return TARGET_BOOL;
    if (only(seen, SEEN_INT)) return TARGET_INT;
    if (only(seen, SEEN_INT | SEEN_FLOAT)) return TARGET_FLOAT;
    if (only(seen, SEEN_CLOCK)) return TARGET_CLOCK;
    if (only(seen, SEEN_DATE)) return TARGET_DATE;
    if (only(seen, SEEN_DATE | SEEN_STAMP)) return TARGET_STAMP;
    if (only(seen, stamps)) return TARGET_STAMPTZ;
    return TARGET_WORDS;
}

/* JSON tells strings from numbers, and what is mixed is kept as JSON. */
static Target json_target_of(unsigned seen)
{
    const unsigned strings = SEEN_DATE | SEEN_STAMP | SEEN_STAMPTZ | SEEN_WORDS;
    Target target = target_of(seen);
    return target != TARGET_WORDS || only(seen, strings) ? target : TARGET_JSON;
}

static const char *type_of(Target target)
{
    static const char *const TYPES[] = {
        [TARGET_NOTHING] = "VARCHAR",
        [TARGET_BOOL] = "BOOLEAN",
        [TARGET_INT] = "BIGINT",
        [TARGET_FLOAT] = "DOUBLE",
        [TARGET_CLOCK] = "TIME",
        [TARGET_DATE] = "DATE",
        [TARGET_STAMP] = "TIMESTAMP",
        [TARGET_STAMPTZ] = "TIMESTAMP WITH TIME ZONE",
        [TARGET_WORDS] = "VARCHAR",
        [TARGET_JSON] = "VARCHAR",
        [TARGET_TIME] = "TIMESTAMP WITH TIME ZONE",
        [TARGET_EPOCH] = "TIMESTAMP WITH TIME ZONE",
        [TARGET_FORM] = "TIMESTAMP WITH TIME ZONE",
    };
    return TYPES[target];
}

Schema layout_schema(Arena *arena, const Layout *layout)
{
    Schema schema = {.columns = AARRAY(arena, Column, layout->count + 1), .count = layout->count};
    for (size_t i = 0; i < layout->count; i++)
        schema.columns[i] = (Column){layout->columns[i].name, type_of(layout->columns[i].target)};
    return schema;
}

/* ---- names ---- */

/* Members of objects are called object.member. */
static const char *name_of(Arena *arena, const Shape *shape, size_t place)
{
    const ShapeColumn *column = &shape->columns.v[place];
    if (column->parent < 0) return column->key;
    return arena_printf(arena, "%s.%s", name_of(arena, shape, (size_t)column->parent), column->key);
}

static Err *twins(const TextJob *job, const char *a, const char *b)
{
    if (strcmp(a, b) == 0)
        return err_hint(ERR(INVALID, "%s: column '%s' appears twice", job->label, a),
                        "a member of an object is called object.member");
    return err_hint(ERR(INVALID, "%s: columns '%s' and '%s' differ only in case", job->label, a, b),
                    "rename one of them in the text");
}

static Err *refuse_twins(const TextJob *job, const Layout *layout)
{
    SCRATCH(scratch);
    Map names = map_new(scratch);
    for (size_t i = 0; i < layout->count; i++) {
        const char *name = layout->columns[i].name;
        char *lower = arena_strdup(scratch, name);
        for (char *p = lower; *p != '\0'; p++)
            if (*p >= 'A' && *p <= 'Z') *p = (char)(*p - 'A' + 'a');
        const LayoutColumn *other = map_get(&names, lower);
        if (other != NULL) return twins(job, other->name, name);
        (void)map_put(&names, lower, &layout->columns[i]);
    }
    return NULL;
}

/* ---- columns ---- */

/* An object is its members, unless it had none or something else stands in its place, too. */
static bool is_object(const Shape *shape, const bool *has_members, size_t place)
{
    return shape->columns.v[place].seen == SEEN_OBJECT && has_members[place];
}

static void find_members(const Shape *shape, bool *has_members)
{
    for (size_t i = 0; i < shape->columns.n; i++) {
        if (shape->columns.v[i].parent >= 0) has_members[shape->columns.v[i].parent] = true;
    }
}

static void add_columns(Arena *arena, const TextJob *job, const Shape *shape, Layout *layout)
{
    SCRATCH(scratch);
    bool *members = AARRAY(scratch, bool, shape->columns.n + 1);
    bool *open =
        AARRAY(scratch, bool, shape->columns.n + 1); /* objects whose members are columns */
    find_members(shape, members);
    for (size_t i = 0; i < shape->columns.n; i++) {
        const ShapeColumn *column = &shape->columns.v[i];
        layout->of_shape[i] = -1;
        if (column->parent >= 0 && !open[column->parent]) continue;
        open[i] = is_object(shape, members, i);
        if (open[i]) continue;
        bool json = job->driver->format != FORMAT_CSV;
        Target target = json ? json_target_of(column->seen) : target_of(column->seen);
        layout->of_shape[i] = (ptrdiff_t)layout->count;
        layout->columns[layout->count++] =
            (LayoutColumn){.name = name_of(arena, shape, i), .target = target, .of = i};
    }
}

/* ---- the time column ---- */

static Err *no_time(const TextJob *job)
{
    return err_hint(ERR(INVALID,
                        "%s: no time column: none is named timestamp, event_time, time, ts, "
                        "datetime or date, and none holds times",
                        job->label),
                    "say which with ?time=COLUMN");
}

/* Texts and numbers under a name for times are taken for times; whether they are shows when they
 * are written. */
static Err *find_time(Arena *arena, const TextJob *job, Layout *layout)
{
    Schema schema = layout_schema(arena, layout);
    for (size_t i = 0; i < schema.count; i++) {
        Target target = layout->columns[i].target;
        bool may_be = target == TARGET_WORDS || target == TARGET_INT || target == TARGET_FLOAT ||
                      target == TARGET_NOTHING || target == TARGET_JSON;
        if (may_be && time_column_is_named(schema.columns[i].name))
            schema.columns[i].type = "TIMESTAMP";
    }
    TRY(time_column_find(&schema, url_option(job->url, "time"), job->label, &layout->time));
    return layout->time >= 0 ? NULL : no_time(job);
}

static Err *choose_unit(const TextJob *job, Layout *layout, const ShapeColumn *column)
{
    const char *given = url_option(job->url, "unit");
    if (given != NULL) return ERR_WRAP(time_unit_parse(given, &layout->unit), "%s", job->label);
    layout->unit = column->unit;
    if (layout->unit != TIME_UNIT_NONE) return NULL;
    return err_hint(ERR(INVALID, "%s: time column '%s' holds numbers that could be of any unit",
                        job->label, layout->columns[layout->time].name),
                    "say what they count with ?unit=s, ms, us or ns");
}

static Err *choose_time_target(const TextJob *job, Layout *layout)
{
    LayoutColumn *column = &layout->columns[layout->time];
    const ShapeColumn *seen = &layout->shape->columns.v[column->of];
    const unsigned numbers = SEEN_INT | SEEN_FLOAT;
    const char *form = url_option(job->url, "timeformat");
    layout->form = form;
    column->target = TARGET_TIME;
    if (form != NULL) {
        column->target = TARGET_FORM;
        const char *unknown = value_check_form(form);
        if (unknown == NULL) return NULL;
        return err_hint(
            ERR(INVALID, "%s: timeformat '%s': '%%%c' is not known", job->label, form, *unknown),
            "letters are Y y m d j H I M S f b B a A p z");
    }
    if (seen->seen == 0 || !only(seen->seen, numbers)) return NULL;
    column->target = TARGET_EPOCH;
    return choose_unit(job, layout, seen);
}

Err *layout_make(Arena *arena, const TextJob *job, const Shape *shape, Layout *out)
{
    Layout layout = {.columns = AARRAY(arena, LayoutColumn, shape->columns.n + 1),
                     .of_shape = AARRAY(arena, ptrdiff_t, shape->columns.n + 1),
                     .shape = shape,
                     .time = -1};
    add_columns(arena, job, shape, &layout);
    TRY(refuse_twins(job, &layout));
    TRY(find_time(arena, job, &layout));
    TRY(choose_time_target(job, &layout));
    *out = layout;
    return NULL;
}
