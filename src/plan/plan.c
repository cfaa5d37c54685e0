/* The context of a command's planning: one connection for questions, opened when the first needs
 * it, and the zones that were loaded. Running opens connections of its own (exec.c), so that a
 * resolved tree can be run by several threads while this object rests. */
#include "plan/plan_int.h"
#include <string.h>

typedef struct ZoneRef {
    const Zone *zone;
} ZoneRef;

Plan *plan_new(Arena *arena, Cache *cache)
{
    Plan *plan = ANEW(arena, Plan);
    plan->arena = arena;
    plan->cache = cache;
    plan->zones = map_new(arena);
    plan->functions = map_new(arena);
    (void)pthread_mutex_init(&plan->check_lock, NULL);
    plan->checked_arena = arena_new();
    plan->checked = map_new(plan->checked_arena);
    return plan;
}

void plan_close_at(Plan **plan)
{
    if (*plan == NULL) return;
    engine_disconnect_at(&(*plan)->conn);
    arena_free((*plan)->checked_arena);
    (void)pthread_mutex_destroy(&(*plan)->check_lock);
    *plan = NULL;
}

void plan_set_zone_source(Plan *plan,
                          Err *(*load)(void *context, Arena *arena, const char *name,
                                       const Zone **out),
                          void *context)
{
    plan->load_zone = load;
    plan->zone_context = context;
}

Err *plan_conn(Plan *plan, Conn **out)
{
    TRY(engine_connect_once(&plan->conn));
    *out = plan->conn;
    return NULL;
}

Err *plan_zone(Plan *plan, const char *name, const Zone **out)
{
    if (name == NULL || strcmp(name, "UTC") == 0) {
        *out = zone_utc();
        return NULL;
    }
    ZoneRef *ref = map_get(&plan->zones, name);
    if (ref == NULL) {
        if (plan->load_zone == NULL)
            return ERR(NOT_FOUND, "zone %s: this process has no tz database", name);
        ref = ANEW(plan->arena, ZoneRef);
        TRY(plan->load_zone(plan->zone_context, plan->arena, name, &ref->zone));
        map_put(&plan->zones, name, ref);
    }
    *out = ref->zone;
    return NULL;
}

void plan_set_file_check(Plan *plan, Err *(*check)(void *context, const ScanFile *file),
                         void *context)
{
    plan->check_file = check;
    plan->check_context = context;
}

static Err *check_file(Plan *plan, const ScanFile *file)
{
    if (map_has(&plan->checked, file->path)) return NULL;
    TRY(plan->check_file(plan->check_context, file));
    (void)map_put(&plan->checked, arena_strdup(plan->checked_arena, file->path), plan);
    return NULL;
}

Err *plan_check_files(Plan *plan, const ScanFile *const *files, size_t count)
{
    Err *err = NULL;
    if (plan->check_file == NULL) return NULL;
    (void)pthread_mutex_lock(&plan->check_lock);
    for (size_t i = 0; i < count && err == NULL; i++)
        if (files[i]->stored) err = check_file(plan, files[i]);
    (void)pthread_mutex_unlock(&plan->check_lock);
    return err;
}
