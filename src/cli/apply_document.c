/* Reading the documents: tables of keys, then one reader a kind. */
#include "cli/apply_document.h"
#include <string.h>

enum { FILE_MAX = 1 << 20 };

static const char *const KINDS[] = {
    [APPLY_MKDIR] = "mkdir", [APPLY_COPY] = "copy", [APPLY_MKNOD] = "mknod"};
enum { KIND_COUNT = sizeof KINDS / sizeof *KINDS };

const char *apply_kind_name(ApplyKind kind)
{
    return KINDS[kind];
}

Err *apply_error(const ApplyDocument *document, Err *err)
{
    if (err == NULL) return NULL;
    err = ERR_WRAP(err, "%s: document %d", document->file, document->number);
    return err_path(err_source(err, document->text), document->file);
}

/* ---- spec ---- */

static Err *read_mkdir(Arena *arena, const Yaml *spec, ApplyDocument *out)
{
    static const char *const KEYS[] = {"parents"};
    (void)arena;
    if (spec == NULL) return NULL;
    TRY(yaml_check_map(spec, "spec of mkdir", KEYS, 1));
    return yaml_bool(spec, "parents", false, &out->parents);
}

static Err *at_node(const Yaml *node, Err *err)
{
    if (err == NULL) return NULL;
    Err *own = yaml_error(node, "%s", err_message(err));
    if (err_hint_text(err) != NULL) own = err_hint(own, "%s", err_hint_text(err));
    err_free(err);
    return own;
}

static Err *read_copy(Arena *arena, const Yaml *spec, ApplyDocument *out)
{
    static const char *const KEYS[] = {"source", "overwrite"};
    Url url;
    char *path = NULL;
    int64_t size = 0;
    TRY(yaml_check_map(spec, "spec of copy", KEYS, 2));
    TRY(yaml_str(spec, "source", true, &out->source));
    TRY(yaml_bool(spec, "overwrite", false, &out->overwrite));
    const Yaml *node = yaml_get(spec, "source");
    TRY(at_node(node, url_parse(arena, out->source, &url)));
    if (url.is_url && !url.host)
        return err_hint(yaml_error(node, "source: %s is in the pond", out->source),
                        "a file of the host is expected: host:///path, host+csv+series:///path");
    if (url.path[0] != '/')
        return err_hint(yaml_error(node, "source: '%s' is not absolute", out->source),
                        "write the whole path: it must not depend on where apply is called");
    return at_node(node, provider_host_file(arena, &url, &path, &size));
}

/* The tree says what is wrong where; what is stored is the text. */
static Err *read_mknod(Arena *arena, const Yaml *spec, ApplyDocument *out)
{
    static const char *const KEYS[] = {"factory", "config"};
    const char *name = NULL;
    const Yaml *config = NULL;
    char *cut = NULL;
    TRY(yaml_check_map(spec, "spec of mknod", KEYS, 2));
    TRY(yaml_str(spec, "factory", true, &name));
    TRY(yaml_map(spec, "config", true, &config));
    Err *err = factory_validate_tree(arena, name, config, &out->factory);
    if (err != NULL && err_code(err) == ERR_NOT_FOUND)
        return at_node(yaml_get(spec, "factory"), err);
    TRY(ERR_WRAP(err, "config of %s", name));
    TRY(yaml_cut(arena, out->text, spec, "config", &cut));
    out->config = cut;
    for (size_t i = 0; i < spec->count; i++) {
        if (spec->items[i] == config) out->config_tree = spec->items[i];
    }
    return NULL;
}

/* ---- documents ---- */

static Err *read_kind(const Yaml *root, ApplyKind *out)
{
    const char *name = NULL;
    TRY(yaml_str(root, "kind", true, &name));
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (strcmp(name, KINDS[i]) != 0) continue;
        *out = (ApplyKind)i;
        return NULL;
    }
    const char *near = text_nearest(name, KINDS, KIND_COUNT);
    Err *err = yaml_error(yaml_get(root, "kind"), "unknown kind '%s'", name);
    return near != NULL ? err_hint(err, "did you mean '%s'?", near)
                        : err_hint(err, "kinds are mkdir, copy and mknod");
}

static Err *read_version(const Yaml *root)
{
    const char *version = NULL;
    TRY(yaml_str(root, "version", true, &version));
    if (strcmp(version, "v1") == 0) return NULL;
    return err_hint(yaml_error(yaml_get(root, "version"), "unknown version '%s'", version),
                    "this build knows version: v1");
}

static Err *read_path(Arena *arena, const Yaml *root, ApplyDocument *out)
{
    static const char *const KEYS[] = {"path"};
    const Yaml *metadata = NULL;
    const char *path = NULL;
    char *normal = NULL;
    TRY(yaml_map(root, "metadata", true, &metadata));
    TRY(yaml_check_map(metadata, "metadata", KEYS, 1));
    TRY(yaml_str(metadata, "path", true, &path));
    const Yaml *node = yaml_get(metadata, "path");
    if (path[0] != '/' || strstr(path, "://") != NULL)
        return yaml_error(node, "path: '%s' is not an absolute path in the pond", path);
    TRY(at_node(node, path_normalize(arena, path, &normal)));
    out->path = normal;
    return NULL;
}

static Err *read_document(Arena *arena, const Yaml *root, ApplyDocument *out)
{
    static const char *const KEYS[] = {"version", "kind", "metadata", "spec"};
    static Err *(*const READERS[])(Arena * arena, const Yaml *spec, ApplyDocument *out) = {
        [APPLY_MKDIR] = read_mkdir, [APPLY_COPY] = read_copy, [APPLY_MKNOD] = read_mknod};
    const Yaml *spec = NULL;
    TRY(yaml_check_map(root, "document", KEYS, sizeof KEYS / sizeof *KEYS));
    TRY(read_version(root));
    TRY(read_kind(root, &out->kind));
    TRY(read_path(arena, root, out));
    TRY(yaml_map(root, "spec", out->kind != APPLY_MKDIR, &spec));
    return READERS[out->kind](arena, spec, out);
}

static Err *read_text(Arena *arena, const char *file, char **out)
{
    size_t size = 0;
    bool standard_input = strcmp(file, "-") == 0;
    TRY(os_read_file_if(arena, standard_input ? "/dev/stdin" : file, FILE_MAX, out, &size));
    if (*out == NULL) return err_path(ERR(NOT_FOUND, "%s: no such file", file), file);
    if (strlen(*out) != size || !utf8_valid(*out, size))
        return err_path(ERR(INVALID, "%s: not UTF-8 text", file), file);
    return NULL;
}

Err *apply_read(Arena *arena, const char *file, ApplyDocument **out, size_t *out_count)
{
    char *text = NULL;
    Yaml **roots = NULL;
    size_t count = 0;
    TRY(read_text(arena, file, &text));
    Err *err = yaml_parse_all(arena, text, strlen(text), &roots, &count);
    TRY(err_path(err_source(ERR_WRAP(err, "%s", file), text), file));
    if (count == 0)
        return err_hint(err_path(ERR(INVALID, "%s: holds no document", file), file),
                        "documents are written {version: v1, kind: mkdir, metadata: {path: /a}}");
    ApplyDocument *documents = AARRAY(arena, ApplyDocument, count);
    for (size_t i = 0; i < count; i++) {
        documents[i] =
            (ApplyDocument){.file = file, .text = text, .number = (int)i + 1, .root = roots[i]};
        TRY(apply_error(&documents[i], read_document(arena, roots[i], &documents[i])));
    }
    *out = documents;
    *out_count = count;
    return NULL;
}
