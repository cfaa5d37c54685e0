/* JSON: what is read, written and read again is the same text; every string is UTF-8. */
#include "fuzz.h"

static void check_strings(const Json *value)
{
    if (value->kind == JSON_STRING) CHECK(utf8_valid(value->string, value->length));
    for (size_t i = 0; i < value->count; i++) {
        if (value->kind == JSON_OBJECT) CHECK(utf8_valid(value->keys[i], strlen(value->keys[i])));
        check_strings(&value->items[i]);
    }
}

static Buf written(Arena *arena, const Json *value)
{
    Buf buf = buf_new(arena);
    JsonOut out = json_out(&buf);
    json_put(&out, value);
    CHECK(out.depth == 0);
    return buf;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
    SCRATCH(arena);
    const Json *once = NULL, *twice = NULL;
    if (refused(json_parse(arena, (const char *)bytes, size_bytes, &once))) return 0;
    check_strings(once);
    Buf first = written(arena, once);
    MUST(json_parse(arena, first.data, first.size, &twice));
    Buf second = written(arena, twice);
    CHECK(first.size == second.size && memcmp(first.data, second.data, first.size) == 0);
    return 0;
}
