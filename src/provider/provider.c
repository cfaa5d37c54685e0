/* A command's provider: the mounted file system with its resolver, the plan, and the trail of
 * derived nodes being looked into, by which a node that reads itself is found. */
#include "provider/provider_int.h"
#include <string.h>

static Err *resolve_children(void *context, Arena *arena, const Node *dir, const char *path,
                             Node **out, size_t *count)
{
    (void)arena; /* listings live as long as the provider */
    Provider *provider = context;
    TRY(trail_enter(provider, path));
    Err *err = provider->factories.children == NULL
                   ? ERR(INTERNAL, "%s: no factories are installed", path)
                   : provider->factories.children(provider, dir, path, out, count);
    trail_leave(provider);
    return err;
}

Err *provider_zone(Arena *arena, const char *name, const Zone **out)
{
    const char *const roots[] = {"/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/etc/zoneinfo"};
    if (strstr(name, "..") != NULL || name[0] == '/')
        return ERR(INVALID, "zone '%s': not a zone name", name);
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++) {
        char *bytes = NULL;
        size_t size = 0;
        Err *err = os_read_file_if(arena, arena_printf(arena, "%s/%s", roots[i], name), 1 << 20,
                                   &bytes, &size);
        if (err != NULL) { /* a directory such as "America" */
            err_free(err);
            continue;
        }
        if (bytes != NULL) return zone_parse(arena, name, bytes, size, out);
    }
    return err_hint(ERR(NOT_FOUND, "zone '%s' is not in the tz database", name),
                    "names look like America/Los_Angeles; the package tzdata brings them");
}

static Err *load_zone(void *context, Arena *arena, const char *name, const Zone **out)
{
    (void)context;
    return provider_zone(arena, name, out);
}

Err *provider_open(Arena *arena, const ProviderOptions *options, Provider **out)
{
    Provider *provider = ANEW(arena, Provider);
    provider->arena = arena;
    provider->options = *options;
    provider->relations = map_new(arena);
    if (options->backend.ops != NULL) {
        TRY(fs_open(arena, options->backend, &provider->fs));
        fs_set_resolver(provider->fs,
                        (FsResolver){.children = resolve_children, .context = provider});
    }
    *out = provider;
    return NULL;
}

void provider_close_at(Provider **provider)
{
    if (*provider == NULL) return;
    engine_disconnect_at(&(*provider)->conn);
    plan_close_at(&(*provider)->plan);
    *provider = NULL;
}

Fs *provider_fs(Provider *provider)
{
    return provider->fs;
}

Err *provider_scratch_dir(Provider *provider, const char **out)
{
    if (provider->scratch == NULL) {
        TRY(provider->options.scratch(provider->options.context, &provider->scratch));
    }
    *out = provider->scratch;
    return NULL;
}

Cache *provider_cache(Provider *provider)
{
    return provider->options.cache != NULL ? provider->options.cache(provider->options.context)
                                           : NULL;
}

Err *provider_plan(Provider *provider, Plan **out)
{
    const char *scratch = NULL; /* exists before the engine is asked anything: it spills there */
    if (provider->plan == NULL) {
        TRY(provider_scratch_dir(provider, &scratch));
        provider->plan = plan_new(provider->arena, provider_cache(provider));
        plan_set_zone_source(provider->plan, load_zone, provider);
        plan_set_file_check(provider->plan, provider_check_file, provider);
    }
    *out = provider->plan;
    return NULL;
}

Arena *provider_arena(Provider *provider)
{
    return provider->arena;
}

void provider_forget(Provider *provider)
{
    if (provider->fs != NULL) fs_forget(provider->fs);
    provider->relations = map_new(provider->arena);
}

void provider_set_factories(Provider *provider, const ProviderFactories *factories)
{
    provider->factories = *factories;
}

Err *provider_conn(Provider *provider, Conn **out)
{
    const char *scratch = NULL;
    TRY(provider_scratch_dir(provider, &scratch));
    TRY(engine_connect_once(&provider->conn));
    *out = provider->conn;
    return NULL;
}

Err *provider_scratch_path(Provider *provider, Arena *arena, const char *suffix, char **out)
{
    const char *dir = NULL;
    TRY(provider_scratch_dir(provider, &dir));
    *out = arena_printf(arena, "%s/%d%s", dir, ++provider->scratch_files, suffix);
    return NULL;
}

Err *trail_enter(Provider *provider, const char *path)
{
    for (size_t i = 0; i < provider->trail.n; i++) {
        if (strcmp(provider->trail.v[i], path) != 0) continue;
        SCRATCH(scratch);
        Buf circle = buf_new(scratch);
        for (size_t j = i; j < provider->trail.n; j++)
            buf_printf(&circle, "%s -> ", provider->trail.v[j]);
        return err_hint(
            err_path(ERR(CIRCLE, "%s: it reads itself: %s%s", path, circle.data, path), path),
            "narrow the pattern so that it does not reach the node it defines");
    }
    vec_push(provider->arena, &provider->trail, arena_strdup(provider->arena, path));
    return NULL;
}

void trail_leave(Provider *provider)
{
    provider->trail.n--;
}
