"""The log of a real pond, read by the Python package deltalake at every version; its exports, read by pyarrow.

Log: at each version the table holds exactly the rows of the newest version whose transaction had happened by then (merges change files, never rows).
Export: rows, time range, order and sha256 of each file are what catalog.json says, and daily means equal those computed here from the CSV.
"""
import csv
import datetime
import hashlib
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile

import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable

POND = os.environ['POND_BIN']
DATA = pathlib.Path('.deps/vega/seattle-weather-hourly-normals.csv').resolve()


def run(pond, *args):
    subprocess.run([POND, '--pond', pond, *args], check=True, stdout=subprocess.DEVNULL)


def make_pond(root):
    pond = f'{root}/pond'
    run(pond, 'init')
    run(pond, 'mkdir', '/weather')
    run(pond, 'copy', f'host+csv+series://{DATA}', '/weather/seattle.series')
    for i in range(25):  # enough for several checkpoints with merges
        run(pond, 'mkdir', f'/d{i}')
        if i % 7 == 3:
            run(pond, 'rm', f'/d{i}')
    run(pond, 'mv', '/d1', '/moved')
    config = f'{root}/reduce.yaml'
    pathlib.Path(config).write_text(
        'in_pattern: "/weather/*.series"\nout_pattern: "$0"\nresolutions: [6h, 1d]\n'
        'aggregations:\n  - {type: avg}\n  - {type: count, columns: ["*"]}\n')
    run(pond, 'mknod', 'temporal-reduce', '/reduced', '--config-path', config)
    return pond


def check_log(pond):
    newest = DeltaTable(f'{pond}/log')
    assert newest.protocol().min_reader_version == 1 and newest.protocol().min_writer_version == 2
    key = [('txn', 'ascending'), ('seq', 'ascending')]
    everything = newest.to_pyarrow_table().sort_by(key)
    for version in range(newest.version() + 1):
        table = DeltaTable(f'{pond}/log', version=version).to_pyarrow_table().sort_by(key)
        txn = pc.max(table['txn']).as_py()
        expected = everything.filter(pc.less_equal(everything['txn'], txn))
        assert table.equals(expected), f'version {version}: {table.num_rows} rows, {expected.num_rows} expected'
    files = len(newest.file_uris())
    print(f'ok log: {newest.version() + 1} versions, {everything.num_rows} rows, {files} files at the end')


def daily_means():
    sums = {}
    with open(DATA, newline='') as file:
        for row in csv.DictReader(file):
            sums.setdefault(row['date'][:10], []).append(float(row['temperature']))
    return {day: (math.fsum(values) / len(values), len(values)) for day, values in sums.items()}


def check_file(out, entry):
    path = out / entry['path']
    data = path.read_bytes()
    assert hashlib.sha256(data).hexdigest() == entry['sha256'], path
    assert len(data) == entry['bytes'], path
    table = pq.ParquetFile(path).read()
    assert table.num_rows == entry['rows'], path
    times = table.column(0).to_pylist()
    assert times == sorted(times), f'{path} is not in time order'
    year, month = (int(part.split('=')[1]) for part in path.parts[-3:-1])
    assert all((t.year, t.month) == (year, month) for t in times), path
    return table


def check_export(pond, root):
    out = pathlib.Path(root) / 'out'
    run(pond, 'export', '-p', '/reduced/*/*.series', '-p', '/weather/*.series', '-d', str(out), '--temporal', 'year,month')
    catalog = json.loads((out / 'catalog.json').read_text())
    means, files, rows = daily_means(), 0, {}
    for target in catalog['targets']:
        for entry in target['files']:
            table = check_file(out, entry)
            files += 1
            rows[target['path']] = rows.get(target['path'], 0) + table.num_rows
            if target['path'].endswith('res=1d'):
                for t, mean, n in zip(*(table[c].to_pylist() for c in ('date', 'temperature.avg', 'timestamp.count'))):
                    expected, count = means.pop(t.astimezone(datetime.timezone.utc).strftime('%Y-%m-%d'))
                    assert n == count and math.isclose(mean, expected, rel_tol=1e-12), (t, mean, expected)
    assert not means, f'days missing: {sorted(means)[:3]}'
    on_disk = {str(p.relative_to(out)) for p in out.rglob('*.parquet') if '.pond' not in p.parts}
    assert on_disk == {f['path'] for t in catalog['targets'] for f in t['files']}
    assert rows['seattle'] == sum(1 for _ in open(DATA)) - 1
    print(f'ok export: {files} files read by pyarrow, {rows}')


with tempfile.TemporaryDirectory() as root:
    pond = make_pond(root)
    check_log(pond)
    run(pond, 'maintain', '--compact')
    check_log(pond)
    check_export(pond, root)
sys.exit(0)
