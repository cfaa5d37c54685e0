"""No file above 1,000 lines, no function above 70 lines."""
import pathlib
import re
import subprocess
import sys

root = pathlib.Path(__file__).resolve().parent.parent
names = subprocess.run(['git', 'ls-files', 'src/*.c', 'src/*.h', 'tests/*.c', 'tests/*.h', 'bench/*.c'], cwd=root, capture_output=True, text=True, check=True).stdout.split()
problems = []
for name in names:
    lines = (root / name).read_text().splitlines()
    if len(lines) > 1000:
        problems.append(f'{name}: {len(lines)} lines')
    start = None
    for number, line in enumerate(lines, 1):
        if line == '{':
            start = number
        elif line == '}' and start is not None:
            if number - start > 70:
                problems.append(f'{name}:{start}: a function of {number - start} lines')
            start = None
print('\n'.join(problems), end='\n' if problems else '')
sys.exit(1 if problems else 0)
