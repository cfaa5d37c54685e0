#!/usr/bin/env bash
# test.sh BUILD: builds everything, runs the unit tests and the command-line tests. The last line is "N passed, N failed".
set -uo pipefail
cd "$(dirname "$0")/.."
build=$1
log=$(mktemp -d)
trap 'rm -rf "$log"' EXIT
jobs=$(nproc)
if ! ninja -C "$build" -j"$jobs" --quiet; then
    echo "the build failed"
    echo "0 passed, 1 failed"
    exit 1
fi
passed=0 failed=0
count() { # FILE of TAP: adds up; a plan not fulfilled counts as a failure
    local ok not planned
    ok=$(grep -cE '^ *ok ' "$1")
    not=$(grep -cE '^ *not ok ' "$1")
    passed=$((passed + ok)) failed=$((failed + not))
}
MESON_TESTTHREADS=$jobs meson test -C "$build" --no-rebuild --no-suite soak --print-errorlogs --logbase unit >"$log/summary" 2>&1
status=$?
python3 - "$build/meson-logs/unit.json" >"$log/unit.tap" <<'PY'
import json, re, sys
for line in open(sys.argv[1]):
    test = json.loads(line)
    results = re.findall(r'^(?:not )?ok .*$', test.get('stdout') or '', re.M)
    print('\n'.join(f'{r} [{test["name"]}]' for r in results))
    bad = any(r.startswith('not ok') for r in results)
    if test['result'] not in ('OK', 'SKIP', 'EXPECTEDFAIL') and not bad:
        print(f'not ok - {test["name"]}: {test["result"]}')
PY
count "$log/unit.tap"
if [ $status -ne 0 ]; then
    cat "$log/summary"
    grep -E '^ *not ok' "$log/unit.tap"
fi
# A file at a time on each core, the longest first.
cli_file() { # FILE
    local tap
    tap=$log/cli-$(basename "$1" .bats).tap
    bats --tap "$1" >"$tap" 2>&1 || echo "not ok - $1 ended badly" >"$tap.status"
}
export -f cli_file
export log POND_BIN="$PWD/$build/pond"
{ ls tests/cli/sweep.bats tests/cli/examples.bats tests/cli/toggles.bats && ls -S tests/cli/*.bats; } | awk '!seen[$0]++' | xargs -P "$jobs" -I{} bash -c 'cli_file "$1"' - {}
for tap in "$log"/cli-*.tap; do
    count "$tap"
    [ -e "$tap.status" ] || continue
    status=1
    grep -A30 -E '^not ok' "$tap" || cat "$tap"
done
[ $((passed + failed)) -gt 0 ] || failed=1
[ $failed -eq 0 ] && [ $status -ne 0 ] && failed=1
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
