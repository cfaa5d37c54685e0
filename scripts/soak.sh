#!/usr/bin/env bash
# soak.sh BUILD [SEED]: the long tests: every file call of every body fails in every way, 500 kills, signals, full disks, and the
# unit tests of suite soak (ten thousand commits, models, races). Hours. The last line is "N passed, N failed".
set -uo pipefail
cd "$(dirname "$0")/.."
build=$1 seed=${2:-$(date +%s)}
ninja -C "$build" -j"$(nproc)" --quiet || exit 1
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for sweep in media kills interrupts faults; do
    echo "== $sweep"
    python3 tests/sweep/run.py --seed "$seed" --keep "$build/soak-failures" "$build/pond" "$sweep" | tee -a "$log"
done
echo "== models at random"
for n in $(seq 0 49); do
    POND_SEED=$((seed + n)) POND_BIN="$PWD/$build/pond" bats --tap -f 'at random|against a model' tests/cli/ingest.bats tests/cli/collapse.bats | grep -v '^1\.\.' | tee -a "$log"
done
echo "== unit tests"
meson test -C "$build" --suite soak --print-errorlogs --logbase soak --num-processes 1
[ $? -eq 0 ] && echo 'ok - suite soak' >>"$log" || echo 'not ok - suite soak' >>"$log"
failed=$(grep -c '^not ok' "$log")
echo "$(grep -c '^ok' "$log") passed, $failed failed"
[ "$failed" -eq 0 ]
