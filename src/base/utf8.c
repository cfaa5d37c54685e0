/* UTF-8 (RFC 3629): strict decoding, and how many terminal columns a text takes.
 *
 * Widths follow the East Asian Width classes W and F for two columns and the combining blocks for
 * none, as ranges coarse enough to be read; an unassigned or ambiguous character takes one column.
 * The C library's wcwidth would answer by locale, and tests and servers run in the C locale. */
#include "base/text.h"
#include "base/utf8_int.h"
#include <string.h>

size_t utf8_decode(const char *text, size_t size_bytes, uint32_t *out)
{
    const unsigned char *p = (const unsigned char *)text;
    if (p[0] < 0x80) {
        *out = p[0];
        return 1;
    }
    size_t length = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || size_bytes < length) return 0;
    uint32_t point = p[0] & (0xffU >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xc0) != 0x80) return 0;
        point = point << 6 | (p[i] & 0x3fU);
    }
    static const uint32_t LEAST[] = {0, 0, 0x80, 0x800, 0x10000};
    if (point < LEAST[length] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return 0;
    *out = point;
    return length;
}

bool utf8_valid(const char *text, size_t size_bytes)
{
    for (size_t i = 0; i < size_bytes;) {
        uint32_t point;
        size_t length = utf8_decode(text + i, size_bytes - i, &point);
        if (length == 0) return false;
        i += length;
    }
    return true;
}

typedef struct Range {
    uint32_t first, last;
} Range;

static const Range ZERO_WIDTH[] = {
    {0x0000, 0x001f},   {0x007f, 0x009f}, {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd},
    {0x0610, 0x061a},   {0x064b, 0x065f}, {0x06d6, 0x06dc}, {0x0900, 0x0902}, {0x093c, 0x093c},
    {0x0e31, 0x0e31},   {0x0e34, 0x0e3a}, {0x0e47, 0x0e4e}, {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff},
    {0x200b, 0x200f},   {0x202a, 0x202e}, {0x2060, 0x2064}, {0x2066, 0x2069}, {0x20d0, 0x20ff},
    {0x302a, 0x302d},   {0x3099, 0x309a}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xfeff, 0xfeff},
    {0xe0001, 0xe01ef},
};
static const Range TWO_WIDE[] = {
    {0x1100, 0x115f},   {0x231a, 0x231b},   {0x2329, 0x232a},   {0x23e9, 0x23ec},
    {0x25fd, 0x25fe},   {0x2614, 0x2615},   {0x2648, 0x2653},   {0x26a1, 0x26a1},
    {0x26bd, 0x26be},   {0x26c4, 0x26c5},   {0x2705, 0x2705},   {0x270a, 0x270b},
    {0x2728, 0x2728},   {0x274c, 0x274c},   {0x2753, 0x2755},   {0x2795, 0x2797},
    {0x2b1b, 0x2b1c},   {0x2b50, 0x2b50},   {0x2b55, 0x2b55},   {0x2e80, 0x303e},
    {0x3041, 0x33ff},   {0x3400, 0x4dbf},   {0x4e00, 0x9fff},   {0xa000, 0xa4cf},
    {0xa960, 0xa97c},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f},
    {0xff00, 0xff60},   {0xffe0, 0xffe6},   {0x16fe0, 0x18cff}, {0x1b000, 0x1b2ff},
    {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x1fa70, 0x1faff},
    {0x20000, 0x3fffd},
};

static bool in_ranges(uint32_t point, const Range *ranges, size_t count)
{
    for (size_t i = 0; i < count && ranges[i].first <= point; i++) {
        if (point <= ranges[i].last) return true;
    }
    return false;
}

static int point_width(uint32_t point)
{
    if (point >= 0x20 && point < 0x7f) return 1;
    if (in_ranges(point, ZERO_WIDTH, sizeof ZERO_WIDTH / sizeof *ZERO_WIDTH)) return 0;
    return in_ranges(point, TWO_WIDE, sizeof TWO_WIDE / sizeof *TWO_WIDE) ? 2 : 1;
}

int utf8_width(const char *text)
{
    size_t size_bytes = strlen(text);
    int width = 0;
    for (size_t i = 0; i < size_bytes;) {
        uint32_t point;
        size_t length = utf8_decode(text + i, size_bytes - i, &point);
        width +=
            length == 0 ? 1 : point_width(point); /* a terminal shows one sign for a broken byte */
        i += length == 0 ? 1 : length;
    }
    return width;
}
