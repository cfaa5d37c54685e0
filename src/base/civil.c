/* The proleptic Gregorian calendar: days are counted in 400-year eras that begin on 1 March, so
 * that the leap day is the last of its year and months follow one formula. Exact for every TimeUs,
 * also before year 1; instants outside 64 bits of microseconds become the nearest TimeUs. */
#include "base/time.h"

enum { DAYS_PER_ERA = 146097, DAYS_TO_EPOCH = 719468 /* 0000-03-01 to 1970-01-01 */ };

static int64_t floor_div(int64_t a, int64_t b)
{
    int64_t quotient = a / b;
    return a % b < 0 ? quotient - 1 : quotient;
}

static int64_t days_of(int64_t year, int month, int day)
{
    if (month <= 2) year--;
    int64_t era = floor_div(year, 400);
    int64_t year_of_era = year - era * 400;
    int month_from_march = month > 2 ? month - 3 : month + 9;
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - DAYS_TO_EPOCH;
}

static void civil_of_days(int64_t days, Civil *out)
{
    days += DAYS_TO_EPOCH;
    int64_t era = floor_div(days, DAYS_PER_ERA);
    int64_t day_of_era = days - era * DAYS_PER_ERA;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / (DAYS_PER_ERA - 1)) /
        365;
    int day_of_year = (int)(day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100));
    int month_from_march = (5 * day_of_year + 2) / 153;
    out->day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    out->month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    out->year = (int)(year_of_era + era * 400 + (out->month <= 2 ? 1 : 0));
}

Civil civil_of(TimeUs time)
{
    int64_t days = floor_div(time, US_PER_DAY);
    int64_t rest = time - days * US_PER_DAY;
    Civil civil = {.hour = (int)(rest / US_PER_HOUR),
                   .minute = (int)(rest / US_PER_MINUTE % 60),
                   .second = (int)(rest / US_PER_SECOND % 60),
                   .microsecond = (int)(rest % US_PER_SECOND)};
    civil_of_days(days, &civil);
    return civil;
}

TimeUs civil_to_time(Civil civil)
{
    int64_t months = (int64_t)civil.month - 1;
    int64_t year = civil.year + floor_div(months, 12);
    int month = (int)(months - floor_div(months, 12) * 12) + 1;
    __int128 days = (__int128)days_of(year, month, 1) + civil.day - 1;
    __int128 time = days * US_PER_DAY + (__int128)civil.hour * US_PER_HOUR +
                    (__int128)civil.minute * US_PER_MINUTE +
                    (__int128)civil.second * US_PER_SECOND + civil.microsecond;
    if (time > INT64_MAX) return INT64_MAX;
    if (time < INT64_MIN) return INT64_MIN;
    return (TimeUs)time;
}

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int days_in_month(int year, int month)
{
    static const int DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : DAYS[month - 1];
}
