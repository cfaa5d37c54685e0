#!/usr/bin/env python3
"""Writes grid_cases.tsv: starts of buckets in zones, found by looking at the clock minute by minute.

    python3 tests/plan/make_grid_cases.py > tests/plan/grid_cases.tsv

A boundary is an instant at which the wall clock reads origin + k * width, or at which it is put forward over
such a reading. Columns: zone, width, origin (a local time), time, start of its bucket, start of the next; all
in microseconds.
"""
import random
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
MINUTE = 60


def offset(zone, second):
    return int((EPOCH + timedelta(seconds=second)).astimezone(zone).utcoffset().total_seconds())


def is_boundary(zone, second, width, origin):
    after = offset(zone, second)
    if (second + after - origin) % width == 0:
        return True
    before = offset(zone, second - MINUTE)
    first = second + before + (-(second + before - origin)) % width  # first reading at or behind the gap's begin
    return before < after and first < second + after


def bucket(zone, second, width, origin):
    start = second - second % MINUTE
    while not is_boundary(zone, start, width, origin):
        start -= MINUTE
    end = start + MINUTE
    while not is_boundary(zone, end, width, origin):
        end += MINUTE
    return start, end


DAYS = [  # a zone, and days on which its clocks were changed
    ("Europe/Berlin", ["2024-03-31", "2024-10-27", "1980-04-06"]),
    ("America/New_York", ["2024-03-10", "2024-11-03", "1969-10-26"]),
    ("Australia/Lord_Howe", ["2024-04-06", "2024-10-05"]),
    ("Asia/Kathmandu", ["2024-05-05", "1985-12-31"]),
    ("America/Sao_Paulo", ["2018-11-04", "2018-02-17"]),
    ("America/Havana", ["2024-03-10", "2024-11-03"]),
    ("Asia/Beirut", ["2024-03-30", "2024-10-26"]),
    ("Pacific/Apia", ["2011-12-30", "2011-12-29"]),
    ("Africa/Casablanca", ["2024-03-10", "2024-04-14"]),
    ("UTC", ["1969-12-31", "2024-02-29"]),
]
HOUR, DAY = 3600, 86400
GRIDS = [(900, 0), (HOUR, 0), (2 * HOUR, HOUR), (6 * HOUR, 0), (12 * HOUR, -3 * HOUR), (DAY, 0),
         (DAY, 9 * HOUR + 1800), (7 * DAY, 0), (7 * DAY, 4 * DAY)]

random.seed(20240101)
for name, days in DAYS:
    zone = ZoneInfo(name)
    for day in days:
        noon = int((datetime.fromisoformat(day).replace(tzinfo=timezone.utc) - EPOCH).total_seconds()) + DAY // 2
        for width, origin in GRIDS:
            for _ in range(4):
                second = noon + random.randrange(-30 * HOUR, 30 * HOUR)
                start, end = bucket(zone, second, width, origin)
                print(name, *(x * 1000000 for x in (width, origin, second, start, end)), sep="\t")
