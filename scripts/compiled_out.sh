#!/usr/bin/env bash
# compiled_out.sh: the build without the tracker (-Dtracker=false) runs as many instructions as one whose recording sites are not in the sources at all, and
# has no recording function in it. Needs valgrind; takes minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/tree"
git ls-files | tar -cf - -T - | tar -xf - -C "$work/tree"
ln -s "$(readlink -f .deps)" "$work/tree/.deps"
build() { # NAME: of the tree as it stands
    (cd "$work/tree" && scripts/configure.sh "$work/$1" release && meson configure "$work/$1" -Dtracker=false && ninja -C "$work/$1" --quiet pond) >"$work/log" 2>&1 ||
        { tail -20 "$work/log" && exit 1; }
}
build out
python3 scripts/mutate_ops.py --strip "$work/tree"
build none
if nm "$work/out/pond" | grep -E ' (perf_start|perf_finish|perf_add_slow|perf_key_text|perf_mine|perf_level_now)$'; then
    echo "recording functions are left" && exit 1
fi
export POND=$work/pond POND_HISTORY=off
"$work/out/pond" init --quiet
"$work/out/pond" mkdir -p $(seq -f '/d%g' 200)
instructions() { # NAME ARGS...
    valgrind --tool=callgrind --callgrind-out-file=/dev/null --log-file="$work/$1.log" "$work/$1/pond" "${@:2}" >/dev/null
    sed -n 's/.*Collected : //p' "$work/$1.log"
}
for args in 'version' "list /**"; do
    set -f
    a=$(instructions out $args) b=$(instructions none $args)
    set +f
    echo "pond $args: $a compiled out, $b without the sites"
    [ "$a" = "$b" ] || exit 1
done
