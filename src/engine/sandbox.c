/* What files statements may touch once user SQL is about to run: those that were allowed by then,
 * and no others.
 *
 * The text of user SQL is checked before it runs (plan/sql_check.c); this is the second wall behind
 * it. The engine refuses to widen the limits again while it runs, so there is no way back: what a
 * command needs is allowed before. Its configuration is not locked, since new connections still set
 * their own options; a SELECT cannot change it. */
#include "engine/engine_int.h"
#include "os/os.h"
#include <string.h>

static pthread_mutex_t allowed_lock = PTHREAD_MUTEX_INITIALIZER;
static Arena *allowed_arena;
static VEC(const char *) allowed;
static bool is_closed;

static void allow_text(const char *path)
{
    for (size_t i = 0; i < allowed.n; i++)
        if (strcmp(allowed.v[i], path) == 0) return;
    vec_push(allowed_arena, &allowed, arena_strdup(allowed_arena, path));
}

/* The engine asks for the name as the statement has it, which for reading is a pattern. */
static void allow_one(const char *path)
{
    allow_text(path);
    allow_text(path_pattern(allowed_arena, path));
}

void engine_allow(const char *path)
{
    SCRATCH(scratch);
    char *absolute = NULL;
    err_free(os_absolute(scratch, path, &absolute)); /* the name as given counts anyway */
    (void)pthread_mutex_lock(&allowed_lock);
    if (allowed_arena == NULL) allowed_arena = arena_new();
    allow_one(path);
    if (absolute != NULL) allow_one(absolute);
    (void)pthread_mutex_unlock(&allowed_lock);
}

/* Each name is allowed as a file and as a folder: which of them it will be may not be known yet. */
static char *sandbox_sql(Arena *arena)
{
    Buf sql = buf_new(arena), folders = buf_new(arena), files = buf_new(arena);
    for (size_t i = 0; i < allowed.n; i++) {
        const char *comma = i > 0 ? ", " : "", *end = text_ends(allowed.v[i], "/") ? "" : "/";
        buf_printf(&folders, "%s%s", comma,
                   sql_literal(arena, arena_printf(arena, "%s%s", allowed.v[i], end)));
        buf_printf(&files, "%s%s", comma, sql_literal(arena, allowed.v[i]));
    }
    buf_printf(&sql,
               "SET GLOBAL allowed_directories = [%s]; SET GLOBAL allowed_paths = [%s]; SET GLOBAL "
               "enable_external_access = false",
               folders.data, files.data);
    return sql.data;
}

Err *engine_sandbox(Conn *conn)
{
    SCRATCH(scratch);
    (void)pthread_mutex_lock(&allowed_lock);
    Err *err = NULL;
    if (!is_closed && allowed.n > 0) err = engine_exec(conn, sandbox_sql(scratch));
    if (err == NULL) is_closed = true;
    (void)pthread_mutex_unlock(&allowed_lock);
    return err;
}

void sandbox_forget(void)
{
    (void)pthread_mutex_lock(&allowed_lock);
    is_closed = false;
    (void)pthread_mutex_unlock(&allowed_lock);
}
