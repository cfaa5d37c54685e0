/* TZif: a zone that is taken answers for every instant, and local time leads back to it. */
#include "fuzz.h"

static void check_instant(const Zone *zone, TimeUs time)
{
    int64_t offset_us = zone_offset_us(zone, time);
    CHECK(offset_us >= -26 * US_PER_HOUR && offset_us <= 26 * US_PER_HOUR);
    TimeUs local = time + offset_us, first = zone_from_local(zone, local);
    CHECK(first <= time);
    CHECK(first + zone_offset_us(zone, first) == local);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
    SCRATCH(arena);
    const Zone *zone = NULL;
    if (refused(zone_parse(arena, "fuzz", bytes, size_bytes, &zone))) return 0;
    for (int year = 1; year <= 9999; year += year < 1880 || year > 2060 ? 97 : 1) {
        check_instant(zone,
                      civil_to_time((Civil){.year = year, .month = 1, .day = 1, .second = year}));
        check_instant(zone, civil_to_time((Civil){.year = year, .month = 4, .day = 6, .hour = 15}));
        check_instant(zone,
                      civil_to_time((Civil){.year = year, .month = 10, .day = 27, .hour = 1}));
    }
    TimeUs ends[] = {INT64_MIN, INT64_MIN + US_PER_DAY, INT64_MAX - US_PER_DAY, INT64_MAX};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        (void)zone_offset_us(zone, ends[i]);
        (void)zone_from_local(zone, ends[i]);
    }
    return 0;
}
