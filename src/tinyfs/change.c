/* Changes by path. The backend checks its own rules (names free, no directory below itself); here
 * stand the rules that need paths and links, and the messages with paths in them. After each change
 * the directory's remembered entry is dropped, no more: ten thousand creations in one directory
 * stay ten thousand lookups. */
#include "tinyfs/tinyfs_int.h"
#include <string.h>

/* The stored node whose factory lists `path`, which is derived or below something derived. */
static Err *factory_node_of(Fs *fs, Arena *arena, const char *path, const char **out)
{
    Found found = {0};
    const char *at = path;
    do {
        at = path_parent(arena, at);
        TRY(fs_find(fs, arena, at, (FindOptions){0}, &found));
    } while (!found.exists || found.node.derived);
    *out = at;
    return NULL;
}

static Err *refuse_derived(Fs *fs, const char *path)
{
    SCRATCH(scratch);
    const char *maker = NULL;
    TRY(factory_node_of(fs, scratch, path, &maker));
    return err_hint(err_path(ERR(INVALID, "%s: it is made by the factory node %s",
                                 path_shown(scratch, path), path_shown(scratch, maker)),
                             path),
                    "change %s instead", path_shown(scratch, maker));
}

/* Something may be created in `found->parent`, which is a directory. */
static Err *check_parent(Fs *fs, const Found *found)
{
    bool stored = found->parent.type == ENTRY_DIR && !found->parent.derived;
    return stored ? NULL : refuse_derived(fs, found->path);
}

static Err *already_exists(const Found *found)
{
    SCRATCH(scratch);
    return err_path(ERR(EXISTS, "%s: it exists already (%s)", path_shown(scratch, found->path),
                        entry_type_name(found->node.type)),
                    found->path);
}

static Err *create_at(Fs *fs, Arena *arena, const Found *found, const Node *template, Node *out)
{
    FsBackend store = fs_backend(fs);
    Node node = *template;
    Node made = {0};
    node.parent = found->parent.id;
    node.name = found->name;
    TRY(err_path(store.ops->create(store.self, arena, &node, &made), found->path));
    dir_changed(fs, &node.parent, node.name);
    if (out != NULL) *out = made;
    return NULL;
}

Err *fs_create(Fs *fs, Arena *arena, const char *path, const Node *template, Node *out)
{
    Found found = {0};
    TRY(fs_find(fs, arena, path, (FindOptions){.keep_last = true}, &found));
    if (found.exists) return already_exists(&found);
    TRY(check_parent(fs, &found));
    return create_at(fs, arena, &found, template, out);
}

/* ---- mkdir ---- */

static Err *check_is_dir(const Found *found)
{
    SCRATCH(scratch);
    if (entry_is_dir(found->node.type)) return NULL;
    return err_path(ERR(INVALID, "%s: not a directory", path_shown(scratch, found->path)),
                    found->path);
}

static Err *make_one(Fs *fs, Arena *arena, const char *path, Node *out)
{
    Found found = {0};
    TRY(fs_find(fs, arena, path, (FindOptions){0}, &found));
    if (found.exists) {
        *out = found.node;
        return check_is_dir(&found);
    }
    TRY(check_parent(fs, &found));
    return create_at(fs, arena, &found, &(Node){.type = ENTRY_DIR}, out);
}

/* Every directory on the way to `path`, which is normalised, and itself. */
static Err *make_all(Fs *fs, Arena *arena, const char *path, Node *out)
{
    SCRATCH(scratch);
    for (const char *at = path; *at != '\0';) {
        at += 1 + strcspn(at + 1, "/");
        TRY(make_one(fs, arena, arena_strndup(scratch, path, (size_t)(at - path)), out));
    }
    return NULL;
}

Err *fs_mkdir(Fs *fs, Arena *arena, const char *path, bool parents, Node *out)
{
    Node made = {0};
    if (parents) {
        char *normal = NULL;
        TRY(path_normalize(arena, path, &normal));
        TRY(make_all(fs, arena, normal, &made));
    } else {
        TRY(fs_create(fs, arena, path, &(Node){.type = ENTRY_DIR}, &made));
    }
    if (out != NULL) *out = made;
    return NULL;
}

/* ---- mv ---- */

static Err *check_movable(Fs *fs, const Found *found)
{
    if (strcmp(found->path, "/") == 0) return ERR(INVALID, "/: the root stays where it is");
    return found->node.derived ? refuse_derived(fs, found->path) : NULL;
}

/* What `to` means for a source of that name: the place itself, or one inside the directory it
 * names. */
static Err *find_target(Fs *fs, Arena *arena, const Found *source, const char *to, Found *out)
{
    TRY(fs_find(fs, arena, to, (FindOptions){0}, out));
    if (out->exists && entry_is_dir(out->node.type)) {
        const char *inside = path_join(arena, out->path, source->name);
        return fs_find(fs, arena, inside, (FindOptions){.keep_last = true}, out);
    }
    if (!out->exists && text_ends(to, "/") && !entry_is_dir(source->node.type)) {
        SCRATCH(scratch);
        return err_path(ERR(NOT_FOUND, "%s: there is no such directory", path_shown(scratch, to)),
                        out->path);
    }
    return NULL;
}

Err *fs_move(Fs *fs, Arena *arena, const char *from, const char *to)
{
    SCRATCH(scratch);
    FsBackend store = fs_backend(fs);
    Found source = {0}, target = {0};
    TRY(fs_get(fs, arena, from, (FindOptions){.keep_last = true}, &source));
    TRY(check_movable(fs, &source));
    TRY(find_target(fs, arena, &source, to, &target));
    if (target.exists) return already_exists(&target);
    TRY(check_parent(fs, &target));
    TRY(err_path(
        ERR_WRAP(store.ops->rename(store.self, source.node.id, target.parent.id, target.name),
                 "move %s to %s", path_shown(scratch, source.path),
                 path_shown(scratch, target.path)),
        source.path));
    dir_changed(fs, &source.parent.id, source.name);
    dir_changed(fs, &target.parent.id, target.name);
    return NULL;
}

/* ---- rm ---- */

/* Children before their directory. They are asked of the store itself: what is about to go need not
 * be remembered, and nothing derived is removed on its own. */
static Err *remove_tree(Fs *fs, const Node *node, const char *path, bool recursive)
{
    SCRATCH(scratch);
    FsBackend store = fs_backend(fs);
    Node *children = NULL;
    size_t count = 0;
    if (node->type == ENTRY_DIR) {
        TRY(store.ops->children(store.self, scratch, node->id, &children, &count));
    }
    if (count > 0 && !recursive) {
        return err_hint(
            err_path(ERR(INVALID, "%s: the directory is not empty", path_shown(scratch, path)),
                     path),
            "remove it with all it holds: pond rm -r '%s'", path_shown(scratch, path));
    }
    for (size_t i = 0; i < count; i++) {
        TRY(remove_tree(fs, &children[i], path_join(scratch, path, children[i].name), true));
    }
    TRY(err_path(store.ops->remove(store.self, node->id), path));
    dir_changed(fs, &node->parent, node->name);
    return NULL;
}

Err *fs_remove(Fs *fs, Arena *arena, const char *path, bool recursive)
{
    Found found = {0};
    TRY(fs_get(fs, arena, path, (FindOptions){.keep_last = true}, &found));
    if (strcmp(found.path, "/") == 0) return ERR(INVALID, "/: the root cannot be removed");
    if (found.node.derived) return refuse_derived(fs, found.path);
    return remove_tree(fs, &found.node, found.path, recursive);
}

/* ---- attributes ---- */

Err *fs_set_attribute(Fs *fs, Arena *arena, NodeId id, const char *key, const char *json_text)
{
    FsBackend store = fs_backend(fs);
    const Json *old = NULL;
    bool found = false;
    Node node;
    TRY(store.ops->get(store.self, arena, id, &found, &node));
    if (!found) return ERR(NOT_FOUND, "node %s: it does not exist", id.text);
    if (node.attributes != NULL)
        TRY(json_parse(arena, node.attributes, strlen(node.attributes), &old));
    Buf text = buf_new(arena);
    JsonOut json = json_out(&text);
    json_begin_object(&json);
    for (size_t i = 0; old != NULL && old->kind == JSON_OBJECT && i < old->count; i++) {
        if (strcmp(old->keys[i], key) == 0) continue;
        json_key(&json, old->keys[i]);
        json_put(&json, &old->items[i]);
    }
    json_key(&json, key);
    json_put_raw(&json, json_text);
    json_end(&json);
    node.attributes = text.data;
    TRY(store.ops->update(store.self, &node));
    fs_forget(fs);
    return NULL;
}
