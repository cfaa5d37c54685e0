/* What a string or number of the pulling JSON reader says. */
#include "base/json_int.h"
#include "base/json_pull.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool json_text_is(JsonText text, const char *plain)
{
    size_t size = strlen(plain);
    if (!text.has_escapes) return text.size == size && memcmp(text.bytes, plain, size) == 0;
    SCRATCH(scratch);
    size_t decoded_size = 0;
    const char *decoded = json_text_decode(scratch, text, &decoded_size);
    return decoded_size == size && memcmp(decoded, plain, size) == 0;
}

/* ---- strings ---- */

static uint32_t hex4(const char *digits)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        unsigned char c = (unsigned char)digits[i];
        value = value << 4 | (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return value;
}

static char *put_point(char *to, uint32_t point)
{
    if (point < 0x80) {
        *to++ = (char)point;
    } else if (point < 0x800) {
        *to++ = (char)(0xc0 | point >> 6);
        *to++ = (char)(0x80 | (point & 0x3f));
    } else if (point < 0x10000) {
        *to++ = (char)(0xe0 | point >> 12);
        *to++ = (char)(0x80 | (point >> 6 & 0x3f));
        *to++ = (char)(0x80 | (point & 0x3f));
    } else {
        *to++ = (char)(0xf0 | point >> 18);
        *to++ = (char)(0x80 | (point >> 12 & 0x3f));
        *to++ = (char)(0x80 | (point >> 6 & 0x3f));
        *to++ = (char)(0x80 | (point & 0x3f));
    }
    return to;
}

/* The character of \uXXXX at `from`, of two when they are a pair of surrogates. */
static uint32_t unicode_escape(const char **from, const char *end)
{
    uint32_t point = hex4(*from + 2);
    *from += 6;
    if (point < 0xd800 || point > 0xdfff) return point;
    if (point < 0xdc00 && end - *from >= 6 && (*from)[0] == '\\' && (*from)[1] == 'u') {
        uint32_t low = hex4(*from + 2);
        if (low >= 0xdc00 && low <= 0xdfff) {
            *from += 6;
            return 0x10000 + ((point - 0xd800) << 10 | (low - 0xdc00));
        }
    }
    return 0xfffd;
}

static char plain_escape(char c)
{
    switch (c) {
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return c;
    }
}

/* An escape is never shorter than what it stands for. */
char *json_text_decode(Arena *arena, JsonText text, size_t *out_size)
{
    char *decoded = arena_alloc(arena, text.size + 1), *to = decoded;
    const char *from = text.bytes, *end = text.bytes + text.size;
    while (from < end) {
        if (*from != '\\') {
            *to++ = *from++;
        } else if (from[1] == 'u') {
            to = put_point(to, unicode_escape(&from, end));
        } else {
            *to++ = plain_escape(from[1]);
            from += 2;
        }
    }
    *out_size = (size_t)(to - decoded);
    return decoded;
}

/* ---- numbers ---- */

/* digits * 10^exponent, without leading zeros. */
typedef struct Decimal {
    bool negative, is_exact; /* exact: all digits are in `digits` */
    uint64_t digits;
    int64_t exponent;
} Decimal;

static void add_digit(Decimal *decimal, unsigned digit, bool is_fraction)
{
    uint64_t more = 0;
    if (decimal->is_exact && !__builtin_mul_overflow(decimal->digits, 10, &more) &&
        !__builtin_add_overflow(more, digit, &more)) {
        decimal->digits = more;
        decimal->exponent -= is_fraction;
    } else {
        decimal->is_exact = false;
        decimal->exponent += !is_fraction;
    }
}

static int64_t read_exponent(const char *at, const char *end)
{
    const int64_t most = 1000000; /* beyond any double, whatever digits stand in front */
    bool negative = *at == '-';
    int64_t value = 0;
    for (at += *at == '-' || *at == '+'; at < end; at++)
        value = value < most ? value * 10 + (*at - '0') : value;
    return negative ? -value : value;
}

static bool read_decimal(JsonText text, Decimal *out)
{
    bool is_integer = false, is_fraction = false;
    if (text.size == 0 || text.has_escapes ||
        json_number_end(text.bytes, text.size, 0, &is_integer) != text.size)
        return false;
    *out = (Decimal){.negative = text.bytes[0] == '-', .is_exact = true};
    const char *at = text.bytes + out->negative, *end = text.bytes + text.size;
    for (; at < end && *at != 'e' && *at != 'E'; at++) {
        if (*at == '.')
            is_fraction = true;
        else
            add_digit(out, (unsigned)(*at - '0'), is_fraction);
    }
    if (at < end) out->exponent += read_exponent(at + 1, end);
    return true;
}

static bool by_library(JsonText text, double *out)
{
    SCRATCH(scratch);
    *out = strtod(arena_strndup(scratch, text.bytes, text.size), NULL);
    return isfinite(*out);
}

/* Up to 2^53 and 10^22 are doubles, and so one division or multiplication rounds once. */
bool json_text_double(JsonText text, double *out)
{
    static const double POWERS[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    Decimal decimal;
    if (!read_decimal(text, &decimal)) return false;
    if (!decimal.is_exact || decimal.digits > UINT64_C(1) << 53 || decimal.exponent < -22 ||
        decimal.exponent > 22)
        return by_library(text, out);
    double value = (double)decimal.digits;
    value =
        decimal.exponent < 0 ? value / POWERS[-decimal.exponent] : value * POWERS[decimal.exponent];
    *out = decimal.negative ? -value : value;
    return true;
}

bool json_text_whole(JsonText text, bool *out_negative, uint64_t *out_magnitude)
{
    Decimal decimal;
    if (!read_decimal(text, &decimal)) return false;
    while (decimal.is_exact && decimal.digits != 0 && decimal.exponent < 0 &&
           decimal.digits % 10 == 0) {
        decimal.digits /= 10;
        decimal.exponent++;
    }
    if (decimal.digits == 0) decimal.exponent = 0;
    for (; decimal.exponent > 0; decimal.exponent--) {
        if (__builtin_mul_overflow(decimal.digits, 10, &decimal.digits)) return false;
    }
    *out_negative = decimal.negative;
    *out_magnitude = decimal.digits;
    return decimal.is_exact && decimal.exponent == 0;
}
