"""Predictions against what came of them. Ponds of many kinds are made from seeds; in each, exports are told by --dry-run, run, and run
again after new rows came. Printed: how many within 10 % of rows, bytes, files (first exports and repeats apart), how far off the time was,
and the time left when a tenth of the work was done.

    bench/run.sh BUILD predict            (BENCH_PONDS=12 from BENCH_SEED=0 on, BENCH_ROUNDS=3 of exports in each; BENCH_VERBOSE=1: what is off;
                                           BENCH_TRACES=FILE: progress is kept there, as tests/report/traces.tsv)
"""
import json, os, random, shutil, statistics, subprocess, time
from pathlib import Path


def quantile(values, q):
    values = sorted(values)
    return values[min(len(values) - 1, int(q * len(values)))] if values else float('nan')


class Pond:
    def __init__(self, pond, root, seed):
        self.program, self.root, self.random = pond, Path(root) / f'predict-{seed}', random.Random(seed)
        shutil.rmtree(self.root, ignore_errors=True)
        self.root.mkdir(parents=True)
        self.environment = {**os.environ, 'POND': str(self.root / 'pond'), 'TZ': 'UTC'}
        self.run('init')
        self.series, self.patterns = [], []

    def run(self, *args, **options):
        return subprocess.run([self.program, *args], env=self.environment, check=True, capture_output=True, text=True, **options)

    def rows(self, spec, begin, count):
        """CSV lines of a series: its own kinds of columns, its own rhythm, gaps."""
        rng, lines, at = self.random, [], begin
        for _ in range(count):
            cells = []
            for kind in spec['columns']:
                spec['state'] += rng.gauss(0, 0.1)
                cells.append({'walk': lambda: f'{10 + spec["state"]:.2f}', 'noise': lambda: f'{rng.random():.17g}', 'count': lambda: str(rng.randrange(1000)),
                              'flag': lambda: str(rng.randrange(2)), 'text': lambda: rng.choice(('ok', 'low', 'high', 'broken'))}[kind]())
            lines.append(time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(at)) + ',' + ','.join(cells))
            at += spec['step'] if not spec['jitter'] else max(1, round(rng.expovariate(1 / spec['step'])))
            if spec['gaps'] and rng.random() < 0.0002:
                at += spec['step'] * rng.randrange(50, 5000)
        return lines, at

    def add(self, name, count=None):
        rng = self.random
        spec = next((s for s in self.series if s['name'] == name), None)
        if spec is None:
            spec = {'name': name, 'step': rng.choice((60, 300, 600, 900, 3600)), 'jitter': rng.random() < 0.2, 'gaps': rng.random() < 0.4, 'state': 0.0,
                    'columns': [rng.choice(('walk', 'walk', 'noise', 'count', 'flag', 'text')) for _ in range(rng.randrange(1, 9))], 'next': 1_700_000_000}
            spec['next'] -= spec['next'] % 3600
            if 'walk' not in spec['columns']:
                spec['columns'][0] = 'walk'
            self.series.append(spec)
        lines, spec['next'] = self.rows(spec, spec['next'], count or int(10 ** rng.uniform(3.3, 5)))
        path = self.root / 'in.csv'
        path.write_text('timestamp,' + ','.join(f'c{i}' for i in range(len(spec['columns']))) + '\n' + '\n'.join(lines) + '\n')
        self.run('copy', f'host+csv+series://{path}', name)

    def node(self, factory, path, text):
        (self.root / 'node.yaml').write_text(text)
        self.run('mknod', factory, path, '--config-path', str(self.root / 'node.yaml'))

    def fill(self):
        rng = self.random
        for i in range(rng.randrange(2, 5)):
            self.add(f'/s{i}.series')
            for _ in range(rng.randrange(0, 3)):
                self.add(f'/s{i}.series')
            self.patterns.append(f'/s{i}.series')
        self.patterns.append('/s*.series')
        numeric = [[f'c{i}' for i, k in enumerate(s['columns']) if k in ('walk', 'noise', 'count')] for s in self.series]
        for i, columns in enumerate(numeric[:2]):
            if not columns:
                continue
            kinds = rng.sample(('avg', 'min', 'max', 'sum', 'count', 'stddev'), rng.randrange(1, 4))
            aggregations = ''.join(f'  - type: {k}\n    columns: [{", ".join(columns)}]\n' for k in kinds)
            self.node('temporal-reduce', f'/r{i}', f'in_pattern: /s{i}.series\nout_pattern: x\ntime_column: timestamp\nresolutions: [{rng.choice(("15m", "1h"))}, 6h, 1d]\n'
                      f'aggregations:\n{aggregations}')
            self.patterns.append(f'/r{i}/x/*')
        self.node('timeseries-join', '/j', 'time_column: timestamp\ninputs:\n' + ''.join(f'  - {{pattern: {s["name"]}, scope: {s["name"][1:3]}}}\n' for s in self.series[:2]))
        self.patterns.append('/j')
        self.node('sql-derived-series', '/q', 'patterns: {s: /s0.series}\nquery: SELECT timestamp, c0 FROM s\n')
        self.patterns.append('/q')

    def export(self, pattern, out, temporal, progress=None):
        args = ['-p', pattern, '-d', str(self.root / out), '--json'] + (['--temporal', temporal] if temporal else [])
        told = json.loads(self.run('export', *args, '--dry-run').stdout)
        done = self.run(*(['--progress', 'json'] if progress is not None else []), 'export', *args)
        real = json.loads(done.stdout)
        lines = [json.loads(line)['progress'] for line in done.stderr.splitlines() if line.startswith('{"progress"')]
        if progress is not None and len(lines) > 4:
            progress.append((told['predicted']['duration_us'] / 1e6, [(p['passed_ms'] / 1000, p.get('work', -1)) for p in lines], real['duration_us'] / 1e6))
        return told, real


def near(told, real):
    return told == real or (min(told, real) > 0 and max(told, real) / min(told, real) <= 1.1)


def work(program, root, ponds):
    cases = []
    first, rounds = int(os.environ.get('BENCH_SEED', '0')), int(os.environ.get('BENCH_ROUNDS', '3'))
    for seed in range(first, first + ponds):
        pond = Pond(program, root, seed)
        pond.fill()
        for round_ in range(rounds):
            for i, pattern in enumerate(pond.patterns):
                temporal = (None, 'year,month', 'year')[i % 3]
                told, real = pond.export(pattern, f'out{i}', temporal)
                files = lambda e: sum(t['files'] for t in e['targets'])
                cases.append({'round': round_, 'pattern': pattern, 'basis': told['predicted']['basis'], 'rows': (told['rows'], real['rows']), 'bytes': (told['bytes'], real['bytes']),
                              'files': (told['predicted']['files'], files(real)), 'time': (told['predicted']['duration_us'], real['duration_us'])})
            for s in pond.series if round_ + 1 < rounds else []:
                pond.add(s['name'], 2000)
        shutil.rmtree(pond.root)
    return cases


def report(cases):
    for name, chosen in (('first exports', [c for c in cases if c['round'] == 0]), ('repeats', [c for c in cases if c['round'] > 0]), ('all', cases)):
        if not chosen:
            continue
        parts = ', '.join(f'{what} {100 * statistics.mean(near(*c[what]) for c in chosen):.0f} %' for what in ('rows', 'bytes', 'files'))
        whole = 100 * statistics.mean(all(near(*c[w]) for w in ('rows', 'bytes', 'files')) for c in chosen)
        errors = [max(a / b, b / a) for a, b in (c['time'] for c in chosen)]
        print(f'predict {name}, {len(chosen)}: within 10 %: {parts}, all three {whole:.0f} %; time off p50 {quantile(errors, 0.5):.2f}, p90 {quantile(errors, 0.9):.2f}')
    for basis in ('prior', 'model', 'history'):
        errors = [max(a / b, b / a) for a, b in (c['time'] for c in cases if c['basis'] == basis)]
        if errors:
            print(f'predict time by {basis}, {len(errors)}: p50 {quantile(errors, 0.5):.2f}, p90 {quantile(errors, 0.9):.2f}')
    if os.environ.get('BENCH_VERBOSE'):
        for c in cases:
            if not all(near(*c[w]) for w in ('rows', 'bytes', 'files')):
                print(c)


def left(program, root, runs):
    """Exports of several seconds with their progress."""
    pond, traces = Pond(program, root, 1000), []
    for i in range(10):
        pond.add(f'/s{i}.series', 30_000)
    for i in range(runs):
        pattern, temporal = (('/s[0-4].series', 'year,month,day'), ('/s*.series', 'year,month'), ('/s[5-9].series', 'year,month,day'), ('/s[2-4].series', 'year,month,day'))[i % 4]
        pond.export(pattern, f'out{i}', temporal, traces)
        shutil.rmtree(pond.root / f'out{i}', ignore_errors=True)
    shutil.rmtree(pond.root)
    return traces


def run(program, root):
    subprocess.run([str(Path(program).parent / 'bench' / 'bench_predict')], check=True)
    report(work(program, root, int(os.environ.get('BENCH_PONDS', '12'))))
    traces = left(program, root, int(os.environ.get('BENCH_LEFT', '15')))
    kept = os.environ.get('BENCH_TRACES')
    if kept:
        with open(kept, 'w', encoding='ascii') as out:
            for i, (predicted, points, end) in enumerate(traces):
                for passed, done in points:
                    out.write(f'{i}\t{predicted:.3f}\t{passed:.3f}\t{min(done, 0.9999):.4f}\n')
                out.write(f'{i}\t{predicted:.3f}\t{max(end, points[-1][0]):.3f}\t1\n')
    print(f'predict time left: {len(traces)} traces recorded; judged by report_test_eta')
