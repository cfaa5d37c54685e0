"""docs/operations.md from src/perf/ops.def and docs/plan_points.tsv; with --check only says whether it is up to date.

    python3 scripts/ops_doc.py [--check]
"""
import ast
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
HEAD = '''# Operations: everything pond counts

Made by `scripts/ops_doc.py` from `src/perf/ops.def`; `pond perf ops` shows the same. Units: `count`, `rows`, `bytes` are only counted; `time` counts and times
each call; `fine` counts each call and times one in 64 (all at the level `detail`). Metric names for other systems are `pond_<operation>_total`, and
`pond_<operation>_duration_seconds` for what is timed. Of past commands they are rows of the SQL table `pond_ops` (`docs/sql.md`).
'''
POINTS = '''
## The performance plan's instrumentation points

Each point and metric that the plan names, and where it is counted. `docs/plan_points.tsv` says of each in which scenario of `tests/cli/ops.py` it is above 0,
and a test looks.

| plan | point | counted by |
|---|---|---|
'''


def operations():
    text = (ROOT / 'src/perf/ops.def').read_text()
    for match in re.finditer(r'^PERF_OP\((\w+), (\w+), (\w+),\s*((?:"(?:[^"\\]|\\.)*"\s*)+),\s*((?:"(?:[^"\\]|\\.)*"\s*)+)\)', text, re.M):
        name, layer, unit, short, long = match.groups()
        yield name, layer, unit, *(''.join(ast.literal_eval(part) for part in re.findall(r'"(?:[^"\\]|\\.)*"', quoted)) for quoted in (short, long))


def page():
    out, last = HEAD, None
    names = set()
    for name, layer, unit, short, long in operations():
        names.add(name)
        if layer != last:
            out += f'\n## {layer}\n\n| operation | unit | what | read it so |\n|---|---|---|---|\n'
            last = layer
        out += f'| `{name}` | {unit} | {short} | {long} |\n'
    out += POINTS
    for line in (ROOT / 'docs/plan_points.tsv').read_text().splitlines():
        part, point, counted, _ = line.split('\t')
        for name in re.findall(r'`([a-z_]+)`', counted):
            assert name in names, f'docs/plan_points.tsv: no operation {name}'
        out += f'| {part} | {point} | {counted} |\n'
    return out


def main():
    path, text = ROOT / 'docs/operations.md', page()
    if '--check' not in sys.argv:
        path.write_text(text)
    elif not path.exists() or path.read_text() != text:
        sys.exit('docs/operations.md is not up to date: run python3 scripts/ops_doc.py')


main()
