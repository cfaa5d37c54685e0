#!/usr/bin/env bats
# What an export will take, told before it runs. What it then took is the judge.
load helpers

prepare() {
    pond init
    { echo timestamp,a,b; seq 0 49999 | awk '{printf "%s,%d,%.3f\n", strftime("%Y-%m-%dT%H:%M:%S", 1704067200 + 600 * $1, 1), $1 % 7, $1 * 1.37 % 100}'; } | csv_series /s.series
    printf 'in_pattern: /s.series\nout_pattern: s\ntime_column: timestamp\nresolutions: [1h, 6h]\naggregations:\n  - type: avg\n    columns: [a, b]\n' >red.yaml
    pond mknod temporal-reduce /r --config-path red.yaml
}

dry() { pond export "$@" --dry-run --json; }
near() { awk -v a="$1" -v b="$2" 'BEGIN {exit !(a <= 1.1 * b && b <= 1.1 * a)}' || fail "$1 is not near $2"; }

@test "rows and files of a first export are told exactly, of stored rows and of buckets" {
    for p in /s.series '/r/s/*'; do
        told=$(dry -p "$p" -d "out${#p}" --temporal year,month)
        real=$(pond export -p "$p" -d "out${#p}" --temporal year,month --json)
        [ "$(jq -c '[.rows, .written, [.targets[] | [.source, .files, .rows]]]' <<<"$told")" = "$(jq -c '[.rows, .written, [.targets[] | [.source, .files, .rows]]]' <<<"$real")" ]
    done
    [ "$(jq .rows <<<"$real")" = $((8334 + 1389)) ] # 50,000 of 10 minutes: hours and quarters of days begun
}

@test "a second export: what will be kept is told, and rows and bytes to the last" {
    pond export -p /s.series -d out --temporal year,month >/dev/null
    told=$(dry -p /s.series -d out --temporal year,month)
    real=$(pond export -p /s.series -d out --temporal year,month --json)
    [ "$(jq -c '[.rows, .bytes, .kept, .written]' <<<"$told")" = "$(jq -c '[.rows, .bytes, .kept, .written]' <<<"$real")" ]
    [ "$(jq '[.files[].action] | unique | join(" ")' <<<"$told")" = '"keep"' ]
}

@test "bytes learn from the export before" {
    pond export -p /s.series -d out --temporal year,month >/dev/null
    { echo timestamp,a,b; seq 50000 59999 | awk '{printf "%s,%d,%.3f\n", strftime("%Y-%m-%dT%H:%M:%S", 1704067200 + 600 * $1, 1), $1 % 7, $1 * 1.37 % 100}'; } | csv_series /s.series
    told=$(dry -p /s.series -d out --temporal year,month)
    real=$(pond export -p /s.series -d out --temporal year,month --json)
    [ "$(jq .rows <<<"$real")" = 60000 ] && near "$(jq .rows <<<"$told")" 60000
    near "$(jq .bytes <<<"$told")" "$(jq .bytes <<<"$real")"
}

@test "the time comes with a band and says what it comes from" {
    told=$(dry -p /s.series -d out)
    [ "$(jq -c '.predicted | [.basis, .runs, .low_us < .duration_us, .high_us > .duration_us]' <<<"$told")" = '["prior",0,true,true]' ]
    [ "$(jq '[.targets[].predicted_us] | add' <<<"$told")" -gt 0 ]
    for _ in 1 2 3; do pond export -p /s.series -d out >/dev/null; done
    [ "$(dry -p /s.series -d out | jq -c '.predicted | [.basis, .runs]')" = '["history",3]' ]
    [ "$(dry -p /s.series -p '/r/s/*' -d out | jq -c '.predicted | [.basis, .runs]')" = '["model",0]' ]
    ok export -p /s.series -d out --dry-run
    has "would keep" "Dry run, nothing written" ", about "
}

@test "perf model: how far off predictions were, each with what was told and what was" {
    ok perf model
    has "No export has taught anything yet"
    pond export -p /s.series -d out >/dev/null
    POND_HISTORY=off pond export -p /s.series -d out >/dev/null
    ok perf model --json
    [ "$(jq -c '[.exports[] | [.basis, .real_rows, .real_files]]' <<<"$output")" = '[["prior",50000,1]]' ]
    [ "$(jq '.exports[0] | .predicted_s / .real_s | if . < 1 then 1 / . else . end' <<<"$output" | cut -c1-4)" = "$(jq '.accuracy[-1].time_off_p50' <<<"$output" | cut -c1-4)" ]
    [ "$(jq '.size_bytes <= 65536' <<<"$output")" = true ]
    ok perf model
    has "a million rows" "prior" "1 shape"
}

@test "a damaged model is set aside and told once" {
    pond export -p /s.series -d out >/dev/null
    printf 'x' | dd of=p/history/model bs=1 seek=100 conv=notrunc status=none
    run --separate-stderr pond export -p /s.series -d out --dry-run
    [ "$status" -eq 0 ]
    tells "history/model is damaged"
    [ -e p/history/model.damaged ]
    ok export -p /s.series -d out --dry-run
}
