/* logfile-ingest: mirrors growing and rotating host logs into the pond. Each file that
 * active_pattern names is a stream; archived_pattern begins with the same wildcards, whose captures
 * tell which stream an archive belongs to. See docs/factories.md. */
#include "factory/logfile_int.h"
#include "os/os.h"
#include <errno.h>
#include <string.h>

static const FactoryKey KEYS[] = {
    {"active_pattern", "glob", "host path of the logs that grow, absolute", true},
    {"archived_pattern", "glob", "host path of their archives; .gz, .zst, .bz2 are unpacked",
     false},
    {"pond_path", "path", "the pond's directory for them", true},
};

typedef struct Logs {
    const Pattern *active, *archived; /* archived may be NULL */
    const char *pond_path;
} Logs;

/* ---- configuration ---- */

static Err *read_glob(Arena *arena, const Yaml *config, const char *key, bool required,
                      const Pattern **out)
{
    const char *text = NULL;
    TRY(yaml_str(config, key, required, &text));
    const Yaml *node = yaml_get(config, key);
    if (text == NULL || factory_is_reference(node)) return NULL;
    if (text[0] != '/') {
        return err_hint(yaml_error(node, "%s: '%s' is not absolute", key, text),
                        "a path on the host is expected, such as /var/log/app.log");
    }
    if (text_ends(text, "/")) return yaml_error(node, "%s: '%s' names a directory", key, text);
    return factory_error_at(node, pattern_compile(arena, text, out));
}

/* Without its archives' captures a stream cannot be told. */
static Err *check_captures(const Yaml *config, const Logs *logs)
{
    if (logs->active == NULL || logs->archived == NULL) return NULL;
    size_t wanted = pattern_capture_count(logs->active),
           have = pattern_capture_count(logs->archived);
    if (have >= wanted) return NULL;
    return err_hint(yaml_error(yaml_get(config, "archived_pattern"),
                               "archived_pattern: has %zu wildcards, and active_pattern has %zu",
                               have, wanted),
                    "it begins with the wildcards of active_pattern: what they match tells which "
                    "log an archive belongs to");
}

static Err *read_config(Arena *arena, const Yaml *config, Logs *out)
{
    Logs logs = {0};
    const char *path = NULL;
    char *normal = NULL;
    TRY(factory_check_keys(config, "logfile-ingest", KEYS, sizeof KEYS / sizeof *KEYS));
    TRY(read_glob(arena, config, "active_pattern", true, &logs.active));
    TRY(read_glob(arena, config, "archived_pattern", false, &logs.archived));
    TRY(check_captures(config, &logs));
    TRY(yaml_str(config, "pond_path", true, &path));
    const Yaml *node = yaml_get(config, "pond_path");
    if (!factory_is_reference(node)) {
        if (strstr(path, "://") != NULL || strpbrk(path, "*?[{") != NULL)
            return yaml_error(node, "pond_path: '%s' is not a path in the pond", path);
        TRY(factory_error_at(node, path_normalize(arena, path, &normal)));
    }
    logs.pond_path = normal;
    *out = logs;
    return NULL;
}

static Err *validate(Arena *arena, const Yaml *config)
{
    Logs logs;
    return read_config(arena, config, &logs);
}

/* ---- streams ---- */

typedef struct Run {
    const ExecCall *exec;
    Arena *arena;
    Logs logs;
    const char *host_dir; /* what stream names are below */
    Map streams;          /* by the captures of active_pattern */
} Run;

/* The stream with the first captures of a file. */
static Err *stream_of(Run *run, const HostFile *file, Stream **out)
{
    Buf key = buf_new(run->arena);
    size_t count = pattern_capture_count(run->logs.active);
    for (size_t i = 0; i < count; i++) buf_printf(&key, "%s\n", file->captures[i]);
    *out = map_get(&run->streams, key.data);
    if (*out != NULL) return NULL;
    Stream *stream = ANEW(run->arena, Stream);
    char *path = NULL;
    stream->host = host_glob_fill(run->arena, pattern_text(run->logs.active), file->captures);
    stream->name = stream->host + strlen(run->host_dir);
    stream->name += strspn(stream->name, "/");
    TRY(err_path(
        path_normalize(run->arena, path_join(run->arena, run->logs.pond_path, stream->name), &path),
        stream->host));
    stream->path = path;
    (void)map_put(&run->streams, key.data, stream);
    *out = stream;
    return NULL;
}

/* The active logs are opened before the archives are looked for: what is renamed in between is then
 * among the archives, or known by its inode. */
static Err *open_active(Run *run, Stream *stream, HostFile *file)
{
    Err *err = log_open(run->arena, file->path, false, &stream->reader);
    if (err != NULL && err_errnum(err) == ENOENT) {
        err_free(err);
        return NULL;
    }
    TRY(err);
    file->stat = log_stat(stream->reader);
    stream->active = file;
    return NULL;
}

static Err *find_active(Run *run)
{
    HostFile *files = NULL;
    size_t count = 0;
    TRY(host_glob(run->arena, run->logs.active, &files, &count));
    for (size_t i = 0; i < count; i++) {
        Stream *stream = NULL;
        TRY(stream_of(run, &files[i], &stream));
        TRY(open_active(run, stream, &files[i]));
    }
    return NULL;
}

static bool is_some_active(const Run *run, const HostFile *file)
{
    for (size_t i = 0; i < run->streams.count; i++) {
        const Stream *stream = run->streams.entries[i].value;
        if (stream->active != NULL && (stream->active->stat.inode == file->stat.inode ||
                                       strcmp(stream->active->path, file->path) == 0))
            return true;
    }
    return false;
}

static Err *find_archives(Run *run)
{
    HostFile *files = NULL;
    size_t count = 0;
    if (run->logs.archived == NULL) return NULL;
    TRY(host_glob(run->arena, run->logs.archived, &files, &count));
    for (size_t i = 0; i < count; i++) {
        Stream *stream = NULL;
        if (is_some_active(run, &files[i])) continue;
        TRY(stream_of(run, &files[i], &stream));
        vec_push(run->arena, &stream->archives, files[i]);
    }
    return NULL;
}

static Err *nothing_there(const Run *run)
{
    OsStat stat;
    bool exists = false;
    TRY(os_stat_if(run->host_dir, &exists, &stat));
    if (!exists || !stat.is_dir) {
        return err_path(ERR(NOT_FOUND, "%s: active_pattern: there is no directory %s",
                            pattern_text(run->logs.active), run->host_dir),
                        run->host_dir);
    }
    if (run->streams.count == 0)
        log_warn("%s: no file matches %s", run->exec->call.path, pattern_text(run->logs.active));
    return NULL;
}

static void streams_close(Run *run)
{
    for (size_t i = 0; i < run->streams.count; i++) {
        Stream *stream = run->streams.entries[i].value;
        log_close_at(&stream->reader);
        node_bytes_close_at(&stream->bytes);
    }
}

/* ---- `restart STREAM...` ---- */

static Err *mark_restarts(Run *run)
{
    const ExecCall *exec = run->exec;
    const char **names = AARRAY(run->arena, const char *, run->streams.count + 1);
    if (exec->arg_count == 0) return NULL;
    if (strcmp(exec->args[0], "restart") != 0 || exec->arg_count == 1) {
        return err_hint(ERR(USAGE, "logfile-ingest: unknown argument '%s'", exec->args[0]),
                        "restart STREAM... goes on without the archives of these logs");
    }
    for (size_t i = 0; i < run->streams.count; i++)
        names[i] = ((Stream *)run->streams.entries[i].value)->name;
    for (size_t a = 1; a < exec->arg_count; a++) {
        bool known = false;
        for (size_t i = 0; i < run->streams.count; i++) {
            if (strcmp(names[i], exec->args[a]) != 0) continue;
            ((Stream *)run->streams.entries[i].value)->restart = known = true;
        }
        if (known) continue;
        const char *near = text_nearest(exec->args[a], names, run->streams.count);
        Err *err = ERR(NOT_FOUND, "restart: there is no log '%s'", exec->args[a]);
        return near != NULL ? err_hint(err, "did you mean '%s'?", near) : err;
    }
    return NULL;
}

/* ---- one stream ---- */

static Err *changed_by_others(const Stream *stream)
{
    return err_hint(
        err_path(ERR(EXISTS,
                     "%s: was changed by something else: it has %lld bytes, %lld were mirrored",
                     stream->path, (long long)stream->node.size_bytes,
                     (long long)stream->state.node_bytes),
                 stream->path),
        "move it away with pond mv: the log is then mirrored anew");
}

/* A missing directory on the way means that the node is missing, too. */
static Err *find_node(const Run *run, const Stream *stream, Found *out)
{
    out->exists = false;
    Err *err = fs_find(provider_fs(run->exec->call.provider), run->arena, stream->path,
                       (FindOptions){0}, out);
    if (err == NULL || err_code(err) != ERR_NOT_FOUND) return err;
    err_free(err);
    return NULL;
}

static Err *load_node(const Run *run, Stream *stream)
{
    Found found;
    bool remembered = false;
    TRY(find_node(run, stream, &found));
    if (!found.exists) return NULL;
    stream->exists = true;
    stream->node = found.node;
    TRY(err_path(
        ERR_WRAP(state_read(run->arena, found.node.attributes, &remembered, &stream->state), "%s",
                 stream->path),
        stream->path));
    if (!remembered) {
        return err_hint(
            err_path(ERR(EXISTS, "%s: exists, and was not made by logfile-ingest", stream->path),
                     stream->path),
            "move it away with pond mv, or choose another pond_path");
    }
    if (stream->state.node_bytes != stream->node.size_bytes) return changed_by_others(stream);
    FsBackend backend = fs_backend(provider_fs(run->exec->call.provider));
    return node_bytes_open(run->arena, backend, &stream->node, &stream->bytes);
}

static void tell(const Run *run, const Stream *stream, const Continuation *from,
                 const StreamDone *done)
{
    const ExecCall *exec = run->exec;
    json_begin_object(exec->json);
    json_kv_str(exec->json, "path", stream->path);
    json_kv_int(exec->json, "bytes", done->bytes);
    json_kv_str(exec->json, "note", from->note);
    json_end(exec->json);
    if (from->note != NULL) log_warn("%s", from->note);
    if (done->bytes == 0) return;
    buf_printf(exec->text, "appended %s bytes to %s\n", count_format(run->arena, done->bytes),
               stream->path);
}

static Err *mirror(const Run *run, Stream *stream)
{
    Continuation from;
    StreamDone done;
    TRY(load_node(run, stream));
    TRY(stream_find(run->exec, stream, &from));
    if (stream->restart && !from.restarted)
        log_warn("%s: nothing is lost, so it is not begun anew", stream->name);
    TRY(stream_append(run->exec, stream, &from, &done));
    tell(run, stream, &from, &done);
    return NULL;
}

/* Without a pond: what there is to mirror. */
static Err *preview(const Run *run, Stream *stream)
{
    const ExecCall *exec = run->exec;
    Continuation from;
    TRY(stream_find(exec, stream, &from));
    buf_printf(exec->text, "%s\n", stream->path);
    json_begin_object(exec->json);
    json_kv_str(exec->json, "path", stream->path);
    json_key(exec->json, "files");
    json_begin_array(exec->json);
    for (size_t i = 0; i < from.pieces.n; i++) {
        const HostFile *file = from.pieces.v[i].file;
        buf_printf(exec->text, "  %15s bytes  %s\n",
                   count_format(run->arena, file->stat.size_bytes), file->path);
        json_begin_object(exec->json);
        json_kv_str(exec->json, "path", file->path);
        json_kv_int(exec->json, "size", file->stat.size_bytes);
        json_end(exec->json);
    }
    json_end(exec->json);
    json_end(exec->json);
    return NULL;
}

static Err *run_streams(Run *run)
{
    TRY(find_active(run));
    TRY(find_archives(run));
    TRY(nothing_there(run));
    TRY(mark_restarts(run));
    json_key(run->exec->json, "streams");
    json_begin_array(run->exec->json);
    for (size_t i = 0; i < run->streams.count; i++) {
        Stream *stream = run->streams.entries[i].value;
        TRY(run->exec->dry ? preview(run, stream) : mirror(run, stream));
    }
    json_end(run->exec->json);
    return NULL;
}

static Err *execute(const ExecCall *exec)
{
    CLEANUP(streams_close)
    Run run = {.exec = exec, .arena = exec->call.arena, .streams = map_new(exec->call.arena)};
    TRY(read_config(run.arena, exec->call.config, &run.logs));
    run.host_dir = host_glob_dir(run.arena, pattern_text(run.logs.active));
    os_class_add(run.host_dir, OS_HOST);
    return run_streams(&run);
}

const Factory FACTORY_LOGFILE_INGEST = {
    .name = "logfile-ingest",
    .kind = FACTORY_EXEC,
    .text = "mirrors growing and rotating host logs as data:series",
    .keys = KEYS,
    .key_count = sizeof KEYS / sizeof *KEYS,
    .example = "active_pattern: /var/log/septic/*.json\n"
               "archived_pattern: /var/log/septic/*.json.*\n"
               "pond_path: /logs/septic\n",
    .validate = validate,
    .args = "[restart STREAM...]",
    .run = execute,
};
