/* The engine's settings, as one table. Three places take them: the instance when it is opened, the
 * instance once it is open (settings of extensions, which the open call does not know), and each
 * connection (settings that the engine keeps per connection).
 *
 * `threads` holds for the whole instance: with 1 the engine has no threads of its own and each
 * statement runs on the thread that asked for it. That is the determinism contract, and it is what
 * lets a feed run statements on other connections inside a statement.
 *
 * What equals the engine's default stands here too when results depend on it: a default may change.
 */
#include "engine/engine_int.h"
#include <inttypes.h>
#include <string.h>

typedef enum SettingPlace { AT_OPEN, ON_INSTANCE, ON_CONNECTION } SettingPlace;

typedef struct Setting {
    SettingPlace place;
    const char *name, *value, *why;
} Setting;

static const Setting SETTINGS[] = {
    {AT_OPEN, "threads", "1", "one statement, one thread: same bits every time"},
    {AT_OPEN, "autoinstall_known_extensions", "false", "never reach for the network"},
    {AT_OPEN, "autoload_known_extensions", "false", "never load code from the user's home"},
    {AT_OPEN, "allow_community_extensions", "false", "as above"},
    {AT_OPEN, "allow_persistent_secrets", "false",
     "nothing is read from or written to the user's home"},
    {AT_OPEN, "errors_as_json", "true", "positions as numbers instead of a drawn caret"},
    {AT_OPEN, "enable_external_file_cache", "false",
     "costs 36 ms and 150 MB over 1,000 files read once"},
    {AT_OPEN, "preserve_insertion_order", "true", "files are written in the order of their rows"},
    {AT_OPEN, "default_null_order", "nulls_last", "results must not depend on a default"},
    {AT_OPEN, "default_order", "asc", "as above"},
    {AT_OPEN, "ieee_floating_point_ops", "true", "as above: 1/0 is infinity"},
    {AT_OPEN, "integer_division", "false", "as above"},
    {ON_INSTANCE, "TimeZone", "UTC", "results must not depend on $TZ"},
    {ON_INSTANCE, "Calendar", "gregorian", "results must not depend on the locale"},
    {ON_CONNECTION, "enable_progress_bar", "true", "engine_progress needs it"},
    {ON_CONNECTION, "enable_progress_bar_print", "false", "the terminal is ours"},
    {ON_CONNECTION, "progress_bar_time", "0", "progress is known from the start"},
};

static const int64_t MEMORY_LIMIT_DEFAULT_BYTES = INT64_C(256) << 20;

int64_t settings_memory_limit_bytes(const EngineOptions *options)
{
    return options->memory_limit_bytes > 0 ? options->memory_limit_bytes
                                           : MEMORY_LIMIT_DEFAULT_BYTES;
}

static const char *temp_dir_of(const EngineOptions *options)
{
    return options->temp_dir != NULL ? options->temp_dir : "";
}

static Err *settings_put(duckdb_config config, const char *name, const char *value)
{
    if (ddb.set_config(config, name, value) == DuckDBSuccess) return NULL;
    return ERR(INTERNAL, "the engine refuses the setting %s = %s", name, value);
}

Err *settings_fill_config(duckdb_config config, const EngineOptions *options)
{
    SCRATCH(scratch);
    for (size_t i = 0; i < sizeof SETTINGS / sizeof SETTINGS[0]; i++)
        if (SETTINGS[i].place == AT_OPEN)
            TRY(settings_put(config, SETTINGS[i].name, SETTINGS[i].value));
    const char *limit = arena_printf(scratch, "%" PRId64 "B", settings_memory_limit_bytes(options));
    TRY(settings_put(config, "memory_limit", limit));
    return settings_put(config, "temp_directory", temp_dir_of(options));
}

static const char *settings_sql(Arena *arena, SettingPlace place, const char *verb)
{
    Buf sql = buf_new(arena);
    for (size_t i = 0; i < sizeof SETTINGS / sizeof SETTINGS[0]; i++)
        if (SETTINGS[i].place == place)
            buf_printf(&sql, "%s %s = %s;", verb, SETTINGS[i].name,
                       sql_literal(arena, SETTINGS[i].value));
    return sql.data;
}

const char *settings_instance_sql(Arena *arena)
{
    return settings_sql(arena, ON_INSTANCE, "SET GLOBAL");
}

const char *settings_connection_sql(Arena *arena)
{
    const char *sql = settings_sql(arena, ON_CONNECTION, "SET");
    if (toggle_on(TOGGLE_filter_pushdown)) return sql;
    return arena_printf(arena, "%sSET disabled_optimizers = 'filter_pushdown';", sql);
}

/* The engine refuses to leave a directory that it has used, so it is not asked needlessly. */
const char *settings_change_sql(Arena *arena, const EngineOptions *from, const EngineOptions *to)
{
    Buf sql = buf_new(arena);
    buf_printf(&sql, "SET GLOBAL memory_limit = '%" PRId64 "B';", settings_memory_limit_bytes(to));
    if (strcmp(temp_dir_of(from), temp_dir_of(to)) != 0)
        buf_printf(&sql, "SET GLOBAL temp_directory = %s", sql_literal(arena, temp_dir_of(to)));
    return sql.data;
}
