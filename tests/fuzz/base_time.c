/* Times, durations, sizes and globs from one text: what is taken is in range and survives
 * formatting. */
#include "fuzz.h"

static void check_time(Arena *arena, const char *text)
{
    TimeUs time = 0, begin = 0, end = 0, again = 0;
    bool taken = !refused(time_parse(text, &time));
    CHECK(taken == !refused(time_parse_span(text, &begin, &end)));
    if (!taken) return;
    CHECK(begin == time && end >= begin && end - begin < US_PER_DAY);
    Civil civil = civil_of(time);
    CHECK(civil.year >= 1 && civil.year <= 9999 && civil_to_time(civil) == time);
    MUST(time_parse(time_format(arena, time), &again));
    CHECK(again == time);
    MUST(time_parse(time_format_human(arena, time), &again));
    CHECK(again == time);
}

static void check_numbers(Arena *arena, const char *text)
{
    int64_t duration_us = 0, size_bytes = 0;
    if (!refused(duration_parse(text, &duration_us))) {
        CHECK(duration_us > 0);
        CHECK(duration_format(arena, duration_us)[0] != '-');
    }
    if (!refused(size_parse(text, &size_bytes))) CHECK(size_bytes >= 0);
    CHECK(size_format(arena, size_bytes)[0] != '\0');
}

static void check_text(Arena *arena, const char *text)
{
    const char *printable = text_printable(arena, text);
    CHECK(utf8_valid(printable, strlen(printable)));
    CHECK(strpbrk(printable, "\n\r\t\x1b") == NULL);
    CHECK(utf8_width(text) <= (int)(2 * strlen(text)));
    (void)text_glob(text, text);
    CHECK(text_glob("*", text));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
    SCRATCH(arena);
    const char *text = arena_strndup(arena, (const char *)bytes, size_bytes);
    check_time(arena, text);
    check_numbers(arena, text);
    check_text(arena, text);
    return 0;
}
