"""The benchmarks behind docs/performance.md.

    bench/run.sh BUILD [NAME...]     names: export-large export-series list text-ingest text-first-query tracker compiled-out oteljson predict   (default: all)

Two commands are compared in interleaved pairs, in random order inside a pair: the median of the ratios counts, not the times. Peak memory is that of the
process (wait4). Data is made once in BUILD/bench and kept.
"""
import os
import pathlib
import random
import re
import shutil
import statistics
import subprocess
import sys
import time

import predict

BUILD = pathlib.Path(sys.argv[1]).resolve()
POND, BASELINE = str(BUILD / 'pond'), str(BUILD / 'bench' / 'bench_baseline')
ROOT = BUILD / 'bench' / 'data'
ROWS = int(os.environ.get('BENCH_ROWS', 50_000_000))
SERIES = int(os.environ.get('BENCH_SERIES', 1_000))
TEXT_MB = int(os.environ.get('BENCH_TEXT_MB', 1_000))
THREADS = os.environ.get('BENCH_THREADS', str(os.cpu_count()))


def timed(args):
    """Seconds and peak MB of a command that must succeed."""
    start = time.monotonic()
    process = subprocess.Popen(args, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f'failed: {" ".join(args[:6])}')
    return time.monotonic() - start, usage.ru_maxrss / 1024


def pairs(name, goal, ours, theirs, count, out_ours, out_theirs, prepare=None):
    """Interleaved pairs; each run writes into a fresh folder, removed (and prepared: ours) outside of the time."""
    results = []
    for i in range(count):
        sides = [('ours', ours, out_ours), ('theirs', theirs, out_theirs)]
        random.shuffle(sides)
        row = {}
        for side, args, out in sides:
            shutil.rmtree(out, ignore_errors=True)
            out.unlink(missing_ok=True) if out.is_file() else None
            os.makedirs(out.parent, exist_ok=True)
            if prepare and side == 'ours':
                prepare()
            os.sync()
            row[side] = timed(args)
        results.append(row)
        print(f'  pair {i + 1}: ours {row["ours"][0]:.2f} s, theirs {row["theirs"][0]:.2f} s, ratio {row["ours"][0] / row["theirs"][0]:.3f}', flush=True)
    ratio = statistics.median(r['ours'][0] / r['theirs'][0] for r in results)
    memory = max(r['ours'][1] for r in results)
    print(f'{name}: ratio {ratio:.3f} (goal {goal}), {count} pairs; peak memory ours {memory:.0f} MB, theirs {max(r["theirs"][1] for r in results):.0f} MB; '
          f'ours {statistics.median(r["ours"][0] for r in results):.2f} s, theirs {statistics.median(r["theirs"][0] for r in results):.2f} s')


def check_order(out):
    """Every file of ours is in time order: asked of the other side's engine through pond's own reader of host files."""
    files = sorted(p for p in out.rglob('*.parquet') if '.pond' not in p.parts)
    bad = 0
    for path in files:
        query = 'SELECT count(*) FROM (SELECT "timestamp" < lag("timestamp") OVER () AS back FROM source) WHERE back'
        got = subprocess.run([POND, 'cat', f'host+table://{path}', '--sql', query, '--format', 'csv'], check=True, capture_output=True, text=True).stdout
        bad += got.split()[-1] != '0'
    print(f'  {len(files)} files, {bad} not in time order')


def large():
    source, pond = ROOT / f'large-{ROWS}.parquet', ROOT / f'large-{ROWS}-pond'
    if not pond.exists():
        ROOT.mkdir(parents=True, exist_ok=True)
        timed([BASELINE, 'generate', str(ROWS), '2000000', str(source)])
        timed([POND, '--pond', str(pond), 'init'])
        seconds, memory = timed([POND, '--pond', str(pond), 'copy', f'host+series://{source}', '/large.series'])
        print(f'  ingest of {ROWS:,} rows: {seconds:.1f} s, peak {memory:.0f} MB')
    out, other = ROOT / 'out-ours' / 'x', ROOT / 'out-theirs' / 'x'
    pairs('export-large', '0.85', [POND, '--pond', str(pond), '--threads', THREADS, 'export', '-p', '/large.series', '-d', str(out), '--temporal', 'year,month', '--quiet'],
          [BASELINE, 'partition', THREADS, str(other), str(source)], int(os.environ.get('BENCH_PAIRS', 5)), out, other)
    check_order(out)


def series():
    pond = ROOT / f'series-{SERIES}-pond'
    sources = [ROOT / 'series' / f's{i}.parquet' for i in range(SERIES)]
    if not pond.exists():
        (ROOT / 'series').mkdir(parents=True, exist_ok=True)
        timed([BASELINE, 'generate', '10000', '600000000', str(sources[0])])  # 10 minutes apart: three months
        for path in sources[1:]:
            shutil.copyfile(sources[0], path)
        timed([POND, '--pond', str(pond), 'init'])
        timed([POND, '--pond', str(pond), 'mkdir', '/s'])
        timed([POND, '--pond', str(pond), 'copy', *(f'host+series://{p}' for p in sources), '/s/'])
    out, other = ROOT / 'out-ours' / 'x', ROOT / 'out-theirs' / 'x'
    pairs('export-series', '0.5', [POND, '--pond', str(pond), '--threads', THREADS, 'export', '-p', '/s/*', '-d', str(out), '--temporal', 'year,month', '--quiet'],
          [BASELINE, 'series', THREADS, str(other), *map(str, sources)], int(os.environ.get('BENCH_PAIRS', 5)), out, other)


def listing():
    for entries in (10_000, 100_000):
        pond = ROOT / f'list-{entries}-pond'
        if not pond.exists():
            timed([POND, '--pond', str(pond), 'init'])
            names = [f'/site{i // 100}/x{i % 100}.series' for i in range(entries)]
            for i in range(0, len(names), 5000):
                timed([POND, '--pond', str(pond), 'mkdir', '-p', *names[i:i + 5000]])
        for pattern in ('/**', '/site*/**/x*.series'):
            seconds = sorted(timed([POND, '--pond', str(pond), 'list', pattern])[0] for _ in range(9))
            stats = subprocess.run([POND, '--pond', str(pond), 'list', pattern, '--stats'], check=True, capture_output=True, text=True).stderr
            counts = {line.split()[0]: line.split()[2] for line in stats.splitlines() if len(line.split()) > 2}
            print(f'list {entries:,} entries {pattern}: median {seconds[4] * 1000:.0f} ms, min {seconds[0] * 1000:.0f} ms; log entries opened '
                  f'{counts.get("log_entry_open", 0)}, directories read {counts.get("dir_read", 0)}, engine loads {counts.get("engine_load", 0)}')


def texts():
    """A CSV and a JSON lines file of BENCH_TEXT_MB each."""
    ROOT.mkdir(parents=True, exist_ok=True)
    for form, ending, row_bytes in (('csv', 'csv', 67), ('json', 'jsonl', 168)):
        path = ROOT / f'text-{TEXT_MB}.{ending}'
        if not path.exists():
            timed([BASELINE, 'text', form, str(TEXT_MB * 1_000_000 // row_bytes), str(path)])
        yield form, ending, path


def text_ingest():
    for _, ending, path in texts():
        pond, other = ROOT / 'text-ingest-pond', ROOT / 'text-ingest-other'
        other.mkdir(parents=True, exist_ok=True)
        pairs(f'text-ingest {ending}, {TEXT_MB} MB', '1.15', [POND, '--pond', str(pond), 'copy', str(path), f'/x.{ending}', '--quiet'],
              ['sh', '-c', f'mkdir -p {other} && sha256sum {path} >{other}/sum && cp {path} {other}/x && sync {other}/x'], int(os.environ.get('BENCH_PAIRS', 5)), pond, other,
              lambda: timed([POND, '--pond', str(pond), 'init', '--quiet']))


def text_first_query():
    for form, ending, path in texts():
        pond, other = ROOT / f'text-{TEXT_MB}-{ending}-pond', ROOT / 'text-query-other'
        if not pond.exists():
            timed([POND, '--pond', str(pond), 'init', '--quiet'])
            timed([POND, '--pond', str(pond), 'copy', str(path), f'/x.{ending}', '--quiet'])
        query = [POND, '--pond', str(pond), 'cat', f'{ending}:///x.{ending}', '--sql', 'SELECT count(*), sum(temperature) FROM source', '--format', 'csv']
        pairs(f'text-first-query {ending}, {TEXT_MB} MB', '1.15', query, [BASELINE, 'convert', form, str(path), str(other)], int(os.environ.get('BENCH_PAIRS', 5)),
              pond / 'cache' / 'formats', other, lambda: [path.unlink() for path in (pond / 'cache').glob('cache.db*')])
        seconds, memory = timed(query)
        stats = subprocess.run([*query, '--stats'], check=True, capture_output=True, text=True).stderr
        parsed = [line.split() for line in stats.splitlines() if line.split()[:1] == ['format_byte']]
        print(f'  second query: {seconds:.2f} s, peak {memory:.0f} MB, bytes parsed {parsed[0][2] if parsed else 0}')


def otel_lines(path, megabytes):
    """Requests as a collector writes them: six metrics each, every ten seconds."""
    names = ['tank.level', 'pump.current', 'pump.starts', 'battery.voltage', 'cpu.temperature', 'uptime']
    with open(path, 'w', encoding='utf-8') as out:
        written = number = 0
        while written < megabytes * 1_000_000:
            time_ns, metrics = 1_700_000_000_000_000_000 + number * 10_000_000_000, []
            for place, name in enumerate(names):
                value = f'"asInt":"{number * 7 % 1000}"' if place in (2, 5) else f'"asDouble":{20 + place + number * 7919 % 1000 / 997:.6f}'
                point = f'{{"attributes":[{{"key":"unit","value":{{"stringValue":"A7"}}}}],"startTimeUnixNano":"1700000000000000000","timeUnixNano":"{time_ns}",{value}}}'
                kind = 'sum' if place in (2, 5) else 'gauge'
                metrics.append(f'{{"name":"{name}","description":"a measured value","unit":"1","{kind}":{{"dataPoints":[{point}]}}}}')
            line = ('{"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"septic"}}]},"scopeMetrics":[{"scope":{"name":"reader"},'
                    f'"metrics":[{",".join(metrics)}]}}]}}]}}\n')
            out.write(line)
            written += len(line)
            number += 1


def oteljson():
    """OTLP JSON lines of BENCH_TEXT_MB: the first query, which parses all of them."""
    ROOT.mkdir(parents=True, exist_ok=True)
    path = ROOT / f'otel-{TEXT_MB}.jsonl'
    if not path.exists():
        otel_lines(path, TEXT_MB)
    for _ in range(int(os.environ.get('BENCH_PAIRS', 5))):
        before = os.times()
        seconds, memory = timed([POND, 'cat', f'host+oteljson://{path}', '--sql', 'SELECT count(*), avg("tank.level") FROM source', '--format', 'csv'])
        after = os.times()
        used = after.children_user + after.children_system - before.children_user - before.children_system
        print(f'  {TEXT_MB / used:.0f} MB/s of processor time, {TEXT_MB / seconds:.0f} MB/s by the clock, peak {memory:.0f} MB')


# As `pond bench --instructions`: what the C library and OpenSSL choose by processor depends on the machine, and valgrind counts each byte of a `rep stosb`.
PLAIN = {'OPENSSL_ia32cap': '0:0',
         'GLIBC_TUNABLES': 'glibc.cpu.hwcaps=-AVX,-AVX2,-AVX512F,-AVX512VL,-AVX512BW,-BMI1,-BMI2,-LZCNT,-MOVBE,-RTM,-ERMS,-FSRM,-SSSE3,-SSE4_1,-SSE4_2:'
                           'glibc.cpu.x86_data_cache_size=32768:glibc.cpu.x86_shared_cache_size=1048576:glibc.cpu.x86_non_temporal_threshold=786432'}


def instructions(level, *args, history='on', program=POND):
    """What a command executes, by callgrind; its threads in turn."""
    log = ROOT / 'callgrind.log'
    env = {**os.environ, 'POND_TRACE': level, 'POND_HISTORY': history, **PLAIN}
    subprocess.run(['valgrind', '--tool=callgrind', '--callgrind-out-file=/dev/null', f'--log-file={log}', program, *args],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env)
    return int(re.search(r'Collected : (\d+)', log.read_text()).group(1))


def tracker():
    """Cost of the levels in instructions, as ratios to the level off; of a record in nanoseconds."""
    bench = str(BUILD / 'bench' / 'bench_tracker')
    subprocess.run([bench], check=True)
    ROOT.mkdir(parents=True, exist_ok=True)
    sites, none = (instructions('off', which, '1000000', program=bench) for which in ('sites', 'none'))
    print(f'a recording site, switched off: {(sites - none) / 3e6:.2f} instructions (goal <= 3)')
    count, row_count = int(os.environ.get('BENCH_TRACKER_SERIES', 20)), int(os.environ.get('BENCH_TRACKER_ROWS', 10_000))
    listed, exported = ROOT / 'list-10000-pond', ROOT / f'tracker-{count}-{row_count}-pond'
    if not listed.exists():
        timed([POND, '--pond', str(listed), 'init'])
        timed([POND, '--pond', str(listed), 'mkdir', '-p', *(f'/site{i // 100}/x{i % 100}.series' for i in range(10_000))])
    if not exported.exists():
        timed([POND, '--pond', str(exported), 'init'])
        for i in range(count):
            rows = ''.join(f'{1704067200 + k * 600},{(k * 7919 + i) % 1000},{k % 97}.5\n' for k in range(row_count))
            (ROOT / f't{i}.csv').write_text('timestamp,a,b\n' + rows)
        timed([POND, '--pond', str(exported), 'copy', *(f'host+csv+series://{ROOT}/t{i}.csv?unit=s' for i in range(count)), '/'])
    out = ROOT / 'tracker-out'
    for name, args in (('list of 10,000 entries', ['--pond', str(listed), 'list', '/**']),
                       (f'export of {count} series of {row_count:,} rows by month',
                        ['--pond', str(exported), '--threads', '1', '--quiet', 'export', '-p', '/*', '-d', str(out), '--temporal', 'year,month'])):
        counted = {}
        for _ in range(3):  # a pond that knows its statements, and has learned
            shutil.rmtree(out, ignore_errors=True)
            timed([POND, *args])
        for label, level, history in (('off', 'off', 'off'), ('counts', 'counts', 'off'), ('counts and history', 'counts', 'on'), ('spans', 'spans', 'on')):
            shutil.rmtree(out, ignore_errors=True)
            counted[label] = instructions(level, *args, history=history)
        print(f'{name}: {counted["off"]:,} instructions; ' + ', '.join(f'{label} {100 * (n / counted["off"] - 1):+.2f} %' for label, n in counted.items() if label != 'off'), flush=True)


def compiled_out():
    subprocess.run([sys.executable, 'scripts/compiled_out.py', str(BUILD)], check=True)


ALL = {'export-large': large, 'export-series': series, 'list': listing, 'text-ingest': text_ingest, 'text-first-query': text_first_query,
       'tracker': tracker, 'compiled-out': compiled_out, 'oteljson': oteljson,
       'predict': lambda: predict.run(POND, ROOT)}
for wanted in sys.argv[2:] or ALL:
    print(f'== {wanted}', flush=True)
    ALL[wanted]()
