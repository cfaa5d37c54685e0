/* From a path to a node, following links.
 *
 * A link's target is read from the directory that really holds the link, however that was reached;
 * `..` in it is textual. Links count along one path, also those inside targets; the 41st is an
 * error, which is how a link to itself ends. What is missing is an Outcome, because callers
 * disagree about whether it is an error: a path to create, a pattern's literal prefix, a dangling
 * link in a listing. */
#include "tinyfs/tinyfs_int.h"
#include <string.h>

static Err *too_many_links(const char *logical)
{
    SCRATCH(scratch);
    return err_hint(err_path(ERR(INVALID, "%s: more than %d symbolic links on the way",
                                 path_shown(scratch, logical), LINKS_MAX),
                             logical),
                    "a link on the way leads back to itself");
}

/* What a link says, read from the directory that holds it. */
static Err *resolve_target(Trail *trail, const Place *dir, const Node *link, const char *logical,
                           Resolved *out)
{
    const char *content = link->content != NULL ? link->content : "";
    const char *from_dir =
        content[0] == '/' ? content : path_join(trail->arena, dir->real, content);
    char *target = NULL;
    SCRATCH(scratch);
    TRY(err_path(ERR_WRAP(path_normalize(trail->arena, from_dir, &target), "%s: target of the link",
                          path_shown(scratch, logical)),
                 logical));
    return trail_resolve(trail, target, (FindOptions){0}, out);
}

Err *trail_follow(Trail *trail, const Place *dir, const Node *link, const char *logical,
                  Resolved *out)
{
    const char *outer = trail->link;
    if (outer == NULL) trail->link = logical;
    if (++trail->links > LINKS_MAX) return too_many_links(trail->link);
    Resolved end = {0};
    TRY(resolve_target(trail, dir, link, logical, &end));
    trail->link = outer;
    *out = (Resolved){.at = end.at, .parent = dir->node};
    if (end.outcome != OUTCOME_FOUND) {
        out->outcome = OUTCOME_DANGLING;
        out->stuck = arena_strdup(trail->arena, logical);
        out->target = link->content;
    }
    return NULL;
}

/* A path on its way down. Prefixes are copied only where one is kept. */
typedef struct Descent {
    Trail *trail;
    const char *path, *end; /* the component at hand ends at `end` */
    Buf real;               /* of out->at, without links; empty at the root */
    Resolved *out;
} Descent;

static const char *prefix_of(const Descent *down)
{
    return arena_strndup(down->trail->arena, down->path, (size_t)(down->end - down->path));
}

static Err *stop(const Descent *down, Outcome outcome, const char *stuck)
{
    down->out->outcome = outcome;
    down->out->stuck = stuck;
    return NULL;
}

static Err *step_through(Descent *down, const Place *dir, const Node *link)
{
    TRY(trail_follow(down->trail, dir, link, prefix_of(down), down->out));
    if (down->out->outcome != OUTCOME_FOUND) return NULL;
    buf_clear(&down->real);
    if (down->out->at.real[1] != '\0') buf_puts(&down->real, down->out->at.real);
    return NULL;
}

/* One component down from out->at, which is left at what it names. */
static Err *step(Descent *down, const char *name, bool follow)
{
    Resolved *out = down->out;
    bool last = *down->end == '\0';
    Place dir = {out->at.node, down->real.size == 0 ? "/" : down->real.data};
    out->parent = dir.node;
    if (!entry_is_dir(dir.node->type)) {
        return stop(down, OUTCOME_NOT_DIR, path_parent(down->trail->arena, prefix_of(down)));
    }
    const Node *child = NULL;
    TRY(dir_lookup(down->trail->fs, &dir, name, &child));
    if (child == NULL) {
        return stop(down, last ? OUTCOME_MISSING : OUTCOME_MISSING_DIR, prefix_of(down));
    }
    if (child->type == ENTRY_SYMLINK && (follow || !last)) return step_through(down, &dir, child);
    out->at.node = child;
    buf_putc(&down->real, '/');
    buf_puts(&down->real, name);
    return NULL;
}

Err *trail_resolve(Trail *trail, const char *path, FindOptions options, Resolved *out)
{
    const Node *root = NULL;
    TRY(fs_root(trail->fs, &root));
    *out = (Resolved){.at = {root, "/"}, .parent = root};
    Descent down = {.trail = trail, .path = path, .real = buf_new(trail->arena), .out = out};
    for (const char *at = path + 1; *at != '\0' && out->outcome == OUTCOME_FOUND;) {
        down.end = at + strcspn(at, "/");
        const char *name = arena_strndup(trail->arena, at, (size_t)(down.end - at));
        TRY(step(&down, name, !options.keep_last));
        at = *down.end == '\0' ? down.end : down.end + 1;
    }
    if (down.real.size > 0) out->at.real = down.real.data;
    return NULL;
}

static Err *missing_error(Fs *fs, const Resolved *resolved)
{
    SCRATCH(scratch);
    const char *stuck = resolved->stuck;
    Err *err = err_path(ERR(NOT_FOUND, "%s: it does not exist", path_shown(scratch, stuck)), stuck);
    Place dir = {resolved->parent, path_parent(scratch, stuck)};
    return dir_hint(fs, err, &dir, path_base(stuck));
}

Err *resolved_error(Fs *fs, const Resolved *resolved)
{
    SCRATCH(scratch);
    const char *stuck = path_shown(scratch, resolved->stuck != NULL ? resolved->stuck : "/");
    switch (resolved->outcome) {
    case OUTCOME_MISSING:
    case OUTCOME_MISSING_DIR: return missing_error(fs, resolved);
    case OUTCOME_NOT_DIR:
        return err_path(ERR(INVALID, "%s: not a directory", stuck), resolved->stuck);
    case OUTCOME_DANGLING:
        return err_hint(err_path(ERR(NOT_FOUND, "%s: the link points to %s, which does not exist",
                                     stuck, path_shown(scratch, resolved->target)),
                                 resolved->stuck),
                        "remove the link with: pond rm '%s'", stuck);
    case OUTCOME_FOUND: break;
    }
    return ERR(INTERNAL, "%s: no error to tell", stuck);
}

/* ---- the public face ---- */

Err *fs_find(Fs *fs, Arena *arena, const char *path, FindOptions options, Found *out)
{
    SCRATCH(scratch);
    char *normal = NULL;
    TRY(path_normalize(arena, path, &normal));
    Trail trail = {.fs = fs, .arena = scratch};
    Resolved end = {0};
    TRY(trail_resolve(&trail, normal, options, &end));
    if (end.outcome != OUTCOME_FOUND && end.outcome != OUTCOME_MISSING)
        return resolved_error(fs, &end);
    *out = (Found){.exists = end.outcome == OUTCOME_FOUND,
                   .path = normal,
                   .parent = *end.parent,
                   .name = path_base(normal)};
    if (out->exists) out->node = *end.at.node;
    return NULL;
}

Err *fs_get(Fs *fs, Arena *arena, const char *path, FindOptions options, Found *out)
{
    Found found;
    TRY(fs_find(fs, arena, path, options, &found));
    if (!found.exists) {
        Resolved missing = {
            .outcome = OUTCOME_MISSING, .stuck = found.path, .parent = &found.parent};
        return resolved_error(fs, &missing);
    }
    *out = found;
    return NULL;
}
