"""What each toggle is held to: off, the same bytes and more work.

    toggles.py POND [TOGGLE...]     "all" is all of them at once

A mix of commands runs on a pond in which every optimisation has something to do; once as it is and once with each
toggle off, each time on a fresh copy. What the commands print and export must be the same to the byte, and the
counter that the toggle names (`pond bench toggles --list --json`) must be larger than with all on; where it names
time, no count of an operation may differ. The last line is "N toggles: M by counters, T by time alone".
"""
import collections
import concurrent.futures
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

DAY = 86400
AREAS = {'log': {'log_merge', 'checkpoint', 'catalog_index', 'all'},
         'text': {'format_cache', 'format_growth', 'persistent_cache', 'schema_cache', 'workers', 'all'}}
UNSTEADY = {'engine_connect', 'engine_profile'}  # one a worker that finds work; of statements that take long
START = 1704067200  # 2024-01-01

NODES = {
    # readers of one join, so that it and its columns are shared
    'join': ('timeseries-join', 'time_column: timestamp\ninputs: [{pattern: /s/a, scope: A}, {pattern: /s/b, scope: B}]\n'),
    'one': ('timeseries-pivot', 'pattern: /join\ntime_column: timestamp\ncolumns: [A.v]\n'),
    'two': ('timeseries-pivot', 'pattern: /join\ntime_column: timestamp\ncolumns: [B.w]\n'),
    'sql': ('sql-derived-series', 'patterns: {a: /s/*}\nquery: SELECT timestamp, v * 2 AS v FROM a WHERE v >= 0\n'),
    'text': ('sql-derived-series', 'patterns: {t: "csv:///t"}\nquery: SELECT timestamp, v + 1 AS v FROM t\n'),
    'reduce': ('temporal-reduce', 'in_pattern: "/{join,one,two}"\nout_pattern: $0\nresolutions: [1h, 1d]\n'
                                  'aggregations: [{type: avg}, {type: count}]\n'),
}


class Mix:
    def __init__(self, pond, folder, toggles):
        self.pond, self.dir = pond, folder
        self.env = {k: v for k, v in os.environ.items() if not k.startswith('POND')} | {
            'POND': str(folder / 'p'), 'HOME': str(folder), 'TMPDIR': str(folder), 'XDG_CACHE_HOME': str(folder / 'xdg'), 'TZ': 'UTC'}
        if toggles:
            self.env['POND_TOGGLES'] = toggles
        self.counters, self.outputs = collections.Counter(), []

    def run(self, *words, keep=True):
        done = subprocess.run([self.pond, '--threads', '2', '--stats', '--json', *words], cwd=self.dir, env=self.env, capture_output=True)
        assert done.returncode == 0, f'pond {" ".join(words)}: {done.returncode}: {done.stderr.decode()[:600]}'
        stats = json.loads(done.stderr.decode().splitlines()[-1])['stats']
        for op in stats['ops']:
            self.counters[op['name']] += op['count']
        for io in stats['io']:
            self.counters[f"{io['class']}.{io['op']}"] += io['calls']
            self.counters[f"{io['class']}.{io['op']}.bytes"] += io.get('bytes', 0)
        if keep:
            self.outputs.append((' '.join(words), hashlib.sha256(done.stdout).hexdigest()))

    def csv(self, name, first, rows, step, columns='v'):
        names = columns.split(',')
        lines = ['timestamp,' + columns]
        for row in range(rows):
            at = first + row * step
            lines.append(','.join([str(START + at)] + [str((at // 7 + 31 * i) % 1000 / 8) for i in range(len(names))]))
        (self.dir / name).write_text('\n'.join(lines) + '\n')
        return f'host+csv+series://{self.dir}/{name}?unit=s'

    def make(self):
        self.run('init')
        self.run('mkdir', '-p', '/s', '/deep/x/y')
        for name in 'ab':
            for version in range(4):  # the last one is late: it overlaps the one before
                day = version * 20 if version < 3 else 55
                self.run('copy', self.csv('v.csv', day * DAY, 1000, 1728, 'v,w,x,y'), f'/s/{name}')
        self.run('copy', self.csv('v.csv', 0, 200000, 60), '/large')
        self.append_text(0)
        for name, (factory, config) in NODES.items():
            (self.dir / 'node.yaml').write_text(config)
            self.run('mknod', factory, f'/{name}', '--config-path', 'node.yaml')

    def append_text(self, first):
        self.csv('t.csv', first, 500, 60)
        if first > 0:
            (self.dir / 't.csv').write_text((self.dir / 't.csv').read_text().split('\n', 1)[1])
        self.run('copy', f'host+data:series://{self.dir}/t.csv', '/t', keep=False)

    def read(self):
        day = ('--format', 'csv', '--time-start', '2024-01-03', '--time-end', '2024-01-04')
        self.run('list', '/**', '-a')
        for node in '/sql', '/large':
            self.run('cat', node, *day)
        self.run('cat', '/join', '--sql', 'SELECT count("A.v") AS n FROM source')

    def export(self):
        out = self.dir / 'out'
        for _ in range(2):
            self.run('export', '-p', '/reduce/**/*.series', '/sql', '-d', 'out', '--temporal', 'year,month', keep=False)
        self.run('export', '-p', '/large', '-d', 'out', '--temporal', 'year,month,day', '--end-time', '2024-01-08', keep=False)
        for path in sorted(p for p in out.rglob('*') if p.is_file() and '.pond' not in p.parts):
            self.outputs.append((str(path.relative_to(out)), hashlib.sha256(path.read_bytes()).hexdigest()))

    def log(self):
        for number in range(11):
            self.run('mkdir', f'/d{number}', keep=False)
        shutil.rmtree(self.dir / 'p/cache')
        self.run('list', '/d*', '--quiet', keep=False)
        self.outputs.append(('fsck', fingerprint(self)))

    def text(self):
        for first in 0, 500 * 60:
            if first > 0:
                self.append_text(first)
            for _ in range(2):
                self.run('cat', '/text', '--format', 'csv')


def fingerprint(mix):
    done = subprocess.run([mix.pond, 'fsck', '--json'], env=mix.env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)['root']


def measure(pond, template, toggle):
    areas = ['read', 'export'] + [area for area, toggles in AREAS.items() if toggle in toggles]
    result = {}
    with tempfile.TemporaryDirectory(prefix='pond-toggles-') as folder:
        for area in areas if toggle else ['read', 'export', *AREAS]:
            here = pathlib.Path(folder) / 'x'  # the same place each time: paths stand in outputs
            shutil.copytree(template, here)
            mix = Mix(pond, here, f'{toggle}=off' if toggle else None)
            try:
                getattr(mix, area)()
            except AssertionError as error:
                raise AssertionError(f'{toggle}: {error}') from None
            result[area] = mix.counters, mix.outputs
            shutil.rmtree(here)
    return result


def judge(info, plain, off):
    """What is wrong with one toggle, or None."""
    for area, (_, outputs) in off.items():
        for want, got in zip(plain[area][1], outputs, strict=True):
            if want != got:
                return f'{area}: {want[0]} gives other bytes'
    if info is None:
        return None
    before, after = (sum((side[area][0] for area in off), collections.Counter()) for side in (plain, off))
    shows = info['shows']
    if shows == 'time':
        differ = [n for n in before.keys() | after.keys() if '.' not in n and not n.startswith('os_') and n not in UNSTEADY and before[n] != after[n]]
        return f'names time, but changes {differ}' if differ else None
    return None if after[shows] > before[shows] else f'{shows} does not grow: {before[shows]} and {after[shows]}'


def main():
    pond, wanted = os.path.abspath(sys.argv[1]), sys.argv[2:]
    listed = json.loads(subprocess.run([pond, 'bench', 'toggles', '--list', '--json'], check=True, capture_output=True).stdout)
    infos = {info['name']: info for info in listed} | {'all': None}
    names = wanted or list(infos)
    with tempfile.TemporaryDirectory(prefix='pond-toggles-') as folder, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        template = pathlib.Path(folder) / 't'
        template.mkdir()
        Mix(pond, template, None).make()
        plain = measure(pond, template, None)
        wrong = list(filter(None, (f'{name}: {what}' if (what := judge(infos[name], plain, off)) else None
                                   for name, off in zip(names, pool.map(lambda name: measure(pond, template, name), names)))))
    if wrong:
        sys.exit('\n'.join(wrong))
    names = [name for name in names if name != 'all']
    by_time = sum(infos[name]['shows'] == 'time' for name in names)
    print(f'{len(names)} toggles: {len(names) - by_time} by counters, {by_time} by time alone')


if __name__ == '__main__':
    main()
