/* Does a new node read itself? Its relations, or those of what it lists, are built and thrown away;
 * only a circle is told, since all else shows at use and may be mended before. Texts are not parsed
 * for that: an empty relation stands for each. */
#include "provider/provider_int.h"

enum { FILES_MOST = 64 }; /* of a directory; a circle behind further ones shows at use */

static Err *check_node(Provider *provider, const Node *node, const char *path, int *files)
{
    const Node *children = NULL;
    const Rel *rel = NULL;
    size_t count = 0;
    if (node->type == ENTRY_DYNAMIC && (*files)++ < FILES_MOST) {
        Err *err = provider_relation(provider, &(Source){.node = *node, .path = path}, NULL, &rel);
        if (err != NULL && err_code(err) == ERR_CIRCLE) return err;
        err_free(err);
    }
    if (!entry_is_dir(node->type)) return NULL;
    TRY(fs_children(provider->fs, provider->arena, node, path, &children, &count));
    for (size_t i = 0; i < count && *files < FILES_MOST; i++) {
        TRY(check_node(provider, &children[i], path_join(provider->arena, path, children[i].name),
                       files));
    }
    return NULL;
}

Err *provider_check_circle(Provider *provider, const char *path)
{
    Found found;
    int files = 0;
    TRY(fs_get(provider->fs, provider->arena, path, (FindOptions){0}, &found));
    provider->without_texts = true;
    Err *err = check_node(provider, &found.node, found.path, &files);
    provider->without_texts = false;
    provider->relations = map_new(provider->arena);
    if (err == NULL || err_code(err) == ERR_CIRCLE) return err;
    err_free(err);
    return NULL;
}
