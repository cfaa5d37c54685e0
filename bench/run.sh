#!/usr/bin/env bash
# run.sh BUILD [NAME...]: builds what the benchmarks need and runs them; see run.py.
set -euo pipefail
cd "$(dirname "$0")/.."
ninja -C "$1" -j"$(nproc)" --quiet pond bench/bench_baseline bench/bench_tracker bench/bench_predict
exec python3 bench/run.py "$@"
