#!/usr/bin/env bash
# check.sh: layers, file and function size, formatter, both compilers without a warning, clang-tidy. Prints what is wrong, and one line per check.
set -uo pipefail
cd "$(dirname "$0")/.."
bad=0
report() { # NAME STATUS
    if [ "$2" -eq 0 ]; then echo "ok $1"; else echo "not ok $1" && bad=$((bad + 1)); fi
}
python3 scripts/check_layers.py
report layers $?
python3 scripts/check_size.py
report size $?
mapfile -t sources < <(git ls-files 'src/*.c' 'src/*.h' 'tests/*.c' 'tests/*.h' 'bench/*.c')
if command -v clang-format-14 >/dev/null; then
    clang-format-14 --dry-run -Werror "${sources[@]}" 2>&1 | grep -E 'error|warning' | sed 's/ \[.*//' | sort -u | head -20
    clang-format-14 --dry-run -Werror "${sources[@]}" >/dev/null 2>&1
    report format $?
fi
for kind in release clang; do # warnings are errors there
    [ -e "build/$kind/build.ninja" ] || scripts/configure.sh "build/$kind" "$kind"
    ninja -C "build/$kind" -j"$(nproc)" --quiet >build/warnings.log 2>&1
    status=$?
    grep -E 'error|warning' build/warnings.log | head -20
    report "warnings ($kind)" $status
done
mapfile -t tidy < <(git ls-files 'src/*.c')
printf '%s\n' "${tidy[@]}" | xargs -P"$(nproc)" -n8 clang-tidy-14 -p build/clang --quiet >build/tidy.log 2>/dev/null
grep -E 'warning:|error:' build/tidy.log | sort -u | head -20
! grep -qE 'warning:|error:' build/tidy.log
report tidy $?
if [ $bad -eq 0 ]; then echo "check: clean"; else echo "check: $bad not clean" && exit 1; fi
