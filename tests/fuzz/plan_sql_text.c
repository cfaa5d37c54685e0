/* The end of a user's SQL: what stays is a prefix, cutting again changes nothing, and what goes
 * says nothing. */
#include "fuzz.h"
#include "plan/plan_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
    SCRATCH(arena);
    char *text = arena_strndup(arena, (const char *)bytes, size_bytes);
    char *once = sql_text_trim(arena, text);
    size_t kept = strlen(once);
    CHECK(kept <= strlen(text) && memcmp(once, text, kept) == 0);
    CHECK(strcmp(sql_text_trim(arena, once), once) == 0);
    CHECK(sql_text_trim(arena, text + kept)[0] == '\0');
    CHECK(kept == 0 || once[kept - 1] != ';' || strpbrk(once, "'\"$*") != NULL);

    int line, column;
    for (size_t i = 0; i <= strlen(text); i++) {
        sql_text_position(text, i, &line, &column);
        CHECK(line >= 1 && column >= 1 && (size_t)(line + column) <= i + 2);
    }
    return 0;
}
