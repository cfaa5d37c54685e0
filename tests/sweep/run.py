#!/usr/bin/env python3
"""Sweeps over the real pond program: run.py [--quick] [--body NAME] [--seed N] POND [faults|kills|interrupts|media ...]

Prints TAP; exit 1 when anything failed. --quick is what `make test` runs, everything what `make soak` runs.
"""
import argparse
import os
import pathlib
import shutil
import sys
import time

sys.dont_write_bytecode = True

import bodies  # noqa: E402
import common  # noqa: E402
import faults  # noqa: E402


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('pond', help='the program')
    parser.add_argument('sweeps', nargs='*', default=[])
    parser.add_argument('--quick', action='store_true')
    parser.add_argument('--body', action='append', help='only these')
    parser.add_argument('--seed', type=int, default=int(time.time()))
    parser.add_argument('--jobs', type=int, default=os.cpu_count())
    parser.add_argument('--keep', type=pathlib.Path, help='where what failed is kept')
    parser.add_argument('--plan', metavar='ORIGIN,DEED,N', help='one attempt of --body')
    return parser.parse_args()


def main() -> int:
    args = arguments()
    args.pond = str(pathlib.Path(args.pond).resolve())
    tap = common.Tap()
    folder = common.work_folder()
    print(f'# seed {args.seed}', flush=True)
    try:
        made = bodies.make_templates(args.pond, folder)
        chosen = [body for body in made if not args.body or body.name in args.body]
        sweep = faults.Sweep(args.pond, folder, args.keep)
        if args.plan:
            origin, deed, nth = args.plan.split(',')
            for body in chosen:
                one = sweep.attempt(body, deed, origin, int(nth))
                tap.result(f'{body.name} {one.plan} ({one.call})', one.problems)
        elif not args.sweeps or 'faults' in args.sweeps:
            faults.run(tap, sweep, chosen, args.jobs, args.quick)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
