"""Removes each recording site of the tracker in turn; some scenario of tests/cli/ops.py must notice.

    python3 scripts/mutate_ops.py [--only OPERATION] [--list]
    python3 scripts/mutate_ops.py --strip TREE      takes all of them out of the sources in TREE

Sites are the statements of src/ (perf itself aside) that count, time or key an operation. For each the statement is taken
out of a copy of the sources, pond is built, and the scenarios run whose counts name the operation. Of a keyed site the key
alone is taken out, too. Prints one line a mutant; exit 1 when one survives. Needs a release build to begin with; takes some
seconds a mutant.
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
SITE = re.compile(r'(?:PERF_SPAN|PERF_SPAN_FOR|perf_count|perf_count_for|perf_add|perf_asked)\((?:[^();]|\((?:[^()]|\([^()]*\))*\))*\);'
                  r'|perf_begin\(&\w+, PERF_\w+\);')
NAMES = re.compile(r'PERF_([a-z_]+)')


def sites(root):
    """(file, begin, end, replacement, operations, what)"""
    for path in sorted((root / 'src').rglob('*.c')):
        if path.parent.name == 'perf':
            continue
        text = path.read_text()
        for match in SITE.finditer(text):
            statement = match.group()
            where = f'{path.relative_to(root)}:{text.count(chr(10), 0, match.start()) + 1}'
            names = NAMES.findall(statement)
            if not names:
                continue
            gone = re.sub(r'perf_begin\(&(\w+),.*', r'\1.mode = 0;', statement) if 'perf_begin' in statement else '(void)0;'
            yield path, match.span(), gone, names, f'{where} {statement}'
            if '_for(' in statement or '_FOR(' in statement:
                keyless = re.sub(r'_(?:for|FOR)\(((?:[^,()]|\([^()]*\))*),.*', r'(\1);', statement, flags=re.S)
                yield path, match.span(), keyless, [f'{name}.keys' for name in names], f'{where} key of {statement}'


def strip(root):
    for path in sorted({site[0] for site in sites(root)}):
        text = path.read_text()
        for other, (begin, end), replacement, _, what in sorted(sites(root), key=lambda site: -site[1][0]):
            if other == path and ' key of ' not in what:
                text = text[:begin] + replacement + text[end:]
        path.write_text(text)


def scenarios_of(root, names):
    table = [line.split('\t') for line in (root / 'tests/cli/ops.tsv').read_text().splitlines() if line and line[0] != '#']
    if any(name.startswith('os_') for name in names):
        return ['a_copy']  # held against the calls by class in every scenario
    return sorted({row[0] for row in table if row[1] in names and row[2] != '0'})


def main():
    if '--strip' in sys.argv:
        strip(pathlib.Path(sys.argv[sys.argv.index('--strip') + 1]))
        return
    only = sys.argv[sys.argv.index('--only') + 1] if '--only' in sys.argv else None
    if '--list' in sys.argv:
        print('\n'.join(site[4] for site in sites(ROOT)))
        return
    survivors = 0
    with tempfile.TemporaryDirectory(prefix='pond-mutants-') as scratch:
        tree = pathlib.Path(scratch) / 'tree'
        shutil.copytree(ROOT, tree, symlinks=True, ignore=shutil.ignore_patterns('build', '.git', '.deps'))
        (tree / '.deps').symlink_to((ROOT / '.deps').resolve())
        build = tree / 'build/mutant'
        subprocess.run([tree / 'scripts/configure.sh', build, 'release'], check=True, capture_output=True)

        def make():
            return subprocess.run(['ninja', '-C', build, '--quiet', 'pond'], capture_output=True, text=True)

        def ops(*words):
            return subprocess.run([sys.executable, tree / 'tests/cli/ops.py', build / 'pond', '--template', f'{scratch}/template', *words],
                                  capture_output=True, text=True)
        assert make().returncode == 0 and ops().returncode == 0, 'the scenarios fail without a mutation'
        chosen = [site for site in sites(tree) if only is None or any(name.split('.')[0] == only for name in site[3])]
        for path, (begin, end), replacement, names, what in chosen:
            text = path.read_text()
            path.write_text(text[:begin] + replacement + text[end:])
            built = make()
            scenarios = scenarios_of(tree, names)
            killed = built.returncode == 0 and scenarios and ops(*scenarios).returncode != 0
            survivors += not killed
            print('killed  ' if killed else 'SURVIVED' if built.returncode == 0 else 'NOT BUILT', re.sub(r'\s+', ' ', what), flush=True)
            path.write_text(text)
    print(f'{len(chosen)} mutants, {survivors} survived')
    sys.exit(1 if survivors else 0)


if __name__ == '__main__':
    main()
