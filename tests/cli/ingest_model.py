#!/usr/bin/env python3
"""logfile-ingest against a model: random steps of a logging host, with runs, kills and faults in between.

ingest_model.py POND SEED STEPS: in the current folder. The model is the bytes ever written to each log, in order; after
each run that succeeds the pond holds exactly these. What a host may do to lose bytes for good (truncate, delete) is done
only to bytes that were mirrored. Prints the seed and a count of what was done; exits 1 with the steps when it differs.
"""
import collections
import gzip
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time

POND, SEED, STEPS = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
DIR = pathlib.Path('log').absolute()
NAMES = ('a.log', 'web-b.log')
WORDS = ('pump on', 'pump off', 'level 1.25 m', 'µS/cm 512', '-' * 300, '{"t":1,"v":[2,3]}', '')
rng = random.Random(SEED)
done: collections.Counter[str] = collections.Counter()
history: list[str] = []


class Log:
    """One stream: its active file, its archives from the oldest on, and all that was ever written."""

    def __init__(self, name: str):
        self.path = DIR / name
        self.written = b''
        self.seen = 0            # of `written`, by the last run that succeeded
        self.room: int | None = None  # after a truncation: it is recognised while shorter than this
        self.archives: list[tuple[pathlib.Path, int]] = []  # with the end in `written`
        self.moved = False       # since the last run: by its inode nothing can be told
        self.settled = False     # all archives were seen as such
        self.count = 0

    def fresh_name(self, suffix: str = '') -> pathlib.Path:
        self.count += 1
        time.sleep(0.01)  # the clock of file times ticks
        return DIR / f'{self.path.name}.{20240000 + self.count}{suffix}'

    def write(self, most: int = 3000) -> bool:
        text = b''
        while not text or (len(text) < most and rng.random() < 0.9):
            text += f'{len(self.written) + len(text)} {rng.choice(WORDS)}\n'.encode()
        if rng.random() < 0.3:
            text = text[:-1]  # a line that is not ended yet
        if rng.random() < 0.03:
            text = text * (1 + 200_000 // len(text))
        if self.room is not None:
            text = text[:max(0, self.room - self.path.stat().st_size)]
        if not text:
            return False
        with open(self.path, 'ab') as file:
            file.write(text)
        self.written += text
        time.sleep(0.005)
        return True

    def rename(self) -> bool:
        if not self.path.exists() or self.room is not None or self.path.stat().st_size == 0:
            return False
        archive = self.fresh_name()
        self.path.rename(archive)
        self.archives.append((archive, len(self.written)))
        self.settled = False
        if rng.random() < 0.5:
            self.path.touch()
        return True

    def shift(self) -> bool:
        """As logrotate counts: app.log.1 becomes app.log.2, and so on."""
        if not self.path.exists() or self.room is not None or self.path.stat().st_size == 0:
            return False
        numbered = sorted((a for a in self.archives if a[0].suffix[1:].isdigit() and len(a[0].suffix) < 5),
                          key=lambda a: -int(a[0].suffix[1:]))
        for at, end in numbered:
            to = at.with_suffix(f'.{int(at.suffix[1:]) + 1}')
            at.rename(to)
            self.archives[self.archives.index((at, end))] = (to, end)
        time.sleep(0.01)
        archive = DIR / f'{self.path.name}.1'
        self.path.rename(archive)
        self.archives.append((archive, len(self.written)))
        self.settled = False
        return True

    def copy_truncate(self) -> bool:
        if not self.path.exists() or self.room is not None or self.path.stat().st_size == 0:
            return False
        archive = self.fresh_name()
        shutil.copyfile(self.path, archive)
        os.truncate(self.path, 0)
        self.archives.append((archive, len(self.written)))
        self.settled = False
        return True

    def truncate(self) -> bool:
        if self.seen < len(self.written) or not self.path.exists() or self.room is not None or self.moved:
            return False
        size = self.path.stat().st_size
        if size < 2:
            return False
        os.truncate(self.path, 0)
        self.room = size - 1
        return True

    def cut(self) -> bool:
        """What a power cut does: the end is lost, the beginning stays."""
        if self.seen < len(self.written) or not self.path.exists() or self.room is not None or self.moved:
            return False
        size = self.path.stat().st_size
        if size < 3:
            return False
        os.truncate(self.path, rng.randrange(1, size - 1))
        self.room = -1  # nothing is written until a run has seen it
        return True

    def compress(self) -> bool:
        plain = [a for a in self.archives if a[0].suffix != '.gz']
        if not plain:
            return False
        at, end = rng.choice(plain)
        before = at.stat()
        to = at.with_name(at.name + '.gz')
        if to.exists():  # an older one, which counting on has passed by
            return False
        with open(at, 'rb') as source, gzip.open(to, 'wb') as target:
            shutil.copyfileobj(source, target)
        os.utime(to, ns=(before.st_atime_ns, before.st_mtime_ns))
        at.unlink()
        self.archives[self.archives.index((at, end))] = (to, end)
        return True

    def vanish(self) -> bool:
        """An archive is deleted: one that a run has seen as an archive, or has mirrored younger bytes than."""
        gone = [a for a in self.archives if a[1] < self.seen or (a[1] == self.seen and self.settled)]
        if not gone:
            return False
        one = gone[0]
        one[0].unlink()
        self.archives.remove(one)
        return True

    def move(self) -> bool:
        """To another inode, as a restored backup."""
        if not self.path.exists() or self.room is not None or self.path.stat().st_size == 0:
            return False
        copy = DIR / 'copy'
        shutil.copy2(self.path, copy)
        copy.rename(self.path)
        self.moved = True
        return True

    def touch(self) -> bool:
        if self.path.exists():
            os.utime(self.path)
        return self.path.exists()

    def ran(self) -> None:
        self.seen = len(self.written)
        self.room = None
        self.moved = False
        self.settled = True


def pond(*words: str, **env: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([POND, *words], capture_output=True, env=os.environ | env, stdin=subprocess.DEVNULL)


def run_killed() -> None:
    process = subprocess.Popen([POND, 'run', 'logs'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(rng.random() * 0.06)
    process.send_signal(signal.SIGKILL)
    process.wait()


def run_faulty() -> None:
    deed = rng.choice(('eio', 'enospc', 'short', 'crash', 'lose', 'tear'))
    result = pond('run', 'logs', POND_FAULT=f'origin=any,nth={rng.randrange(1, 60)},do={deed}')
    if result.returncode not in (0, 74, 137, 1):
        fail(f'with {deed}: exit {result.returncode} {result.stderr.decode()}')


def fail(why: str) -> None:
    print(*history[-60:], f'seed {SEED}: {why}', sep='\n', file=sys.stderr)
    sys.exit(1)


def check(logs: list[Log]) -> None:
    result = pond('run', 'logs')
    if result.returncode != 0:
        fail(f'exit {result.returncode}: {result.stderr.decode()}')
    for log in logs:
        log.ran()
        got = pond('cat', f'/logs/{log.path.name}').stdout if log.written else b''
        if got != log.written:
            at = next((i for i, (x, y) in enumerate(zip(got, log.written)) if x != y), min(len(got), len(log.written)))
            fail(f'{log.path.name}: {len(got)} bytes for {len(log.written)}, first difference at {at}')
    again = json.loads(pond('run', 'logs', '--json').stdout)
    if again['txn'] != 0:
        fail(f'a second run without a change commits: {again}')


def main() -> None:
    print(f'seed {SEED}')
    DIR.mkdir()
    pathlib.Path('logs.yaml').write_text(f'active_pattern: {DIR}/*.log\narchived_pattern: {DIR}/*.log.*\npond_path: /logs\n')
    for words in (('init',), ('mkdir', '-p', '/system/etc'), ('mknod', 'logfile-ingest', '/system/etc/logs', '--config-path', 'logs.yaml')):
        if pond(*words).returncode != 0:
            fail(f'pond {words}')
    logs = [Log(name) for name in NAMES]
    steps = [(Log.write, 40), (Log.rename, 9), (Log.shift, 6), (Log.copy_truncate, 6), (Log.truncate, 5), (Log.cut, 4),
             (Log.compress, 8), (Log.vanish, 6), (Log.move, 4), (Log.touch, 4)]
    for _ in range(STEPS):
        roll = rng.random()
        if roll < 0.22:
            check(logs)
            history.append('run')
        elif roll < 0.27:
            run_killed()
            history.append('kill')
        elif roll < 0.36:
            run_faulty()
            history.append('fault')
        else:
            log = rng.choice(logs)
            step = rng.choices([s for s, _ in steps], [w for _, w in steps])[0]
            if step(log):
                done[step.__name__] += 1
                history.append(f'{step.__name__} {log.path.name} -> {len(log.written)}')
    check(logs)
    checked = pond('fsck')
    if checked.returncode != 0:
        fail(f'fsck: {checked.stdout.decode()} {checked.stderr.decode()}')
    print(dict(done))


main()
