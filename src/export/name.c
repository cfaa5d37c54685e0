/* Names in OUT: from captures and pond names, which may hold anything but '/' and NUL, to names
 * that every host file system takes and that readers of Hive layouts understand.
 *
 * The encoding is Hive's own and reversible: a byte becomes %XX when it is a control character or
 * one of  " # % ' * : = ? \ { [ ] ^  (and DEL); all else, spaces and UTF-8 included, stays. One '='
 * stays too: the first one of a component such as res=1h, which makes the key and value that
 * readers expect. It is encoded when readers would take it for something else: an empty key, a key
 * that the path has already, or a part of time (year=...). The names ".", ".." and, at the top,
 * ".pond" lose their dot to %2E. */
#include "export/export_int.h"
#include <string.h>
#include <strings.h>

enum { NAME_BYTES_MAX = 255 };

static void encode_bytes(Buf *out, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x20 || strchr("\"#%'*/:=?\\{[]^\x7f", c) != NULL)
            buf_printf(out, "%%%02X", c);
        else
            buf_putc(out, (char)c);
    }
}

static bool is_time_part(const char *key)
{
    for (int part = 0; part < PART_COUNT; part++)
        if (strcasecmp(key, part_name((ExportPart)part)) == 0) return true;
    return false;
}

/* Keys are told apart as readers do: without case. */
static const char *key_folded(Arena *arena, const char *component, size_t size)
{
    char *key = arena_strndup(arena, component, size);
    for (char *c = key; *c != 0; c++)
        if (*c >= 'A' && *c <= 'Z') *c = (char)(*c + 'a' - 'A');
    return key;
}

void name_encode(Buf *out, const char *component, Map *keys)
{
    const char *equals = strchr(component, '=');
    size_t key_size = equals != NULL ? (size_t)(equals - component) : 0;
    if (key_size > 0) {
        const char *key = key_folded(out->arena, component, key_size);
        if (!is_time_part(key) && map_put(keys, key, keys)) {
            encode_bytes(out, component, key_size);
            buf_putc(out, '=');
            component = equals + 1;
        }
    } else if (strcmp(component, ".") == 0 || strcmp(component, "..") == 0) {
        for (; *component != 0; component++) buf_puts(out, "%2E");
    }
    encode_bytes(out, component, strlen(component));
}

typedef struct PathMaker {
    Arena *arena;
    Buf path;
    Map keys;
    const char *source;
} PathMaker;

static Err *add_component(PathMaker *maker, const char *component)
{
    Buf *path = &maker->path;
    bool top = path->size == 0;
    if (!top) buf_putc(path, '/');
    size_t start = path->size;
    if (top && strcmp(component, ".pond") == 0) {
        buf_puts(path, "%2E");
        component++;
    }
    name_encode(path, component, &maker->keys);
    if (path->size - start <= NAME_BYTES_MAX) return NULL;
    return err_hint(ERR(INVALID,
                        "%s: the name %s is longer than %d bytes when encoded for the host",
                        maker->source, text_printable(maker->arena, component), NAME_BYTES_MAX),
                    "choose a pattern that captures less, or rename the node");
}

/* Components of `text`, none for an empty one. */
static Err *add_path(PathMaker *maker, const char *text)
{
    while (*text != 0) {
        size_t size = strcspn(text, "/");
        if (size > 0) TRY(add_component(maker, arena_strndup(maker->arena, text, size)));
        text += size;
        if (*text == '/') text++;
    }
    return NULL;
}

/* "/a/b.series" → "/a/b"; a leading dot is no extension, and raw data keep theirs: it says what the
 * bytes are. */
static const char *without_extension(Arena *arena, const ExportInput *input)
{
    const char *base = path_base(input->source), *dot = strrchr(base, '.');
    if (input->rel == NULL || dot == NULL || dot == base) return input->source;
    return arena_strndup(arena, input->source, (size_t)(dot - input->source));
}

/* A capture such as that of "*.csv" has left out what raw data keep. */
static void add_extension(PathMaker *maker, const ExportInput *input)
{
    const char *base = path_base(input->source), *dot = strrchr(base, '.');
    if (input->rel != NULL || dot == NULL || dot == base || text_ends(maker->path.data, dot))
        return;
    name_encode(&maker->path, dot, &maker->keys);
}

Err *name_target_path(Arena *arena, const ExportInput *input, char **out)
{
    PathMaker maker = {
        .arena = arena, .path = buf_new(arena), .keys = map_new(arena), .source = input->source};
    for (size_t i = 0; i < input->capture_count; i++) TRY(add_path(&maker, input->captures[i]));
    if (maker.path.size == 0) TRY(add_path(&maker, without_extension(arena, input)));
    add_extension(&maker, input);
    *out = maker.path.data;
    return NULL;
}
