"""SIGINT and SIGTERM at random times of a whole run: exit 130 and everything as before, at once; or exit 0 and done. A command of
several transactions that is stopped between them exits with 130 and says what is committed."""
import random
import signal
import subprocess
import time

from bodies import Body
from common import Box, Result, Tap, parallel, progress
from faults import Sweep

COMMITTED = 'is committed, but not what follows it'
# Before the program has begun to listen the signal simply ends it.
ENDED = {signal.SIGINT: (130, -signal.SIGINT), signal.SIGTERM: (130, -signal.SIGTERM)}


def interrupt(sweep: Sweep, body: Body, which: signal.Signals, delay_s: float) -> tuple[int, list[str]]:
    problems = []
    with Box(sweep.pond, sweep.folder, sweep.folder / body.template) as box:
        child = subprocess.Popen(box.command(*body.command), cwd=box.dir, env=box.environment(), stdout=subprocess.DEVNULL,
                                 stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        time.sleep(delay_s)
        child.send_signal(which)
        done = Result(child.wait(), b'', child.communicate()[1])
        state, stopped = body.state(box), done.status in ENDED[which]

        def wrong(what: str) -> None:
            problems.append(f'{body.name}, {which.name} after {delay_s * 1e3:.1f} ms: {what}\nit had said: {done}')

        if done.status != 0 and not stopped:
            wrong('not exit 0 or 130')
        elif stopped and state == body.after and COMMITTED in done.err:
            pass
        elif state != (body.before if stopped else body.after):
            wrong('neither before nor after' if state not in (body.before, body.after) else 'its exit status says otherwise')
        if done.status == 130 and box.strays(True):
            wrong(f'left behind: {box.strays(True)[:5]}')
    progress(f'{body.name} {which.name}')
    return done.status, problems


def run(tap: Tap, sweep: Sweep, bodies: list[Body], count: int, jobs: int, dice: random.Random) -> None:
    for body in bodies:
        with Box(sweep.pond, sweep.folder, sweep.folder / body.template) as box:
            begun = time.perf_counter()
            box.must(*body.command)
            length_s = time.perf_counter() - begun
        moments = [(dice.choice((signal.SIGINT, signal.SIGTERM)), dice.random() * length_s) for _ in range(count)]
        ends = parallel(jobs, lambda moment, b=body: interrupt(sweep, b, *moment), moments)
        statuses = [status for status, _ in ends]
        note = f'{count} signals: {statuses.count(130)} exit 130, {statuses.count(0)} had ended or went on, ' \
               f'{sum(s < 0 for s in statuses)} before it listened'
        tap.result(f'interrupts: {body.name}', [p for _, problems in ends for p in problems], note)
