"""The table of docs/toggles.md from src/base/toggles.def; with --check only says whether it is up to date.

    python3 scripts/toggles_doc.py [--check]
"""
import ast
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BEGIN, END = '<!-- table of src/base/toggles.def -->\n', '<!-- end -->\n'


def table():
    rows = '| toggle | module | off, this grows | what it is | in full |\n|---|---|---|---|---|\n'
    text = (ROOT / 'src/base/toggles.def').read_text()
    for match in re.finditer(r'^TOGGLE\((\w+), (\w+), ([\w.]+),\s*((?:"(?:[^"\\]|\\.)*"\s*)+),\s*((?:"(?:[^"\\]|\\.)*"\s*)+)\)', text, re.M):
        name, module, shows, short, long = match.groups()
        short, long = (''.join(ast.literal_eval(part) for part in re.findall(r'"(?:[^"\\]|\\.)*"', quoted)) for quoted in (short, long))
        rows += f'| `{name}` | {module} | `{shows}` | {short} | {long} |\n'
    return rows


def main():
    path = ROOT / 'docs/toggles.md'
    old = path.read_text()
    new = old[:old.index(BEGIN) + len(BEGIN)] + table() + old[old.index(END):]
    if '--check' not in sys.argv:
        path.write_text(new)
    elif old != new:
        sys.exit('docs/toggles.md is not up to date: run python3 scripts/toggles_doc.py')


main()
