#!/usr/bin/env python3
"""OTLP JSON lines at random, and what their rows are by Python's json alone.

  otel.py make SEED [LINES]    lines of every form the protocol allows
  otel.py rows FILE            the rows as CSV: one a time (microseconds), one column a metric; incomplete last line left out
  otel.py cut FILE SEED PARTS  FILE.0, FILE.1 ...: the bytes in parts, cut anywhere
"""
import csv
import json
import pathlib
import random
import sys
from datetime import datetime, timedelta, timezone

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
NAMES = ['whole', 'fraction', 'mixed', 'silent', 'rare', 'µS/cm "x"', 'Whole']


def number(chance, value):
    """64-bit numbers come as text or as numbers."""
    return str(value) if chance.random() < 0.7 else value


def point(chance, name, at):
    data = {'timeUnixNano': number(chance, at)}
    if chance.random() < 0.3:
        data['startTimeUnixNano'] = str(at - 5)
    if name in ('whole', 'Whole', 'rare') or name == 'mixed' and chance.random() < 0.9:
        data['asInt'] = number(chance, chance.choice([0, -1, 7, 2**53 + 1 if name == 'whole' else 3, chance.randrange(10**6)]))
    elif name != 'silent':
        value = chance.choice([0.5, -1e-9, 1e300, 12.25, chance.uniform(-100, 100), 'NaN', 'Infinity', '-Infinity'])
        data['asDouble'] = value if isinstance(value, str) or chance.random() < 0.9 else repr(value)
    if name == 'silent' or chance.random() < 0.05:
        data['flags'] = 1
    if chance.random() < 0.5:
        data['exemplars'] = [{'asDouble': 1, 'filteredAttributes': [{'key': 'k', 'value': {'stringValue': 'é'}}]}]
    items = list(data.items())
    chance.shuffle(items)
    return dict(items)


def metric(chance, minute):
    name = chance.choice(NAMES[:-2] if minute < 40 else NAMES)
    points = [point(chance, name, 1700000000 * 10**9 + (minute * 60 + chance.randrange(90)) * 10**9 + chance.randrange(3) * 500)
              for _ in range(chance.randrange(4))]
    body = {'dataPoints': points} if chance.random() < 0.9 or points else {}
    kind = chance.choice(['gauge', 'sum'])
    items = [('name', name), ('unit', '1'), (kind, body), ('description', None)]
    chance.shuffle(items)
    return dict(items)


def make(seed, lines):
    chance = random.Random(seed)
    for minute in range(lines):
        metrics = [metric(chance, minute) for _ in range(chance.randrange(5))]
        if chance.random() < 0.1:
            metrics.append({'name': 'spread', 'histogram': {'dataPoints': [{'count': '3'}]}})
        old = chance.random() < 0.2
        scope = {'metrics': metrics, 'instrumentationLibrary' if old else 'scope': {'name': 'reader', 'version': str(minute // 30)}}
        line = {'resourceMetrics': [{'resource': {'attributes': [{'key': 'host', 'value': {'stringValue': 'h'}}]},
                                     'instrumentationLibraryMetrics' if old else 'scopeMetrics': [scope]}]}
        sys.stdout.write(json.dumps(line, ensure_ascii=chance.random() < 0.5, separators=chance.choice([(',', ':'), (', ', ': ')])) + '\n')
        if chance.random() < 0.05:
            sys.stdout.write('\n')


def value_of(data):
    if int(data.get('flags', 0)) & 1:
        return None
    if 'asInt' in data:
        return int(data['asInt'])
    return float(data['asDouble']) if 'asDouble' in data else None


def rows(path):
    text = pathlib.Path(path).read_text(encoding='utf-8')
    columns, table = {}, {}
    for line in text[:text.rfind('\n') + 1].split('\n'):
        for resource in json.loads(line)['resourceMetrics'] if line else []:
            for scope in resource.get('scopeMetrics', resource.get('instrumentationLibraryMetrics')):
                for series in scope['metrics']:
                    for data in series.get('gauge', series.get('sum', {})).get('dataPoints', []):
                        value, name = value_of(data), series['name']
                        columns[name] = columns.get(name, False) or isinstance(value, float)
                        row = table.setdefault(int(data['timeUnixNano']) // 1000, {})
                        if value is not None:
                            row[name] = value
    out = csv.writer(sys.stdout, lineterminator='\n')
    out.writerow(['timestamp', *columns])
    for at in sorted(table):
        time = (EPOCH + timedelta(microseconds=at)).isoformat().replace('+00:00', 'Z')
        out.writerow([time] + [float(table[at][c]) if columns[c] and c in table[at] else table[at].get(c, '') for c in columns])


def cut(path, seed, parts):
    data, chance = pathlib.Path(path).read_bytes(), random.Random(seed)
    cuts = [0] + sorted(chance.randrange(len(data) + 1) for _ in range(parts - 1)) + [len(data)]
    for number_, (begin, end) in enumerate(zip(cuts, cuts[1:])):
        pathlib.Path(f'{path}.{number_}').write_bytes(data[begin:end])


if __name__ == '__main__':
    verb, *args = sys.argv[1:]
    if verb == 'make':
        make(args[0], int(args[1]) if len(args) > 1 else 80)
    elif verb == 'rows':
        rows(args[0])
    else:
        cut(args[0], args[1], int(args[2]))
