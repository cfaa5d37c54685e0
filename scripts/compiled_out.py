"""Compiled out (meson -Dtracker=false), the tracker costs nothing: every source file with recording sites gives the same machine code, instruction by
instruction and relocation by relocation, as the file without them in its text; and nothing of the recording is defined or asked for. Equal code runs as many
instructions, whatever the command.

    python3 scripts/compiled_out.py BUILD [FILE...]      BUILD: any build directory, for its compiler and flags

Compiles some 80 files; a minute or two. Exit 1 with the first differing instructions.
"""
import difflib
import json
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

import mutate_ops

ROOT = pathlib.Path(__file__).resolve().parent.parent
RECORDING = re.compile(r' (perf_(?:record|start|finish|add_slow|key_text|mine|modes|level_now|mark)|block_take|ring_new)$', re.M)


def commands(build):
    """Compiler and flags of each source file of src/."""
    for entry in json.loads((build / 'compile_commands.json').read_text()):
        path = (build / entry['file']).resolve()
        if path.suffix == '.c' and path.is_relative_to(ROOT / 'src'):
            words = shlex.split(entry['command'])
            for flag in ('-o', '-MF', '-MQ'):
                at = words.index(flag)
                del words[at:at + 2]
            yield path, [word for word in words if word not in ('-c', '-MD', entry['file'])]


def compiled(build, words, source, target):
    subprocess.run([*words, '-DPOND_NO_TRACKER', f'-ffile-prefix-map={source.parent}={target.parent}', '-c', source, '-o', target], check=True, cwd=build)
    return target


def code(path):
    text = subprocess.run(['objdump', '-dr', '--no-show-raw-insn', path], check=True, capture_output=True, text=True).stdout
    return re.sub(r' <[^>]*>', '', text).split('\n')[3:]  # without the file's name and what objdump calls places


def compare(build, words, path, tree, work):
    """None, or what differs."""
    name = str(path.relative_to(ROOT)).replace('/', '_')
    out = compiled(build, words, path, work / f'{name}.out.o')
    stripped = tree / path.relative_to(ROOT)
    if stripped.read_text() != path.read_text():
        a, b = code(out), code(compiled(build, [*words, '-w'], stripped, work / f'{name}.none.o'))
        if a != b:
            return '\n'.join([f'{path.relative_to(ROOT)}: compiled out and without sites differ', *list(difflib.unified_diff(a, b, 'out', 'none', n=2, lineterm=''))[:40]])
    symbols = subprocess.run(['nm', out], check=True, capture_output=True, text=True).stdout
    found = RECORDING.search(symbols)
    return f'{path.relative_to(ROOT)}: {found.group(1)} is left' if found else None


def main():
    """With names of files: these alone."""
    build = pathlib.Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory(prefix='pond-compiled-out-') as scratch:
        work = pathlib.Path(scratch)
        shutil.copytree(ROOT / 'src', work / 'tree/src')
        mutate_ops.strip(work / 'tree')
        wanted = [(path, words) for path, words in commands(build)
                  if path.parent.name == 'perf' or (work / 'tree' / path.relative_to(ROOT)).read_text() != path.read_text()]
        wanted = [item for item in wanted if not sys.argv[2:] or str(item[0].relative_to(ROOT)) in sys.argv[2:]]
        with ThreadPoolExecutor(2) as pool:
            results = list(pool.map(lambda item: compare(build, item[1], item[0], work / 'tree', work), wanted))
    for result in filter(None, results):
        print(result)
    print(f'{len(wanted)} files, {sum(result is not None for result in results)} differ')
    sys.exit(any(results) or not wanted)


main()
