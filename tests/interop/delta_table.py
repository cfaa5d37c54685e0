"""Opens every version of a table that tests/delta/test_table.c wrote with the Python package deltalake and compares it with arithmetic.

usage: delta_table.py [PROGRAM]   (the built test_table; without it, it is built beside $POND_BIN; needs deltalake and pyarrow)

The schedule of the table stands in test_table.c. Afterwards the log entries below the newest checkpoint are removed from a copy, so that
the checkpoint alone must carry them, and the other implementation writes a checkpoint and an entry of its own."""
import datetime
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import pyarrow
from deltalake import DeltaTable, write_deltalake

APPENDS, MERGE_EVERY, FILE_ROWS = 23, 5, 10
NAME = 'na\'me "q"'
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def versions():
    """(number of appends so far, are all files merged?) of each version."""
    yield 0, False
    for number in range(1, APPENDS + 1):
        yield number, False
        if number % MERGE_EVERY == 0:
            yield number, True


def row(i):
    return {
        'id': i,
        'small': i % 7 - 3,
        'even': i % 2 == 0,
        'x': i / 8.0,
        NAME: f'row {i}' if i % 5 else None,
        'raw': b'r%d' % i,
        'day': datetime.date(1969, 12, 31) + datetime.timedelta(days=i),
        't': EPOCH + datetime.timedelta(microseconds=1700000000000000 + i * 1000001),
    }


def rows(number):
    return [row(i) for i in range(FILE_ROWS, FILE_ROWS * (number + 1))]


def files(number, merged):
    first = 1 if number < MERGE_EVERY else number // MERGE_EVERY * MERGE_EVERY + 1
    if merged:
        return [f'merged-{number}.parquet']
    if number and number % MERGE_EVERY == 0:
        first -= MERGE_EVERY
    before = [f'merged-{first - 1}.parquet'] if first > 1 else []
    return sorted(before + [f'part-{k}.parquet' for k in range(first, number + 1)])


def names(table):
    return sorted(pyarrow.table(table.get_add_actions())['path'].to_pylist())


def content(table, **filters):
    return sorted(table.to_pyarrow_table(**filters).to_pylist(), key=lambda r: r['id'])


def check(condition, what):
    if not condition:
        sys.exit(f'delta_table: {what}')


def check_version(path, version, number, merged):
    table = DeltaTable(path, version=version)
    check(table.version() == version, f'version {version} opens as {table.version()}')
    check(names(table) == files(number, merged), f'version {version}: files {names(table)}')
    check(content(table) == rows(number), f'version {version}: rows differ')
    check(table.transaction_version('pond:interop') == (number or None), f'version {version}: transaction')
    check(table.metadata().id == '0b5a5d2e-6d5c-4b55-9ad0-6c1f3b1f3c11', f'version {version}: table id')
    check(table.metadata().configuration['pond.id'] == 'it\'s "one"', f'version {version}: configuration')
    check((table.protocol().min_reader_version, table.protocol().min_writer_version) == (1, 2), f'version {version}: protocol')


def check_statistics(path):
    table = DeltaTable(path)
    actions = {a['path']: a for a in pyarrow.table(table.get_add_actions(flatten=True)).to_pylist()}
    last = actions[f'part-{APPENDS}.parquet']
    check((last['num_records'], last['min.id'], last['max.id']) == (10, 230, 239), f'statistics {last}')
    check(last[f'null_count.{NAME}'] == 2 and last[f'min.{NAME}'] == 'row 231', f'statistics {last}')
    check(len(content(table, filters=[('id', '>=', 235)])) == 5, 'a filter loses rows')


def check_checkpoint_alone(path):
    """Without the entries that the newest checkpoint stands for."""
    for entry in sorted(pathlib.Path(path, '_delta_log').glob('*.json'))[:25]:
        entry.unlink()
    for version, (number, merged) in enumerate(versions()):
        if version >= 24:
            check_version(path, version, number, merged)


def check_goes_on(path):
    """The other implementation writes a checkpoint and more rows over ours."""
    table = DeltaTable(path)
    table.create_checkpoint()
    one = pyarrow.Table.from_pylist([row(1000)], schema=table.to_pyarrow_table().schema)
    write_deltalake(path, one, mode='append')
    check(content(DeltaTable(path)) == rows(APPENDS) + [row(1000)], 'rows after an append of another writer')


def program():
    if len(sys.argv) > 1:
        return sys.argv[1]
    build = os.path.dirname(os.environ['POND_BIN'])
    run = subprocess.run(['ninja', '-C', build, '--quiet', 'delta_test_table'], capture_output=True, text=True)
    check(run.returncode == 0, f'cannot build test_table:\n{run.stdout}{run.stderr}')
    return os.path.join(build, 'delta_test_table')


def main():
    writer = program()
    with tempfile.TemporaryDirectory() as scratch:
        path = os.path.join(scratch, 'table')
        run = subprocess.run([writer], env={**os.environ, 'POND_INTEROP_DIR': path}, capture_output=True, text=True)
        check(run.returncode == 0, f'{writer} failed:\n{run.stdout}{run.stderr}')
        count = 0
        for version, (number, merged) in enumerate(versions()):
            check_version(path, version, number, merged)
            count += 1
        check(DeltaTable(path).version() == count - 1, 'the newest version')
        check_statistics(path)
        for part in (check_checkpoint_alone, check_goes_on):
            copy = os.path.join(scratch, part.__name__)
            shutil.copytree(path, copy)
            part(copy)
        print(f'ok delta_table: {count} versions')


main()
