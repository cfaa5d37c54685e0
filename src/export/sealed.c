/* Our own small JSON files: one line of JSON and one line "sha256:<hex of the first line>". What is
 * torn or edited by hand is seen, never half believed. Also here: how the state of a file stands in
 * them. */
#include "export/publish_int.h"
#include <string.h>

static const char SEAL[] = "\nsha256:";

void sealed_finish(Buf *json)
{
    char hex[SHA256_HEX + 1];
    sha256_of(json->data, json->size, hex);
    buf_printf(json, "%s%s\n", SEAL, hex);
}

static bool seal_holds(const char *text, size_t size, size_t *out_json_size)
{
    size_t tail = strlen(SEAL) + SHA256_HEX + 1;
    if (size <= tail || text[size - 1] != '\n') return false;
    const char *seal = text + size - tail;
    char hex[SHA256_HEX + 1];
    sha256_of(text, size - tail, hex);
    *out_json_size = size - tail;
    return memcmp(seal, SEAL, strlen(SEAL)) == 0 &&
           memcmp(seal + strlen(SEAL), hex, SHA256_HEX) == 0;
}

Err *sealed_open(Arena *arena, const char *path, const char *text, size_t size, const Json **out)
{
    size_t json_size;
    if (!seal_holds(text, size, &json_size))
        return err_path(ERR(CORRUPT, "%s: its checksum does not fit its content", path), path);
    return ERR_WRAP(json_parse(arena, text, json_size, out), "%s", path);
}

void file_state_put(JsonOut *out, const FileState *state)
{
    json_kv_int(out, "size", state->size_bytes);
    json_kv_int(out, "mtime_ns", state->mtime_ns);
    json_kv_int(out, "inode", (int64_t)state->inode);
}

FileState file_state_get(const Json *json)
{
    return (FileState){.size_bytes = json_int(json, "size", -1),
                       .mtime_ns = json_int(json, "mtime_ns", 0),
                       .inode = (uint64_t)json_int(json, "inode", 0)};
}

bool file_state_equal(const FileState *a, const FileState *b)
{
    return a->size_bytes == b->size_bytes && a->mtime_ns == b->mtime_ns && a->inode == b->inode;
}

FileState file_state_of(const OsStat *stat)
{
    return (FileState){
        .size_bytes = stat->size_bytes, .mtime_ns = stat->mtime_ns, .inode = stat->inode};
}
