/* Ponds that are kept: CACHE_DIR/<scenario>-s<seed>-x<scale>-<program>, with the content root in
 * the file `root` beside the pond. <program> is of the executable's own bytes: a pond made by
 * another build may hold another log, and is removed when this build's is there. A pond is made
 * under another name and renamed, so that what has its name is whole. */
#include "bench/bench_int.h"
#include <string.h>
#include <unistd.h>

static Err *program_key(Arena *arena, const char *program, char **out)
{
    enum { KEY = 12 };
    int64_t size = 0;
    char hex[65];
    TRY(os_sha256_file(program, &size, hex));
    *out = arena_strndup(arena, hex, KEY);
    return NULL;
}

static Err *run_pond(Arena *arena, const BenchRun *run, const char *const *words, ChildResult *out)
{
    const char *environment[] = {"LC_ALL=C.UTF-8", "TZ=UTC", "POND_HISTORY=off", NULL};
    ChildSpec spec = {.words = words, .environment = environment};
    TRY(child_run(arena, &spec, out));
    return child_check(&spec, out, arena_printf(arena, "%s: %s", run->scenario->name, words[0]));
}

static Err *make_pond(const BenchRun *run, const char *dir)
{
    SCRATCH(arena);
    ChildResult result;
    const char *words[] = {run->program,
                           "--quiet",
                           "--progress",
                           "none",
                           "bench",
                           "make",
                           run->scenario->name,
                           dir,
                           "--scale",
                           bench_scale_format(arena, run->scale),
                           "--seed",
                           arena_printf(arena, "%llu", (unsigned long long)run->seed),
                           NULL};
    return run_pond(arena, run, words, &result);
}

static Err *root_of(Arena *arena, const BenchRun *run, const char *dir, const char **out)
{
    ChildResult result;
    const Json *json = NULL;
    const char *words[] = {run->program, "--pond", dir, "--json", "fsck", "--quick", NULL};
    TRY(run_pond(arena, run, words, &result));
    TRY(json_parse(arena, result.out.data, result.out.size, &json));
    *out = json_str(json, "root", "");
    return NULL;
}

/* Folders of the same pond by other builds. */
static Err *remove_others(Arena *arena, const char *cache_dir, const char *stem, const char *kept)
{
    OsEntry *entries = NULL;
    size_t count = 0;
    TRY(os_list(arena, cache_dir, &entries, &count));
    for (size_t i = 0; i < count; i++) {
        const char *name = entries[i].name;
        if (!text_starts(name, stem) || strcmp(name, kept) == 0) continue;
        TRY(os_remove_tree(path_join(arena, cache_dir, name)));
    }
    return NULL;
}

static Err *make_kept(Arena *arena, const BenchRun *run, const char *stem, const char *name)
{
    const char *root = NULL;
    const char *dir = path_join(arena, run->cache_dir, name);
    const char *making = arena_printf(arena, "%s/new-%d-%s", run->cache_dir, getpid(), name);
    if (run->progress != NULL) run->progress(run->context, "making the pond");
    TRY(os_mkdirs(making));
    Err *err = make_pond(run, path_join(arena, making, "pond"));
    if (err == NULL) err = root_of(arena, run, path_join(arena, making, "pond"), &root);
    if (err == NULL) err = os_replace_file(path_join(arena, making, "root"), root, strlen(root));
    if (err == NULL) err = os_rename(making, dir);
    if (err != NULL) {
        err_free(os_remove_tree(making));
        return err;
    }
    return remove_others(arena, run->cache_dir, stem, name);
}

Err *kept_pond(Arena *arena, const BenchRun *run, const char **out_dir, char out_root[65])
{
    enum { HEX = 64 };
    char *key = NULL, *text = NULL;
    size_t size = 0;
    TRY(program_key(arena, run->program, &key));
    TRY(os_mkdirs(run->cache_dir));
    char *stem = arena_printf(arena, "%s-s%llu-x%lld_%lld-", run->scenario->name,
                              (unsigned long long)run->seed, (long long)run->scale.times,
                              (long long)run->scale.by);
    char *name = arena_printf(arena, "%s%s", stem, key);
    char *root = arena_printf(arena, "%s/%s/root", run->cache_dir, name);
    TRY(os_read_file_if(arena, root, HEX, &text, &size));
    if (text == NULL) {
        TRY(make_kept(arena, run, stem, name));
        TRY(os_read_file(arena, root, HEX, &text, &size));
    }
    if (size != HEX) return err_path(ERR(CORRUPT, "%s: not a content root", root), root);
    memcpy(out_root, text, HEX + 1);
    *out_dir = arena_printf(arena, "%s/%s/pond", run->cache_dir, name);
    return NULL;
}

/* ---- copies ---- */

static Err *link_tree(const char *from, const char *to)
{
    SCRATCH(arena);
    OsEntry *entries = NULL;
    size_t count = 0;
    bool won = false;
    TRY(os_mkdir(to));
    TRY(os_list(arena, from, &entries, &count));
    for (size_t i = 0; i < count; i++) {
        char *source = path_join(arena, from, entries[i].name);
        char *target = path_join(arena, to, entries[i].name);
        if (entries[i].is_dir)
            TRY(link_tree(source, target));
        else
            TRY(os_link(source, target, &won));
    }
    return os_check_interrupt();
}

Err *kept_clone(const char *from, const char *to)
{
    static const char *const PARTS[] = {"blobs", "log"};
    SCRATCH(arena);
    TRY(os_mkdir(to));
    for (size_t i = 0; i < sizeof PARTS / sizeof *PARTS; i++)
        TRY(link_tree(path_join(arena, from, PARTS[i]), path_join(arena, to, PARTS[i])));
    return NULL;
}
