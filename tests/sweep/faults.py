"""The fault sweep: for n = 1, 2, ... the n-th file call of a body fails, or is its last, until the body passes.

After each: fsck is clean; the root (of an export: the tree of files, once recovered) is the one before or the one after;
what the program said agrees with it; the next write or recovery leaves no staging behind and reaches the state after.
"""
import dataclasses
import pathlib
import shutil

from bodies import Body
from common import Box, Result, Tap, parallel, progress

FAILS = ('eio', 'enospc', 'short')
CRASHES = ('crash', 'lose', 'tear')
ORIGINS = ('ours', 'engine')
# Exit 74 though the change stands is right where it says so: the directory's fsync after the commit, an export's publishing.
SAID_TO_STAND = ('whether it would survive', 'is committed', 'will be completed', 'completes it', 'to complete it')
MOST_CALLS = 20_000


@dataclasses.dataclass
class Call:
    number: int
    origin: str
    kind: str  # class and operation
    op: str


def read_report(path: pathlib.Path) -> list[Call]:
    calls = []
    for line in path.read_text().splitlines() if path.exists() else ():
        number, origin, file_class, op = line.split()
        calls.append(Call(int(number), origin, f'{file_class} {op}', op))
    return sorted(calls, key=lambda call: call.number)


@dataclasses.dataclass
class Attempt:
    body: Body
    deed: str
    origin: str
    nth: int
    problems: list[str] = dataclasses.field(default_factory=list)
    met: bool = True
    call: str = ''
    state: str = ''

    @property
    def plan(self) -> str:
        return f'origin={self.origin},nth={self.nth},do={self.deed}'


class Sweep:
    def __init__(self, pond: str, folder: pathlib.Path, keep: pathlib.Path | None = None):
        self.pond, self.folder, self.keep = pond, folder, keep
        self.follow_every = 1  # every which fault is followed by the next write

    def calls(self, body: Body, deed: str, origin: str) -> list[Call]:
        """What a run without the fault does."""
        with Box(self.pond, self.folder, self.folder / body.template) as box:
            report = box.dir / 'report'
            done = box.run(*body.command, POND_FAULT=f'origin={origin},nth=0,do={deed}', POND_FAULT_REPORT=str(report))
            if done.status != 0:
                raise AssertionError(f'{body.name} with a plan that only counts: {done}')
            return read_report(report)

    def attempt(self, body: Body, deed: str, origin: str, nth: int) -> Attempt:
        one = Attempt(body, deed, origin, nth)
        with Box(self.pond, self.folder, self.folder / body.template) as box:
            report = box.dir / 'report'
            done = box.run(*body.command, POND_FAULT=one.plan, POND_FAULT_REPORT=str(report))
            seen = read_report(report)
            one.met = bool(seen) and seen[-1].number >= nth
            one.call = next((call.kind for call in seen if call.number == nth), 'not reached')
            self.judge(one, box, done)
            if one.problems and self.keep is not None:
                kept = self.keep / f'{body.name}-{origin}-{deed}-{nth}'
                shutil.copytree(box.dir, kept, symlinks=True, dirs_exist_ok=True)
        progress(f'{body.name} {one.plan}')
        return one

    def judge(self, one: Attempt, box: Box, done: Result) -> None:
        body = one.body

        def wrong(what: str) -> None:
            one.problems.append(f'{body.name} {one.plan} ({one.call}): {what}\nit had said: {done}')

        if not one.met:
            if done.status != 0:
                wrong('the fault was not met')
        elif one.deed in CRASHES:
            if done.status != 137:
                wrong('did not crash')
        elif done.status not in (0, 74):
            wrong('not exit 0 or 74')
        record = (box.dir / 'out/.pond/publish').exists()
        if one.deed == 'eio' and done.status == 74 and not record and one.call.split()[1] not in ('unlink', 'rmdir') and box.strays(False):
            wrong(f'left behind: {box.strays(False)[:5]}')
        if body.export:
            self.recover_export(box, wrong)
        one.state = body.state(box)
        if one.state not in (body.before, body.after):
            wrong(f'neither before nor after: {one.state}')
            return
        if body.before != body.after:
            if done.status == 0 and one.state != body.after:
                wrong('exit 0, but nothing changed')
            if done.status == 74 and one.state == body.after and not any(text in done.err for text in SAID_TO_STAND):
                wrong('exit 74, but the change stands, and nothing was said of that')
        if one.met and one.nth % self.follow_every == 0:
            self.go_on(body, box, one.state, one.nth // self.follow_every % 2 == 0, wrong)

    @staticmethod
    def recover_export(box: Box, wrong) -> None:
        if (box.dir / 'out' / '.pond').exists():
            done = box.run('recover', '-d', 'out')
            if done.status != 0:
                wrong(f'recover -d out: {done}')

    @staticmethod
    def go_on(body: Body, box: Box, state: str, write: bool, wrong) -> None:
        """The next write (or recovery): nothing of the failed attempt stays, and the body gets there."""
        again = state == body.before or body.export
        then = body.command if again else ('mkdir', '/the-next-write') if write else ('recover',)
        done = box.run(*then)
        if done.status != 0:
            wrong(f'afterwards, {then[0]}: {done}')
        if body.export:  # what it left in the pond itself goes with the next write or recovery there
            box.must('recover')
        left = box.strays(body.export or then[0] in ('recover', 'maintain'))
        if left:
            wrong(f'left behind after {then[0]}: {left[:5]}')
        if again and body.state(box) != body.after:
            wrong(f'run again, it does not reach the state after: {body.state(box)}')


def sample(calls: list[Call]) -> list[int]:
    """The first, the second and the last of each operation."""
    numbers: dict[str, list[int]] = {}
    for call in calls:
        numbers.setdefault(call.op, []).append(call.number)
    return sorted({n for of_op in numbers.values() for n in (*of_op[:2], of_op[-1])})


def plans(sweep: Sweep, body: Body, quick: bool):
    """(deed, origin, numbers, is the end of it to be found)"""
    for deed in FAILS + CRASHES:
        if not quick:
            for origin in ORIGINS:
                yield deed, origin, range(1, len(sweep.calls(body, deed, origin)) + 1), True
        elif deed in ('eio', 'lose'):
            yield deed, 'engine', sample(sweep.calls(body, deed, 'engine')), False
    if quick:
        count = len(sweep.calls(body, 'eio', 'ours'))
        yield 'eio', 'ours', range(1, count + 1), True
        yield 'short', 'ours', range(1, len(sweep.calls(body, 'short', 'ours')) + 1), True
        for at, deed in enumerate(CRASHES):  # every third call, each time another way; tests/steward and tests/export do all
            yield deed, 'ours', range(1 + 3 * at, count + 1, 3 * len(CRASHES)), False


def run(tap: Tap, sweep: Sweep, bodies: list[Body], jobs: int, quick: bool) -> None:
    sweep.follow_every = 4 if quick else 1
    for body in bodies:
        attempts: list[Attempt] = []
        for deed, origin, numbers, to_the_end in plans(sweep, body, quick):
            attempts += parallel(jobs, lambda n, d=deed, o=origin: sweep.attempt(body, d, o, n), numbers)
            # Another run may make a few calls more: on until one is not met.
            nth = len(numbers) + 1
            while to_the_end and nth < MOST_CALLS:
                attempts.append(sweep.attempt(body, deed, origin, nth))
                nth += 1
                if not attempts[-1].met:
                    break
        met = [one for one in attempts if one.met]
        problems = [problem for one in attempts for problem in one.problems]
        if not met:
            problems.append('no call was ever met')
        crashes = sum(one.deed in CRASHES for one in met)
        stood = sum(one.state == body.after for one in met)
        tap.result(f'faults: {body.name}', problems, f'{len(met)} faults, {crashes} of them crashes; after {stood} the change stood')
