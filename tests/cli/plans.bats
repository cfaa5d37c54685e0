#!/usr/bin/env bats
# pond perf plans: labels of statements that follow from how they were made, rates, changed plans.
load helpers

# /s: three versions, one a month from January 2024, 100 rows each, columns timestamp, a, b, c; /x and /y for joins.
prepare() {
    export POND_PLANS=all
    pond init
    for month in 1 2 3; do
        awk -v m=$month 'BEGIN { print "timestamp,a,b,c"
            for (i = 0; i < 100; i++) printf "2024-0%d-%02dT%02d:00:00Z,%d,%d,%.1f\n", m, 1 + int(i / 24), i % 24, i, i % 10, i / 2 }' | csv_series /s
    done
}

# The newest statement that reads files or feeds, of the newest run.
newest() {
    ok perf plans --last 1 --json
    jq -e '[.run.queries[] | select(.scans > 0)] | max_by(.versions)' <<<"$output"
}

@test "pruning by time: versions read of those known, as the months say" {
    check() { # READ KNOWN ARGS...
        ok cat /s --format csv "${@:3}"
        [ "$(newest | jq -c '[.versions_read, .versions]')" = "[$1,$2]" ] || fail "of $*"
    }
    check 3 3
    check 1 3 --time-start 2024-03-01
    check 1 3 --time-end 2024-01-31
    check 2 3 --time-start 2024-01-04 --time-end 2024-02-02
    check 3 3 --time-start 2024-01-01
    check 3 3 --time-end 2024-12-31
    check 1 3 --time-start 2024-02-02 --time-end 2024-02-02T12:00:00Z
    ok perf plans --last 7
    has 'pruning: 7 of 21 versions left out'
    ok perf plans --last 7 --json
    [ "$(jq -c '[.rates.versions_read, .rates.versions]' <<<"$output")" = '[14,21]' ]
}

@test "pushdown, projection and joins, as the queries say" {
    check() { # PUSHED LEFT COLUMNS JOINS SQL: conditions in scans (0 or 1: any) and above, columns named
        ok cat /s --format csv --sql "$5"
        [ "$(newest | jq -c '[([.filters_pushed // 0, 1] | min), .filters_left // 0, .columns_read // 0, .joins // 0]')" = "[$1,$2,$3,$4]" ] || fail "of $5: $(newest)"
    }
    check 1 0 2 0 'SELECT a FROM source WHERE b = 3'
    check 1 0 1 0 'SELECT a FROM source WHERE a > 50'
    check 1 0 4 0 'SELECT * FROM source WHERE c < 10'
    check 1 0 2 0 'SELECT sum(c) AS s FROM source WHERE a < 10'
    check 0 0 1 0 'SELECT a FROM source'
    check 0 0 4 0 'SELECT * FROM source'
    check 0 0 2 0 'SELECT b, max(c) AS m FROM source GROUP BY b'
    check 0 1 2 0 'SELECT a FROM source WHERE a = 3 OR b = 7'
    check 0 1 1 0 'SELECT b, count(*) AS n FROM source GROUP BY b HAVING n > 3'
    check 0 0 3 1 'SELECT x.c FROM source x JOIN source y ON x.a = y.a'
    ok perf plans --last 10
    has 'pushdown: 4 of 6 plans with conditions have all of them in scans'
}

@test "row groups: one a version, skipped as its times say" {
    check() { # SKIPPED KNOWN SQL
        ok cat /s --format csv --sql "$3"
        [ "$(newest | jq -c '[.row_groups_skipped // 0, .row_groups // 0]')" = "[$1,$2]" ] || fail "of $3: $(newest)"
    }
    check 2 3 "SELECT a FROM source WHERE timestamp >= TIMESTAMPTZ '2024-03-01 00:00:00+00'"
    check 1 3 "SELECT a FROM source WHERE timestamp < TIMESTAMPTZ '2024-02-03 00:00:00+00'"
    check 0 3 'SELECT a FROM source WHERE b = 3'
    check 0 0 'SELECT a FROM source'
    ok cat /s --format csv --sql "SELECT c FROM source WHERE timestamp < TIMESTAMPTZ '2024-02-01 00:00:00+00'"
    ok perf plans "$(newest | jq -r .shape)" --last 1
    has '2 of 3 row groups skipped by conditions'
}

@test "a shape: operators, phases, the three plans; its texts are kept once" {
    ok --plans all cat /s --format csv --sql 'SELECT a FROM source WHERE b = 3'
    ok --plans all cat /s --format csv --sql 'SELECT a FROM source WHERE b = 4'
    ok perf plans --last 2 --json
    shape=$(jq -r '.run.queries[] | select(.scans > 0 and .versions == 6) | .shape' <<<"$output")
    [ "$(jq -r --arg s "$shape" '.run.queries[] | select(.shape == $s) | [.calls, .rows, .profiled] | @csv' <<<"$output")" = 2,60,2 ]
    ok perf plans "${shape:0:8}" --last 2
    has 'READ_PARQUET' 'logical plan' 'optimized plan' 'physical plan' 'FILTER' '2 calls'
    ok perf plans "$shape" --last 2 --json
    [ "$(jq '.plans | length' <<<"$output")" = 1 ]
    jq -e '.run.operators | length > 0 and all(.shape == $s)' --arg s "$shape" <<<"$output"
    jq -e '.plans[0].logical | contains("FILTER")' <<<"$output"
    jq -e '.plans[0].optimized | contains("FILTER") | not' <<<"$output"
    [ "$(grep -c "$shape" p/history/plans)" = 1 ]
    fails 4 perf plans 0123456789abcdef
    tells 'pond perf plans lists them'
    fails 2 perf plans "$shape" more
}

@test "a changed plan is told: by --stats, and by perf plans" {
    join() { pond "$@" sql 'SELECT x.p, y.q FROM "/x" x JOIN "/y" y ON x.a = y.a'; }
    table() { # NAME COLUMNS ROWS
        awk -v c="$2" -v n="$3" 'BEGIN { print "timestamp," c; m = split(c, cs, ",")
            for (i = 0; i < n; i++) { printf "%d", 1704067200 + i; for (k = 1; k <= m; k++) printf ",%d", i; print "" } }' >in.csv
        pond copy "host+csv+series://$PWD/in.csv?unit=s" "$1"
    }
    table /x a,p 10
    table /y a,z,q 3000
    join >/dev/null
    join --stats 2>&1 >/dev/null | run ! grep 'another plan'
    pond rm /x
    table /x a,p 60000 # now /y is the smaller side, the one that is hashed
    join --stats 2>&1 >/dev/null | grep 'another plan'
    ok perf plans --last 1
    has 'changed: '
    join >/dev/null
    ok perf plans --last 1
    [[ $output != *changed:* ]] || fail 'the same plan again is no change'
}

@test "which statements are profiled: --plans, POND_PLANS, the level" {
    profiled() { ok perf plans --last 1 --json && jq '[.run.queries[].profiled // 0] | add' <<<"$output"; }
    ok --plans off cat /s --format csv
    [ "$(profiled)" = 0 ]
    POND_PLANS=off ok cat /s --format csv
    [ "$(profiled)" = 0 ]
    ok --plans auto cat /s --format csv # the shape is new
    [ "$(profiled)" = 1 ]
    unset POND_PLANS
    ok cat /s --format csv # and now known
    [ "$(profiled)" = 0 ]
    awk 'BEGIN { print "timestamp,a"; for (i = 0; i < 500000; i++) printf "%d,%d\n", 1704067200 + i, i % 7 }' >in.csv
    ok copy "host+csv+series://$PWD/in.csv?unit=s" /heavy
    heavy() { ok cat /heavy --format csv --sql 'SELECT count(*) AS n FROM source WHERE a = 3'; }
    heavy # the first asks what functions there are, too
    for again in 1 2; do # a million cells: each time, whatever time it takes
        heavy
        [ "$(profiled)" = 1 ]
    done
    ok perf plans --last 1 --json
    [ "$(jq '[.run.queries[].cells_most] | max' <<<"$output")" -ge 1000000 ]
    ok perf plans --last 2
    has pruning
    fails 2 --plans autp list
    tells "did you mean 'auto'"
    POND_PLANS=some fails 2 list
    tells POND_PLANS 'auto, all and off'
    ok --trace-level off cat /s --format csv
    ok --trace-level detail cat /s --format csv
    [ "$(profiled)" = 1 ]
}

@test "plans that are damaged are passed by, and told" {
    ok --plans all cat /s --format csv
    cp p/history/plans good
    sed -i 's/READ/reAD/' p/history/plans
    run --separate-stderr pond perf plans
    [ "$status" -eq 0 ]
    tells 'history/plans' 'damaged'
    has read_parquet
    head -c 3000 /dev/urandom >p/history/plans
    run --separate-stderr pond perf plans
    [ "$status" -eq 0 ]
    rm -r p/history/plans
    mkdir p/history/plans
    ok --plans all cat /s --format csv --quiet # what cannot be kept is no reason to fail
}
