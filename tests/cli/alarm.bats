#!/usr/bin/env bats
# Work out of its usual range is told in the first run that has it, and nothing else is told.
load helpers

prepare() {
    pond init
    { echo timestamp,a; seq 0 2999 | awk '{printf "%s,%d\n", strftime("%Y-%m-%dT%H:%M:%S", 1704067200 + 600 * $1, 1), $1 % 7}'; } | tee s.csv | csv_series /s.series
    printf 'patterns: {s: /s.series}\nquery: SELECT timestamp, a + 1 AS b FROM s\n' >q.yaml
    pond mknod sql-derived-series /q --config-path q.yaml
    pond copy "host://$PWD/s.csv" /t.csv
}

tells_alarm() { # NAME ARGS...: the command succeeds and tells that figure is out of range
    local name=$1
    shift
    run --separate-stderr "$@"
    [ "$status" -eq 0 ] && [[ $stderr == *"pond: alarm: "*"$name"*"see 'pond perf "* ]] || fail "no alarm of $name"
    [ "$(wc -l <<<"$stderr")" = 1 ]
}

@test "a cache that is lost: told at once, in one line; the report has it in full" {
    for _ in 1 2 3 4; do ok export -p /q -d out; done
    tells_alarm "misses a look-up" env POND_CACHE=off "$POND_BIN" export -p /q -d out
    id=$(pond perf runs --json | jq -r '.[-1].id')
    ok perf report --run "$id"
    has "alarm: " "misses a look-up" "pond perf caches --run $id"
    ok perf report --run "$id" --json
    [ "$(jq -c '.alarms[0] | [.name, .runs, .value > .most]' <<<"$output")" = '["misses a look-up",3,true]' ]
    ok export -p /q -d out
}

@test "not with --quiet, as JSON with --json, not without a history" {
    for _ in 1 2 3 4; do
        pond export -p /q -d out --json >/dev/null
        pond export -p /q -d out2 --quiet
    done
    POND_HISTORY=off run --separate-stderr env POND_CACHE=off "$POND_BIN" export -p /q -d out --json
    [ -z "$stderr" ]
    run --separate-stderr env POND_CACHE=off "$POND_BIN" export -p /q -d out2 --quiet
    [ "$status" -eq 0 ] && [ -z "$stderr" ]
    run --separate-stderr env POND_CACHE=off "$POND_BIN" export -p /q -d out --json
    [ "$(head -1 <<<"$stderr" | jq -c '.alarm | [.name, .value > .most]')" = '["misses a look-up",true]' ]
}

@test "texts that are parsed again are told" {
    local words=(cat csv:///t.csv --sql 'SELECT sum(a) FROM source')
    for _ in 1 2 3 4; do ok "${words[@]}"; done
    run --separate-stderr env POND_CACHE=off "$POND_BIN" "${words[@]}"
    [[ $stderr == "pond: alarm: "* ]]
    pond perf report --json | jq -e '.alarms | map(.name) | index("bytes of texts parsed")'
}

@test "a pond that changes: new rows, new misses, new texts are as they should be" {
    for i in 1 2 3 4 5 6 7 8; do
        ok export -p /q -d out
        ok cat csv:///t.csv --sql 'SELECT sum(a) FROM source'
        ok cat /s.series --sql 'SELECT sum(a) FROM source' --format csv
        { echo timestamp,a; seq 0 $((i * 300)) | awk -v i="$i" '{printf "%s,%d\n", strftime("%Y-%m-%dT%H:%M:%S", 1804067200 + 1000000 * i + 60 * $1, 1), $1 % 7}'; } | csv_series /s.series
        if [ "$i" = 5 ]; then pond mkdir /d; fi
    done
}

@test "damaged ranges are set aside and told once" {
    ok export -p /q -d out
    printf 'x' | dd of=p/history/ranges bs=1 seek=100 conv=notrunc status=none
    run --separate-stderr pond export -p /q -d out
    [ "$status" -eq 0 ]
    tells "history/ranges is damaged"
    [ -e p/history/ranges.damaged ]
    ok export -p /q -d out
}
