/* pond run: an executable node, as one transaction. Of a document on the host (host+): what it
 * would do, without a pond. */
#include "cli/cmd_run.h"
#include "cli/apply_document.h"
#include "cli/commands.h"
#include <string.h>

static const char *const DIRS[] = {AUTOMATIC_DIR, "/system/etc"};
enum { DIR_COUNT = sizeof DIRS / sizeof *DIRS };

/* ---- the node ---- */

/* Missing directories are fine. */
static Err *find_if(Fs *fs, Arena *arena, const char *path, Found *out)
{
    out->exists = false;
    Err *err = fs_find(fs, arena, path, (FindOptions){0}, out);
    if (err == NULL || err_code(err) != ERR_NOT_FOUND) return err;
    err_free(err);
    return NULL;
}

static Err *no_such_name(Fs *fs, Arena *arena, const char *name)
{
    VEC(const char *) names = {0};
    for (size_t d = 0; d < DIR_COUNT; d++) {
        Found dir;
        const Node *nodes = NULL;
        size_t count = 0;
        TRY(find_if(fs, arena, DIRS[d], &dir));
        if (dir.exists && entry_is_dir(dir.node.type))
            TRY(fs_children(fs, arena, &dir.node, dir.path, &nodes, &count));
        for (size_t i = 0; i < count; i++) vec_push(arena, &names, nodes[i].name);
    }
    Err *err = ERR(NOT_FOUND, "%s: not found in %s or %s", name, DIRS[0], DIRS[1]);
    const char *near = text_nearest(name, names.v, names.n);
    return near != NULL ? err_hint(err, "did you mean '%s'?", near)
                        : err_hint(err, "name it by its path: pond run /%s", name);
}

static Err *find_node(Cli *cli, const char *name, Found *out)
{
    Fs *fs = provider_fs(cli->provider);
    if (strchr(name, '/') != NULL) return fs_get(fs, cli->arena, name, (FindOptions){0}, out);
    for (size_t d = 0; d < DIR_COUNT; d++) {
        TRY(find_if(fs, cli->arena, path_join(cli->arena, DIRS[d], name), out));
        if (out->exists) return NULL;
    }
    return no_such_name(fs, cli->arena, name);
}

/* ---- a run ---- */

typedef struct Running {
    Cli *cli;
    const char *name;
    const char *const *args;
    size_t arg_count;
    RunDone *out;
    Progress *progress;
    int64_t bytes;
} Running;

static Err *on_bytes(void *context, int64_t bytes)
{
    Running *run = context;
    run->bytes += bytes;
    progress_update(run->progress, run->bytes, 0, "bytes", NULL);
    return NULL;
}

static ExecCall call_of(Running *run, JsonOut *json)
{
    run->out->text = buf_new(run->cli->arena);
    run->out->json = buf_new(run->cli->arena);
    *json = json_out(&run->out->json);
    json_begin_object(json);
    return (ExecCall){.args = run->args,
                      .arg_count = run->arg_count,
                      .text = &run->out->text,
                      .json = json,
                      .on_bytes = on_bytes,
                      .context = run};
}

static Err *body(void *context, Cli *cli)
{
    Running *run = context;
    Found found;
    JsonOut json;
    ExecCall exec = call_of(run, &json); /* each try starts anew */
    TRY(find_node(cli, run->name, &found));
    run->out->path = found.path;
    TRY(factory_run(cli->provider, &found.node, found.path, &exec));
    json_end(&json);
    return NULL;
}

Err *run_executable(Cli *cli, const char *name, const char *const *args, size_t arg_count,
                    RunDone *out)
{
    CLEANUP(progress_end_at) Progress *progress = progress_new(cli, "run");
    Running run = {.cli = cli,
                   .name = name,
                   .args = args,
                   .arg_count = arg_count,
                   .out = out,
                   .progress = progress};
    return cli_commit(cli, body, &run, &out->done);
}

/* ---- without a pond ---- */

static Err *one_executable(const ApplyDocument *documents, size_t count, const char *name,
                           const ApplyDocument **out)
{
    *out = NULL;
    for (size_t i = 0; i < count; i++) {
        if (documents[i].factory == NULL || documents[i].factory->run == NULL) continue;
        if (*out != NULL)
            return ERR(INVALID, "%s: defines several executables, %s and %s", name, (*out)->path,
                       documents[i].path);
        *out = &documents[i];
    }
    if (*out != NULL) return NULL;
    return err_hint(ERR(INVALID, "%s: defines no executable", name),
                    "a document as for pond apply is expected, of kind mknod");
}

static Err *try_document(Cli *cli, const Url *url, RunDone *out)
{
    ApplyDocument *documents = NULL;
    const ApplyDocument *document = NULL;
    Provider *provider = NULL;
    char *path = NULL;
    int64_t size = 0;
    size_t count = 0;
    JsonOut json;
    Running run = {.cli = cli, .args = cli->args + 1, .arg_count = cli->arg_count - 1, .out = out};
    TRY(provider_host_file(cli->arena, url, &path, &size));
    TRY(apply_read(cli->arena, path, &documents, &count));
    TRY(one_executable(documents, count, url->text, &document));
    TRY(cli_open_provider(cli, false, &provider));
    ExecCall exec = call_of(&run, &json);
    exec.dry = true;
    Node node = {.name = path_base(document->path),
                 .type = factory_entry_type(document->factory),
                 .factory = document->factory->name,
                 .content = document->config};
    out->path = document->path;
    TRY(err_path(ERR_WRAP(factory_run(provider, &node, document->path, &exec), "%s", path), path));
    json_end(&json);
    return NULL;
}

/* ---- the command ---- */

static void print_json(const Cli *cli, const RunDone *done)
{
    Buf text = buf_new(cli->arena);
    JsonOut json = json_out(&text);
    json_begin_object(&json);
    json_kv_str(&json, "node", done->path);
    json_kv_int(&json, "txn", done->done.txn);
    json_kv_int(&json, "log_version", done->done.log_version);
    json_kv_int(&json, "rows", done->done.rows);
    json_key(&json, "result");
    json_put_raw(&json, done->json.data);
    json_end(&json);
    out_json(&text);
}

static Err *run(Cli *cli)
{
    RunDone done = {.done = {.log_version = -1}};
    Url url;
    TRY(url_parse(cli->arena, cli->args[0], &url));
    if (url.is_url && !url.host)
        return err_hint(ERR(USAGE, "%s: a node is named by its path", url.text), "pond run %s",
                        url.path);
    if (url.host)
        TRY(try_document(cli, &url, &done));
    else
        TRY(run_executable(cli, cli->args[0], cli->args + 1, cli->arg_count - 1, &done));
    if (!url.host && strcmp(path_parent(cli->arena, done.path), AUTOMATIC_DIR) == 0)
        cli->committed = 0; /* it does not set off itself, nor its neighbours */
    if (cli->json)
        print_json(cli, &done);
    else
        out_write(done.text.data, done.text.size);
    return NULL;
}

const Command COMMAND_RUN = {
    .name = "run",
    .usage = "run NODE [ARGS...]",
    .summary = "run an executable node, as one transaction",
    .examples = "  pond run logs\n"
                "  pond run /system/etc/logs --json\n"
                "  pond run logs restart app.log\n"
                "  pond run host:///home/me/logs.yaml\n",
    .details =
        "A bare name is looked up in " AUTOMATIC_DIR
        ", then in /system/etc. Arguments that begin with a dash go behind --.\n"
        "Executables are made by mknod (pond list-factories). Those in " AUTOMATIC_DIR
        " also run by themselves, by name, after each\n"
        "command that committed something; what they say goes to stderr. When one fails the "
        "commit stands, the\n"
        "others still run, and the exit status is 3. To stop one: pond mv it to /system/etc.\n"
        "Of a file on the host, which holds a document as for pond apply, it is told what it would "
        "do; that needs no pond.",
    .json = "{\"node\",\"txn\",\"log_version\",\"rows\",\"result\":{...}}: 0, -1, 0 when nothing "
            "had to change",
    .least_args = 1,
    .most_args = -1,
    .run = run,
};
