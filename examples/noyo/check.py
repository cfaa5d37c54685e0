#!/usr/bin/env python3
"""Works the whole pipeline out again from the CSV batches: check.py DATA NAME RES < CSV of that series

NAME is a site or a parameter. Nothing of pond is on this way: rows are joined, pivoted and reduced here, by the hour."""
import csv
import math
import pathlib
import sys
from datetime import datetime, timedelta, timezone

BOXES = {'BDock': ['BDockVulink'], 'Princess': ['PrincessVulink'], 'Silver': ['SilverVulink1', 'SilverVulink2']}
PARAMETERS = {'DO': 'DO.mg/L', 'Salinity': 'Salinity.psu', 'Temperature': 'Temperature.C'}
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def read(data, device):
    """Hour (seconds) -> {column: number}; what is before 2024 is a mistake of the clock."""
    rows = {}
    for path in sorted(pathlib.Path(data, device).glob('*.csv')):
        with open(path, newline='', encoding='utf-8') as file:
            for row in csv.DictReader(file):
                at = int((datetime.fromisoformat(row.pop('timestamp').replace('Z', '+00:00')) - EPOCH).total_seconds())
                if at >= 1704067200:
                    assert at not in rows
                    rows[at] = {name: float(cell) for name, cell in row.items() if cell != ''}
    return rows


def site(data, name):
    joined = {}
    for scope, devices in (('Vulink', BOXES[name]), ('AT500_Surface', [name + 'AT500'])):
        for device in devices:
            for at, cells in read(data, device).items():
                joined.setdefault(at, {}).update({f'{scope}.{column}': cell for column, cell in cells.items()})
    return joined


def parameter(data, name):
    column, joined = 'AT500_Surface.' + PARAMETERS[name], {}
    for place in BOXES:
        for at, cells in site(data, place).items():
            joined.setdefault(at, {}).update({f'{place}.{column}': cells[column]} if column in cells else {})
    return joined


def reduce(rows, columns, width):
    """Header and one row a bucket; sums are rounded once."""
    kinds = {'avg': lambda v: math.fsum(v) / len(v), 'min': min, 'max': max}
    buckets = {}
    for at, cells in rows.items():
        buckets.setdefault(at // width * width, []).append(cells)
    yield ['timestamp'] + [f'{column}.{kind}' for kind in kinds for column in columns]
    for at in sorted(buckets):
        out = [(EPOCH + timedelta(seconds=at)).strftime('%Y-%m-%dT%H:%M:%SZ')]
        for kind in kinds.values():
            for column in columns:
                values = [cells[column] for cells in buckets[at] if column in cells]
                out.append(kind(values) if values else '')
        yield out


def expected(data, name, resolution):
    if name in BOXES:
        columns = ['Vulink.Temperature.C', 'AT500_Surface.Temperature.C', 'AT500_Surface.DO.mg/L', 'AT500_Surface.Salinity.psu']
        rows = site(data, name)
    else:
        columns = [f'{place}.AT500_Surface.{PARAMETERS[name]}' for place in BOXES]
        rows = parameter(data, name)
    return list(reduce(rows, columns, int(resolution.rstrip('h')) * 3600))


def equal(got, want):
    if got == want or want == '':
        return got == want
    return isinstance(want, float) and got != '' and math.isclose(float(got), want, rel_tol=1e-12)


def main():
    _, data, name, resolution = sys.argv
    want, got = expected(data, name, resolution), list(csv.reader(sys.stdin))
    for number, (a, b) in enumerate(zip(got, want), 1):
        if len(a) != len(b) or not all(map(equal, a, b)):
            sys.exit(f'{name} {resolution}, line {number}:\n  got  {a}\n  want {b}')
    if len(got) != len(want):
        sys.exit(f'{name} {resolution}: {len(got)} lines, {len(want)} are expected')
    print(f'{name} {resolution}: {len(want) - 1} rows')


if __name__ == '__main__':
    main()
