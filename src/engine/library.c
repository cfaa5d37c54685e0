/* The engine's shared library, opened when the first connection is asked for.
 *
 * It is looked for at $POND_LIBDUCKDB and then in the directories of the executable's own run path,
 * which is $ORIGIN/../lib/pond when installed and .deps/duckdb/lib in a build tree. dlopen with a
 * bare name would search the run path of whoever calls it, which under a sanitizer is the
 * sanitizer's library; so the directories are asked of the loader (dlinfo) and tried by full path.
 *
 * Locking: the caller holds the instance's lock. Failure: a missing library or function is an error
 * that names it, and the next call tries again. The library is never closed: its threads'
 * destructors may run late. */
#include "engine/engine_int.h"
#include "os/os.h"
#include "perf/ops.h"
#include <dlfcn.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

static const char LIBRARY_NAME[] = "libduckdb.so";

EngineLibrary ddb;
static void *library;

static const struct {
    const char *name;
    size_t offset;
} SYMBOLS[] = {
#define ENGINE_SYMBOL(name) {"duckdb_" #name, offsetof(EngineLibrary, name)},
#include "engine/symbols.def"
#undef ENGINE_SYMBOL
};

bool library_is_loaded(void)
{
    return library != NULL;
}

/* The directories in which the loader looks for what the executable needs, in order; NULL when it
 * cannot tell. */
static const Dl_serinfo *library_search_path(Arena *arena)
{
    void *self = dlopen(NULL, RTLD_LAZY);
    Dl_serinfo size;
    if (self == NULL || dlinfo(self, RTLD_DI_SERINFOSIZE, &size) != 0) return NULL;
    Dl_serinfo *path = arena_alloc(arena, size.dls_size);
    path->dls_size = size.dls_size;
    path->dls_cnt = size.dls_cnt;
    return dlinfo(self, RTLD_DI_SERINFO, path) == 0 ? path : NULL;
}

static Err *library_find(Arena *arena, const char **out)
{
    const char *forced = getenv("POND_LIBDUCKDB");
    if (forced != NULL && forced[0] != '\0') {
        *out = forced;
        return NULL;
    }
    Buf tried = buf_new(arena);
    const Dl_serinfo *path = library_search_path(arena);
    for (unsigned i = 0; path != NULL && i < path->dls_cnt; i++) {
        const char *file =
            arena_printf(arena, "%s/%s", path->dls_serpath[i].dls_name, LIBRARY_NAME);
        bool exists = false;
        OsStat ignored;
        TRY(os_stat_if(file, &exists, &ignored));
        if (exists) {
            *out = file;
            return NULL;
        }
        buf_printf(&tried, "%s%s", tried.size > 0 ? ", " : "", path->dls_serpath[i].dls_name);
    }
    return err_hint(
        ERR(IO, "the engine's library %s is not there (looked in %s)", LIBRARY_NAME, tried.data),
        "reinstall pond, or set POND_LIBDUCKDB to the library's path");
}

static Err *library_resolve(void *handle, const char *file, EngineLibrary *out)
{
    for (size_t i = 0; i < sizeof SYMBOLS / sizeof SYMBOLS[0]; i++) {
        void *symbol = dlsym(handle, SYMBOLS[i].name);
        if (symbol == NULL)
            return err_hint(ERR(UNSUPPORTED, "%s has no function %s", file, SYMBOLS[i].name),
                            "this build of pond needs the library of DuckDB 1.5.6");
        memcpy((char *)out + SYMBOLS[i].offset, &symbol, sizeof symbol);
    }
    return NULL;
}

Err *library_load(void)
{
    if (library != NULL) return NULL;
    SCRATCH(scratch);
    const char *file = NULL;
    TRY(library_find(scratch, &file));
    PERF_SPAN(PERF_engine_load);
    void *handle = dlopen(file, RTLD_LAZY | RTLD_LOCAL);
    if (handle == NULL) return ERR(IO, "the engine's library cannot be loaded: %s", dlerror());
    EngineLibrary found;
    TRY(library_resolve(handle, file, &found));
    ddb = found;
    library = handle;
    return NULL;
}
