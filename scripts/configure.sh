#!/usr/bin/env bash
# configure.sh DIR KIND: a Meson build folder of one kind (release, debug, asan, cov, clang).
set -euo pipefail
cd "$(dirname "$0")/.."
dir=$1
case $2 in
release) options=(--buildtype=debugoptimized) ;;
debug) options=(--buildtype=debug) ;;
asan) options=(--buildtype=debugoptimized -Db_sanitize=address,undefined) ;;
cov) options=(--buildtype=debug -Db_coverage=true) ;;
clang) export CC=clang-14 && options=(--buildtype=debugoptimized) ;;
*) echo "configure: unknown kind '$2'" >&2 && exit 2 ;;
esac
# Warnings are errors with the compilers that the project is held to; a newer one may know more of them.
case ${CC:-gcc}-$(${CC:-gcc} -dumpversion | cut -d. -f1) in gcc-12 | clang-14-14) options+=(-Dwerror=true) ;; esac
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! meson setup "$dir" "${options[@]}" >"$log" 2>&1; then
    cat "$log" >&2
    exit 1
fi
