/* Our own small files: JSON lines, and as the last line "sha256:<hex of all before it>". What is
 * torn or edited by hand is seen, never half believed. Written and parsed line by line: a manifest
 * may list a hundred thousand files. Also here: the plain writer below it, which catalog.json uses
 * too, and how the state of a file stands in them. */
#include "export/publish_int.h"
#include <string.h>

enum { FLUSH_BYTES = 256 * 1024 };
static const char SEAL[] = "sha256:";

/* ---- writing ---- */

Err *file_out_open(Arena *arena, const char *path, FileOut *out)
{
    OsFile *file;
    TRY(os_open_new(path, &file));
    *out = (FileOut){.file = file, .text = buf_new(arena), .hash = sha256_new(arena)};
    return NULL;
}

static Err *file_out_write(FileOut *out)
{
    sha256_add(out->hash, out->text.data, out->text.size);
    TRY(os_write(out->file, out->text.data, out->text.size));
    buf_clear(&out->text);
    return NULL;
}

Err *file_out_flush(FileOut *out)
{
    return out->text.size >= FLUSH_BYTES ? file_out_write(out) : NULL;
}

Err *file_out_finish(FileOut *out, FileState *out_state, char out_sha256[65])
{
    OsStat stat;
    TRY(file_out_write(out));
    sha256_hex(out->hash, out_sha256);
    out->hash = NULL;
    TRY(os_fstat(out->file, &stat));
    *out_state = file_state_of(&stat);
    OsFile *file = out->file;
    out->file = NULL;
    return os_close(file);
}

Err *sealed_line(FileOut *out)
{
    buf_putc(&out->text, '\n');
    return file_out_flush(out);
}

Err *sealed_finish(FileOut *out, FileState *out_state, char out_seal[65])
{
    OsStat stat;
    TRY(file_out_write(out));
    sha256_hex(out->hash, out_seal);
    out->hash = NULL;
    buf_printf(&out->text, "%s%s\n", SEAL, out_seal);
    TRY(os_write(out->file, out->text.data, out->text.size));
    TRY(os_fstat(out->file, &stat));
    *out_state = file_state_of(&stat);
    return NULL;
}

/* Also after a failure: the hash holds memory of OpenSSL's. */
void file_out_close_at(FileOut *out)
{
    char hex[SHA256_HEX + 1];
    if (out->hash != NULL) sha256_hex(out->hash, hex);
    os_close_at(&out->file);
    out->hash = NULL;
}

/* ---- reading ---- */

static bool seal_holds(const char *text, size_t size, size_t *out_lines_size, char out_seal[65])
{
    size_t tail = strlen(SEAL) + SHA256_HEX + 1;
    if (size <= tail || text[size - 1] != '\n' || text[size - tail - 1] != '\n') return false;
    const char *seal = text + size - tail;
    sha256_of(text, size - tail, out_seal);
    *out_lines_size = size - tail;
    return memcmp(seal, SEAL, strlen(SEAL)) == 0 &&
           memcmp(seal + strlen(SEAL), out_seal, SHA256_HEX) == 0;
}

Err *sealed_open(Arena *arena, const char *path, bool *out_found, SealedIn *out)
{
    static const size_t BYTES_MAX = (size_t)1 << 30;
    char *text;
    size_t size;
    TRY(os_read_file_if(arena, path, BYTES_MAX, &text, &size));
    *out_found = text != NULL;
    if (text == NULL) return NULL;
    SealedIn in = {.path = path, .at = text};
    if (!seal_holds(text, size, &size, in.seal))
        return err_path(ERR(CORRUPT, "%s: its checksum does not fit its content", path), path);
    in.end = text + size;
    *out = in;
    return NULL;
}

Err *sealed_next(SealedIn *in, Arena *arena, const Json **out)
{
    *out = NULL;
    if (in->at == in->end) return NULL;
    const char *line = in->at, *end = memchr(line, '\n', (size_t)(in->end - line));
    if (end == NULL) end = in->end - 1;
    in->at = end + 1;
    return ERR_WRAP(json_parse(arena, line, (size_t)(end - line), out), "%s", in->path);
}

/* ---- the state of a file ---- */

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
