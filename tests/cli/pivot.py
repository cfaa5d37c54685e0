#!/usr/bin/env python3
"""Random series with drifting columns, gaps and repeated times: pivot.py SEED DIR writes DIR/<alias>.<n>.csv (versions of series) and
DIR/want.csv, what a pivot of columns a, b and c must give: one row for each combination of the aliases' rows of a time."""
import csv
import itertools
import pathlib
import random
import sys
from datetime import datetime, timedelta, timezone

seed, out = int(sys.argv[1]), pathlib.Path(sys.argv[2])
random.seed(seed)
EPOCH, COLUMNS = datetime(2024, 1, 1, tzinfo=timezone.utc), ['a', 'b', 'c']
series = {}
for alias in sorted(random.sample(['east', 'north', 'port', 'quay', 'south', 'west'], random.randint(2, 5))):
    rows = series[alias] = []
    has = set()
    for version in range(1, random.randint(2, 4)):
        columns = random.sample(['a', 'b', 'c', 'd'], random.randint(1, 4))
        has.update(columns)
        with open(out / f'{alias}.{version}.csv', 'w', newline='') as file:
            writer = csv.writer(file)
            writer.writerow(['timestamp'] + columns)
            for at in sorted(random.choices(range(40), k=random.randint(1, 25))):
                time = (EPOCH + timedelta(hours=at)).strftime('%Y-%m-%dT%H:%M:%SZ')
                cells = [f'{random.randint(-99, 99)}.5' for _ in columns]
                writer.writerow([time] + cells)
                rows.append((time, version, dict(zip(columns, cells))))
    rows.sort(key=lambda row: row[:2])  # stable: by time, version, place
known = {column for rows in series.values() for _, _, cells in rows for column in cells}
columns = [column for column in COLUMNS if column in known]
(out / 'columns').write_text(', '.join(columns))
with open(out / 'want.csv', 'w', newline='') as file:
    writer = csv.writer(file, lineterminator='\n')
    writer.writerow(['timestamp'] + [f'{alias}.{column}' for alias in series for column in columns])
    for time in sorted({row[0] for rows in series.values() for row in rows}):
        sides = [[cells for at, _, cells in rows if at == time] or [{}] for rows in series.values()]
        for combination in itertools.product(*sides):
            writer.writerow([time] + [cells.get(column, '') for cells in combination for column in columns])
