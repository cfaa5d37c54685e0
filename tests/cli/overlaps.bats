#!/usr/bin/env bats
# detect-overlaps against sqlite3 over the CSV files.
load helpers

prepare() {
    pond init --quiet
    pond mkdir /s
}
days() { # FIRST LAST [EXPRESSION]: a row an hour of those days of January 2024, value = EXPRESSION of i
    python3 - "$@" <<'PY'
import sys
first, last, value = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else 'i'
print('timestamp,v')
for i in range((first - 1) * 24, last * 24):
    print(f'2024-01-{i // 24 + 1:02}T{i % 24:02}:00:00Z,{eval(value)}')
PY
}
pairs() { pond detect-overlaps "$@" --json | jq -c '.pairs[] | [.a.path, .a.version, .b.path, .b.version, (.ranges | length), .a.rows, .b.rows, .same_times, .conflicts]'; }
lite() { # A B: rows of A and of B in the range both cover, times in both, times whose values differ
    sqlite3 -separator , -cmd ".import --csv $1 a" -cmd ".import --csv $2 b" :memory: "
        WITH r AS (SELECT max((SELECT min(timestamp) FROM a), (SELECT min(timestamp) FROM b)) AS lo, min((SELECT max(timestamp) FROM a), (SELECT max(timestamp) FROM b)) AS hi)
        SELECT (SELECT count(*) FROM a, r WHERE timestamp BETWEEN lo AND hi), (SELECT count(*) FROM b, r WHERE timestamp BETWEEN lo AND hi),
        (SELECT count(*) FROM a JOIN b USING (timestamp)), (SELECT count(*) FROM a JOIN b USING (timestamp) WHERE a.v <> b.v)"
}

@test "versions of one series: rows, times in both, values that differ" {
    days 1 10 >a.csv
    days 9 15 'i if i % 5 else -i' >b.csv
    days 16 20 >c.csv
    for v in a b c; do csv_series /s/x.series <$v.csv; done
    [ "$(pairs /s/x.series)" = "[\"/s/x.series\",1,\"/s/x.series\",2,1,$(lite a.csv b.csv)]" ]
    run --separate-stderr pond detect-overlaps /s/x.series
    [ "$status" = 1 ]
    has "/s/x.series v1 and v2" "2024-01-09 00:00:00 .. 2024-01-10 23:00:00" "48 rows and 48 rows there; 48 times in both, 9 of them with different values" \
        "Summary: 1 pair of 3 versions of 1 series overlap; 48 times twice, 9 with different values"
    [ "$(pond detect-overlaps /s/x.series --json | jq -c '.series, .versions, .pairs[0].ranges')" = \
        $'1\n3\n[{"start":"2024-01-09T00:00:00Z","end":"2024-01-10T23:00:00Z"}]' ]
}

@test "none: exit 0, and no data is read" {
    days 1 10 >a.csv
    days 11 15 >b.csv
    for v in a b; do csv_series /s/x.series <$v.csv; done
    ok detect-overlaps /s/x.series
    is "No overlaps: 2 versions of 1 series"
    without_engine detect-overlaps /s/x.series
    [ "$(pond detect-overlaps /s/x.series --json | jq -c .pairs)" = '[]' ]
}

@test "across the series that one pattern names, not across patterns" {
    days 1 10 >a.csv
    days 8 12 'i + (i % 2)' >b.csv
    days 12 20 >c.csv
    csv_series /s/one.series <a.csv
    csv_series /s/two.series <b.csv
    csv_series /s/two.series <c.csv
    csv_series /s/far.series < <(days 25 26)
    [ "$(pairs '/s/*.series')" = "[\"/s/one.series\",1,\"/s/two.series\",1,1,$(lite a.csv b.csv)]
[\"/s/two.series\",1,\"/s/two.series\",2,1,$(lite b.csv c.csv)]" ]
    ok detect-overlaps /s/one.series /s/far.series
    is "No overlaps: 2 versions of 2 series"
    [ "$(pairs /s/one.series /s/two.series | wc -l)" = 1 ]
    pond ln -s /s/one.series /s/link # the same series is not compared with itself
    [ "$(pairs '/s/*' | wc -l)" = 2 ]
}

@test "interleaved times overlap without a time twice, whatever the number of rows" {
    for n in 10 2000; do
        python3 -c "
for name, off in (('a', 0), ('b', 30)):
    with open(f'{name}$n.csv', 'w') as f:
        print('timestamp,v', file=f)
        for i in range($n): print(f'2024-01-{1 + i // 1440:02}T{i // 60 % 24:02}:{i % 60:02}:{off:02}Z,{i}', file=f)"
        csv_series /s/i$n.series <a$n.csv
        csv_series /s/i$n.series <b$n.csv
        [ "$(pairs /s/i$n.series)" = "[\"/s/i$n.series\",1,\"/s/i$n.series\",2,1,$(lite a$n.csv b$n.csv)]" ]
        [ "$(pairs /s/i$n.series | jq -c '.[7:]')" = '[0,0]' ]
    done
}

@test "an outlier makes no overlap with the years between; gaps end a range" {
    { days 1 5; echo 1970-01-01T00:00:00Z,9; } | csv_series /s/x.series
    { echo timestamp,v; echo 1999-06-01T00:00:00Z,1; echo 1999-06-02T00:00:00Z,1; } | csv_series /s/x.series
    ok detect-overlaps /s/x.series
    { days 1 3; days 11 13 | tail -n +2; } | csv_series /s/y.series # two runs
    days 2 12 >b.csv
    csv_series /s/y.series <b.csv
    [ "$(pairs /s/y.series)" = '["/s/y.series",1,"/s/y.series",2,2,96,96,96,0]' ]
    run --separate-stderr pond detect-overlaps /s/y.series
    has "2024-01-02 00:00:00 .. 2024-01-03 23:00:00" "and 1 more range (--verbose shows them)"
    run pond detect-overlaps /s/y.series --verbose
    has "2024-01-11 00:00:00 .. 2024-01-12 23:00:00"
    [[ $output != *"more range"* ]]
}

@test "columns that only one has do not count; a null is another value; temporal bounds hold" {
    printf 'timestamp,v,w\n2024-01-01,1,5\n2024-01-02,2,5\n2024-01-03,3,5\n' | csv_series /s/x.series
    printf 'timestamp,v,z\n2024-01-02,2.0,7\n2024-01-03,,7\n2024-01-04,4.5,7\n' | csv_series /s/x.series
    [ "$(pairs /s/x.series)" = '["/s/x.series",1,"/s/x.series",2,1,2,2,2,1]' ]
    pond set-temporal-bounds /s/x.series --max-time 2024-01-02 --quiet
    [ "$(pairs /s/x.series)" = '["/s/x.series",1,"/s/x.series",2,1,1,1,1,0]' ]
    pond set-temporal-bounds /s/x.series --max-time 2024-01-01 --quiet
    [ "$(pairs /s/x.series)" = '' ]
}

@test "mistakes; derived nodes, directories and data have no versions to compare" {
    csv_series /s/x.series < <(days 1 2)
    pond copy "$HOURLY" /raw.csv
    printf 'patterns: {s: /s/x.series}\n' >node.yaml
    pond mknod sql-derived-series /derived --config-path node.yaml
    fails 4 detect-overlaps /s/y.series
    tells "/s/y.series" "did you mean"
    fails 4 detect-overlaps '/s/*.table'
    tells "no series matches"
    fails 1 detect-overlaps /derived
    tells "/derived: is derived" "--plan"
    fails 1 detect-overlaps /s
    tells "is a directory"
    fails 1 detect-overlaps /raw.csv
    tells "not a series"
    fails 2 detect-overlaps
    fails 2 detect-overlaps csv:///raw.csv
    ok detect-overlaps '/**' # passes over what is no series
    ok detect-overlaps --help
    [[ $output == *Examples*Usage* ]]
}
