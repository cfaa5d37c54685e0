"""kill -9 at uniformly random times within each of three phases, told apart by the spans of --trace:

  staging  from the first "staging" to the first "commit": content, log rows, exported files on their way in
  commit   the first span "commit": the first byte of the log entry or redo record to the end of the directory's fsync
  after    from its end to the end of the process: index, checkpoint with merge, an export's renames and manifest

The trace file is watched, and the process killed at a random moment of the phase, as long as it took in runs that were
left alone; which phase was hit the trace left behind tells. Afterwards fsck is clean, and the state is the one before
(staging), either (commit), the one after (after).
"""
import contextlib
import ctypes
import os
import pathlib
import random
import re
import select
import signal
import subprocess
import time

from bodies import Body
from common import Box, Result, Tap, progress
from faults import Sweep

PHASES = ('staging', 'commit', 'after')
MARKS = (b'{"name":"staging","ph":"B"', b'{"name":"commit","ph":"B"', b'{"name":"commit","ph":"E"')
EVENT = re.compile(r'\{"name":"([a-z_.]+)","ph":"([BEi])".*"ts":([0-9.]+)')


def boundaries(trace: str) -> list[float]:
    """Times (µs) at which the phases begun, as far as the trace goes; the last is the end of the process."""
    times: list[float] = []
    for name, kind, ts in EVENT.findall(trace):
        if not times and (name, kind) == ('staging', 'B'):
            times = [float(ts)]
        elif len(times) == 1 and (name, kind) == ('commit', 'B'):
            times.append(float(ts))
        elif len(times) == 2 and (name, kind) == ('commit', 'E'):
            times.append(float(ts))
        elif len(times) == 3 and name == 'trace_end':
            times.append(float(ts))
    return times


def phase_lengths(sweep: Sweep, body: Body) -> list[float]:
    """In seconds; the median of some runs."""
    runs = []
    for _ in range(5):
        with Box(sweep.pond, sweep.folder, sweep.folder / body.template) as box:
            box.must('--trace', 'trace', *body.command)
            times = boundaries((box.dir / 'trace').read_text())
        if len(times) != 4:
            raise AssertionError(f'{body.name}: the trace does not show three phases: {times}')
        runs.append([(b - a) / 1e6 for a, b in zip(times, times[1:])])
    return [sorted(run[i] for run in runs)[len(runs) // 2] for i in range(3)]


class Watch:
    """Wakes when something changes in a folder (inotify): quicker than polling and without burning a core."""

    IN_MODIFY = 2

    def __init__(self, folder: pathlib.Path):
        libc = ctypes.CDLL(None, use_errno=True)
        self.fd = libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        if self.fd < 0 or libc.inotify_add_watch(self.fd, os.fsencode(folder), self.IN_MODIFY) < 0:
            raise OSError(ctypes.get_errno(), 'inotify')

    def wait(self, most_s: float) -> None:
        if select.select([self.fd], [], [], most_s)[0]:
            os.read(self.fd, 65536)

    def __enter__(self) -> 'Watch':
        return self

    def __exit__(self, *_) -> None:
        os.close(self.fd)


def begins(watch: Watch, trace: pathlib.Path, phase: int, child: subprocess.Popen) -> bool:
    """Waits until the phase begins; False when the process ends first."""
    while True:
        if trace.exists() and MARKS[phase] in trace.read_bytes():
            return True
        if child.poll() is not None:
            return False
        watch.wait(0.05)


def pause(seconds: float) -> None:
    """To the microsecond at the end, which sleep is not."""
    end = time.perf_counter() + seconds
    if seconds > 0.003:
        time.sleep(seconds - 0.002)
    while time.perf_counter() < end:
        pass


@contextlib.contextmanager
def before_others():
    """On a busy machine the watcher must not wait for its turn; without the right to that it hits less often."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    except OSError:
        yield
        return
    yield
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def kill_once(sweep: Sweep, box: Box, body: Body, phase: int, delay: float) -> tuple[Result, int]:
    """What came of it, and which phase was hit: -1 before them, 3 when the process had ended."""
    trace = box.dir / 'trace'
    with Watch(box.dir) as watch:
        child = subprocess.Popen(box.command('--trace', 'trace', *body.command), cwd=box.dir, env=box.environment(),
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        if begins(watch, trace, phase, child):
            pause(delay)
        child.kill()
    err = child.communicate()[1]
    times = boundaries(trace.read_text()) if trace.exists() else []
    hit = 3 if child.returncode != -signal.SIGKILL else min(len(times), 3) - 1
    return Result(child.returncode, b'', err), hit


def judge(sweep: Sweep, box: Box, body: Body, done: Result, hit: int, follow: bool) -> list[str]:
    problems = []
    where = PHASES[hit] if 0 <= hit < 3 else 'outside'

    def wrong(what: str) -> None:
        problems.append(f'{body.name}, killed in {where}: {what}\nit had said: {done}')

    (box.dir / 'trace').unlink(missing_ok=True)
    if body.export:
        sweep.recover_export(box, wrong)
    state = body.state(box)
    allowed = {'staging': (body.before,), 'commit': (body.before, body.after), 'after': (body.after,)}.get(where, (body.before, body.after))
    if state not in allowed:
        kinds = {body.before: 'the state before', body.after: 'the state after'}
        wrong(kinds.get(state, f'neither before nor after: {state}'))
    elif follow:
        sweep.go_on(body, box, state, hit % 2 == 0, wrong)
    return problems


def run(tap: Tap, sweep: Sweep, bodies: list[Body], count: int, least: int, dice: random.Random) -> None:
    for number, body in enumerate(bodies):
        lengths = phase_lengths(sweep, body)
        hits, problems, missed, wanted = [0, 0, 0], [], 0, count // len(bodies) + (number < count % len(bodies))
        least_here = -(-least // len(bodies))
        while sum(hits) < wanted or min(hits) < least_here:
            if missed > 20 * wanted:
                problems.append(f'only {hits} hits of the phases, {missed} missed')
                break
            phase = hits.index(min(hits))
            with Box(sweep.pond, sweep.folder, sweep.folder / body.template) as box:
                with before_others():
                    done, hit = kill_once(sweep, box, body, phase, dice.random() * lengths[phase])
                follow = sweep.follow_every == 1 or sum(hits) % sweep.follow_every == 0
                problems += judge(sweep, box, body, done, hit, follow)
            if 0 <= hit < 3:
                hits[hit] += 1
            else:
                missed += 1
            progress(f'{body.name} {hits} missed {missed}')
        sizes = ', '.join(f'{hits[i]} in {PHASES[i]} ({lengths[i] * 1e3:.2f} ms)' for i in range(3))
        tap.result(f'kill -9: {body.name}', problems, f'{sizes}; {missed} outside')
