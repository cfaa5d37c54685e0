"""What the sweeps share: running the real pond in a box of its own, telling what state it left, TAP.

A box is a scratch folder that holds a copy of a template (pond/, and out/ for exports) and is the working
directory of every command run in it. Boxes stand on /dev/shm when that can be used, where an fsync costs
nothing; SWEEP_DIR names another place.
"""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading

TIMEOUT_S = 120
# What may stand in a pond that nobody is writing.
POND_NAMES = re.compile(
    r'lock|cache|cache/[^/]+|cache/formats/.+|history|history/.+|tmp|blobs|blobs/[0-9a-f]{2}'
    r'|blobs/[0-9a-f]{2}/[0-9a-f]{64}(\.parquet)?|log|log/part-[0-9a-f-]+\.parquet|log/_delta_log'
    r'|log/_delta_log/(\d{20}\.(json|checkpoint\.parquet)|_last_checkpoint)')
UNPUBLISHED = re.compile(r'log/_delta_log/\.[0-9a-z._]+\.tmp')
TEMPORARY_NAMES = re.compile(r'pond-[^/]+')  # the folder in $TMPDIR that runs which cannot use the pond's share
OUT_PRIVATE_NAMES = {'lock', 'manifest'}


def work_folder(on_disk: bool = False) -> pathlib.Path:
    """Where an fsync costs nothing; or, on disk, what it costs."""
    usual = '/var/tmp' if on_disk else '/dev/shm'
    place = os.environ.get('SWEEP_DIR') or (usual if os.access(usual, os.W_OK) else None)
    return pathlib.Path(tempfile.mkdtemp(prefix='pond-sweep-', dir=place))


class Result:
    def __init__(self, status: int, out: bytes, err: bytes):
        self.status, self.out = status, out
        self.err = err.decode(errors='replace').strip()

    def __str__(self) -> str:
        return f'exit {self.status}: {self.err or "(no message)"}'


class Box:
    """One attempt's folder; a context manager that removes it."""

    def __init__(self, pond: str, folder: pathlib.Path, template: pathlib.Path | None = None):
        self.pond = pond
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix='box-', dir=folder))
        for name in ('pond', 'out'):
            if template is not None and (template / name).exists():
                shutil.copytree(template / name, self.dir / name, symlinks=True)
        (self.dir / 'tmp').mkdir()

    def __enter__(self) -> 'Box':
        return self

    def __exit__(self, *_) -> None:
        shutil.rmtree(self.dir, ignore_errors=True)

    def command(self, *words: str) -> list[str]:
        return [self.pond, '--pond', 'pond', '--threads', '1', *words]

    def environment(self, **more: str) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if k not in ('POND', 'XDG_CACHE_HOME') and not k.startswith('POND_FAULT')}
        return kept | {'HOME': str(self.dir), 'TMPDIR': str(self.dir / 'tmp')} | more

    def run(self, *words: str, **env: str) -> Result:
        try:
            done = subprocess.run(self.command(*words), cwd=self.dir, env=self.environment(**env), capture_output=True,
                                  stdin=subprocess.DEVNULL, timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired as late:
            return Result(-999, b'', b'hangs: ' + (late.stderr or b''))
        return Result(done.returncode, done.stdout, done.stderr)

    def must(self, *words: str) -> Result:
        done = self.run(*words)
        if done.status != 0:
            raise AssertionError(f'pond {" ".join(words)}: {done}')
        return done

    def root(self) -> str:
        """The root fingerprint of a clean pond; 'none' where there is no pond; else what is wrong."""
        done = self.run('fsck', '--json')
        if done.status == 5:
            return 'none'
        if done.status != 0:
            return f'fsck is not clean: {done} {done.out.decode(errors="replace")[:2000]}'
        return json.loads(done.out)['root']

    def tree(self) -> str:
        """A hash of all files of the export but out/.pond, by name and content."""
        lines = []
        out = self.dir / 'out'
        for path in sorted(p for p in out.rglob('*') if p.is_file()):
            name = path.relative_to(out).as_posix()
            if not name.startswith('.pond/'):
                lines.append(f'{name} {hashlib.sha256(path.read_bytes()).hexdigest()}')
        return '\n'.join(lines)

    def strays(self, recovered: bool) -> list[str]:
        """What must not be left behind by a write, or by a recovery, which alone lists the log's folder."""
        found = []
        for top, pattern in (('pond', POND_NAMES), ('tmp', TEMPORARY_NAMES)):
            base = self.dir / top
            for path in base.rglob('*') if base.exists() else ():
                name = path.relative_to(base).as_posix()
                if not pattern.fullmatch(name) and (recovered or not UNPUBLISHED.fullmatch(name)):
                    found.append(f'{top}/{name}')
        private = self.dir / 'out' / '.pond'
        if private.exists():
            found += [f'out/.pond/{n}' for n in sorted(os.listdir(private)) if n not in OUT_PRIVATE_NAMES]
        return found


class Tap:
    """One line a test, at once; the plan at the end."""

    def __init__(self):
        self.count = self.failed = 0

    def result(self, name: str, problems: list[str], note: str = '') -> None:
        self.count += 1
        self.failed += bool(problems)
        print(f'{"not ok" if problems else "ok"} {self.count} - {name}{": " + note if note else ""}', flush=True)
        for problem in problems[:25]:
            print('# ' + problem.replace('\n', '\n#   '), flush=True)
        if len(problems) > 25:
            print(f'# and {len(problems) - 25} more', flush=True)

    def skip(self, name: str, why: str) -> None:
        self.count += 1
        print(f'ok {self.count} - {name} # SKIP {why}', flush=True)

    def pass_on(self, line: str) -> None:
        """A line of another run."""
        found = re.match(r'(not )?ok \d+ - (.*)', line)
        if found:
            self.count += 1
            self.failed += bool(found[1])
            line = f'{found[1] or ""}ok {self.count} - {found[2]}'
        if found or line.startswith('#'):
            print(line, flush=True)

    def end(self) -> int:
        print(f'1..{self.count}', flush=True)
        return 1 if self.failed else 0


def parallel(jobs: int, function, items) -> list:
    """function(item) for all items, on `jobs` threads (the work is in child processes); results in order."""
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(function, items))


progress_lock = threading.Lock()


def progress(text: str) -> None:
    if sys.stderr.isatty():
        with progress_lock:
            sys.stderr.write(f'\r\033[K{text}')
            sys.stderr.flush()
