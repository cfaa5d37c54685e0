"""Real file systems that are full or cannot be written: a tmpfs of a few hundred KiB, a read-only bind mount.

Mounts are made in a mount namespace of our own (run.py starts this sweep under unshare), so that none outlives it. Where
that is not allowed the tests are skipped and say so.
"""
import hashlib
import os
import pathlib
import subprocess

from bodies import Body
from common import Box, Tap
from faults import Sweep

KIB = 1024


def mount(*words: str) -> None:
    subprocess.run(['mount', *words], check=True, capture_output=True)


def fill(file: pathlib.Path, folder: pathlib.Path, leave_kib: int) -> None:
    """A file that leaves so much of the file system."""
    free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
    with open(file, 'wb') as ballast:
        ballast.write(b'\1' * max(0, free - leave_kib * KIB))


def disk_full(tap: Tap, sweep: Sweep, body: Body, place: pathlib.Path, steps_kib: list[int]) -> None:
    problems, ends = [], []
    for leave_kib in steps_kib:
        mount('-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', str(place))
        try:
            full(sweep, body, place, leave_kib, problems, ends)
        finally:
            subprocess.run(['umount', '-l', str(place)], check=True)
    if 74 not in ends or ends[-1] != 0:
        problems.append(f'{body.name}: with {steps_kib} KiB free it ends with {ends}: the steps do not reach from too little to enough')
    tap.result(f'disk full: {body.name}', problems, ', '.join(f'{k} KiB: {end}' for k, end in zip(steps_kib, ends)))


def full(sweep: Sweep, body: Body, place: pathlib.Path, leave_kib: int, problems: list[str], ends: list[int]) -> None:
    box = Box(sweep.pond, place, sweep.folder / body.template)
    ballast = place / 'ballast'
    fill(ballast, place, leave_kib)
    done = box.run(*body.command)
    ends.append(done.status)

    def wrong(what: str) -> None:
        problems.append(f'{body.name}, {leave_kib} KiB free: {what}\nit had said: {done}')

    if done.status not in (0, 74):
        wrong('not exit 0 or 74')
    if done.status == 74 and 'space' not in done.err:
        wrong('the message does not tell that there is no space')
    if box.root() not in (body.before, body.after) and not body.export:
        wrong(f'on the full disk: {box.root()}')
    ballast.unlink()
    if body.export:
        sweep.recover_export(box, wrong)
    state = body.state(box)
    if state not in (body.before, body.after) or (done.status == 0 and state != body.after):
        wrong(f'then: {state}')
    sweep.go_on(body, box, state, True, wrong)


def all_files(folder: pathlib.Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.rglob('*')) if p.is_file()}


READS = (('list', '-l', '/**'), ('cat', '/s/x.series', '--format', 'csv'), ('describe', '/s/x.series'), ('log',), ('show',), ('fsck',))


def read_only_pond(tap: Tap, sweep: Sweep, bodies: list[Body]) -> None:
    """Reads answer as ever; every write is refused with 74; nothing changes; an export to elsewhere works."""
    problems = []
    by_name = {body.name: body for body in bodies}
    with Box(sweep.pond, sweep.folder, sweep.folder / 'derived') as box:
        pond = box.dir / 'pond'
        expected = {words: box.must(*words).out for words in READS}
        before = all_files(pond)
        mount('--bind', str(pond), str(pond))
        mount('-o', 'remount,ro,bind', str(pond))
        try:
            for words in READS:
                done = box.run(*words)
                if done.status != 0 or done.out != expected[words]:
                    problems.append(f'{" ".join(words)} on a read-only pond: {done}\n{done.out.decode()[:500]}')
            for name in ('copy-inline', 'copy-blob', 'copy-csv', 'mkdir', 'mv', 'rm', 'mknod', 'maintain'):
                done = box.run(*by_name[name].command)
                if done.status != 74 or 'ead-only' not in done.err:
                    problems.append(f'{name} on a read-only pond: {done}')
            done = box.run(*by_name['export-first'].command)
            if done.status != 0 or box.tree() != by_name['export-first'].after:
                problems.append(f'export from a read-only pond: {done}')
        finally:
            subprocess.run(['umount', '-l', str(pond)], check=True)
        if all_files(pond) != before:
            problems.append('the pond has changed')
        if box.strays(True):
            problems.append(f'left behind: {box.strays(True)[:5]}')
    tap.result('read-only pond', problems, f'{len(READS)} reads, 8 writes, 1 export')


def read_only_export(tap: Tap, sweep: Sweep, body: Body) -> None:
    problems = []
    with Box(sweep.pond, sweep.folder, sweep.folder / body.template) as box:
        out = box.dir / 'out'
        mount('--bind', str(out), str(out))
        mount('-o', 'remount,ro,bind', str(out))
        try:
            done = box.run(*body.command)
            if done.status != 74 or 'ead-only' not in done.err:
                problems.append(f'export into a read-only folder: {done}')
            if body.state(box) != body.before:
                problems.append('the folder has changed')
        finally:
            subprocess.run(['umount', '-l', str(out)], check=True)
        if len(box.root()) != 64:
            problems.append(box.root())
    tap.result('read-only export folder', problems)


def namespace(*command: str) -> list[str]:
    """The command in a mount namespace of its own; without root in a user namespace too, where the system has them."""
    return ['unshare', '--mount', *([] if os.geteuid() == 0 else ['--map-root-user']), *command]


def outside(tap: Tap, command: list[str], inside: str) -> None:
    """Runs this sweep in such a namespace and passes its results on."""
    if subprocess.run(namespace('true'), capture_output=True).returncode != 0:
        tap.skip('disk full, read-only file systems', 'mounts are not allowed here')
        return
    done = subprocess.run(namespace(*command), env=os.environ | {inside: '1'}, stdout=subprocess.PIPE, text=True)
    for line in done.stdout.splitlines():
        tap.pass_on(line)
    if done.returncode not in (0, 1):
        tap.result('disk full, read-only file systems', [f'ended with {done.returncode}'])


def run(tap: Tap, sweep: Sweep, bodies: list[Body], quick: bool) -> None:
    by_name = {body.name: body for body in bodies}
    place = sweep.folder / 'mounted'
    place.mkdir()
    steps = [0, 8, 24, 48, 80, 160, 320, 640, 1600] if quick else [*range(0, 512, 12), 640, 800, 1600]
    for name in ('mkdir', 'copy-inline', 'copy-blob', 'copy-csv', 'checkpoint', 'maintain', 'export-first', 'export-second'):
        if not quick or name in ('copy-blob', 'copy-csv', 'export-second'):
            disk_full(tap, sweep, by_name[name], place, steps)
    read_only_pond(tap, sweep, bodies)
    read_only_export(tap, sweep, by_name['export-second'])
