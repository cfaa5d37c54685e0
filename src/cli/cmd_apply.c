/* pond apply: documents that say what a pond has; what is so already stays as it is. All of them
 * are read and checked before the one transaction begins. */
#include "cli/apply_document.h"
#include "cli/commands.h"
#include "cli/put.h"
#include <string.h>

typedef struct Apply {
    VEC(ApplyDocument) documents;
    PutResult *results;
} Apply;

static const char *const RESULTS[] = {
    [PUT_UNCHANGED] = "unchanged", [PUT_CREATED] = "created", [PUT_UPDATED] = "updated"};

/* ---- reading ---- */

/* One path stands for one thing; only a series may be copied into more than once. */
static Err *check_twice(Cli *cli, const Apply *apply)
{
    Map first = map_new(cli->arena);
    for (size_t i = 0; i < apply->documents.n; i++) {
        ApplyDocument *document = &apply->documents.v[i];
        const ApplyDocument *before = map_get(&first, document->path);
        if (before == NULL) {
            (void)map_put(&first, document->path, document);
            continue;
        }
        bool copies = document->kind == APPLY_COPY && before->kind == APPLY_COPY;
        if (copies && !document->overwrite && !before->overwrite) continue;
        return apply_error(document,
                           yaml_error(document->root, "%s: stands twice (first in %s, document %d)",
                                      document->path, before->file, before->number));
    }
    return NULL;
}

static Err *read_file(Cli *cli, Apply *apply, const char *file)
{
    ApplyDocument *documents = NULL;
    size_t count = 0;
    TRY(apply_read(cli->arena, file, &documents, &count));
    for (size_t i = 0; i < count; i++) vec_push(cli->arena, &apply->documents, documents[i]);
    return NULL;
}

static Err *read_all(Cli *cli, Apply *apply)
{
    size_t files = 0;
    for (size_t i = 0; i < cli->given_count; i++) {
        if (strcmp(cli->given[i].option->name, "file") != 0) continue;
        TRY(read_file(cli, apply, cli->given[i].value));
        files++;
    }
    for (size_t i = 0; i < cli->arg_count; i++, files++) TRY(read_file(cli, apply, cli->args[i]));
    if (files == 0)
        return err_hint(ERR(USAGE, "-f FILE is missing"),
                        "pond apply -f FILE; - is standard input");
    return check_twice(cli, apply);
}

/* What only the engine knows. */
static Err *check_all(Cli *cli, const Apply *apply)
{
    Provider *provider = NULL;
    TRY(cli_open_provider(cli, true, &provider));
    for (size_t i = 0; i < apply->documents.n; i++) {
        const ApplyDocument *document = &apply->documents.v[i];
        if (document->kind != APPLY_MKNOD) continue;
        TRY(apply_error(document, factory_check_tree(provider, document->factory, document->path,
                                                     document->config_tree)));
    }
    return NULL;
}

/* ---- doing ---- */

static Err *apply_mkdir(Cli *cli, const ApplyDocument *document, PutResult *out)
{
    Fs *fs = provider_fs(cli->provider);
    Found found;
    if (document->parents)
        TRY(fs_mkdir(fs, cli->arena, path_parent(cli->arena, document->path), true, NULL));
    TRY(fs_find(fs, cli->arena, document->path, (FindOptions){0}, &found));
    if (found.exists && entry_is_dir(found.node.type)) return NULL;
    if (found.exists)
        return err_hint(err_path(ERR(EXISTS, "%s: exists as %s", document->path,
                                     entry_type_name(found.node.type)),
                                 document->path),
                        "remove it first, or choose another path");
    *out = PUT_CREATED;
    return fs_mkdir(fs, cli->arena, document->path, false, NULL);
}

static Err *apply_one(Cli *cli, const ApplyDocument *document, PutResult *out)
{
    *out = PUT_UNCHANGED;
    switch (document->kind) {
    case APPLY_MKDIR: return apply_mkdir(cli, document, out);
    case APPLY_COPY:
        return copy_put(cli,
                        &(CopySpec){.source = document->source,
                                    .path = document->path,
                                    .overwrite = document->overwrite},
                        out);
    case APPLY_MKNOD:
        return mknod_put(cli,
                         &(MknodSpec){.factory = document->factory,
                                      .path = document->path,
                                      .config = document->config,
                                      .overwrite = true,
                                      .keep_type = true},
                         out);
    }
    return ERR(INTERNAL, "a document of no kind");
}

static Err *body(void *context, Cli *cli)
{
    Apply *apply = context;
    for (size_t i = 0; i < apply->documents.n; i++) {
        const ApplyDocument *document = &apply->documents.v[i];
        TRY(os_check_interrupt());
        TRY(apply_error(document, apply_one(cli, document, &apply->results[i])));
        fs_forget(provider_fs(cli->provider));
    }
    for (size_t i = 0; i < apply->documents.n; i++) { /* now that all are there */
        const ApplyDocument *document = &apply->documents.v[i];
        if (document->kind != APPLY_MKNOD || apply->results[i] == PUT_UNCHANGED) continue;
        TRY(apply_error(document, provider_check_circle(cli->provider, document->path)));
    }
    return NULL;
}

/* ---- telling ---- */

static void print_json(Cli *cli, const Apply *apply, const TlogCommitted *done, bool dry)
{
    Buf text = buf_new(cli->arena);
    JsonOut json = json_out(&text);
    json_begin_object(&json);
    json_key(&json, "documents");
    json_begin_array(&json);
    for (size_t i = 0; i < apply->documents.n; i++) {
        json_begin_object(&json);
        json_kv_str(&json, "path", apply->documents.v[i].path);
        json_kv_str(&json, "kind", apply_kind_name(apply->documents.v[i].kind));
        json_kv_str(&json, "result", RESULTS[apply->results[i]]);
        json_end(&json);
    }
    json_end(&json);
    json_kv_bool(&json, "dry_run", dry);
    json_kv_int(&json, "txn", done->txn);
    json_kv_int(&json, "log_version", done->log_version);
    json_kv_int(&json, "rows", done->rows);
    json_end(&json);
    out_json(&text);
}

static void print_text(const Apply *apply, const TlogCommitted *done, bool dry)
{
    for (size_t i = 0; i < apply->documents.n; i++) {
        out_printf("%s %s%s\n", RESULTS[apply->results[i]], apply->documents.v[i].path,
                   dry ? " (dry run)" : "");
    }
    if (!dry && done->txn == 0) out_printf("no transaction committed\n");
}

static Err *run(Cli *cli)
{
    Apply apply = {0};
    TlogCommitted done = {.log_version = -1};
    bool dry = cli_flag(cli, "dry-run");
    TRY(read_all(cli, &apply));
    TRY(check_all(cli, &apply));
    apply.results = AARRAY(cli->arena, PutResult, apply.documents.n);
    TRY(dry ? cli_rehearse(cli, body, &apply) : cli_commit(cli, body, &apply, &done));
    if (cli->json)
        print_json(cli, &apply, &done, dry);
    else
        print_text(&apply, &done, dry);
    return NULL;
}

static const Option OPTIONS[] = {
    {"file", 'f', "FILE", "a file of documents, - for standard input; may be given several times"},
    {"dry-run", 0, NULL, "tell what would change, and change nothing"},
};
const Command COMMAND_APPLY = {
    .name = "apply",
    .usage = "apply -f FILE... [--dry-run]",
    .summary = "make a pond have what documents say, in one transaction",
    .examples = "  pond apply -f pond.yaml\n"
                "  pond apply -f base.yaml site.yaml --dry-run\n"
                "  envsubst < pond.yaml | pond apply -f -\n",
    .details =
        "A file holds YAML documents, parted by lines of ---:\n\n"
        "  version: v1\n"
        "  kind: mkdir\n"
        "  metadata: {path: /sensors}\n"
        "  ---\n"
        "  version: v1\n"
        "  kind: copy                     # a file of the host\n"
        "  metadata: {path: /sensors/well.series}\n"
        "  spec: {source: \"host+csv+series:///data/well.csv\"}\n"
        "  ---\n"
        "  version: v1\n"
        "  kind: mknod\n"
        "  metadata: {path: /hourly}\n"
        "  spec:\n"
        "    factory: temporal-reduce\n"
        "    config:                      # stored as written, with comments\n"
        "      in_pattern: /sensors/*.series\n"
        "      ...\n\n"
        "All documents are checked before anything is done. Each is then created, updated or "
        "unchanged; applying\n"
        "again changes nothing. spec of mkdir: parents (missing ones are made too). Of copy: "
        "source; "
        "overwrite (a series\n"
        "holds nothing else afterwards; otherwise a source that it does not have yet is appended).",
    .json = "{\"documents\":[{\"path\",\"kind\",\"result\"}],\"dry_run\",\"txn\",\"log_version\","
            "\"rows\"}: 0, -1, 0 when nothing had to change",
    .options = OPTIONS,
    .option_count = 2,
    .most_args = -1,
    .run = run,
};
