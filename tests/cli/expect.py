#!/usr/bin/env python3
"""What results must be, from CSV files alone: no code of pond, no engine on the way.

  expect.py reduce FILE WIDTH [--origin T] [--zone NAME] [--time COL] [--got CSV] AGG:COLUMN...
  expect.py range FILE START END [--time COL]      rows with START <= time <= END, as they stand
  expect.py months FILE [--time COL]               rows per year and month: "2010,1,743"
  expect.py union FILE FILE...                     all rows in order, columns united by name
  expect.py same A B                               equal CSV, numbers within 1e-9 relative

A bucket starts where the wall clock (of the zone, or UTC) reads ORIGIN + k * WIDTH, or jumps over that reading;
where clocks go back there are two buckets that begin with the same reading."""
import argparse
import bisect
import csv
import io
import math
import re
import sys
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

UNITS = {'ms': 1000, 's': 10**6, 'm': 60 * 10**6, 'h': 3600 * 10**6, 'd': 86400 * 10**6, 'w': 7 * 86400 * 10**6}
EPOCH = datetime(1970, 1, 1)
TIME_NAMES = ['timestamp', 'event_time', 'time', 'ts', 'datetime', 'date']


def micros(naive):
    delta = naive - EPOCH
    return (delta.days * 86400 + delta.seconds) * 10**6 + delta.microseconds


def parse_time(text):
    moment = datetime.fromisoformat(text.replace('Z', '+00:00'))
    if moment.tzinfo:
        moment = moment.astimezone(timezone.utc).replace(tzinfo=None)
    return micros(moment)


def show_time(us):
    text = (EPOCH + timedelta(microseconds=us)).isoformat()
    return (text.rstrip('0') if '.' in text else text) + 'Z'


def width_of(text):
    return sum(int(n) * UNITS[unit] for n, unit in re.findall(r'(\d+)(ms|[smhdw])', text))


def read(path, time=None):
    with open(path, newline='', encoding='utf-8-sig') as file:
        rows = list(csv.reader(file))
    header = rows[0]
    name = time or next(n for n in TIME_NAMES if n in header)
    return header, rows[1:], header.index(name)


def offset_of(us, zone):
    moment = (EPOCH + timedelta(microseconds=us)).replace(tzinfo=timezone.utc).astimezone(zone)
    return int(moment.utcoffset().total_seconds()) * 10**6


def stretches(first, last, zone):
    """[(begin, offset)...] of constant offset; the last one that begins at or before an instant holds it."""
    if not zone:
        return [(first, 0)]
    hour, found = 3600 * 10**6, []
    at = first - 40 * 24 * hour
    found.append((at, offset_of(at, zone)))
    while at < last:
        after = at + hour
        if offset_of(after, zone) != found[-1][1]:
            low, high = at, after
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset_of(middle, zone) == found[-1][1] else (low, middle)
            found.append((high, offset_of(high, zone)))
        at = after
    return found


def bucket_of(us, width, origin, spans):
    """The latest instant <= us at which the clock reads origin + k * width, or jumps over that reading."""
    at = bisect.bisect_right(spans, (us, 10**18)) - 1
    while True:
        begin, offset = spans[at]
        start = origin + (us + offset - origin) // width * width - offset
        if start >= begin or at == 0:
            return start
        before = spans[at - 1][1]
        if start + offset >= begin + before:  # the boundary's reading fell into the gap
            return begin
        us, at = begin - 1, at - 1


def stddev(values):
    if len(values) < 2:
        return None
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1))


AGGREGATES = {
    'avg': lambda v: math.fsum(v) / len(v) if v else None,
    'sum': lambda v: math.fsum(v) if v else None,
    'min': lambda v: min(v) if v else None,
    'max': lambda v: max(v) if v else None,
    'count': len,
    'first': lambda v: v[0] if v else None,
    'last': lambda v: v[-1] if v else None,
    'stddev': stddev,
}


def reduce(args):
    header, rows, time = read(args.file, args.time)
    width, origin = width_of(args.width), parse_time(args.origin) if args.origin else 0
    timed = sorted(((parse_time(r[time]), r) for r in rows), key=lambda pair: pair[0])
    spans = stretches(timed[0][0], timed[-1][0], ZoneInfo(args.zone) if args.zone else None)
    wanted = [a.split(':', 1) for a in args.aggregates]
    buckets = {}
    for us, row in timed:
        buckets.setdefault(bucket_of(us, width, origin, spans), []).append(row)
    out = io.StringIO()
    write = csv.writer(out, lineterminator='\n')
    write.writerow([header[time]] + [f'{c}.{a}' if c != '*' else 'timestamp.count' for a, c in wanted])
    for start in sorted(buckets):
        cells = [show_time(start)]
        for aggregate, column in wanted:
            at = header.index(column) if column != '*' else None
            cells.append(len(buckets[start]) if at is None else
                         AGGREGATES[aggregate]([float(r[at]) for r in buckets[start] if r[at] != '']))
        write.writerow(cells)
    if args.got:
        compare(args.got, list(csv.reader(io.StringIO(out.getvalue()))))
    else:
        sys.stdout.write(out.getvalue())


def in_range(args):
    header, rows, time = read(args.file, args.time)
    start, end = parse_time(args.start), parse_time(args.end)
    out = csv.writer(sys.stdout, lineterminator='\n')
    out.writerow(header)
    for row in rows:
        us = parse_time(row[time])
        if start <= us <= end:
            out.writerow(row[:time] + [show_time(us)] + row[time + 1:])


def months(args):
    _, rows, time = read(args.file, args.time)
    counts = {}
    for row in rows:
        moment = EPOCH + timedelta(microseconds=parse_time(row[time]))
        counts[moment.year, moment.month] = counts.get((moment.year, moment.month), 0) + 1
    for (year, month), count in sorted(counts.items()):
        print(f'{year},{month},{count}')


def union(args):
    header, out_rows = [], []
    for path in args.files:
        names, rows, time = read(path)
        header += [n for n in names if n not in header]
        for row in rows:
            cells = dict(zip(names, row))
            cells[names[time]] = show_time(parse_time(row[time]))
            out_rows.append((parse_time(row[time]), cells))
    out = csv.writer(sys.stdout, lineterminator='\n')
    out.writerow(header)
    for _, cells in sorted(out_rows, key=lambda r: r[0]):
        out.writerow([cells.get(n, '') for n in header])


def cell_equal(a, b):
    if a == b:
        return True
    try:
        x, y = float(a), float(b)
    except ValueError:
        return False
    return math.isclose(x, y, rel_tol=1e-9, abs_tol=1e-12) or (math.isnan(x) and math.isnan(y))


def compare(name, right):
    with open(name, newline='', encoding='utf-8') as file:
        left = list(csv.reader(file))
    for number, (x, y) in enumerate(zip(left, right), 1):
        if len(x) != len(y) or not all(map(cell_equal, x, y)):
            sys.exit(f'{name}, line {number}:\n  got  {x}\n  want {y}')
    if len(left) != len(right):
        sys.exit(f'{name}: {len(left)} lines, {len(right)} are expected')
    if len(left) < 2:
        sys.exit(f'{name}: no rows, which proves nothing')


def same(args):
    with open(args.b, newline='', encoding='utf-8') as file:
        compare(args.a, list(csv.reader(file)))


def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser('reduce')
    command.add_argument('file')
    command.add_argument('width')
    command.add_argument('aggregates', nargs='+')
    command.add_argument('--origin')
    command.add_argument('--zone')
    command.add_argument('--got', help='compare with this CSV instead of printing')
    command.add_argument('--time')
    command.set_defaults(run=reduce)
    command = commands.add_parser('range')
    for name in ('file', 'start', 'end'):
        command.add_argument(name)
    command.add_argument('--time')
    command.set_defaults(run=in_range)
    command = commands.add_parser('months')
    command.add_argument('file')
    command.add_argument('--time')
    command.set_defaults(run=months)
    command = commands.add_parser('union')
    command.add_argument('files', nargs='+')
    command.set_defaults(run=union)
    command = commands.add_parser('same')
    command.add_argument('a')
    command.add_argument('b')
    command.set_defaults(run=same)
    args = parser.parse_args()
    args.run(args)


if __name__ == '__main__':
    main()
