/* The narrow door through which executables change the pond. */
#include "factory/exec.h"
#include "os/os.h"

static FsBackend backend_of(const ExecCall *exec)
{
    return fs_backend(provider_fs(exec->call.provider));
}

char *exec_stage_path(const ExecCall *exec)
{
    FsBackend backend = backend_of(exec);
    NodeId unique = node_id_new();
    return path_join(exec->call.arena, backend.ops->staging_dir(backend.self), unique.text);
}

Err *exec_node(const ExecCall *exec, const char *path, EntryType type, Node *out)
{
    Fs *fs = provider_fs(exec->call.provider);
    Arena *arena = exec->call.arena;
    Found found;
    Node parent;
    TRY(fs_mkdir(fs, arena, path_parent(arena, path), true, &parent));
    TRY(fs_find(fs, arena, path, (FindOptions){0}, &found));
    if (!found.exists) return fs_create(fs, arena, path, &(Node){.type = type}, out);
    if (found.node.derived || found.node.type != type) {
        return err_path(ERR(EXISTS, "%s: exists as %s, where %s is wanted", path,
                            entry_type_name(found.node.type), entry_type_name(type)),
                        path);
    }
    *out = found.node;
    return NULL;
}

Err *exec_append(const ExecCall *exec, const Node *node, const VersionSpec *spec)
{
    FsBackend backend = backend_of(exec);
    TRY(backend.ops->append(backend.self, node->id, spec, NULL));
    fs_forget(provider_fs(exec->call.provider));
    return NULL;
}

Err *exec_remember(const ExecCall *exec, const Node *node, const char *key, const char *json_text)
{
    return fs_set_attribute(provider_fs(exec->call.provider), exec->call.arena, node->id, key,
                            json_text);
}

Err *exec_progress(const ExecCall *exec, int64_t bytes)
{
    if (exec->on_bytes != NULL) TRY(exec->on_bytes(exec->context, bytes));
    return os_check_interrupt();
}
