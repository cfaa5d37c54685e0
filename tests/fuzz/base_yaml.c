/* YAML: each document written back parses to the same tree, and the typed readers answer for every
 * node. */
#include "fuzz.h"

static void check_same(const Yaml *a, const Yaml *b)
{
    CHECK(a->kind == b->kind && a->count == b->count);
    CHECK(a->line > 0 && a->column > 0);
    if (a->kind == YAML_SCALAR) {
        CHECK(strcmp(a->text, b->text) == 0);
        CHECK(!a->quoted || b->quoted);
        CHECK(yaml_is_nothing(a) == yaml_is_nothing(b));
    }
    for (size_t i = 0; i < a->count; i++) {
        if (a->kind == YAML_MAP) CHECK(strcmp(a->keys[i]->text, b->keys[i]->text) == 0);
        check_same(a->items[i], b->items[i]);
    }
}

/* A number or a boolean is read as the same from both trees. */
static void check_members(const Yaml *a, const Yaml *b)
{
    for (size_t i = 0; i < a->count; i++) {
        int64_t n = 0, m = 0;
        double x = 0, y = 0;
        const char *text = NULL;
        if (a->kind == YAML_MAP) {
            const char *key = a->keys[i]->text;
            CHECK(yaml_get(a, key) == a->items[i]);
            CHECK(refused(yaml_int(a, key, true, &n)) == refused(yaml_int(b, key, true, &m)) &&
                  n == m);
            CHECK(refused(yaml_double(a, key, true, &x)) == refused(yaml_double(b, key, true, &y)));
            CHECK(x == y);
            (void)refused(yaml_str(a, key, true, &text));
        }
        check_members(a->items[i], b->items[i]);
    }
}

/* Maps taken out of the text are refused, or mean the same. */
static void check_cuts(Arena *arena, const char *text, const Yaml *map)
{
    for (size_t i = 0; map->kind == YAML_MAP && i < map->count; i++) {
        char *cut = NULL;
        Yaml *again = NULL;
        const char *key = map->keys[i]->text;
        if (map->items[i]->kind != YAML_MAP || refused(yaml_cut(arena, text, map, key, &cut)))
            continue;
        MUST(yaml_parse(arena, cut, strlen(cut), &again));
        CHECK(yaml_equal(map->items[i], again));
        check_cuts(arena, text, map->items[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
    SCRATCH(arena);
    Yaml **documents = NULL;
    size_t count = 0;
    const char *whole = arena_strndup(arena, (const char *)bytes, size_bytes);
    if (refused(yaml_parse_all(arena, (const char *)bytes, size_bytes, &documents, &count)))
        return 0;
    for (size_t i = 0; i < count; i++) {
        Yaml *again = NULL;
        const char *text = yaml_write(arena, documents[i]);
        MUST(yaml_parse(arena, text, strlen(text), &again));
        CHECK(again != NULL);
        check_same(documents[i], again);
        check_members(documents[i], again);
        check_cuts(arena, whole, documents[i]);
    }
    return 0;
}
