/* pond copy, outwards: bytes of data as they are, tables and series as one Parquet file each; and
 * from the host to the host, where a text becomes a Parquet file and no pond is needed. Files
 * appear whole, under their final name, or not at all; existing ones are an error before anything
 * is written, unless --overwrite. */
#include "cli/cmd_copy.h"
#include <inttypes.h>
#include <string.h>

typedef struct CopyOut {
    const char *dir; /* or the file, when `single` */
    bool single;
} CopyOut;

/* The path of a match below DEST: what follows the pattern's literal folder, or --strip-prefix. */
static Err *relative_path(Cli *cli, const Url *url, const Source *source, const char **out)
{
    const char *prefix = cli_option(cli, "strip-prefix");
    if (source->host) {
        const char *base = path_base(source->path), *dot = strrchr(base, '.');
        int stem = dot != NULL && dot > base ? (int)(dot - base) : (int)strlen(base);
        *out = arena_printf(cli->arena, "%.*s.parquet", stem, base);
        return NULL;
    }
    if (prefix == NULL) {
        size_t wild = strcspn(url->path, "*?[{\\");
        while (wild > 0 && url->path[wild - 1] != '/') wild--;
        bool literal = url->path[strcspn(url->path, "*?[{\\")] == '\0';
        *out = literal || strncmp(url->path, source->path, wild) != 0 ? path_base(source->path)
                                                                      : source->path + wild;
        return NULL;
    }
    if (!text_starts(source->path, prefix))
        return ERR(INVALID, "%s: does not begin with --strip-prefix %s", source->path, prefix);
    *out = source->path + strlen(prefix);
    *out += strspn(*out, "/");
    return **out != '\0' ? NULL
                         : ERR(INVALID, "%s: nothing is left after --strip-prefix", source->path);
}

static Err *target_path(Cli *cli, const CopyOut *copy, const Url *url, const Source *source,
                        char **out)
{
    const char *relative = NULL;
    bool exists = false;
    OsStat stat;
    TRY(relative_path(cli, url, source, &relative));
    *out = copy->single ? arena_strdup(cli->arena, copy->dir)
                        : arena_printf(cli->arena, "%s/%s", copy->dir, relative);
    TRY(os_stat_if(*out, &exists, &stat));
    if (exists && stat.is_dir)
        return err_path(ERR(EXISTS, "%s: is a directory on the host", *out), *out);
    if (!exists || cli_flag(cli, "overwrite")) return NULL;
    return err_hint(err_path(ERR(EXISTS, "%s: exists on the host", *out), *out),
                    "use --overwrite to replace it");
}

static Err *write_rows(Cli *cli, const Source *source, const Url *url, const char *part)
{
    CLEANUP(engine_disconnect_at) Conn *conn = NULL;
    const Rel *rel = NULL;
    Plan *plan = NULL;
    RelWritten written;
    TRY(provider_relation(cli->provider, source, url, &rel));
    TRY(provider_plan(cli->provider, &plan));
    TRY(plan_resolve(plan, rel));
    TRY(engine_connect(&conn));
    RelWrite write = {.read = {.span = {TIME_MIN, TIME_MAX}, .sorted = rel_time_index(rel) >= 0},
                      .path = part,
                      .any_time = true};
    return rel_write(plan, cli->arena, conn, rel, &write, &written);
}

static Err *append_chunk(void *to, const void *bytes, size_t size)
{
    return os_write(to, bytes, size);
}

static Err *append_version(OsFile *to, const Content *content)
{
    return content->path != NULL ? os_read_each(content->path, append_chunk, to)
                                 : os_write(to, content->bytes, (size_t)content->size_bytes);
}

static Err *write_bytes(Cli *cli, const Source *source, const char *part)
{
    CLEANUP(os_close_at) OsFile *to = NULL;
    FsBackend backend = fs_backend(provider_fs(cli->provider));
    Version *versions = NULL;
    size_t count = 0;
    TRY(backend.ops->versions(backend.self, cli->arena, source->node.id, &versions, &count));
    TRY(os_open_new(part, &to));
    if (source->node.type == ENTRY_DYNAMIC_DATA)
        return os_write(to, source->node.content, strlen(source->node.content));
    for (size_t i = 0; i < count; i++) {
        Content content;
        TRY(backend.ops->content(backend.self, cli->arena, &versions[i], &content));
        TRY(append_version(to, &content));
    }
    return NULL;
}

/* Beside the file; of fixed length, since the name may be as long as names can be. */
static char *part_path(Arena *arena, const char *path)
{
    const char *name = path_base(path);
    return arena_printf(arena, "%s/.pond-part-%016" PRIx64, path_parent(arena, path),
                        xxh64(name, strlen(name)));
}

static Err *write_host_rows(Cli *cli, const Source *source, const Url *url, const char *part)
{
    Version ignored;
    if (!format_is_text(url->format)) return write_rows(cli, source, url, part);
    return provider_text_to_parquet(cli->provider, cli->arena, source->path, url, url->text, part,
                                    &ignored);
}

static Err *write_one(Cli *cli, const Source *source, const Url *url, const char *path)
{
    char *part = part_path(cli->arena, path);
    bool single_file = entry_is_table(source->node.type) && source->node.version_count == 1 &&
                       !source->node.has_min_override && !source->node.has_max_override;
    bool bytes = !provider_is_queryable(&source->node) || single_file;
    TRY(os_mkdirs(path_parent(cli->arena, path)));
    TRY(os_unlink_if(part));
    Err *err = source->host ? write_host_rows(cli, source, url, part)
               : bytes      ? write_bytes(cli, source, part)
                            : write_rows(cli, source, url, part);
    if (err == NULL) err = os_sync_path(part);
    if (err == NULL) err = os_rename(part, path);
    if (err != NULL) err_free(os_unlink_if(part));
    return err;
}

static Err *copy_pattern(Cli *cli, CopyOut *copy, const char *text, bool write, size_t *done)
{
    Source *sources = NULL;
    size_t count = 0;
    Url url;
    TRY(url_parse(cli->arena, text, &url));
    if (url.host && url.format == FORMAT_FILE)
        return err_hint(ERR(USAGE, "%s: both sides are on the host", text),
                        "to make Parquet of a text: host+csv://%s", url.path);
    TRY(provider_match(cli->provider, cli->arena, text, &sources, &count));
    if (count == 0) {
        const Rel *unused = NULL;
        TRY(provider_relation_of(cli->provider, text, &unused));
    }
    if (count > 1) copy->single = false;
    for (size_t i = 0; i < count; i++) {
        char *path = NULL;
        if (entry_is_dir(sources[i].node.type)) continue;
        TRY(target_path(cli, copy, &url, &sources[i], &path));
        if (write) TRY(write_one(cli, &sources[i], &url, path));
        ++*done;
    }
    return NULL;
}

/* Texts of the host become Parquet files of the host without one. */
static Err *needs_pond(Cli *cli, bool *out)
{
    *out = false;
    for (size_t i = 0; i + 1 < cli->arg_count; i++) {
        Url url;
        TRY(url_parse(cli->arena, cli->args[i], &url));
        *out = *out || !url.host;
    }
    return NULL;
}

Err *copy_out(Cli *cli, const Url *dest)
{
    CopyOut copy = {0};
    Provider *provider = NULL;
    bool exists = false, pond = false;
    OsStat stat;
    char *dir = NULL;
    size_t found = 0, done = 0;
    TRY(needs_pond(cli, &pond));
    TRY(cli_open_provider(cli, pond, &provider));
    TRY(cli_check_outside(cli, dest->path));
    TRY(os_absolute(cli->arena, dest->path, &dir));
    TRY(os_stat_if(dir, &exists, &stat));
    engine_allow(dir);
    engine_allow(part_path(cli->arena, dir));
    copy.dir = dir;
    copy.single = cli->arg_count == 2 && !(exists && stat.is_dir) && !text_ends(dest->path, "/") &&
                  strpbrk(cli->args[0], "*?[{") == NULL;
    for (size_t i = 0; i + 1 < cli->arg_count; i++)
        TRY(copy_pattern(cli, &copy, cli->args[i], false, &found));
    if (found == 0) return ERR(NOT_FOUND, "%s: only directories match", cli->args[0]);
    for (size_t i = 0; i + 1 < cli->arg_count; i++)
        TRY(copy_pattern(cli, &copy, cli->args[i], true, &done));
    if (cli->json) out_printf("{\"copied\":%zu}\n", done);
    return NULL;
}
