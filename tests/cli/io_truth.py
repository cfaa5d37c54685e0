"""Bytes that pond tells of against those that the kernel counted.

    io_truth.py POND

The kernel adds a child's bytes (rchar and wchar of /proc/PID/io) to its parent's when it is waited for. What the dynamic
loader reads (before pond is there, and for the engine) is what `pond version` and `pond init` read beyond what they tell; what goes to stdout and
stderr is not pond's to count.
Each command's bytes must agree within 2 % and a page. Prints a line a command.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

PAGE = 4096


def kernel():
    lines = (line.split(': ') for line in pathlib.Path('/proc/self/io').read_text().splitlines())
    return {name: int(value) for name, value in lines if name in ('rchar', 'wchar')}


def measure(pond, folder, *words):
    """(read, written) by the kernel without what was printed, what pond told of, and whether it loaded the engine."""
    before = kernel()
    own = kernel()['rchar'] - before['rchar']  # of looking
    before = kernel()
    with open(folder / 'out', 'wb') as out, open(folder / 'err', 'wb') as err:
        child = os.posix_spawn(pond, [pond, '--threads', '1', '--stats', '--json', *words], ENV,
                               file_actions=[(os.POSIX_SPAWN_DUP2, out.fileno(), 1), (os.POSIX_SPAWN_DUP2, err.fileno(), 2)])
        status = os.waitpid(child, 0)[1]
    after = kernel()
    text = (folder / 'err').read_text()
    assert status == 0, text
    told = {'read': 0, 'write': 0}
    stats = json.loads(text.splitlines()[-1])['stats']
    for io in stats['io']:
        if io['op'] in told:
            told[io['op']] += io.get('bytes', 0)
    printed = os.path.getsize(folder / 'out') + os.path.getsize(folder / 'err')
    return after['rchar'] - before['rchar'] - own, after['wchar'] - before['wchar'] - printed, told['read'], told['write'], any(op['name'] == 'engine_load' for op in stats['ops'])


def main():
    global ENV
    pond = str(pathlib.Path(sys.argv[1]).resolve())
    with tempfile.TemporaryDirectory(prefix='pond-io-') as name:
        folder = pathlib.Path(name)
        ENV = {k: v for k, v in os.environ.items() if not k.startswith('POND')} | {
            'POND': str(folder / 'p'), 'HOME': name, 'TMPDIR': name, 'XDG_CACHE_HOME': str(folder / 'xdg'), 'POND_HISTORY': 'off'}
        rows = '\n'.join(f'{1704067200 + i * 60},{i * 7 % 1000 / 8},{i % 13}' for i in range(60000))
        (folder / 'a.csv').write_text('timestamp,v,w\n' + rows + '\n')
        wrong, loaders = [], {}
        for words in ('version',), ('init',):
            read, _, told, _, loads = measure(pond, folder, *words)
            loaders[loads] = read - told
        assert sorted(loaders) == [False, True]
        for words in (('copy', f'host+csv+series://{name}/a.csv?unit=s', '/a'), ('copy', f'host://{name}/a.csv', '/a.csv'),
                      ('list', '/**'), ('export', '-p', '/a', '-d', f'{name}/o', '--temporal', 'year,month'),
                      ('copy', f'host+series://{name}/o/a/year=2024/month=1/data.parquet', '/b'),
                      ('sql', 'SELECT count(*), sum(v) FROM "/a"'), ('cat', '/a', '--format', 'csv'), ('cat', '/a.csv', '--format', 'raw'), ('cat', 'csv:///a.csv?unit=s', '--sql', 'SELECT max(w) FROM source')):
            if words[0] == 'export':
                (folder / 'o').mkdir()
            read, written, told_read, told_written, loads = measure(pond, folder, *words)
            read -= loaders[loads]
            good = abs(read - told_read) <= 0.02 * read + PAGE and abs(written - told_written) <= 0.02 * written + PAGE
            wrong += [] if good else [words[0]]
            print(f'{words[0]:8} read {read:9} told {told_read:9}   written {written:9} told {told_written:9}{"" if good else "   DIFFERS"}')
    sys.exit(1 if wrong else 0)


main()
