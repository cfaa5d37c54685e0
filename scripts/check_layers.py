"""Every #include "module/..." of src/ obeys src/LAYERS (edges are transitive), modules meet only at public headers, and only engine includes duckdb.h."""
import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parent.parent / 'src'
uses: dict[str, set[str]] = {}
for line in (root / 'LAYERS').read_text().splitlines():
    if line.startswith('#') or not line.strip():
        continue
    module, direct = line.split(':')
    uses[module] = set()
    for name in direct.split():
        uses[module] |= {name} | uses[name]

problems = []
for path in sorted(root.rglob('*')):
    if path.suffix not in ('.c', '.h', '.def'):
        continue
    module = path.relative_to(root).parts[0]
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = re.match(r'\s*#\s*include\s+["<]([\w./-]+)[">]', line)
        if not match:
            continue
        header = match.group(1)
        where = f'src/{path.relative_to(root)}:{number}'
        if header == 'duckdb.h' and module != 'engine':
            problems.append(f'{where}: only engine includes duckdb.h')
        other = header.split('/')[0]
        if '/' not in header or other not in uses or other == module:
            continue
        if other not in uses[module]:
            problems.append(f'{where}: {module} may not use {other}')
        if header.endswith('_int.h'):
            problems.append(f'{where}: {header} is private to {other}')
    if module != 'os' and re.search(r'(?<![\w.>])(?:open|openat|creat|fopen|rename|unlink|mkdir|rmdir|opendir|stat|lstat|fsync|link|symlink|mkdtemp|mkstemp)\s*\(', re.sub(r'/\*.*?\*/|"(?:\\.|[^"\\])*"', '', path.read_text(), flags=re.S)):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if re.search(r'(?<![\w.>*])(?:open|openat|creat|fopen|unlink|opendir|lstat|fsync|mkdtemp|mkstemp)\s*\(', re.sub(r'"(?:\\.|[^"\\])*"', '', line)) and not line.lstrip().startswith(('*', '/*')):
                problems.append(f'src/{path.relative_to(root)}:{number}: only os makes file-system calls: {line.strip()}')
print('\n'.join(problems), end='\n' if problems else '')
sys.exit(1 if problems else 0)
