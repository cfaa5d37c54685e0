/* The fingerprint of a pond's content: one SHA-256 over the tree, so that two ponds with the same
 * content have the same one whatever their ids, times and transactions are. Defined in
 * docs/format.md; do not change without a new label.
 *
 *   node(n) = SHA-256( text("pond-node-1"), text(type),
 *                      optional(factory), optional(configuration or link target),
 *                      optional int(min override), optional int(max override),
 *                      int(live versions), for each, ascending: text(sha256), int(size),
 *                      int(children), for each, by name: text(name), text(node(child)) )
 * text is its length (8 bytes, little endian) and its bytes; int is 8 bytes, little endian;
 * optional is int 0, or int 1 and the value. Directories are walked with a stack of our own: depth
 * is bounded by memory, not by the thread's stack. */
#include "tlogfs/tlog_int.h"

typedef struct Frame {
    Arena *arena; /* of this directory's listing */
    Node *children;
    size_t count, done;
    char (*digests)[SHA256_HEX + 1]; /* of the children done */
} Frame;

static void add_optional(Sha256 *hash, const char *text)
{
    sha256_add_int(hash, text != NULL);
    if (text != NULL) sha256_add_text(hash, text);
}

static void add_bound(Sha256 *hash, bool present, TimeUs bound)
{
    sha256_add_int(hash, present);
    if (present) sha256_add_int(hash, bound);
}

/* `frame` NULL: not a directory, or one without stored children. */
static Err *node_digest(FsBackend backend, const Node *node, const Frame *frame, char *out)
{
    SCRATCH(scratch);
    Version *versions = NULL;
    size_t version_count = 0, child_count = frame == NULL ? 0 : frame->count;
    if (entry_has_versions(node->type)) {
        TRY(backend.ops->versions(backend.self, scratch, node->id, &versions, &version_count));
    }
    Sha256 *hash = sha256_new(scratch);
    sha256_add_text(hash, "pond-node-1");
    sha256_add_text(hash, entry_type_name(node->type));
    add_optional(hash, node->factory);
    add_optional(hash, node->content);
    add_bound(hash, node->has_min_override, node->min_override);
    add_bound(hash, node->has_max_override, node->max_override);
    sha256_add_int(hash, (int64_t)version_count);
    for (size_t i = 0; i < version_count; i++) {
        sha256_add_text(hash, versions[i].sha256);
        sha256_add_int(hash, versions[i].size_bytes);
    }
    sha256_add_int(hash, (int64_t)child_count);
    for (size_t i = 0; i < child_count; i++) {
        sha256_add_text(hash, frame->children[i].name);
        sha256_add_text(hash, frame->digests[i]);
    }
    sha256_hex(hash, out);
    return NULL;
}

typedef VEC(Frame) Stack;

static Err *push(FsBackend backend, Arena *arena, Stack *stack, const Node *dir)
{
    Frame frame = {.arena = arena_new()};
    Err *error =
        backend.ops->children(backend.self, frame.arena, dir->id, &frame.children, &frame.count);
    if (error != NULL) {
        arena_free(frame.arena);
        return error;
    }
    frame.digests = arena_alloc(frame.arena, (frame.count + 1) * sizeof *frame.digests);
    vec_push(arena, stack, frame);
    return NULL;
}

static Err *walk(FsBackend backend, Arena *arena, Stack *stack, const Node *root, char *out)
{
    TRY(push(backend, arena, stack, root));
    for (;;) {
        Frame *top = &stack->v[stack->n - 1];
        TRY(os_check_interrupt());
        if (top->done < top->count) {
            const Node *child = &top->children[top->done];
            if (child->type == ENTRY_DIR) {
                TRY(push(backend, arena, stack, child));
            } else {
                TRY(node_digest(backend, child, NULL, top->digests[top->done]));
                top->done++;
            }
            continue;
        }
        Frame *above = stack->n == 1 ? NULL : &stack->v[stack->n - 2];
        const Node *dir = above == NULL ? root : &above->children[above->done];
        TRY(node_digest(backend, dir, top, above == NULL ? out : above->digests[above->done]));
        arena_free(top->arena);
        stack->n--;
        if (above == NULL) return NULL;
        above->done++;
    }
}

Err *tlog_root_fingerprint(FsBackend backend, char out[65])
{
    SCRATCH(scratch);
    Node root;
    bool found = false;
    TRY(backend.ops->get(backend.self, scratch, NODE_ROOT, &found, &root));
    if (!found) return ERR(CORRUPT, "there is no root directory");
    Stack stack = {0};
    Err *error = walk(backend, scratch, &stack, &root, out);
    for (size_t i = 0; i < stack.n; i++) arena_free(stack.v[i].arena);
    return error;
}
