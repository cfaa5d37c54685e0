/* URLs. Properties: parsing never fails but with INVALID, and says the whole URL first; what is no
 * URL is taken as it stands; a path written with every byte as an escape reads as itself. */
#include "fuzz.h"
#include "provider/provider.h"

static void check_escaped(Arena *arena, const Url *url)
{
    static const char HEX[] = "0123456789abcdef";
    Buf text = buf_new(arena);
    Url again = {0};
    buf_puts(&text, "host:///");
    for (const char *p = url->path + 1; *p != '\0'; p++) {
        buf_putc(&text, '%');
        buf_putc(&text, HEX[(unsigned char)*p >> 4]);
        buf_putc(&text, HEX[(unsigned char)*p & 15]);
    }
    MUST(url_parse(arena, text.data, &again));
    CHECK(strcmp(again.path, url->path) == 0 && again.option_count == 0 && again.host);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
    SCRATCH(arena);
    const char *text = arena_strndup(arena, (const char *)bytes, size_bytes);
    Url url = {0};
    Err *err = url_parse(arena, text, &url);
    if (err != NULL) {
        CHECK(err_code(err) == ERR_INVALID);
        CHECK(text_starts(err_message(err), text));
        err_free(err);
        return 0;
    }
    CHECK(strcmp(url.text, text) == 0);
    if (!url.is_url) {
        CHECK(strcmp(url.path, text) == 0);
        return 0;
    }
    CHECK(url.path[0] == '/');
    for (size_t i = 0; i < url.option_count; i++)
        CHECK(url_option(&url, url.options[i].key) != NULL);
    check_escaped(arena, &url);
    return 0;
}
