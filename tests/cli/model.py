#!/usr/bin/env python3
"""Random appends, collapses, bounds, replacements and vacuums of series of a pond, read in between, against lists in memory.

  model.py POND_BIN SEED STEPS      in a folder with nothing in it; POND names the pond to be made

Series have columns that come, go and widen (int, float, text). What must be read: all rows of the live versions, by time,
ties by version and row; columns in order of first appearance; within the bounds. Fails with the seed and the steps so far."""
import csv
import io
import json
import random
import subprocess
import sys
from datetime import datetime, timedelta, timezone

EPOCH = datetime(2024, 1, 1, tzinfo=timezone.utc)
COLUMNS = ['level', 'flow', 'note', 'count']


def show(minute):
    return (EPOCH + timedelta(minutes=minute)).strftime('%Y-%m-%dT%H:%M:%SZ')


class Series:
    def __init__(self):
        self.versions = []  # lists of (minute, {column: text})
        self.columns = []   # lists of names, by version
        self.low = self.high = None

    def expected(self):
        names = []
        for columns in self.columns:
            names += [c for c in columns if c not in names]
        rows = [(minute, n, i, row) for n, version in enumerate(self.versions) for i, (minute, row) in enumerate(version)
                if (self.low is None or minute >= self.low) and (self.high is None or minute <= self.high)]
        rows.sort(key=lambda r: r[:3])
        return ['timestamp'] + names, [[show(minute)] + [row.get(c, '') for c in names] for minute, _, _, row in rows]


class Run:
    def __init__(self, pond, seed):
        self.pond, self.random, self.series, self.steps, self.files = pond, random.Random(seed), {}, [], 0

    def call(self, *words):
        done = subprocess.run([self.pond, *words], capture_output=True, text=True)
        if done.returncode != 0:
            raise AssertionError(f'{words}: exit {done.returncode}: {done.stderr}')
        return done.stdout

    def a_version(self):
        r = self.random
        columns = [c for c in COLUMNS if r.random() < 0.7] or ['level']
        start, rows = r.randrange(0, 5000), []
        for i in range(r.randrange(1, 40)):
            minute = start + i * r.choice([1, 1, 1, 0]) if r.random() < 0.95 else r.randrange(0, 5000)
            row = {}
            for c in columns:
                if r.random() < 0.1 and i > 0:
                    continue
                row[c] = {'level': f'{r.randrange(1, 99)}.5', 'flow': f'{r.randrange(1, 99)}.25', 'note': f'n{r.randrange(9)}',
                          'count': str(r.randrange(1000))}[c]
            rows.append((minute, row))
        return columns, rows

    def write(self, columns, rows):
        self.files += 1
        name = f'v{self.files}.csv'
        with open(name, 'w', newline='') as file:
            out = csv.writer(file)
            out.writerow(['timestamp'] + columns)
            for minute, row in rows:
                out.writerow([show(minute)] + [row.get(c, '') for c in columns])
        return f'host+csv+series://{subprocess.os.getcwd()}/{name}'

    def step(self):
        r = self.random
        what = r.choice(['append'] * 6 + ['collapse'] * 3 + ['bounds'] * 2 + ['replace', 'vacuum', 'rename', 'remove'])
        name = r.choice(['/a.series', '/b.series'])
        self.steps.append(f'{what} {name}')
        one = self.series.get(name)
        if what == 'append' or (what == 'replace' and one):
            columns, rows = self.a_version()
            self.call('copy', self.write(columns, rows), name, *(['--overwrite'] if what == 'replace' else []))
            one = self.series.setdefault(name, Series())
            if what == 'replace':
                one.versions, one.columns = [], []
            one.versions.append(rows)
            one.columns.append(columns)
        elif what == 'collapse':
            most = r.randrange(1, 5)
            self.steps[-1] += f' {most}'
            self.call('maintain', '--collapse-versions', str(most), '--quiet')
            for node in json.loads(self.call('list', '--json')):
                if node['versions'] > most:
                    raise AssertionError(f'{node["path"]} keeps {node["versions"]} versions')
        elif what == 'bounds' and one:
            one.low, one.high = sorted(r.sample(range(0, 5000), 2))
            if r.random() < 0.3:
                one.low = None
            elif r.random() < 0.3:
                one.high = None
            flags = [f'--min-time={show(one.low)}'] if one.low is not None else []
            flags += [f'--max-time={show(one.high)}'] if one.high is not None else []
            self.call('set-temporal-bounds', name, '--clear', '--quiet', *flags)
        elif what == 'vacuum':
            self.call('maintain', '--vacuum', '--retain', '0', '--quiet')
        elif what == 'rename' and one and '/c.series' not in self.series:
            self.call('mv', name, '/c.series')
            self.series['/c.series'] = self.series.pop(name)
        elif what == 'remove' and '/c.series' in self.series:
            self.call('rm', '/c.series')
            del self.series['/c.series']

    def check(self):
        for name, one in self.series.items():
            header, rows = one.expected()
            got = list(csv.reader(io.StringIO(self.call('cat', name, '--format', 'csv'))))
            if got[0] != header:
                raise AssertionError(f'{name}: columns {got[0]}, not {header}')
            for i, (ours, want) in enumerate(zip(got[1:], rows)):
                if len(ours) != len(want) or any(a != b and (not a or not b or float(a) != float(b)) for a, b in zip(ours, want)):
                    raise AssertionError(f'{name}: row {i + 1} is {ours}, not {want}')
            if len(got) - 1 != len(rows):
                raise AssertionError(f'{name}: {len(got) - 1} rows, not {len(rows)}')


def main():
    pond, seed, steps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    run = Run(pond, seed)
    run.call('init', '--quiet')
    try:
        for _ in range(steps):
            run.step()
            run.check()
        fsck = json.loads(run.call('fsck', '--json'))
        assert fsck['clean'], fsck
    except (AssertionError, ValueError) as err:
        sys.exit(f'seed {seed}, after {run.steps}: {err}')


main()
