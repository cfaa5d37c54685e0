/* pond mknod, pond list-factories. */
#include "cli/commands.h"
#include "cli/put.h"
#include <string.h>

enum { CONFIG_MAX = 1 << 20 };

static Err *in_the_way(const MknodSpec *spec, const Node *node, const char *why)
{
    return err_path(ERR(EXISTS, "%s: exists %s %s", spec->path, why, entry_type_name(node->type)),
                    spec->path);
}

static Err *overwrite(Cli *cli, const MknodSpec *spec, const Found *found, PutResult *out)
{
    Node node = found->node;
    EntryType type = factory_entry_type(spec->factory);
    if (node.derived || node.factory == NULL)
        return in_the_way(spec, &node, "and is not a node that mknod made, but");
    if (!spec->overwrite) {
        return err_hint(err_path(ERR(EXISTS, "%s: exists already", spec->path), spec->path),
                        "use --overwrite to replace its configuration");
    }
    if (node.type != type && spec->keep_type)
        return err_hint(in_the_way(spec, &node, "as"), "%s makes %s: remove it first",
                        spec->factory->name, entry_type_name(type));
    *out = PUT_UNCHANGED;
    if (node.type == type && strcmp(node.factory, spec->factory->name) == 0 &&
        strcmp(node.content, spec->config) == 0)
        return NULL;
    node.type = type;
    node.factory = spec->factory->name;
    node.content = spec->config;
    FsBackend backend = fs_backend(provider_fs(cli->provider));
    *out = PUT_UPDATED;
    TRY(backend.ops->update(backend.self, &node));
    fs_forget(provider_fs(cli->provider));
    return NULL;
}

Err *mknod_put(Cli *cli, const MknodSpec *spec, PutResult *out)
{
    Fs *fs = provider_fs(cli->provider);
    Found found;
    TRY(fs_find(fs, cli->arena, spec->path, (FindOptions){.keep_last = true}, &found));
    if (found.exists) return overwrite(cli, spec, &found, out);
    Node node = {.type = factory_entry_type(spec->factory),
                 .factory = spec->factory->name,
                 .content = spec->config};
    *out = PUT_CREATED;
    return fs_create(fs, cli->arena, spec->path, &node, NULL);
}

static Err *body(void *context, Cli *cli)
{
    const MknodSpec *spec = context;
    PutResult unused;
    TRY(mknod_put(cli, spec, &unused));
    return provider_check_circle(cli->provider, spec->path);
}

/* The position of a configuration error leads to the file it was read from. */
static Err *validate(Cli *cli, const char *file, MknodSpec *mknod)
{
    Provider *provider = NULL;
    Err *err = factory_validate(cli->arena, cli->args[0], mknod->config, &mknod->factory);
    if (err != NULL && err_code(err) == ERR_NOT_FOUND) return err; /* no such factory */
    if (err == NULL) {
        TRY(cli_open_provider(cli, true, &provider));
        err = factory_check(provider, mknod->factory, mknod->path, mknod->config);
    }
    return err_path(ERR_WRAP(err, "%s", file), file);
}

static Err *run_mknod(Cli *cli)
{
    const char *file = cli_option(cli, "config-path");
    MknodSpec mknod = {.path = cli->args[1], .overwrite = cli_flag(cli, "overwrite")};
    char *text = NULL;
    size_t size = 0;
    if (file == NULL)
        return err_hint(ERR(USAGE, "--config-path FILE is missing"), "usage: pond %s",
                        COMMAND_MKNOD.usage);
    TRY(os_read_file_if(cli->arena, file, CONFIG_MAX, &text, &size));
    if (text == NULL) return err_path(ERR(NOT_FOUND, "%s: no such file", file), file);
    if (strlen(text) != size || !utf8_valid(text, size))
        return err_path(ERR(INVALID, "%s: not UTF-8 text", file), file);
    mknod.config = text;
    TRY(validate(cli, file, &mknod));
    return cli_transact(cli, body, &mknod);
}

static const Option MKNOD_OPTIONS[] = {
    {"config-path", 0, "FILE", "the factory's configuration, YAML"},
    {"overwrite", 0, NULL, "replace an existing dynamic node"},
};
const Command COMMAND_MKNOD = {
    .name = "mknod",
    .usage = "mknod FACTORY PATH --config-path FILE [--overwrite]",
    .summary = "define a derived node by a factory and its configuration",
    .examples = "  pond mknod temporal-reduce /reduced --config-path reduce.yaml\n"
                "  pond mknod sql-derived-series /joined --config-path join.yaml --overwrite\n",
    .details = "The configuration is checked first and stored as given. ${env:VAR} and ${var:KEY} "
               "expand at use.",
    .json = COMMITTED_JSON,
    .options = MKNOD_OPTIONS,
    .option_count = 2,
    .least_args = 2,
    .most_args = 2,
    .run = run_mknod,
};

static void factory_json(JsonOut *json, const Factory *factory)
{
    json_begin_object(json);
    json_kv_str(json, "name", factory->name);
    json_kv_str(json, "makes", factory_makes(factory));
    json_kv_str(json, "text", factory->text);
    json_key(json, "keys");
    json_begin_array(json);
    for (size_t i = 0; i < factory->key_count; i++) {
        json_begin_object(json);
        json_kv_str(json, "name", factory->keys[i].name);
        json_kv_str(json, "type", factory->keys[i].type);
        json_kv_bool(json, "required", factory->keys[i].required);
        json_kv_str(json, "text", factory->keys[i].text);
        json_end(json);
    }
    json_end(json);
    json_kv_str(json, "args", factory->args);
    json_kv_str(json, "example", factory->example);
    json_end(json);
}

static void factory_text(const Cli *cli, const Factory *factory)
{
    SCRATCH(scratch);
    const char *makes = factory_makes(factory);
    out_printf("  %s%-22s%s makes %-14s %s\n", paint(cli->color_out, "bold"), factory->name,
               paint(cli->color_out, "reset"),
               arena_printf(scratch, "%s %s:", *makes == 'e' ? "an" : "a", makes), factory->text);
    for (size_t i = 0; cli->verbose && i < factory->key_count; i++) {
        out_printf("      %-14s %-9s %s%s\n", factory->keys[i].name, factory->keys[i].type,
                   factory->keys[i].text, factory->keys[i].required ? " (required)" : "");
    }
    if (cli->verbose && factory->args != NULL)
        out_printf("      pond run NODE %s\n", factory->args);
    if (cli->verbose) out_printf("\n%s\n", factory->example);
}

static Err *run_factories(Cli *cli)
{
    size_t count = 0;
    const Factory *const *all = factory_all(&count);
    if (cli_flag(cli, "names")) {
        for (size_t i = 0; i < count; i++) out_printf("%s\n", all[i]->name);
        return NULL;
    }
    if (!cli->json) {
        out_printf("Available factories%s:\n\n",
                   cli->verbose ? "" : " (--verbose shows keys and examples)");
        for (size_t i = 0; i < count; i++) factory_text(cli, all[i]);
        return NULL;
    }
    Buf text = buf_new(cli->arena);
    JsonOut json = json_out(&text);
    json_begin_array(&json);
    for (size_t i = 0; i < count; i++) factory_json(&json, all[i]);
    json_end(&json);
    out_json(&text);
    return NULL;
}

static const Option FACTORIES_OPTIONS[] = {{"names", 0, NULL, "only the names, one a line"}};
const Command COMMAND_FACTORIES = {
    .name = "list-factories",
    .usage = "list-factories [--names]",
    .summary = "the factories that mknod knows, with keys and examples",
    .examples = "  pond list-factories --verbose\n",
    .json = "[{\"name\",\"makes\",\"text\",\"keys\",\"args\",\"example\"}]",
    .options = FACTORIES_OPTIONS,
    .option_count = 1,
    .run = run_factories,
};
