"""The bodies that are swept: for each a template (how the pond, and the export, stand before) and one command.

Templates are made once by the same program without faults; attempts work on copies. Inputs stand beside the templates
and are never changed.
"""
import dataclasses
import datetime
import os
import pathlib
import random

from common import Box

EXPORT = ('export', '-p', '/s/*.series', '-p', '/reduced/*/*.series', '-p', '/raw/*', '-d', 'out', '--temporal', 'year,month')

EXPORT_DAYS = ('export', '-p', '/s/m.series', '-p', '/d/*.bin', '-d', 'out', '--temporal', 'year,month,day')


@dataclasses.dataclass
class Body:
    name: str
    command: tuple[str, ...]
    template: str
    export: bool = False
    before: str = ''  # root, or tree of the export
    after: str = ''

    def state(self, box: Box) -> str:
        return box.tree() if self.export else box.root()


def csv_text(days: range, level: float) -> str:
    """Four rows a day from 2024-01-01."""
    lines = ['timestamp,level,hour']
    for day in days:
        date = datetime.date(2024, 1, 1) + datetime.timedelta(day)
        lines += [f'{date}T{hour:02}:00:00Z,{level + day + hour / 24:.4f},{hour}' for hour in range(0, 24, 6)]
    return '\n'.join(lines) + '\n'


def minutes_csv(month: int) -> str:
    """A row a minute over a month of 2024."""
    lines, at = ['timestamp,level,flow'], datetime.datetime(2024, month, 1)
    while at.month == month:
        n = at.day * 1440 + at.hour * 60 + at.minute
        lines.append(f'{at.isoformat()}Z,{n % 977 / 7:.4f},{n * 31 % 1009}')
        at += datetime.timedelta(minutes=1)
    return '\n'.join(lines) + '\n'


def write_inputs(folder: pathlib.Path) -> None:
    noise = random.Random(7)
    folder.mkdir()
    (folder / 'small.txt').write_text('a few words\n')
    (folder / 'old.bin').write_bytes(noise.randbytes(20_000))
    (folder / 'new.bin').write_bytes(noise.randbytes(150_000))
    (folder / 'first.csv').write_text(csv_text(range(0, 60), 1.0))
    (folder / 'more.csv').write_text(csv_text(range(60, 75), 2.0))
    (folder / 'late.csv').write_text(csv_text(range(40, 75), 3.0))
    (folder / 'reduce.yaml').write_text('in_pattern: /s/*.series\nout_pattern: $0\ntime_column: timestamp\n'
                                        'resolutions: [1d]\naggregations: [{type: avg}, {type: max, columns: [level]}]\n')


def write_logs(folder: pathlib.Path) -> None:
    """A log as it was, and as it is after it was rotated twice; and what apply is to make."""
    noise = random.Random(13)
    old, rest, middle, new = (noise.randbytes(n) for n in (9_000, 7_000, 500, 6_000))
    for name, files in {'log1': {'app.log': old}, 'log2': {'app.log.2': old + rest, 'app.log.1': middle, 'app.log': new}}.items():
        (folder / name).mkdir()
        for age, (file, content) in enumerate(files.items()):
            (folder / name / file).write_bytes(content)
            os.utime(folder / name / file, (1_700_000_000 + age,) * 2)
        (folder / f'{name}.yaml').write_text(f'active_pattern: {folder}/{name}/app.log\narchived_pattern: {folder}/{name}/app.log.*\n'
                                             'pond_path: /logs\n')
    (folder / 'pond.yaml').write_text('\n---\n'.join(
        f'version: v1\nkind: {kind}\nmetadata: {{path: {path}}}\nspec: {spec}' for kind, path, spec in (
            ('mkdir', '/a/b', '{parents: true}'), ('copy', '/a/b/new.bin', f'{{source: {folder}/new.bin}}'),
            ('copy', '/s/x.series', f'{{source: "host+csv+series://{folder}/more.csv"}}'),
            ('mknod', '/a/logs', f'{{factory: logfile-ingest, config: {{active_pattern: {folder}/log1/app.log, pond_path: /l}}}}'))))


def grow(pond: str, folder: pathlib.Path, name: str, base: str | None, *commands: tuple[str, ...]) -> None:
    """The template `name`: what the commands make of another one."""
    with Box(pond, folder, folder / base if base else None) as box:
        for command in commands:
            box.must(*command)
        (folder / name).mkdir()
        for part in ('pond', 'out'):
            if (box.dir / part).exists():
                (box.dir / part).rename(folder / name / part)


def make_templates(pond: str, folder: pathlib.Path) -> list[Body]:
    """The templates under folder/<name>; returns the bodies, with the states before and after as a run without faults has them."""
    given = folder / 'in'
    write_inputs(given)
    write_logs(given)

    csv = 'host+csv+series://'
    (folder / 'nothing').mkdir()
    grow(pond, folder, 'base', None, ('init',), ('mkdir', '/d', '/d/sub', '/s', '/raw'), ('copy', f'{given}/old.bin', '/d/big.bin'),
          ('copy', f'{given}/small.txt', '/d/sub/small.txt'), ('copy', f'{csv}{given}/first.csv', '/s/x.series'))
    grow(pond, folder, 'derived', 'base', ('copy', f'{given}/old.bin', '/raw/kept.bin'), ('copy', f'{given}/old.bin', '/raw/gone.bin'),
          ('mknod', 'temporal-reduce', '/reduced', '--config-path', f'{given}/reduce.yaml'))
    grow(pond, folder, 'exported', 'derived', EXPORT, ('copy', f'{csv}{given}/late.csv', '/s/x.series'), ('rm', '/raw/gone.bin'),
          ('copy', f'{given}/new.bin', '/raw/new.bin'))
    grow(pond, folder, 'logs', 'base', ('mkdir', '-p', '/system/etc'), ('mknod', 'logfile-ingest', '/system/etc/logs', '--config-path', f'{given}/log1.yaml'),
          ('run', 'logs'), ('mknod', 'logfile-ingest', '/system/etc/logs', '--config-path', f'{given}/log2.yaml', '--overwrite'))
    grow(pond, folder, 'due', 'base', *(('mkdir', f'/m{n}') for n in range(3)))
    grow(pond, folder, 'garbage', 'due', ('mkdir', '/n'), ('copy', f'{given}/new.bin', '/d/big.bin'), ('rm', '-r', '/d/sub'), ('rm', '/m0'))

    grow(pond, folder, 'versions', 'base', ('copy', f'{csv}{given}/more.csv', '/s/x.series'), ('copy', f'{csv}{given}/late.csv', '/s/x.series'))

    bodies = [
        Body('init', ('init',), 'nothing'),
        Body('copy-inline', ('copy', f'{given}/small.txt', '/d/inline.txt'), 'base'),
        Body('copy-blob', ('copy', f'{given}/new.bin', '/d/big.bin'), 'base'),
        Body('copy-csv', ('copy', f'{csv}{given}/more.csv', '/s/x.series'), 'base'),
        Body('mkdir', ('mkdir', '-p', '/p/q/r'), 'base'),
        Body('mv', ('mv', '/d', '/s/moved'), 'base'),
        Body('rm', ('rm', '-r', '/d'), 'base'),
        Body('mknod', ('mknod', 'temporal-reduce', '/reduced', '--config-path', f'{given}/reduce.yaml'), 'base'),
        Body('apply', ('apply', '-f', f'{given}/pond.yaml'), 'base'),
        Body('run-logs', ('run', 'logs'), 'logs'),
        Body('checkpoint', ('mkdir', '/tenth'), 'due'),
        Body('maintain', ('maintain', '--compact', '--vacuum', '--retain', '0'), 'garbage'),
        Body('collapse', ('maintain', '--collapse-versions', '1'), 'versions'),
        Body('export-first', EXPORT, 'derived', export=True),
        Body('export-second', EXPORT, 'exported', export=True),
    ]
    for body in bodies:
        measure(pond, folder, body)
    return bodies


def make_large(pond: str, folder: pathlib.Path) -> list[Body]:
    """Bodies whose phases last long enough to be hit by a signal; to be called after make_templates."""
    given, noise, csv = folder / 'in', random.Random(11), 'host+csv+series://'
    for n in range(3):
        (given / f'large{n}.bin').write_bytes(noise.randbytes(4_000_000))
    for month in (1, 2):
        (given / f'minutes{month}.csv').write_text(minutes_csv(month))
    grow(pond, folder, 'large', 'due', ('copy', f'{csv}{given}/minutes1.csv', '/s/m.series'))
    grow(pond, folder, 'large-exported', 'large', EXPORT_DAYS, ('copy', f'{csv}{given}/minutes2.csv', '/s/m.series'),
         ('copy', f'{given}/new.bin', '/d/'))
    bodies = [
        Body('copy-large', ('copy', *(f'{given}/large{n}.bin' for n in range(3)), '/d/'), 'due'),
        Body('copy-csv-large', ('copy', f'{csv}{given}/minutes2.csv', '/s/m.series'), 'large'),
        Body('export-large', EXPORT_DAYS, 'large-exported', export=True),
    ]
    for body in bodies:
        measure(pond, folder, body)
    return bodies


def measure(pond: str, folder: pathlib.Path, body: Body) -> None:
    with Box(pond, folder, folder / body.template) as box:
        body.before = body.state(box)
        had_checkpoint = (box.dir / 'pond/log/_delta_log/_last_checkpoint').exists()
        files = sum(p.is_file() for p in box.dir.rglob('pond/[lb]*/**/*'))
        box.must(*body.command)
        body.after = body.state(box)
        if body.name != 'maintain' and body.before == body.after:
            raise AssertionError(f'{body.name}: changes nothing')
        if body.name == 'checkpoint' and (had_checkpoint or not (box.dir / 'pond/log/_delta_log/_last_checkpoint').exists()):
            raise AssertionError('checkpoint: this commit is not the one that writes a checkpoint')
        if body.name == 'maintain' and files <= sum(p.is_file() for p in box.dir.rglob('pond/[lb]*/**/*')):
            raise AssertionError('maintain: removes nothing')
        for state in (body.before, body.after):
            if not body.export and state != 'none' and len(state) != 64:
                raise AssertionError(f'{body.name}: {state}')
