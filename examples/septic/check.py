#!/usr/bin/env python3
"""Works a reduced series out again from the logs: check.py LOGS RES < CSV of that series. Nothing of pond is on this way."""
import csv
import json
import math
import pathlib
import sys
from datetime import datetime, timedelta, timezone

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
UNITS = {'m': 60, 'h': 3600, 'd': 86400}


def read(logs, name, scope):
    """Time (us) -> {column: value or None}; of several values the last one counts, None is none."""
    rows = {}
    paths = sorted(pathlib.Path(logs).glob(name + '.jsonl.*')) + [pathlib.Path(logs, name + '.jsonl')]
    for line in ''.join(path.read_text(encoding='utf-8') for path in paths).split('\n')[:-1]:
        for resource in json.loads(line)['resourceMetrics']:
            for metric in resource['scopeMetrics'][0]['metrics']:
                for point in metric.get('gauge', metric.get('sum', {'dataPoints': []}))['dataPoints']:
                    row = rows.setdefault(int(point['timeUnixNano']) // 1000, {})
                    value = int(point['asInt']) if 'asInt' in point else point.get('asDouble')
                    if point.get('flags', 0) & 1 == 0 and value is not None:
                        row[f'{scope}.{metric["name"]}'] = value
    return rows


def main():
    _, logs, resolution = sys.argv
    joined = {}
    for name, scope in (('pump', 'Pump'), ('tank', 'Tank')):
        for at, cells in read(logs, name, scope).items():
            joined.setdefault(at, {}).update(cells)
    width = int(resolution[:-1]) * UNITS[resolution[-1]] * 10**6
    buckets = {}
    for at, cells in joined.items():
        buckets.setdefault(at // width * width, []).append(cells)
    wanted = [(column, 'avg', lambda v: math.fsum(v) / len(v)) for column in
              ('Pump.pump.current', 'Pump.motor.temperature', 'Tank.tank.level', 'Tank.battery')]
    wanted += [(column, 'max', max) for column in ('Pump.pump.starts', 'Pump.pump.current')]
    want = [['timestamp'] + [f'{column}.{kind}' for column, kind, _ in wanted] + ['timestamp.count']]
    for at in sorted(buckets):
        cells = [[row[column] for row in buckets[at] if column in row] for column, _, _ in wanted]
        time = (EPOCH + timedelta(microseconds=at)).strftime('%Y-%m-%dT%H:%M:%SZ')
        want.append([time] + [work(v) if v else '' for v, (_, _, work) in zip(cells, wanted)] + [len(buckets[at])])
    got = list(csv.reader(sys.stdin))
    if sorted(got[0]) != sorted(want[0]):
        sys.exit(f'columns {got[0]} instead of {want[0]}')
    order = [got[0].index(name) for name in want[0]]
    for number, (a, b) in enumerate(zip(got[1:], want[1:]), 2):
        for x, y in zip([a[i] for i in order], b):
            if x != y and (y == '' or isinstance(y, str) or x == '' or not math.isclose(float(x), y, rel_tol=1e-12)):
                sys.exit(f'{resolution}, line {number}: {x} instead of {y}\n  got  {a}\n  want {b}')
    if len(got) != len(want):
        sys.exit(f'{resolution}: {len(got)} lines, {len(want)} are expected')
    print(f'{resolution}: {len(want) - 1} rows')


if __name__ == '__main__':
    main()
