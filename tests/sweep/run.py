#!/usr/bin/env python3
"""Sweeps over the real pond program: run.py [--quick] [--body NAME] [--seed N] POND [faults|kills|interrupts|media ...]

Prints TAP; exit 1 when anything failed. --quick is what `make test` runs, everything what `make soak` runs. A failure of
`faults` is run again alone by --body NAME --plan ORIGIN,DEED,N.
"""
import argparse
import os
import pathlib
import random
import shutil
import signal
import sys
import time

sys.dont_write_bytecode = True

import bodies  # noqa: E402
import common  # noqa: E402
import faults  # noqa: E402
import interrupts  # noqa: E402
import kills  # noqa: E402
import media  # noqa: E402

SWEEPS = ('faults', 'kills', 'interrupts', 'media')
INSIDE = 'POND_SWEEP_MOUNTS'  # set where mounts are ours alone


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('pond', help='the program')
    parser.add_argument('sweeps', nargs='*', help='faults, kills, interrupts, media; default all')
    parser.add_argument('--quick', action='store_true')
    parser.add_argument('--body', action='append', help='only these')
    parser.add_argument('--seed', type=int, default=int(time.time()))
    parser.add_argument('--jobs', type=int, default=os.cpu_count())
    parser.add_argument('--count', type=int, help='kills in all, or signals a body')
    parser.add_argument('--keep', type=pathlib.Path, help='where what failed is kept')
    parser.add_argument('--plan', metavar='ORIGIN,DEED,N', help='one attempt of --body')
    return parser.parse_args()


def main() -> int:
    args = arguments()
    args.pond = str(pathlib.Path(args.pond).resolve())
    tap = common.Tap()
    print(f'# seed {args.seed}', flush=True)
    wanted = ['plan'] if args.plan else args.sweeps or list(SWEEPS)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # boxes are removed then too
    for names in ([n for n in wanted if n != 'kills'], [n for n in wanted if n == 'kills']):
        if names:
            in_folder(common.work_folder(on_disk='kills' in names), names, args, tap)  # where a commit lasts long enough to be hit
    return tap.end()


def in_folder(folder: pathlib.Path, names: list[str], args: argparse.Namespace, tap: common.Tap) -> None:
    try:
        made = bodies.make_templates(args.pond, folder)
        for name in names:
            sweep_by_name(name, args, tap, faults.Sweep(args.pond, folder, args.keep), made)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def one_plan(args: argparse.Namespace, tap: common.Tap, sweep: faults.Sweep, made: list[bodies.Body]) -> None:
    origin, deed, nth = args.plan.split(',')
    for body in chosen(args, made):
        one = sweep.attempt(body, deed, origin, int(nth))
        tap.result(f'{body.name} {one.plan} ({one.call})', one.problems)


def chosen(args: argparse.Namespace, made: list[bodies.Body]) -> list[bodies.Body]:
    return [body for body in made if not args.body or body.name in args.body]


def sweep_by_name(name: str, args: argparse.Namespace, tap: common.Tap, sweep: faults.Sweep, made: list[bodies.Body]) -> None:
    dice = random.Random(args.seed)
    sweep.follow_every = 4 if args.quick and name != 'plan' else 1
    large = [] if name in ('plan', 'faults', 'media') else bodies.make_large(args.pond, sweep.folder)
    match name:
        case 'plan':
            one_plan(args, tap, sweep, made)
        case 'faults':
            faults.run(tap, sweep, chosen(args, made), args.jobs, args.quick)
        case 'kills':
            kills.run(tap, sweep, chosen(args, large), args.count or (30 if args.quick else 500), 6 if args.quick else 150, dice)
        case 'interrupts':
            some = [body for body in made if not args.quick or body.name in ('copy-csv', 'checkpoint')]
            interrupts.run(tap, sweep, chosen(args, large + some), args.count or (6 if args.quick else 100), args.jobs, dice)
        case 'media' if os.environ.get(INSIDE):
            media.run(tap, sweep, made, args.quick)
        case 'media':
            media.outside(tap, [sys.executable, *sys.argv[:1], *(['--quick'] if args.quick else []), args.pond, 'media'], INSIDE)


if __name__ == '__main__':
    sys.exit(main())
