"""Every operation in a scenario whose counts are known beforehand.

    ops.py POND [--template DIR] [SCENARIO...]
                  runs them in a scratch folder; the last line is "N scenarios, M operations". DIR keeps the micro pond.

A scenario is a list of commands on a micro pond of three series; the last one is measured (--stats --json). What it
must count stands in ops.tsv: scenario, operation, count (+: some time), why; OPERATION.keys is the number of distinct keys, CACHE.hits and so on what a cache did. Of the scenarios in EXACT
everything stands there: what happens and is not written down is a failure, too. Calls of the file layer depend on the libraries: their operations must equal the sum of the calls by class.
Each operation of src/perf/ops.def is in at least one scenario.
"""
import collections
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
FILE_CALLS = {'os_open': 'open', 'os_read': 'read', 'os_write': 'write', 'os_sync': 'sync'}
CACHE_EVENTS = ('hits', 'misses', 'fetches', 'evictions', 'ghost_hits')
DAY = 86400
SOME = float('inf')

REDUCE = 'in_pattern: /s/*\nout_pattern: $0\nresolutions: [1h]\naggregations: [{type: avg, columns: [v]}]\n'
JOIN = 'time_column: timestamp\ninputs: [{pattern: /s/a, scope: A}, {pattern: /s/b, scope: B}]\n'
SQL = 'patterns: {a: /s/a, b: /s/b}\nquery: SELECT timestamp, a.v AS va, b.v AS vb FROM a JOIN b USING (timestamp)\n'


def rows(path, first_day, days, each=2):
    """A CSV: `each` rows a day, from day `first_day` of 2024; values differ by the name."""
    lines, base = ['timestamp,v'], 1000 * ord(path.name[0])
    for day in range(first_day, first_day + days):
        lines += [f'{1704067200 + day * DAY + i * 600},{base + day * 10 + i}' for i in range(each)]
    path.write_text('\n'.join(lines) + '\n')


class Micro:
    """Three series a, b, c in /s, each of two versions of 2 rows on 1 and 2 January; /join over a and b; /reduce over all."""

    def __init__(self, pond, folder):
        self.pond, self.dir = pond, folder
        self.env = {k: v for k, v in os.environ.items() if not k.startswith('POND')} | {
            'POND': str(folder / 'p'), 'HOME': str(folder), 'TMPDIR': str(folder), 'XDG_CACHE_HOME': str(folder / 'xdg'),
            'POND_TRACE': ','.join(['counts'] + [f'{name}=1' for name in FILE_CALLS if name != 'os_sync'])}

    def run(self, *words, measured=False):
        done = subprocess.run([self.pond, '--threads', '1', *(('--stats', '--json') if measured else ('--quiet',)), *words],
                              cwd=self.dir, env=self.env, capture_output=True, text=True)
        assert done.returncode == 0, f'pond {" ".join(words)}: {done.stderr[:400]}'
        return json.loads(done.stderr.splitlines()[-1])['stats'] if measured else None

    def csv(self, name, first_day, days, each=2):
        rows(self.dir / name, first_day, days, each)
        return f'host+csv+series://{self.dir}/{name}?unit=s'

    def make(self):
        self.run('init')
        self.run('mkdir', '/s')
        for version in range(2):
            for name in 'abc':
                self.run('copy', self.csv(f'{name}{version}.csv', version, 1), f'/s/{name}')
        (self.dir / 'join.yaml').write_text(JOIN)
        (self.dir / 'reduce.yaml').write_text(REDUCE)
        self.run('mknod', 'timeseries-join', '/join', '--config-path', 'join.yaml')
        self.run('mknod', 'temporal-reduce', '/reduce', '--config-path', 'reduce.yaml')

    def with_sql(self):
        """The same join as SQL, in /sql."""
        (self.dir / 'sql.yaml').write_text(SQL)
        self.run('mknod', 'sql-derived-series', '/sql', '--config-path', 'sql.yaml')

    def forget(self):
        """What the caches hold, the index among it, is gone."""
        shutil.rmtree(self.dir / 'p/cache')


EXPORT = ('export', '-p', '/s/*', '/join', '/reduce/**/*.series', '-d', 'out', '--temporal', 'year,month')


def list_all(m):
    return m.run('list', '/**', measured=True)


def a_copy(m):
    return m.run('copy', m.csv('a2.csv', 2, 1), '/s/a', measured=True)


def cold(m):
    m.forget()
    return m.run('list', '/s/*', measured=True)


def behind(m):
    shutil.copytree(m.dir / 'p/cache', m.dir / 'old')
    m.run('mkdir', '/later')
    m.run('mkdir', '/later/still')
    m.forget()
    shutil.move(m.dir / 'old', m.dir / 'p/cache')
    return m.run('list', '/s/*', measured=True)


def compact(m):
    return m.run('maintain', '--compact', measured=True)


def unhinted(m):
    """Nothing tells which checkpoint is the newest: the folder must be listed."""
    m.forget()
    (m.dir / 'p/log/_delta_log/_last_checkpoint').unlink()
    return m.run('list', '/s/*', measured=True)


def checkpointed(m):
    m.run('maintain')
    m.forget()
    return m.run('list', '/s/*', measured=True)


def due(m):
    """Commits until one is followed by a checkpoint."""
    for number in range(40):
        stats = m.run('mkdir', f'/n{number}', measured=True)
        if any(op['name'] == 'checkpoint_write' for op in stats['ops']):
            return stats
    raise AssertionError('no checkpoint in 40 commits')


def export(m):
    return m.run(*EXPORT, measured=True)


def export_again(m):
    m.run(*EXPORT)
    return m.run(*EXPORT, measured=True)


def export_sql(m):
    m.with_sql()
    return m.run('export', '-p', '/sql', '-d', 'out', measured=True)


def export_sql_again(m):
    m.with_sql()
    m.run('export', '-p', '/sql', '-d', 'out')
    return m.run('export', '-p', '/sql', '-d', 'out', measured=True)


def export_less(m):
    m.run(*EXPORT)
    m.run('rm', '/s/c')
    return m.run(*EXPORT, measured=True)


def export_raw(m):
    (m.dir / 'raw.bin').write_text('raw')
    m.run('copy', f'host://{m.dir}/raw.bin', '/raw.bin')
    return m.run('export', '-p', '/raw.bin', '-d', 'out', measured=True)


def export_days(m):
    m.run('copy', m.csv('many.csv', 0, 60, 20), '/many')
    return m.run('export', '-p', '/many', '-d', 'out', '--temporal', 'year,month,day', measured=True)


def cat_blob(m):
    m.forget()
    m.run('list')
    return m.run('cat', '/s/a', '--format', 'csv', measured=True)


def cat_later(m):
    return m.run('cat', '/s/a', '--time-start', '2024-01-02', '--format', 'csv', measured=True)


def cat_planned(m):
    m.env['POND_PLANS'] = 'all'
    return m.run('cat', '/s/a', '--format', 'csv', measured=True)


def export_planned(m):
    m.env['POND_PLANS'] = 'all'
    return export(m)


def cat_late(m):
    """A third version, of 3 rows on the day of the second."""
    m.run('copy', m.csv('late.csv', 1, 1, 3), '/s/a')
    return m.run('cat', '/s/a', '--format', 'csv', measured=True)


def copy_known(m):
    m.forget()
    m.run('list')
    return m.run('copy', m.csv('b2.csv', 1, 1), '/s/b', measured=True)


def cat_text(m):
    rows(m.dir / 'text.csv', 0, 1)
    m.run('copy', f'host://{m.dir}/text.csv', '/text.csv')
    return m.run('cat', 'csv:///text.csv?unit=s', '--format', 'csv', measured=True)


def cat_text_again(m):
    cat_text(m)
    return m.run('cat', 'csv:///text.csv?unit=s', '--format', 'csv', measured=True)


def cat_text_uncached(m):
    rows(m.dir / 'text.csv', 0, 1)
    m.run('copy', f'host://{m.dir}/text.csv', '/text.csv')
    m.env['POND_CACHE'] = 'off'
    return m.run('cat', 'csv:///text.csv?unit=s', '--format', 'csv', measured=True)


def cat_otel(m):
    point = '{"timeUnixNano":"1704067200000000000","asDouble":1.5}'
    (m.dir / 'm.json').write_text('{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m","gauge":{"dataPoints":[%s]}}]}]}]}\n' % point)
    m.run('copy', f'host://{m.dir}/m.json', '/m.json')
    return m.run('cat', 'oteljson:///m.json', '--format', 'csv', measured=True)


def cat_text_damaged(m):
    cat_text(m)
    for kept in (m.dir / 'p/cache/formats').iterdir():
        kept.write_bytes(b'x')
    return m.run('cat', 'csv:///text.csv?unit=s', '--format', 'csv', measured=True)


def cat_text_gone(m):
    """Evicted by somebody else: what is known of the text is still there."""
    cat_text(m)
    shutil.rmtree(m.dir / 'p/cache/formats')
    return m.run('cat', 'csv:///text.csv?unit=s', '--format', 'csv', measured=True)


def cat_text_full(m):
    """The format cache holds more than its 8 GiB: a file with a hole, long unused."""
    (m.dir / 'p/cache/formats').mkdir(parents=True)
    with open(m.dir / 'p/cache/formats/old', 'wb') as old:
        old.truncate(9 << 30)
    os.utime(old.name, (1, 1))
    return cat_text(m)


def copy_parquet(m):
    m.run('export', '-p', '/s/a', '-d', 'out', '--temporal', 'year')
    return m.run('copy', f'host+series://{m.dir}/out/s/a/year=2024/data.parquet', '/parquet', measured=True)


def cat_grown(m):
    """A text that grows; what is appended makes its column another type, so that the first part is written again."""
    rows(m.dir / 'first.csv', 0, 1)
    (m.dir / 'second').write_text('1704240000,1.5\n')
    m.run('copy', f'host+data:series://{m.dir}/first.csv', '/grown.csv')
    m.run('cat', 'csv:///grown.csv?unit=s', '--format', 'csv')
    m.run('copy', f'host:///{m.dir}/second', '/grown.csv')
    return m.run('cat', 'csv:///grown.csv?unit=s', '--format', 'csv', measured=True)


def cat_join(m):
    return m.run('cat', '/join', '--format', 'csv', measured=True)


def cat_sql(m):
    m.with_sql()
    return m.run('cat', '/sql', '--format', 'csv', measured=True)


def cat_sql_again(m):
    m.with_sql()
    m.run('cat', '/sql', '--format', 'csv')
    return m.run('cat', '/sql', '--format', 'csv', measured=True)


def sql(m):
    return m.run('sql', 'SELECT timestamp, v FROM "/s/a"', '--format', 'csv', measured=True)


def sql_filtered(m):
    """v is 97000 and 97001 in the first version, 97010 and 97011 in the second."""
    m.env['POND_PLANS'] = 'all'
    return m.run('sql', 'SELECT timestamp, v FROM "/s/a" WHERE v > 97005', '--format', 'csv', measured=True)


SCENARIOS = [list_all, a_copy, cold, behind, compact, unhinted, checkpointed, due, export, export_again, export_less, export_raw, export_days,
             cat_blob, cat_later, cat_planned, export_planned, cat_late, copy_known, cat_text, cat_text_again, cat_text_uncached, cat_otel, cat_text_damaged, cat_text_gone, cat_text_full,
             cat_grown, copy_parquet, cat_join, cat_sql, cat_sql_again, export_sql, export_sql_again, sql, sql_filtered]
EXACT = [list_all, cold, a_copy, cat_join, export, export_again, sql]


def check(name, stats, expected, failures):
    counted = {op['name']: op['count'] for op in stats['ops']}
    counted |= {f"{op['name']}.keys": op['keys'] for op in stats['ops'] if op.get('keys')}
    counted |= {f"{cache['name']}.{event}": cache[event] for cache in stats['caches'] for event in CACHE_EVENTS if cache.get(event)}
    loads = {f"{cache['name']}.load_us": cache['load_us'] for cache in stats['caches'] if cache.get('load_us')}
    if name in {scenario.__name__ for scenario in EXACT}:
        failures += [f'{name}: {op} is {count}, and not written down' for op, count in counted.items()
                     if count and op not in expected and op not in FILE_CALLS]
    calls = collections.Counter()
    for io in stats['io']:
        calls[io['op']] += io['calls']
    for op, call in FILE_CALLS.items():
        if counted.pop(op, 0) != calls[call]:
            failures.append(f'{name}: {op} differs from the {calls[call]} calls by class')
    for op, count in expected.items():
        if count is SOME:
            failures += [] if loads.get(op) else [f'{name}: {op} is nothing']
        elif counted.get(op, 0) != count:
            failures.append(f'{name}: {op} is {counted.get(op, 0)}, not {count}')
    statements = sum(counted.get(way, 0) for way in ('engine_run', 'engine_prepare', 'engine_copy_plan'))
    if counted.get('engine_statement', 0) != statements:
        failures.append(f'{name}: engine_statement is {counted.get("engine_statement", 0)}; run, prepared and copied: {statements}')
    if counted.get('engine_copy', 0) != counted.get('engine_copy_plan', 0):
        failures.append(f'{name}: engine_copy is not engine_copy_plan')
    if counted.get('engine_fetch', 0) != counted.get('engine_chunk', 0):
        failures.append(f'{name}: engine_fetch is not engine_chunk')
    timed = [op['name'] for op in stats['ops'] if op['unit'] == 'time' and op['timed'] != op['count']]
    if timed:
        failures.append(f'{name}: not timed each time: {timed}')
    return counted


def value_of(stats, measure):
    """`operation`, `operation.member`, `cache.member`, `run.member`; of the members of a list (files.opens ...) the largest."""
    name, _, member = measure.partition('.')
    if name == 'run':
        return stats.get(member, 0)
    if isinstance(stats.get(name), list):
        return max((item[member] for item in stats[name] if member in item), default=0)
    items = [item for item in stats['ops'] + stats['caches'] if item['name'] == name and (member or 'count') in item]
    return items[0][member or 'count'] if items else 0


def check_points(results, failures):
    """Each point that the plan names is above 0 where docs/plan_points.tsv says."""
    for line in (HERE.parent.parent / 'docs/plan_points.tsv').read_text().splitlines():
        part, point, _, shown = line.split('\t')
        for scenario, measures in (clause.split(': ') for clause in shown.split('; ')):
            failures += [f'{part}, {point}: {measure} is nothing in {scenario}' for measure in measures.split(', ')
                         if not value_of(results[scenario], measure)]


def main():
    pond, wanted, kept = str(pathlib.Path(sys.argv[1]).resolve()), sys.argv[2:], None
    if wanted[:1] == ['--template']:
        kept, wanted = pathlib.Path(wanted[1]), wanted[2:]
    expected, seen, failures, results = collections.defaultdict(dict), set(FILE_CALLS), [], {}
    table = (HERE / 'ops.tsv').read_text().splitlines() if (HERE / 'ops.tsv').exists() else []
    for line in table:
        if line and not line.startswith('#'):
            scenario, op, count, _ = line.split('\t')
            expected[scenario][op] = SOME if count == '+' else int(count)
    with tempfile.TemporaryDirectory(prefix='pond-ops-', dir='/dev/shm' if os.access('/dev/shm', os.W_OK) else None) as root:
        template = kept or pathlib.Path(root) / 'template'
        if not template.exists():
            template.mkdir()
            Micro(pond, template).make()
        for scenario in SCENARIOS:
            if wanted and scenario.__name__ not in wanted:
                continue
            box = pathlib.Path(root) / 'box'
            shutil.copytree(template, box)
            stats = scenario(Micro(pond, box))
            shutil.rmtree(box)
            results[scenario.__name__] = stats
            counted = check(scenario.__name__, stats, expected[scenario.__name__], failures)
            if os.environ.get('OPS_SHOW'):
                for op, count in counted.items():
                    print(scenario.__name__, op, count, sep='\t')
            seen |= {op for op, count in expected[scenario.__name__].items() if count > 0} & counted.keys()
    source = HERE.parent.parent / 'src/perf'
    ops = set(re.findall(r'^PERF_OP\((\w+)', (source / 'ops.def').read_text(), re.M))
    caches = re.findall(r'^PERF_CACHE\((\w+)', (source / 'caches.def').read_text(), re.M)
    ops |= {f'{cache}.{event}' for cache in caches for event in CACHE_EVENTS[:3]}
    if not wanted:
        check_points(results, failures)
        failures += [f'expected in no scenario: {op}' for op in sorted(ops - seen)]
    print('\n'.join(failures))
    if failures:
        sys.exit(1)
    print(f'{len(wanted or SCENARIOS)} scenarios, {len(ops)} operations')


main()
