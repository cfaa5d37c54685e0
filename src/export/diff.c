/* The new export against the old one: what moves in, what goes, what stays.
 *
 * Ours is what the manifest lists and what still looks as listed: same size, mtime and inode, or,
 * when those differ (a copied or touched tree), same content. Everything else is someone else's: at
 * a name that is needed it is an error, elsewhere it is left alone. So the whole comparison comes
 * before the first change, and nothing outside of staging is touched here.
 *
 * A staged file with the hash of the old one is dropped and the old one stays, with its mtime:
 * readers' caches remain valid. */
#include "export/publish_int.h"
#include <stdlib.h>
#include <string.h>

typedef struct Diffing {
    Arena *arena;
    const DiffInput *input;
    Diff *diff;
    Map ours;   /* path → ManifestFile of a replaced target */
    Map others; /* path → ManifestTarget that stays */
    Map wanted; /* path → new ManifestFile */
    Map dirs;   /* path → what is there: DIR_THERE or DIR_MADE */
    VEC(ExportFile) files;
} Diffing;

static char DIR_THERE[] = "there", DIR_MADE[] = "made";

bool diff_replaces(const DiffInput *input, const ManifestTarget *old)
{
    if (strcmp(old->pond, input->pond_id) != 0) return false;
    for (size_t i = 0; i < input->pattern_count; i++)
        if (strcmp(old->pattern, input->patterns[i]) == 0) return true;
    for (size_t i = 0; i < input->targets.n; i++) {
        const ManifestTarget *new = &input->targets.v[i];
        if (strcmp(new->path, old->path) == 0 && strcmp(new->source, old->source) == 0) return true;
    }
    return false;
}

Err *file_is_as(const char *host_path, const FileState *was, const char *sha256, bool *out_as,
                FileState *out_now)
{
    OsStat now;
    TRY(os_stat(host_path, &now));
    *out_now = file_state_of(&now);
    *out_as = now.is_file && file_state_equal(was, out_now) && toggle_on(TOGGLE_stat_trust);
    if (*out_as || !now.is_file || now.size_bytes != was->size_bytes) return NULL;
    int64_t size;
    char hex[65];
    TRY(os_sha256_file(host_path, &size, hex));
    *out_as = strcmp(hex, sha256) == 0;
    return NULL;
}

static Err *in_the_way(const char *host_path, const char *what)
{
    return err_path(
        err_hint(ERR(EXISTS, "%s: %s stands where the export needs to write", host_path, what),
                 "move it away, or export into another folder"),
        host_path);
}

/* ---- directories ---- */

static Err *need_dirs(Diffing *d, const char *path)
{
    SCRATCH(scratch);
    for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        char *dir = arena_strndup(scratch, path, (size_t)(slash - path));
        if (map_has(&d->dirs, dir)) continue;
        dir = arena_strdup(d->arena, dir);
        const char *parent = strrchr(dir, '/');
        bool there = false;
        OsStat now;
        /* Below a directory that is to be made there is nothing to look at. */
        if (parent == NULL ||
            map_get(&d->dirs, arena_strndup(d->arena, dir, (size_t)(parent - dir))) == DIR_THERE)
            TRY(os_stat_if(outdir_host_path(d->arena, d->input->out, dir), &there, &now));
        if (there && !now.is_dir)
            return in_the_way(outdir_host_path(d->arena, d->input->out, dir), "a file");
        map_put(&d->dirs, dir, there ? DIR_THERE : DIR_MADE);
        if (!there) vec_push(d->arena, &d->diff->changes.dirs_made, dir);
    }
    return NULL;
}

static int text_compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void sort_texts(TextVec *texts)
{
    if (texts->n > 1) qsort(texts->v, texts->n, sizeof *texts->v, text_compare);
}

/* Directories of ours that still hold files of ours stay ours; the rest may go. */
static void plan_dirs(Diffing *d)
{
    SCRATCH(scratch);
    SCRATCH(path_arena);
    Map used = map_new(scratch);
    const ManifestTargetVec *targets = &d->diff->manifest.targets;
    for (size_t t = 0; t < targets->n; t++)
        for (size_t f = 0; f < targets->v[t].file_count; f++) {
            const char *path = targets->v[t].files[f].path;
            for (const char *slash = strchr(path, '/'); slash != NULL;
                 slash = strchr(slash + 1, '/')) {
                map_put(&used, arena_strndup(path_arena, path, (size_t)(slash - path)), d);
            }
            arena_reset(path_arena);
        }
    TextVec kept = {0}, unused = {0};
    for (size_t i = 0; i < d->input->old->dirs.n; i++) {
        const char *dir = d->input->old->dirs.v[i];
        if (map_get(&d->dirs, dir) == DIR_MADE) continue;
        if (map_has(&used, dir))
            vec_push(d->arena, &kept, dir);
        else
            vec_push(d->arena, &unused, dir);
    }
    for (size_t i = 0; i < d->diff->changes.dirs_made.n; i++)
        vec_push(d->arena, &kept, d->diff->changes.dirs_made.v[i]);
    sort_texts(&kept);
    sort_texts(&unused);
    for (size_t i = unused.n; i > 0; i--)
        vec_push(d->arena, &d->diff->changes.dirs_unused, unused.v[i - 1]);
    d->diff->manifest.dirs = kept;
}

/* ---- files ---- */

/* stat(2) follows links: a dangling one is no file and yet in the way. */
static Err *check_no_link(Diffing *d, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *dir = slash != NULL ? arena_strndup(d->arena, path, (size_t)(slash - path)) : "";
    if (slash != NULL && map_get(&d->dirs, dir) != DIR_THERE) return NULL;
    SCRATCH(scratch);
    OsEntry *entries;
    size_t count;
    TRY(os_list(scratch,
                slash != NULL ? outdir_host_path(scratch, d->input->out, dir) : d->input->out->dir,
                &entries, &count));
    for (size_t i = 0; i < count; i++)
        if (strcmp(entries[i].name, path_base(path)) == 0)
            return in_the_way(outdir_host_path(d->arena, d->input->out, path), "a dangling link");
    return NULL;
}

static Err *claim(Diffing *d, const ManifestTarget *target, ManifestFile *file)
{
    if (!map_put(&d->wanted, file->path, file))
        return err_hint(ERR(INVALID, "%s: another target of this export writes %s too",
                            target->source, file->path),
                        "export them to different folders");
    const ManifestTarget *other = map_get(&d->others, file->path);
    if (other == NULL) return NULL;
    return err_hint(ERR(CONFLICT, "%s: %s belongs to the target %s (%s) of an earlier export",
                        target->source, file->path, other->source, other->pattern),
                    "export into another folder");
}

static void report(Diffing *d, const ManifestFile *file, const char *action)
{
    ExportFile entry = {.path = file->path,
                        .rows = file->rows,
                        .size_bytes = file->state.size_bytes,
                        .action = action};
    vec_push(d->arena, &d->files, entry);
}

static Err *keep(Diffing *d, ManifestFile *file, const FileState *state)
{
    TRY(os_unlink(outdir_host_path(d->arena, d->input->out, file->staged)));
    file->state = *state;
    d->diff->kept++;
    return NULL;
}

static Err *place(Diffing *d, ManifestFile *file)
{
    SCRATCH(scratch);
    Move move = {.staged = file->staged, .path = file->path, .state = file->state};
    const char *host = outdir_host_path(scratch, d->input->out, file->path);
    const char *slash = strrchr(file->path, '/');
    bool there = slash == NULL ||
                 map_get(&d->dirs, arena_strndup(scratch, file->path,
                                                 (size_t)(slash - file->path))) == DIR_THERE;
    OsStat now;
    if (there) TRY(os_stat_if(host, &there, &now));
    if (there) {
        const ManifestFile *old = map_get(&d->ours, file->path);
        bool as = false;
        if (old == NULL)
            return in_the_way(host, now.is_dir ? "a folder" : "a file that is not the export's");
        TRY(file_is_as(host, &old->state, old->sha256, &as, &move.was));
        if (!as) return in_the_way(host, "a file that was changed since it was exported");
        if (toggle_on(TOGGLE_kept_files) && strcmp(old->sha256, file->sha256) == 0 &&
            file_state_equal(&old->state, &move.was))
            return keep(d, file, &old->state);
        move.replaces = true;
        move.was_sha256 = old->sha256;
    } else {
        TRY(check_no_link(d, file->path));
    }
    report(d, file, "write");
    d->diff->written++;
    vec_push(d->arena, &d->diff->changes.moves, move);
    return NULL;
}

static Err *place_all(Diffing *d)
{
    for (size_t t = 0; t < d->input->targets.n; t++) {
        const ManifestTarget *target = &d->input->targets.v[t];
        for (size_t f = 0; f < target->file_count; f++) {
            ManifestFile *file = &target->files[f];
            TRY(claim(d, target, file));
            TRY(need_dirs(d, file->path));
            TRY(place(d, file));
        }
    }
    return NULL;
}

static Err *remove_old(Diffing *d)
{
    for (size_t i = 0; i < d->ours.count; i++) {
        const ManifestFile *old = d->ours.entries[i].value;
        if (map_has(&d->wanted, old->path)) continue;
        SCRATCH(scratch);
        const char *host = outdir_host_path(scratch, d->input->out, old->path);
        bool there, as;
        OsStat now;
        Removal removal = {.path = old->path, .was_sha256 = old->sha256};
        TRY(os_stat_if(host, &there, &now));
        if (!there) continue;
        TRY(file_is_as(host, &old->state, old->sha256, &as, &removal.was));
        if (!as) {
            log_warn("%s was changed since it was exported: left where it is", host);
            continue;
        }
        report(d, old, "remove");
        d->diff->removed++;
        vec_push(d->arena, &d->diff->changes.removals, removal);
    }
    return NULL;
}

/* ---- catalog and manifest ---- */

static char *staged_host(Diffing *d, const char *name)
{
    return path_join(d->arena, d->input->out->staging_dir, name);
}

static Err *place_catalog(Diffing *d)
{
    Manifest *manifest = &d->diff->manifest;
    const Manifest *old = d->input->old;
    const char *host = outdir_host_path(d->arena, d->input->out, "catalog.json"),
               *staged = staged_host(d, "catalog.json");
    Move move = {.staged = ".pond/staging/catalog.json", .path = "catalog.json"};
    bool as;
    OsStat now;
    TRY(os_stat_if(host, &move.replaces, &now));
    if (move.replaces) {
        if (!old->has_catalog) return in_the_way(host, "a file that is not the export's");
        TRY(file_is_as(host, &old->catalog, old->catalog_sha256, &as, &move.was));
        if (!as) return in_the_way(host, "a file that was changed since it was exported");
        move.was_sha256 = old->catalog_sha256;
    } else {
        TRY(check_no_link(d, "catalog.json"));
    }
    TRY(catalog_write(staged, manifest, &move.state, manifest->catalog_sha256));
    manifest->has_catalog = true;
    if (move.replaces && strcmp(old->catalog_sha256, manifest->catalog_sha256) == 0) {
        manifest->catalog = move.was;
        return os_unlink(staged);
    }
    manifest->catalog = move.state;
    vec_push(d->arena, &d->diff->changes.moves, move);
    return NULL;
}

static Err *place_manifest(Diffing *d)
{
    const char *host = outdir_host_path(d->arena, d->input->out, ".pond/manifest"),
               *staged = staged_host(d, "manifest");
    Move move = {.staged = ".pond/staging/manifest", .path = ".pond/manifest"};
    char seal[65], old_sha256[65];
    int64_t size;
    OsStat now;
    TRY(manifest_write(staged, &d->diff->manifest, &move.state, seal));
    if (strcmp(seal, d->input->old->seal) == 0) return os_unlink(staged);
    TRY(os_stat_if(host, &move.replaces, &now));
    if (move.replaces) {
        move.was = file_state_of(&now);
        TRY(os_sha256_file(host, &size, old_sha256));
        move.was_sha256 = arena_strdup(d->arena, old_sha256);
    }
    vec_push(d->arena, &d->diff->changes.moves, move);
    return NULL;
}

static void sort_out_targets(Diffing *d)
{
    for (size_t t = 0; t < d->input->old->targets.n; t++) {
        ManifestTarget *old = &d->input->old->targets.v[t];
        bool replaced = diff_replaces(d->input, old);
        for (size_t f = 0; f < old->file_count; f++)
            map_put(replaced ? &d->ours : &d->others, old->files[f].path,
                    replaced ? (void *)&old->files[f] : old);
        if (!replaced) vec_push(d->arena, &d->diff->manifest.targets, *old);
    }
}

Err *diff_make(Arena *arena, const DiffInput *input, Diff *out)
{
    Diff diff = {0};
    Diffing d = {.arena = arena,
                 .input = input,
                 .diff = &diff,
                 .ours = map_new(arena),
                 .others = map_new(arena),
                 .wanted = map_new(arena),
                 .dirs = map_new(arena)};
    sort_out_targets(&d);
    TRY(place_all(&d));
    TRY(remove_old(&d));
    for (size_t t = 0; t < input->targets.n; t++)
        vec_push(arena, &diff.manifest.targets, input->targets.v[t]);
    manifest_sort(&diff.manifest);
    plan_dirs(&d);
    TRY(place_catalog(&d));
    TRY(place_manifest(&d));
    diff.files = d.files.v;
    diff.file_count = d.files.n;
    *out = diff;
    return NULL;
}
