/* pond set-temporal-bounds: the first and last time of a series that readers see. The bounds are
 * the node's own state, one log row: they hold for all versions, now and later, and whoever reads
 * the node's relation is cut by them. What is stored stays as it is. */
#include "cli/commands.h"

typedef struct Bounds {
    const char *path;
    bool clear;
    TimeSpan given; /* TIME_MIN, TIME_MAX: not given */
    bool hides_all;
    Node node;
} Bounds;

static Err *refuse(const Found *found)
{
    const Node *node = &found->node;
    const char *path = found->path;
    Err *err = NULL;
    if (node->derived || node->type == ENTRY_DYNAMIC || node->type == ENTRY_DYNAMIC_DIR)
        err = err_hint(ERR(INVALID, "%s: is derived, its times are those of what it reads", path),
                       "set the bounds of those series; pond describe %s --plan names them", path);
    else if (entry_is_dir(node->type))
        err = err_hint(ERR(INVALID, "%s: is a directory", path),
                       "name a series in it: pond list %s/", path);
    else if (node->type == ENTRY_TABLE)
        err = ERR(INVALID, "%s: is a table; only a series has temporal bounds", path);
    else
        err = err_hint(
            ERR(INVALID, "%s: is %s, whose bytes have no times", path, entry_type_name(node->type)),
            "make a series of it: pond copy host+csv+series:///FILE %s.series", path);
    return err_path(err, path);
}

/* Whether all rows lie outside, as far as is recorded; INVALID when there is no time. */
static Err *look_at_times(Cli *cli, const Found *found, TimeSpan span, bool *out_hides_all)
{
    FsBackend backend = fs_backend(provider_fs(cli->provider));
    Version *versions = NULL;
    size_t count = 0;
    bool any_rows = false, any_inside = false;
    TRY(backend.ops->versions(backend.self, cli->arena, found->node.id, &versions, &count));
    for (size_t i = 0; i < count; i++) {
        const Version *version = &versions[i];
        if (version->parquet && version->time_column == NULL)
            return err_path(ERR(INVALID, "%s: version %lld has no time column", found->path,
                                (long long)version->version),
                            found->path);
        any_rows = any_rows || version->rows > 0;
        for (size_t j = 0; j < version->interval_count; j++)
            any_inside = any_inside || (version->intervals[j].min <= span.max &&
                                        version->intervals[j].max >= span.min);
    }
    *out_hides_all = any_rows && !any_inside;
    return NULL;
}

static TimeSpan wanted(const Bounds *bounds, const Node *node)
{
    TimeSpan span = {TIME_MIN, TIME_MAX};
    if (!bounds->clear && node->has_min_override) span.min = node->min_override;
    if (!bounds->clear && node->has_max_override) span.max = node->max_override;
    if (bounds->given.min != TIME_MIN) span.min = bounds->given.min;
    if (bounds->given.max != TIME_MAX) span.max = bounds->given.max;
    return span;
}

static Err *check_order(const Found *found, TimeSpan span)
{
    SCRATCH(scratch);
    if (span.min <= span.max) return NULL;
    return err_hint(
        err_path(ERR(INVALID, "%s: nothing lies from %s to %s", found->path,
                     time_format_human(scratch, span.min), time_format_human(scratch, span.max)),
                 found->path),
        "a bound that was set before stays until it is set again, or --clear");
}

static Err *body(void *context, Cli *cli)
{
    Bounds *bounds = context;
    Found found;
    Fs *fs = provider_fs(cli->provider);
    TRY(fs_get(fs, cli->arena, bounds->path, (FindOptions){0}, &found));
    if (found.node.type != ENTRY_TABLE_SERIES || found.node.derived) return refuse(&found);
    Node node = found.node;
    TimeSpan span = wanted(bounds, &node);
    TRY(check_order(&found, span));
    TRY(look_at_times(cli, &found, span, &bounds->hides_all));
    node.has_min_override = span.min != TIME_MIN;
    node.has_max_override = span.max != TIME_MAX;
    node.min_override = node.has_min_override ? span.min : 0;
    node.max_override = node.has_max_override ? span.max : 0;
    bounds->node = node;
    bool same = node.has_min_override == found.node.has_min_override &&
                node.has_max_override == found.node.has_max_override &&
                (!node.has_min_override || node.min_override == found.node.min_override) &&
                (!node.has_max_override || node.max_override == found.node.max_override);
    if (same) return NULL;
    FsBackend backend = fs_backend(fs);
    return err_path(backend.ops->update(backend.self, &node), found.path);
}

static void tell(Cli *cli, const Bounds *bounds)
{
    const Node *node = &bounds->node;
    if (bounds->hides_all) log_warn("%s: the bounds hide every row", bounds->path);
    if (cli->json || cli->quiet) return;
    if (!node->has_min_override && !node->has_max_override) {
        out_printf("%s: no bounds, every row is shown\n", bounds->path);
        return;
    }
    out_printf("%s: rows", bounds->path);
    if (node->has_min_override)
        out_printf(" from %s", time_format_human(cli->arena, node->min_override));
    if (node->has_max_override)
        out_printf(" up to %s", time_format_human(cli->arena, node->max_override));
    out_printf(" are shown\n");
}

static Err *run(Cli *cli)
{
    Bounds bounds = {
        .path = cli->args[0], .clear = cli_flag(cli, "clear"), .given = {TIME_MIN, TIME_MAX}};
    TRY(cli_pond_path(bounds.path));
    if (!bounds.clear && !cli_flag(cli, "min-time") && !cli_flag(cli, "max-time"))
        return err_hint(ERR(USAGE, "no bounds were provided"),
                        "give --min-time, --max-time, or --clear to show everything");
    TRY(cli_time_span(cli, "min-time", "max-time", &bounds.given));
    TRY(cli_transact(cli, body, &bounds));
    tell(cli, &bounds);
    return NULL;
}

static const Option OPTIONS[] = {
    {"min-time", 0, "TIME", "hide rows before this time"},
    {"max-time", 0, "TIME", "hide rows after this time; a day means its end"},
    {"clear", 0, NULL, "remove the bounds set before"},
};

const Command COMMAND_BOUNDS = {
    .name = "set-temporal-bounds",
    .usage = "set-temporal-bounds PATH [--min-time TIME] [--max-time TIME] [--clear]",
    .summary = "hide bad data at the ends of a series",
    .examples =
        "  pond set-temporal-bounds /sensors/north.series --min-time 2023-01-01\n"
        "  pond set-temporal-bounds /sensors/north.series --max-time '2024-05-30 12:00:00'\n"
        "  pond set-temporal-bounds /sensors/north.series --clear\n"
        "  pond set-temporal-bounds /sensors/north.series --clear --min-time 2023-01-01\n",
    .details =
        "Both bounds are inclusive, and either can be set alone; the other stays as it is. They "
        "hold wherever the series is read (cat, SQL, derived nodes, export), for later versions "
        "too, and stay through renames and collapses.\n"
        "Nothing stored changes: --clear shows every row again. pond describe shows the stored "
        "range and the bounds.",
    .json = COMMITTED_JSON,
    .options = OPTIONS,
    .option_count = sizeof OPTIONS / sizeof *OPTIONS,
    .least_args = 1,
    .most_args = 1,
    .run = run,
};
