/* Sizes and counts as people write and read them. Arithmetic is exact: a decimal number times a
 * unit in 128 bits, so that "1.1GB" is 1100000000 bytes and nothing overflows unseen. */
#include "base/text.h"
#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    int64_t bytes;
} UNITS[] = {
    {"", 1},
    {"B", 1},
    {"kB", 1000},
    {"MB", 1000000},
    {"GB", 1000000000},
    {"TB", 1000000000000},
    {"KiB", INT64_C(1) << 10},
    {"MiB", INT64_C(1) << 20},
    {"GiB", INT64_C(1) << 30},
    {"TiB", INT64_C(1) << 40},
};

static Err *bad_size(const char *text)
{
    return err_hint(
        ERR(INVALID, "%s: not a size", text),
        "write a number with kB, MB, GB, TB (powers of 1000) or KiB, MiB, GiB, TiB, as in 512MB");
}

static const char *digits(const char *p, __int128 *number, __int128 *scale)
{
    for (; *p >= '0' && *p <= '9' && *number < INT64_MAX && *scale < INT64_MAX; p++) {
        *number = *number * 10 + (*p - '0');
        *scale *= 10;
    }
    return p;
}

Err *size_parse(const char *text, int64_t *out_bytes)
{
    __int128 number = 0, scale = 1, ignored = 1;
    const char *p = digits(text, &number, &ignored);
    if (p == text) return bad_size(text);
    if (*p == '.') {
        const char *fraction = p + 1;
        p = digits(fraction, &number, &scale);
        if (p == fraction) return bad_size(text);
    }
    if (*p == ' ' && p[1] != '\0') p++;
    for (size_t i = 0; i < sizeof UNITS / sizeof *UNITS; i++) {
        if (strcasecmp(p, UNITS[i].name) != 0) continue;
        __int128 bytes = number * UNITS[i].bytes / scale;
        if (bytes > INT64_MAX) return ERR(INVALID, "%s: a size beyond 2^63 bytes", text);
        *out_bytes = (int64_t)bytes;
        return NULL;
    }
    return bad_size(text);
}

char *size_format(Arena *arena, int64_t size_bytes)
{
    static const char *const NAMES[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
    const char *sign = size_bytes < 0 ? "-" : "";
    uint64_t size = size_bytes < 0 ? 0 - (uint64_t)size_bytes : (uint64_t)size_bytes;
    if (size < 1000) return arena_printf(arena, "%s%llu B", sign, (unsigned long long)size);
    uint64_t unit = 1000;
    size_t name = 0;
    while (name < 5 && size / unit >= 1000) {
        unit *= 1000;
        name++;
    }
    uint64_t tenths = (size / (unit / 10) + (size % (unit / 10) >= unit / 20 ? 1 : 0));
    if (tenths >= 10000 && name < 5) { /* 999.95 MB is 1.0 GB */
        tenths = 10;
        name++;
    }
    return arena_printf(arena, "%s%llu.%llu %s", sign, (unsigned long long)(tenths / 10),
                        (unsigned long long)(tenths % 10), NAMES[name]);
}

char *count_format(Arena *arena, int64_t count)
{
    char *plain = arena_printf(arena, "%lld", (long long)count);
    size_t sign = count < 0 ? 1 : 0, length = strlen(plain + sign);
    size_t total = sign + length + (length - 1) / 3;
    char *out = arena_alloc(arena, total + 1);
    for (size_t i = 0; i < length; i++) {
        size_t place = length - 1 - i; /* from the right */
        out[total - 1 - place - place / 3] = plain[sign + i];
        if (place > 0 && place % 3 == 0) out[total - 1 - place - place / 3 + 1] = ',';
    }
    if (sign > 0) out[0] = '-';
    return out;
}
