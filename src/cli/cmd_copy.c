/* pond copy, inwards: host files become versions. Each is copied into the store's staging folder
 * first, so that what is checked is what is stored; all of a command is one transaction. Outwards:
 * cmd_copy_out.c. */
#include "cli/cmd_copy.h"
#include "cli/put.h"
#include "perf/ops.h"
#include <string.h>

typedef struct CopyIn {
    const char *dest;
    bool into; /* DEST is a directory */
    Progress *progress;
    int64_t done_bytes, all_bytes;
} CopyIn;

static Err *on_bytes(void *context, int64_t bytes)
{
    CopyIn *copy = context;
    copy->done_bytes += bytes;
    progress_update(copy->progress, copy->done_bytes, copy->all_bytes, "bytes", NULL);
    return os_check_interrupt();
}

/* ---- where it goes ---- */

/* A text that is converted, not copied as bytes. */
static bool becomes_rows(const Url *url)
{
    return format_is_text(url->format) && (!url->has_entry || entry_is_table(url->entry));
}

/* weather.csv that becomes a series is called weather.series. */
static char *name_of(Arena *arena, const Url *url)
{
    const char *base = path_base(url->path);
    const char *dot = strrchr(base, '.');
    if (!becomes_rows(url)) return arena_strdup(arena, base);
    size_t stem = dot != NULL && dot > base ? (size_t)(dot - base) : strlen(base);
    bool table = url->has_entry && url->entry == ENTRY_TABLE;
    return arena_printf(arena, "%.*s.%s", (int)stem, base, table ? "table" : "series");
}

static Err *destination(Cli *cli, const CopyIn *copy, const Url *url, char **out)
{
    const char *prefix = cli_option(cli, "strip-prefix");
    if (!copy->into) {
        *out = arena_strdup(cli->arena, copy->dest);
        return NULL;
    }
    char *name = name_of(cli->arena, url);
    if (prefix != NULL) {
        if (!text_starts(url->path, prefix))
            return ERR(INVALID, "%s: does not begin with --strip-prefix %s", url->text, prefix);
        const char *rest = url->path + strlen(prefix);
        rest += strspn(rest, "/");
        char *dir = path_parent(cli->arena, arena_printf(cli->arena, "/%s", rest));
        name = arena_printf(cli->arena, "%s/%s", dir[1] != '\0' ? dir : "", name);
        *out = arena_printf(cli->arena, "%s%s%s", copy->dest, *name == '/' ? "" : "/", name);
        Node made;
        return fs_mkdir(provider_fs(cli->provider), cli->arena, path_parent(cli->arena, *out), true,
                        &made);
    }
    *out = path_join(cli->arena, copy->dest, name);
    return NULL;
}

/* DEST with a trailing slash, or an existing directory, takes files by name; a directory asked for
 * by its slash is made. */
static Err *look_at_dest(Cli *cli, CopyIn *copy)
{
    Found found;
    Fs *fs = provider_fs(cli->provider);
    bool slash = text_ends(copy->dest, "/") && copy->dest[1] != '\0';
    char *dest = NULL;
    TRY(path_normalize(cli->arena, copy->dest, &dest));
    copy->dest = dest;
    if (slash || cli_flag(cli, "strip-prefix")) {
        Node made;
        TRY(fs_mkdir(fs, cli->arena, dest, true, &made));
    }
    TRY(fs_find(fs, cli->arena, dest, (FindOptions){0}, &found));
    copy->into = found.exists && entry_is_dir(found.node.type);
    if (copy->into || cli->arg_count == 2) return NULL;
    return err_hint(ERR(INVALID, "%s: several sources need a directory", dest),
                    "make it first: pond mkdir %s", dest);
}

/* ---- what it becomes ---- */

static Err *entry_of(const Url *url, const Found *found, const char *path, EntryType *out)
{
    EntryType wanted = url->has_entry      ? url->entry
                       : becomes_rows(url) ? ENTRY_TABLE_SERIES
                                           : ENTRY_DATA;
    *out = wanted;
    if (!found->exists) return NULL;
    EntryType have = found->node.type;
    if (entry_is_dir(have)) return err_path(ERR(EXISTS, "%s: is a directory", path), path);
    if (found->node.derived || !entry_has_versions(have)) {
        return err_path(ERR(EXISTS, "%s: exists and is %s, which takes no content", path,
                            entry_type_name(have)),
                        path);
    }
    if (!url->has_entry) {
        *out = have;
        bool converted = becomes_rows(url);
        if (!converted || entry_is_table(have)) return NULL;
    }
    if (wanted == have || (wanted == ENTRY_DATA && have == ENTRY_DATA_SERIES)) {
        *out = have;
        return NULL;
    }
    return err_hint(err_path(ERR(EXISTS, "%s: exists as %s, not %s", path, entry_type_name(have),
                                 entry_type_name(wanted)),
                             path),
                    "remove it first, or copy to another name");
}

static Err *stage(Cli *cli, CopyIn *copy, const Url *url, const char *from, EntryType entry,
                  VersionSpec *spec)
{
    FsBackend backend = fs_backend(provider_fs(cli->provider));
    NodeId unique = node_id_new();
    char *staged =
        arena_printf(cli->arena, "%s/%s", backend.ops->staging_dir(backend.self), unique.text);
    IngestOptions ingest = {.label = url->text,
                            .time_column = url_option(url, "time"),
                            .unit = url_option(url, "unit"),
                            .series = entry == ENTRY_TABLE_SERIES};
    spec->staged_path = staged;
    if (becomes_rows(url)) {
        TRY(provider_text_to_parquet(cli->provider, cli->arena, from, url, url->text, staged,
                                     &spec->meta));
        return os_sha256_file(staged, &spec->meta.size_bytes, spec->meta.sha256);
    }
    TRY(os_copy_file(from, staged, on_bytes, copy, &spec->meta.size_bytes, spec->meta.sha256));
    spec->meta.rows = -1;
    if (entry_is_table(entry))
        return provider_check_parquet(cli->provider, cli->arena, staged, &ingest, &spec->meta);
    enum { INLINE_MAX = 4096 };
    if (spec->meta.size_bytes > INLINE_MAX) return NULL;
    char *bytes = NULL;
    size_t size = 0;
    TRY(os_read_file(cli->arena, staged, INLINE_MAX, &bytes, &size));
    TRY(os_unlink(staged));
    spec->meta.bytes = bytes;
    spec->staged_path = NULL;
    return NULL;
}

static Err *store(Cli *cli, const char *path, const Found *found, EntryType entry,
                  const VersionSpec *spec, bool overwrite)
{
    FsBackend backend = fs_backend(provider_fs(cli->provider));
    NodeId id = found->exists ? found->node.id : (NodeId){0};
    if (!found->exists) {
        Node template = {.type = entry}, made;
        TRY(fs_create(provider_fs(cli->provider), cli->arena, path, &template, &made));
        id = made.id;
    } else if (overwrite && entry_is_series(entry) && found->node.version_count > 0) {
        TRY(backend.ops->drop(backend.self, id, 0, found->node.version));
    }
    TRY(backend.ops->append(backend.self, id, spec, NULL));
    fs_forget(provider_fs(cli->provider));
    return NULL;
}

static Err *copy_one(Cli *cli, CopyIn *copy, const char *source)
{
    Url url;
    Found found;
    EntryType entry;
    VersionSpec spec = {0};
    char *from = NULL, *to = NULL;
    int64_t size = 0;
    TRY(url_parse(cli->arena, source, &url));
    TRY(provider_host_file(cli->arena, &url, &from, &size));
    TRY(destination(cli, copy, &url, &to));
    TRY(fs_find(provider_fs(cli->provider), cli->arena, to, (FindOptions){0}, &found));
    TRY(entry_of(&url, &found, to, &entry));
    PerfSpan span;
    perf_begin(&span, PERF_staging);
    Err *err = stage(cli, copy, &url, from, entry, &spec);
    perf_end(&span);
    return err != NULL ? err : store(cli, to, &found, entry, &spec, cli_flag(cli, "overwrite"));
}

/* ---- for apply ---- */

/* A host file and how it is read: equal ids give equal versions. */
static Err *source_id(Cli *cli, const Url *url, const char *from, char sha256[65], char **out)
{
    int64_t size = 0;
    const char *options = strchr(url->text, '?');
    int scheme = url->is_url ? (int)strcspn(url->text, ":") : 0;
    TRY(os_sha256_file(from, &size, sha256));
    *out = arena_printf(cli->arena, "%s %.*s%s", sha256, scheme, url->text,
                        url->is_url && options != NULL ? options : "");
    return NULL;
}

/* {"<source>": version}: what apply has copied here. */
static Err *copied_before(Cli *cli, const Node *node, const Json **out)
{
    const Json *all = NULL;
    *out = NULL;
    if (node->attributes == NULL) return NULL;
    TRY(json_parse(cli->arena, node->attributes, strlen(node->attributes), &all));
    *out = json_get(all, "copied");
    return NULL;
}

/* The version is there as it is, or what it was made from is remembered; of data and tables only
 * while that version is the one that counts. */
static Err *is_there(Cli *cli, const Node *node, const char *sha256, const char *id, bool *out)
{
    FsBackend backend = fs_backend(provider_fs(cli->provider));
    const Json *copied = NULL;
    Version *versions = NULL;
    size_t count = 0;
    TRY(copied_before(cli, node, &copied));
    TRY(backend.ops->versions(backend.self, cli->arena, node->id, &versions, &count));
    int64_t version = json_int(copied, id, 0);
    *out = version > 0 && (entry_is_series(node->type) || version == node->version);
    for (size_t i = 0; i < count && !*out; i++) *out = strcmp(versions[i].sha256, sha256) == 0;
    return NULL;
}

static Err *remember(Cli *cli, const char *path, const char *id, bool alone)
{
    Fs *fs = provider_fs(cli->provider);
    const Json *copied = NULL;
    Found found;
    TRY(fs_get(fs, cli->arena, path, (FindOptions){0}, &found));
    TRY(copied_before(cli, &found.node, &copied));
    Buf text = buf_new(cli->arena);
    JsonOut json = json_out(&text);
    json_begin_object(&json);
    for (size_t i = 0; !alone && copied != NULL && i < copied->count; i++) {
        json_key(&json, copied->keys[i]);
        json_put(&json, &copied->items[i]);
    }
    json_kv_int(&json, id, found.node.version);
    json_end(&json);
    return fs_set_attribute(fs, cli->arena, found.node.id, "copied", text.data);
}

Err *copy_put(Cli *cli, const CopySpec *spec, PutResult *out)
{
    Url url;
    Found found;
    EntryType entry;
    VersionSpec version = {0};
    CopyIn copy = {0};
    char sha256[65], *from = NULL, *id = NULL;
    int64_t size = 0;
    bool there = false;
    TRY(url_parse(cli->arena, spec->source, &url));
    TRY(provider_host_file(cli->arena, &url, &from, &size));
    TRY(source_id(cli, &url, from, sha256, &id));
    TRY(fs_find(provider_fs(cli->provider), cli->arena, spec->path, (FindOptions){0}, &found));
    TRY(entry_of(&url, &found, spec->path, &entry));
    if (found.exists) TRY(is_there(cli, &found.node, sha256, id, &there));
    bool alone = !entry_is_series(entry) || spec->overwrite;
    *out = there && (!alone || found.node.version_count == 1) ? PUT_UNCHANGED
           : found.exists                                     ? PUT_UPDATED
                                                              : PUT_CREATED;
    if (*out == PUT_UNCHANGED) return NULL;
    TRY(stage(cli, &copy, &url, from, entry, &version));
    TRY(store(cli, spec->path, &found, entry, &version, spec->overwrite));
    return remember(cli, spec->path, id, alone);
}

/* ---- the command ---- */

static Err *body(void *context, Cli *cli)
{
    CopyIn copy = *(CopyIn *)context; /* each try starts anew */
    TRY(look_at_dest(cli, &copy));
    for (size_t i = 0; i + 1 < cli->arg_count; i++) TRY(copy_one(cli, &copy, cli->args[i]));
    return NULL;
}

static Err *sum_sizes(Cli *cli, int64_t *out)
{
    for (size_t i = 0; i + 1 < cli->arg_count; i++) {
        Url url;
        char *path = NULL;
        int64_t size = 0;
        TRY(url_parse(cli->arena, cli->args[i], &url));
        if (url.is_url && !url.host) {
            return err_hint(
                ERR(USAGE, "%s: names the pond, and so does %s", url.text,
                    cli->args[cli->arg_count - 1]),
                "inwards: pond copy host:///file /path; outwards: pond copy /path host:///dir");
        }
        TRY(provider_host_file(cli->arena, &url, &path, &size));
        *out += size;
    }
    return NULL;
}

static Err *copy_in(Cli *cli)
{
    CopyIn copy = {.dest = cli->args[cli->arg_count - 1]};
    TRY(sum_sizes(cli, &copy.all_bytes));
    CLEANUP(progress_end_at) Progress *progress = progress_new(cli, "copy");
    copy.progress = progress;
    return cli_transact(cli, body, &copy);
}

static Err *run(Cli *cli)
{
    Url dest;
    TRY(url_parse(cli->arena, cli->args[cli->arg_count - 1], &dest));
    if (dest.host) return copy_out(cli, &dest);
    if (dest.is_url)
        return err_hint(ERR(USAGE, "%s: the destination in the pond is a plain path", dest.text),
                        "pond copy SRC %s", dest.path);
    return copy_in(cli);
}

static const Option OPTIONS[] = {
    {"strip-prefix", 0, "PREFIX", "keep what follows PREFIX of each source as its path below DEST"},
    {"overwrite", 0, NULL, "replace a series instead of appending; outwards: replace host files"},
};

const Command COMMAND_COPY = {
    .name = "copy",
    .usage = "copy SRC... DEST [--strip-prefix P] [--overwrite]",
    .summary = "copy host files into the pond, or nodes out of it",
    .examples = "  pond copy host:///home/me/notes.txt /docs/\n"
                "  pond copy host+series:///data/sonde.parquet /sensors/sonde.series\n"
                "  pond copy 'host+csv+series:///data/well.csv?time=date' /sensors/well.series\n"
                "  pond copy host+jsonl+gzip+series:///data/app.jsonl.gz /logs/app.series\n"
                "  pond copy host+data:series:///var/log/app.log /logs/app.log\n"
                "  pond copy '/reduced/**/*.series' host:///tmp/out\n"
                "  pond copy host+csv:///data/well.csv host:///tmp/well.parquet\n",
    .details =
        "Copying onto a series (also data:series) appends a version; onto data or a table it "
        "replaces. All "
        "sources are one transaction.\n"
        "Parquet is decoded fully before it is accepted. See pond help urls.",
    .json = COMMITTED_JSON "; outwards {\"copied\"}",
    .options = OPTIONS,
    .option_count = 2,
    .least_args = 2,
    .most_args = -1,
    .run = run,
};
