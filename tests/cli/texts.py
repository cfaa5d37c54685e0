"""Texts and what they hold, by Python's own csv and json modules.

    texts.py make csv|jsonl SEED FILE        a text with quotes, line ends in quotes, empty cells, keys that come and go
    texts.py check csv|jsonl FILE < ROWS     ROWS (pond cat --format jsonl) are those of FILE
"""
import csv
import datetime
import json
import random
import sys

WORDS = ['plain', 'two\nlines', 'a "quoted" word', 'comma, inside', 'µS/cm °C', '', ' spaces ', '007', 'semi;colon', '"', "it's"]


def make_csv(rng, file):
    writer = csv.writer(file, lineterminator='\n')
    writer.writerow(['timestamp', 'n', 'x "q", y', 'words', 'mixed', 'late'])
    for i in range(2000):
        writer.writerow([f'2024-03-{1 + i // 100:02d}T{i % 100 // 10:02d}:{i % 10:02d}:00Z', i - 1000, rng.choice([round(rng.uniform(-9, 9), 3), '']),
                         rng.choice(WORDS), i if i < 1500 else rng.choice(['n/a', i]), '' if i < 1200 else i % 2 == 0])


def make_jsonl(rng, file):
    for i in range(2000):
        record = {'ts': 1_700_000_000_000 + 1000 * i, 'n': rng.choice([i, i + 0.5, None]), 's': rng.choice(WORDS), 'o': {'a': i, 'b': {'c': rng.choice(WORDS)}},
                  'l': rng.choice([[], [1, {'k': None}], ['x']]), 'm': rng.choice([1, 'one', {'z': [1]}, None, True])}
        if i > 1500:
            record[f'new{rng.randrange(3)}'] = rng.random() < 0.5
        if rng.random() < 0.3:
            del record['s'], record['o']['b']
        file.write(json.dumps(record, ensure_ascii=rng.random() < 0.5) + '\n')


def csv_rows(file):
    reader = csv.reader(file)
    names = next(reader)
    for fields in reader:
        row = dict(zip(names, (field if field != '' else None for field in fields)))
        row['n'] = int(row['n'])
        row['x "q", y'] = None if row['x "q", y'] is None else float(row['x "q", y'])
        row['late'] = None if row['late'] is None else row['late'] == 'True'
        yield row


def flatten(value, prefix=''):
    for key, item in value.items():
        if isinstance(item, dict) and prefix + key != 'm':
            yield from flatten(item, prefix + key + '.')
        else:
            yield prefix + key, item


def jsonl_rows(file):
    for line in file:
        row = dict(flatten(json.loads(line)))
        moment = datetime.datetime.fromtimestamp(row['ts'] / 1000, datetime.timezone.utc)
        yield row | {'ts': moment.strftime('%Y-%m-%dT%H:%M:%SZ')}


def same(got, want, is_json):
    if is_json and got is not None:
        return json.loads(got) == want
    return got == want and isinstance(got, bool) == isinstance(want, bool)


def check(form, path):
    wanted = list({'csv': csv_rows, 'jsonl': jsonl_rows}[form](open(path, newline='')))
    got = [json.loads(line) for line in sys.stdin]
    names = list(dict.fromkeys(name for row in wanted for name in row))
    if len(got) != len(wanted):
        sys.exit(f'{len(got)} rows, {len(wanted)} wanted')
    for number, (a, b) in enumerate(zip(got, wanted)):
        if list(a) != names:
            sys.exit(f'columns {list(a)}, not {names}')
        for name in names:
            if not same(a[name], b.get(name), form == 'jsonl' and name in ('l', 'm')):
                sys.exit(f'row {number + 1}, {name}: {a[name]!r}, not {b.get(name)!r}')
    print(len(got), 'rows')


if sys.argv[1] == 'make':
    with open(sys.argv[4], 'w', newline='') as file:
        {'csv': make_csv, 'jsonl': make_jsonl}[sys.argv[2]](random.Random(int(sys.argv[3])), file)
else:
    check(sys.argv[2], sys.argv[3])
