#!/usr/bin/env bash
# fuzz.sh DIR [SECONDS]: libFuzzer with sanitizers over every target, starting from the committed corpora; new finds are kept in DIR/finds.
set -euo pipefail
cd "$(dirname "$0")/.."
dir=$1 seconds=${2:-60}
[ -e "$dir/build.ninja" ] || CC=clang-14 meson setup "$dir" -Db_sanitize=address,undefined -Db_lundef=false -Dc_args=-fsanitize=fuzzer-no-link >/dev/null
ninja -C "$dir" -j"$(nproc)" --quiet fuzz
status=0
for target in "$dir"/tests/fuzz/libfuzzer_*; do
    [ -x "$target" ] && [ -f "$target" ] || continue
    name=$(basename "$target" | sed 's/^libfuzzer_//')
    mkdir -p "$dir/finds/$name"
    echo "== $name"
    "$target" -max_total_time="$seconds" -print_final_stats=0 -verbosity=0 -artifact_prefix="$dir/finds/$name/crash-" "$dir/finds/$name" "tests/fuzz/corpus/$name" || status=1
done
exit $status
