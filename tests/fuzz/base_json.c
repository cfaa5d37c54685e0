/* JSON: what is read, written and read again is the same text; every string is UTF-8. The reader
 * without a tree takes the same texts and sees the same values. */
#include "base/json_pull.h"
#include "fuzz.h"
#include <math.h>

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

static void compare(JsonPull *pull, const Json *value);

static void compare_object(JsonPull *pull, const Json *object)
{
    MUST(json_pull_open(pull, '{'));
    for (size_t count = 0;; count++) {
        JsonText key;
        bool more = false;
        MUST(json_pull_member(pull, &key, &more));
        if (!more) {
            CHECK(count >= object->count); /* of equal keys the tree has one */
            return;
        }
        size_t at = 0;
        while (at < object->count && !json_text_is(key, object->keys[at])) at++;
        CHECK(at < object->count);
        MUST(json_pull_skip(pull)); /* perhaps an earlier one of equal keys */
    }
}

static void compare_number(JsonPull *pull, const Json *value)
{
    JsonText text;
    double number = 0;
    bool negative = false;
    uint64_t magnitude = 0;
    MUST(json_pull_number(pull, &text));
    CHECK(json_text_double(text, &number));
    CHECK(number == value->number && signbit(number) == signbit(value->number));
    if (value->kind != JSON_INT) return;
    CHECK(json_text_whole(text, &negative, &magnitude));
    CHECK((int64_t)(negative ? -magnitude : magnitude) == value->integer);
}

static void compare_string(JsonPull *pull, const Json *value)
{
    SCRATCH(scratch);
    JsonText text;
    size_t size = 0;
    MUST(json_pull_string(pull, &text));
    const char *decoded = json_text_decode(scratch, text, &size);
    CHECK(size == value->length && memcmp(decoded, value->string, size) == 0);
}

static void compare(JsonPull *pull, const Json *value)
{
    switch (value->kind) {
    case JSON_OBJECT: compare_object(pull, value); return;
    case JSON_ARRAY:
        MUST(json_pull_open(pull, '['));
        for (size_t i = 0;; i++) {
            bool more = false;
            MUST(json_pull_item(pull, &more));
            CHECK(more == (i < value->count));
            if (!more) return;
            compare(pull, &value->items[i]);
        }
    case JSON_INT:
    case JSON_DOUBLE: compare_number(pull, value); return;
    case JSON_STRING: compare_string(pull, value); return;
    case JSON_NULL:
    case JSON_BOOL: MUST(json_pull_skip(pull)); return;
    }
}

/* The tree's reader refuses more: numbers beyond a double, keys with NUL. */
static bool tree_may_refuse(const char *message)
{
    return strstr(message, "outside") != NULL || strstr(message, "NUL") != NULL;
}

static void check_pull(const char *text, size_t size, bool is_taken, const char *message)
{
    JsonPull pull = json_pull(text, size, 1);
    Err *err = json_pull_skip(&pull);
    if (err == NULL) err = json_pull_end(&pull);
    if (is_taken)
        MUST(err);
    else if (!refused(err))
        CHECK(tree_may_refuse(message));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
    SCRATCH(arena);
    const Json *once = NULL, *twice = NULL;
    const char *text = (const char *)bytes;
    Err *err = json_parse(arena, text, size_bytes, &once);
    check_pull(text, size_bytes, err == NULL, err != NULL ? err_message(err) : "");
    if (refused(err)) return 0;
    JsonPull pull = json_pull(text, size_bytes, 1);
    compare(&pull, once);
    check_strings(once);
    Buf first = written(arena, once);
    MUST(json_parse(arena, first.data, first.size, &twice));
    Buf second = written(arena, twice);
    CHECK(first.size == second.size && memcmp(first.data, second.data, first.size) == 0);
    return 0;
}
