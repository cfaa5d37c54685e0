"""Removes each recording site of the tracker in turn; some scenario of tests/cli/ops.py must notice.

    python3 scripts/mutate_ops.py [--only NAME]... [--jobs N] [--list]
    python3 scripts/mutate_ops.py --strip TREE      takes all of them out of the sources in TREE

Sites are the statements of src/ (perf itself aside) that count, time or key an operation, or record what a cache did. In one copy of
the sources each gets a number and stands behind a test of it, so that one binary is every mutant: SITE_OFF=N switches site N off. Of
a keyed site the key alone is a mutant, too. A mutant runs the scenarios whose counts name what it records, one after the other, until
one fails, then the unit tests of what a small pond cannot show. Prints a line a mutant; exit 1 when one survives. NAME: an operation or a cache.
"""
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
ARGUMENTS = r'\((?:[^();]|\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))*\);'
SITE = re.compile(r'\b(PERF_SPAN_FOR|PERF_SPAN|PERF_LOOKUP|perf_count_for|perf_count|perf_add|perf_asked|perf_begin|'
                  r'perf_fetched|perf_loaded|perf_cache_add|perf_held|perf_evicted|perf_missed)' + ARGUMENTS)
OPS = re.compile(r'PERF_([a-z][a-z_]*)')
CACHES = re.compile(r'PERF_CACHE_([a-z]+)')
EVENTS = {'PERF_HITS': 'hits', 'PERF_MISSES': 'misses', 'PERF_FETCHES': 'fetches', 'PERF_EVICTIONS': 'evictions',
          'PERF_GHOST_HITS': 'ghost_hits'}
# What a scenario on a small pond cannot show: the programs of the tests that do.
UNITS = {'store.evictions': 'cache_test_cache', 'store.ghost_hits': 'cache_test_cache', 'store.held': 'cache_test_cache',
         'index.held': 'tlogfs_test_tlog'}
SWITCH = '''
extern int perf_site_off;
static inline bool perf_site(int number)
{
    return number != perf_site_off;
}
'''
SWITCHED = '''
#include <stdlib.h>
int perf_site_off = -1;
__attribute__((constructor)) static void read_site(void)
{
    const char *number = getenv("SITE_OFF");
    if (number != NULL) perf_site_off = atoi(number);
}
'''


def arguments(text):
    """Of a call, split at its own commas."""
    out, depth, begin = [], 0, 0
    for at, char in enumerate(text):
        depth += (char == '(') - (char == ')')
        if char == ',' and depth == 0:
            out.append(text[begin:at].strip())
            begin = at + 1
    return out + [text[begin:].strip()]


class Site:
    def __init__(self, path, text, match, lookups):
        self.span, self.call = match.span(), match.group(1)
        self.arguments = arguments(match.group()[len(self.call):].strip()[1:-2])
        line = text.count('\n', 0, match.start()) + 1
        self.what = f'{path}:{line} ' + re.sub(r'\s+', ' ', match.group())
        caches = CACHES.findall(match.group())
        if self.call == 'PERF_LOOKUP':
            lookups[self.arguments[0]] = caches[0]
            self.names = [f'{caches[0]}.hits', f'{caches[0]}.misses']
        elif self.call in ('perf_fetched', 'perf_loaded'):
            event = 'fetches' if self.call == 'perf_fetched' else 'load_us'
            self.names = [f'{lookups[self.arguments[0].lstrip("&")]}.{event}']
        elif caches:
            self.names = [f'{caches[0]}.{EVENTS.get(self.arguments[1], "held")}']
        else:
            self.names = OPS.findall(match.group())
        if self.call == 'perf_asked':
            self.names = [f'{name}.keys' for name in self.names]
        self.keyed = self.call in ('PERF_SPAN_FOR', 'perf_count_for')

    def stripped(self):
        if self.call == 'perf_begin':
            return f'{self.arguments[0].lstrip("&")}.mode = 0;'
        return '(void)0;'

    def switched(self, number):
        on, a = f'perf_site({number})', self.arguments
        if self.call in ('PERF_SPAN', 'PERF_SPAN_FOR'):
            name = f'perf_span_site{number}'
            key = f'if ({on} && perf_site({number + 1})) perf_asked({a[0]}, {a[1]});' if self.keyed else ''
            return (f'__attribute__((cleanup(perf_end), unused)) PerfSpan {name} = {{0}}; '
                    f'if ({on}) perf_begin(&{name}, {a[0]}); {key}')
        if self.call == 'PERF_LOOKUP':
            return f'PerfLookup {a[0]} = {{0}}; if ({on}) perf_lookup_begin(&{a[0]}, {a[1]});'
        if self.call == 'perf_begin':
            return f'if ({on}) perf_begin({a[0]}, {a[1]}); else *({a[0]}) = (PerfSpan){{0}};'
        if self.call == 'perf_count_for':
            return f'do {{ if ({on}) {{ perf_count({a[0]}); if (perf_site({number + 1})) perf_asked({a[0]}, {a[1]}); }} }} while (0);'
        return f'do {{ if ({on}) {self.call}({", ".join(a)}); }} while (0);'


def sources(root):
    """(path, text, its sites)"""
    for path in sorted((root / 'src').rglob('*.c')):
        text, lookups = path.read_text(), {}
        if path.parent.name == 'perf':
            continue
        found = [Site(path.relative_to(root), text, match, lookups) for match in SITE.finditer(text)]
        found = [site for site in found if site.names]
        if found:
            yield path, text, found


def rewrite(root, replacement):
    for path, text, found in list(sources(root)):
        for site in reversed(found):
            begin, end = site.span
            text = text[:begin] + replacement(site) + text[end:]
        path.write_text(text)


def strip(root):
    rewrite(root, Site.stripped)


def switch(tree):
    """Numbers the sites of a tree and makes them switchable: [(number, names, what)]"""
    mutants, number = [], 0
    for _, _, found in sources(tree):
        for site in found:
            site_mutants = [(number, site.names, site.what)]
            if site.keyed:
                site_mutants.append((number + 1, [f'{name}.keys' for name in site.names], f'key of {site.what}'))
            mutants += site_mutants
            number += 2
    numbers = iter(range(0, number, 2))
    order = {site.what: next(numbers) for _, _, found in sources(tree) for site in found}
    rewrite(tree, lambda site: site.switched(order[site.what]))
    header, block = tree / 'src/perf/perf.h', tree / 'src/perf/block.c'
    header.write_text(header.read_text().replace('#include <stdint.h>\n', '#include <stdint.h>\n' + SWITCH, 1))
    block.write_text(block.read_text() + SWITCHED)
    return mutants


def scenarios_of(names):
    table = [line.split('\t') for line in (ROOT / 'tests/cli/ops.tsv').read_text().splitlines() if line and line[0] != '#']
    if any(name.startswith('os_') for name in names):
        return ['a_copy']  # held against the calls by class in every scenario
    return list(dict.fromkeys(row[0] for row in table if row[1] in names and row[2] != '0'))


class Bench:
    def __init__(self, scratch):
        self.scratch, self.tree = scratch, pathlib.Path(scratch) / 'tree'
        shutil.copytree(ROOT, self.tree, symlinks=True, ignore=shutil.ignore_patterns('build', '.git', '.deps'))
        (self.tree / '.deps').symlink_to((ROOT / '.deps').resolve())
        self.mutants = switch(self.tree)
        build = self.tree / 'build/mutants'
        subprocess.run([self.tree / 'scripts/configure.sh', build, 'release'], check=True, capture_output=True)
        subprocess.run(['ninja', '-C', build, '--quiet', '-j2', 'pond', *sorted(set(UNITS.values()))], check=True)
        self.pond = build / 'pond'

    def ops(self, off, *scenarios):
        return subprocess.run([sys.executable, ROOT / 'tests/cli/ops.py', self.pond, '--template', f'{self.scratch}/template', *scenarios],
                              capture_output=True, text=True, env=os.environ | {'SITE_OFF': str(off)})

    def unit(self, off, program):
        return subprocess.run([self.pond.parent / program], cwd=self.scratch, capture_output=True,
                              env=os.environ | {'SITE_OFF': str(off), 'POND_SOURCE': str(self.tree), 'POND_BUILD': str(self.pond.parent)})

    def verdict(self, mutant):
        number, names, what = mutant
        scenarios, units = scenarios_of(names), {UNITS[name] for name in names if name in UNITS}
        if any(self.ops(number, scenario).returncode != 0 for scenario in scenarios):
            return 'killed  ', what
        if any(self.unit(number, program).returncode != 0 for program in units):
            return 'killed  ', f'{what}   (by {", ".join(units)})'
        return 'SURVIVED' if scenarios or units else 'UNGUARDED', what


def main():
    if '--strip' in sys.argv:
        strip(pathlib.Path(sys.argv[sys.argv.index('--strip') + 1]))
        return
    only = {sys.argv[i + 1] for i, word in enumerate(sys.argv) if word == '--only'}
    jobs = int(sys.argv[sys.argv.index('--jobs') + 1]) if '--jobs' in sys.argv else 2
    if '--list' in sys.argv:
        print('\n'.join(site.what for _, _, found in sources(ROOT) for site in found))
        return
    with tempfile.TemporaryDirectory(prefix='pond-mutants-') as scratch:
        bench = Bench(scratch)
        whole = bench.ops(-1)
        assert whole.returncode == 0, f'the scenarios fail without a mutation:\n{whole.stdout}{whole.stderr}'
        for program in sorted(set(UNITS.values())):
            assert bench.unit(-1, program).returncode == 0, f'{program} fails without a mutation'
        chosen = [m for m in bench.mutants if not only or {name.split('.')[0] for name in m[1]} & only]
        survivors = 0
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            for verdict, what in pool.map(bench.verdict, chosen):
                survivors += verdict[0] in 'SU'
                print(verdict, what, flush=True)
    print(f'{len(chosen)} mutants, {survivors} survived')
    sys.exit(1 if survivors else 0)


if __name__ == '__main__':
    main()
