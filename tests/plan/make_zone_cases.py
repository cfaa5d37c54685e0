#!/usr/bin/env python3
"""Writes zone_cases.tsv: what points around changes of clocks reduce to, by Python's zoneinfo.

    python3 tests/plan/make_zone_cases.py > tests/plan/zone_cases.tsv
    python3 tests/plan/make_zone_cases.py --seed 7 --cases 300 --all > /tmp/z.tsv   # other zones, days, grids
    POND_ZONE_CASES=/tmp/z.tsv build/release/plan_test_zones
    python3 tests/plan/make_zone_cases.py --show 17                                 # the rows of one case

Point i of a case lies at start + i * step + i * 7919 % step (seconds) and has the value i * 31 % 997 - 400. A bucket
begins where the wall clock reads origin + k * width, or where it is put forward over such a reading; that is looked up
minute by minute. Columns: zone, width, origin (a local time), start, step, points (all in seconds), buckets, and the
SHA-256 of the lines "start|points|sum|first|last".
"""
import argparse
import bisect
import hashlib
import random
import zoneinfo
from datetime import datetime, timedelta, timezone

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
MINUTE, HOUR, DAY = 60, 3600, 86400
ZONES = [  # half hours, quarters, midnight skipped, a day skipped, two changes in Ramadan, none at all
    "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "America/Havana", "Asia/Beirut",
    "Africa/Casablanca", "Asia/Kathmandu", "America/Sao_Paulo", "America/St_Johns", "Pacific/Chatham", "Asia/Tehran",
    "Antarctica/Troll", "Pacific/Kwajalein", "America/Caracas", "Asia/Pyongyang", "Europe/Lisbon", "Pacific/Kiritimati",
    "Australia/Adelaide", "Asia/Kolkata", "America/Anchorage", "Atlantic/Azores", "Africa/Cairo", "UTC"]
WIDTHS = [15 * MINUTE, HOUR, 2 * HOUR, 12 * HOUR, DAY, 7 * DAY]
YEARS = (1973, 2037)


def second_of(moment):
    return int((moment - EPOCH).total_seconds())


class Clock:
    def __init__(self, name):
        self.zone = zoneinfo.ZoneInfo(name)

    def offset(self, second):
        return int((EPOCH + timedelta(seconds=second)).astimezone(self.zone).utcoffset().total_seconds())

    def changes(self):
        """Days (their first second in UTC) on which the clock is changed."""
        day = second_of(datetime(YEARS[0], 1, 1, tzinfo=timezone.utc))
        end = second_of(datetime(YEARS[1], 1, 1, tzinfo=timezone.utc))
        before, found = self.offset(day), []
        while day < end:
            after = self.offset(day + DAY)
            if after != before:
                found.append(day)
            before, day = after, day + DAY
        return found

    def boundaries(self, first, last, width, origin):
        """Starts of buckets in [first, last], which are whole minutes."""
        found, before = [], self.offset(first - MINUTE)
        for second in range(first, last + MINUTE, MINUTE):
            after = self.offset(second)
            reading = second + before + (-(second + before - origin)) % width  # the next that the old clock would show
            if (second + after - origin) % width == 0 or (before < after and reading < second + after):
                found.append(second)
            before = after
        return found


def rows_of(case):
    name, width, origin, start, step, points = case
    times = [start + i * step + i * 7919 % step for i in range(points)]
    first = start - start % MINUTE - width - 3 * DAY
    starts = Clock(name).boundaries(first, start + points * step + MINUTE * 2, width, origin)
    buckets = {}
    for i, time in enumerate(times):
        begin = starts[bisect.bisect_right(starts, time) - 1]
        buckets.setdefault(begin, []).append(i * 31 % 997 - 400)
    return [f"{(EPOCH + timedelta(seconds=b)).strftime('%Y-%m-%dT%H:%M:%SZ')}|{len(v)}|{sum(v)}|{v[0]}|{v[-1]}"
            for b, v in sorted(buckets.items())]


def case_of(rng, name):
    width = rng.choice(WIDTHS)
    origin = rng.choice([0, 0, rng.randrange(-width // MINUTE, width // MINUTE) * MINUTE,
                         second_of(datetime(2024, 1, 1, 9, 30, tzinfo=timezone.utc)) + rng.randrange(100) * HOUR])
    span = {15 * MINUTE: 2, HOUR: 3, 2 * HOUR: 4, 12 * HOUR: 12, DAY: 20, 7 * DAY: 60}[width] * DAY
    days = Clock(name).changes() or [second_of(datetime(2024, 6, 1, tzinfo=timezone.utc))]
    start = rng.choice(days) - rng.randrange(span)
    step = max(span // rng.randrange(200, 2000), 1)
    return name, width, origin, start, step, span // step


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--seed", type=int, default=20240101)
    args.add_argument("--cases", type=int, default=144)
    args.add_argument("--all", action="store_true", help="any zone, not only those listed")
    args.add_argument("--show", type=int)
    args = args.parse_args()
    rng = random.Random(args.seed)
    zones = sorted(z for z in zoneinfo.available_timezones() if "/" in z) if args.all else ZONES
    for i in range(args.cases):
        case = case_of(rng, rng.choice(zones) if args.all else zones[i % len(zones)])
        if args.show is not None and args.show != i:
            continue
        rows = rows_of(case)
        if args.show is not None:
            print(*case, sep="\t")
            print(*rows, sep="\n")
            continue
        text = "".join(row + "\n" for row in rows)
        print(*case, len(rows), hashlib.sha256(text.encode()).hexdigest(), sep="\t", flush=True)


main()
