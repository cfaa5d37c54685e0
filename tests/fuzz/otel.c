/* OTLP JSON lines: any bytes are taken or refused with a place, and read in two parts at any
 * newline they give the same columns, the second knowing the first only by its stored state. */
#include "provider/otel.h"
#include "fuzz.h"

static Err *read_part(Otel *otel, int64_t line, const char *text, size_t size)
{
    otel_begin(otel, line);
    return otel_add(otel, text, size);
}

static char *state_of(Arena *arena, const Otel *otel)
{
    Buf text = buf_new(arena);
    JsonOut json = json_out(&text);
    otel_state_put(otel, &json);
    return text.data;
}

static Otel *otel_of(Arena *arena)
{
    static UrlOption options[] = {{"attribute", "a"}, {"ignore", "b"}};
    static const Url url = {.text = "x", .options = options, .option_count = 2};
    Otel *otel = NULL;
    MUST(otel_new(arena, &url, &otel));
    return otel;
}

/* The newline in the middle, else the end. */
static size_t cut_at(const char *text, size_t size)
{
    const char *newline = memchr(text + size / 2, '\n', size - size / 2);
    return newline != NULL ? (size_t)(newline - text) + 1 : size;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
    SCRATCH(arena);
    char *text = arena_strndup(arena, (const char *)bytes, size_bytes);
    size_t cut = cut_at(text, size_bytes);
    Otel *whole = otel_of(arena), *first = otel_of(arena), *second = otel_of(arena);
    const Json *state = NULL;
    Err *err = read_part(whole, 1, text, size_bytes);
    Err *in_first = read_part(first, 1, text, cut);
    if (err == NULL) MUST(in_first);
    if (in_first == NULL) {
        const char *stored = state_of(arena, first);
        MUST(json_parse(arena, stored, strlen(stored), &state));
        MUST(otel_state_get(second, state));
        Err *in_second = read_part(second, otel_line(first), text + cut, size_bytes - cut);
        CHECK((in_second == NULL) == (err == NULL));
        if (err == NULL) CHECK(strcmp(state_of(arena, whole), state_of(arena, second)) == 0);
        if (err != NULL) CHECK(strcmp(err_message(err), err_message(in_second)) == 0);
        err_free(in_second);
    }
    err_free(in_first);
    (void)refused(err);
    otel_end(whole);
    otel_end(first);
    otel_end(second);
    return 0;
}
