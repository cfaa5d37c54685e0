/* Times by a form of the user's: the letters of strptime that describe a point in time. */
#include "provider/text_int.h"
#include <string.h>
#include <strings.h>

typedef struct Parts {
    const char *p, *end;
    Civil civil;
    int64_t fraction_us, zone_us;
    int day_of_year; /* 0: not given */
    int half;        /* 1: am, 2: pm; 0: not given */
} Parts;

static bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

static bool number(Parts *parts, int most, int low, int high, int *out)
{
    int value = 0, count = 0;
    for (; parts->p < parts->end && count < most && is_digit(*parts->p); parts->p++, count++)
        value = value * 10 + (*parts->p - '0');
    *out = value;
    return count > 0 && value >= low && value <= high;
}

/* One of names, or its first three letters; *out counts from 1. */
static bool name(Parts *parts, const char *const *names, int count, int *out)
{
    size_t left = (size_t)(parts->end - parts->p);
    for (int i = 0; i < count; i++) {
        size_t whole = strlen(names[i]);
        size_t length = left >= whole && strncasecmp(parts->p, names[i], whole) == 0 ? whole : 3;
        if (left < length || strncasecmp(parts->p, names[i], length) != 0) continue;
        parts->p += length;
        *out = i + 1;
        return true;
    }
    return false;
}

static bool fraction(Parts *parts)
{
    int64_t place = US_PER_SECOND / 10;
    const char *begin = parts->p;
    for (; parts->p < parts->end && is_digit(*parts->p); parts->p++, place /= 10)
        parts->fraction_us += (*parts->p - '0') * place;
    return parts->p > begin;
}

static bool zone(Parts *parts)
{
    int hours = 0, minutes = 0;
    if (parts->p == parts->end) return false;
    char sign = *parts->p++;
    if (sign == 'Z') return true;
    if (sign != '+' && sign != '-') return false;
    if (!number(parts, 2, 0, 23, &hours)) return false;
    if (parts->p < parts->end && *parts->p == ':') parts->p++;
    if (parts->p < parts->end && is_digit(*parts->p) && !number(parts, 2, 0, 59, &minutes))
        return false;
    parts->zone_us = (hours * US_PER_HOUR + minutes * US_PER_MINUTE) * (sign == '-' ? -1 : 1);
    return true;
}

static bool two_digit_year(Parts *parts)
{
    if (!number(parts, 2, 0, 99, &parts->civil.year)) return false;
    parts->civil.year += parts->civil.year < 69 ? 2000 : 1900;
    return true;
}

static bool take(Parts *parts, char letter)
{
    static const char *const MONTHS[] = {"January",   "February", "March",    "April",
                                         "May",       "June",     "July",     "August",
                                         "September", "October",  "November", "December"};
    static const char *const DAYS[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                       "Friday", "Saturday", "Sunday"};
    static const char *const HALVES[] = {"am", "pm"};
    Civil *civil = &parts->civil;
    int ignored = 0;
    switch (letter) {
    case 'Y': return number(parts, 4, 1, 9999, &civil->year);
    case 'y': return two_digit_year(parts);
    case 'm': return number(parts, 2, 1, 12, &civil->month);
    case 'd': return number(parts, 2, 1, 31, &civil->day);
    case 'j': return number(parts, 3, 1, 366, &parts->day_of_year);
    case 'H': return number(parts, 2, 0, 23, &civil->hour);
    case 'I': return number(parts, 2, 1, 12, &civil->hour);
    case 'M': return number(parts, 2, 0, 59, &civil->minute);
    case 'S': return number(parts, 2, 0, 59, &civil->second);
    case 'f': return fraction(parts);
    case 'b':
    case 'B': return name(parts, MONTHS, 12, &civil->month);
    case 'a':
    case 'A': return name(parts, DAYS, 7, &ignored);
    case 'p':
        if (parts->end - parts->p < 2) return false;
        for (int i = 0; i < 2; i++)
            if (strncasecmp(parts->p, HALVES[i], 2) == 0) parts->half = i + 1;
        parts->p += 2;
        return parts->half > 0;
    case 'z': return zone(parts);
    case '%': return parts->p < parts->end && *parts->p++ == '%';
    default: return false;
    }
}

const char *value_check_form(const char *form)
{
    for (const char *p = form; *p != '\0'; p++) {
        if (*p != '%') continue;
        p++;
        if (*p == '-') p++; /* "no leading zero": read either way */
        if (*p == '\0' || strchr("YymdjHIMSfbBaApz%", *p) == NULL) return p;
    }
    return NULL;
}

static bool by_letters(const char *form, Parts *parts)
{
    for (const char *f = form; *f != '\0'; f++) {
        if (*f == '%') {
            f++;
            if (*f == '-') f++;
            if (!take(parts, *f)) return false;
        } else if (parts->p == parts->end || *parts->p++ != *f) {
            return false;
        }
    }
    while (parts->p < parts->end && *parts->p == ' ') parts->p++;
    return parts->p == parts->end;
}

bool value_by_form(const char *form, const char *text, size_t size, TimeUs *out)
{
    Parts parts = {.p = text, .end = text + size, .civil = {.year = 1970, .month = 1, .day = 1}};
    while (parts.p < parts.end && *parts.p == ' ') parts.p++;
    if (!by_letters(form, &parts)) return false;
    Civil *civil = &parts.civil;
    if (parts.half > 0) civil->hour = civil->hour % 12 + (parts.half == 2 ? 12 : 0);
    if (civil->day > days_in_month(civil->year, civil->month)) return false;
    if (parts.day_of_year > 0) {
        if (parts.day_of_year == 366 && days_in_month(civil->year, 2) == 28) return false;
        civil->month = 1;
        civil->day = parts.day_of_year; /* overflowing days are normalised */
    }
    *out = civil_to_time(*civil) + parts.fraction_us - parts.zone_us;
    return true;
}
