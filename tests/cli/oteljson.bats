#!/usr/bin/env bats
# oteljson: OTLP metrics as JSON lines, against Python's json (otel.py).
load helpers

OTEL=$ROOT/tests/cli/otel.py

prepare() { pond init --quiet; }

as_python() { # FILE URL: the rows are those that Python reads in FILE
    python3 "$OTEL" rows "$1" >want.csv
    pond cat "$2" --format csv >got.csv 2>messages
    python3 "$EXPECT" same got.csv want.csv
}
line() { # NAME POINTS...: a request with one gauge
    local name=$1
    shift
    local IFS=,
    printf '{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"%s","gauge":{"dataPoints":[%s]}}]}]}]}\n' "$name" "$*"
}

@test "random texts have Python's rows; one text with seven metrics has one row a time" {
    for seed in 1 2 3 4 5 6; do
        python3 "$OTEL" make "$seed" >x.jsonl
        as_python x.jsonl "host+oteljson://$PWD/x.jsonl" || fail "seed $seed"
    done
    # what was left out is told once, with its name
    [ "$(grep -c "histogram ('spread')" messages)" -eq 1 ]
    gzip -k x.jsonl
    pond cat "host+oteljson+gzip://$PWD/x.jsonl.gz" --format csv 2>/dev/null | cmp - got.csv
    head -c 400 x.jsonl.gz >cut.gz
    fails 1 cat "host+oteljson+gzip://$PWD/cut.gz"
    tells cut.gz
}

@test "a text that grows by pieces cut anywhere has the rows of the whole, with queries in between" {
    python3 "$OTEL" make grow 120 >x.jsonl
    for parts in 1 7 40; do
        python3 "$OTEL" cut x.jsonl "$parts" "$parts"
        : >grown
        for ((i = 0; i < parts; i++)); do
            cat "x.jsonl.$i" >>grown
            pond copy "host+data:series://$PWD/x.jsonl.$i" "/x$parts.jsonl" --quiet
            if ((i % 13 == 5)); then as_python grown "oteljson:///x$parts.jsonl" || fail "$parts parts, $i"; fi
        done
        as_python x.jsonl "oteljson:///x$parts.jsonl" || fail "$parts parts"
        [ "$parts" -eq 1 ] || cmp got.csv whole.csv
        cp got.csv whole.csv
    done
}

@test "parsed once: a second read and a copy elsewhere parse no byte; without a cache the rows are the same" {
    python3 "$OTEL" make once >x.jsonl
    ok copy "host:///$PWD/x.jsonl" /x.jsonl
    as_python x.jsonl oteljson:///x.jsonl
    [ "$(count_of format_byte cat oteljson:///x.jsonl --format csv)" -eq 0 ]
    ok copy "host:///$PWD/x.jsonl" /y.jsonl
    [ "$(count_of format_byte cat oteljson:///y.jsonl --format csv)" -eq 0 ]
    rm -rf p/cache/formats
    as_python x.jsonl oteljson:///x.jsonl
    POND_CACHE=off pond cat oteljson:///x.jsonl --format csv 2>/dev/null | cmp - got.csv
}

@test "as a series in the pond; several files with different metrics are united by name" {
    python3 "$OTEL" make series | sed 's/"Whole"/"wide"/' >x.jsonl # a Parquet file tells no "Whole" from "whole"
    run --separate-stderr pond copy "host+oteljson+series://$PWD/x.jsonl" /x.series
    [ "$status" -eq 0 ]
    as_python x.jsonl /x.series
    line a '{"timeUnixNano":"1700000000000000000","asInt":1}' >1.jsonl
    line b '{"timeUnixNano":"1700000001000000000","asDouble":0.5}' >2.jsonl
    ok copy "host:///$PWD/1.jsonl" /logs1.jsonl
    ok copy "host:///$PWD/2.jsonl" /logs2.jsonl
    printf '%s\n' 'patterns: {l: "oteljson:///logs*.jsonl"}' >u.yaml
    ok mknod sql-derived-series /u --config-path u.yaml
    [ "$(rows /u)" = $'timestamp,a,b\n2023-11-14T22:13:20Z,1,\n2023-11-14T22:13:21Z,,0.5' ]
}

@test "attributes tell series apart: an error that names them, or columns, or left out of account" {
    attributes() { printf '{"timeUnixNano":"1700000000000000000","asInt":%s,"attributes":[{"key":"sensor","value":{"stringValue":"%s"}}]}' "$1" "$2"; }
    line level "$(attributes 1 north)" "$(attributes 2 south)" >x.jsonl
    fails 1 cat "host+oteljson://$PWD/x.jsonl"
    tells "line 1, byte 202" "column 'level' comes with sensor='south' here and with sensor='north' in line 1" '?attribute=sensor'
    [ "$(pond cat "host+oteljson://$PWD/x.jsonl?attribute=sensor" --format csv)" = $'timestamp,level.north,level.south\n2023-11-14T22:13:20Z,1,2' ]
    [ "$(pond cat "host+oteljson://$PWD/x.jsonl?ignore=sensor" --format csv)" = $'timestamp,level\n2023-11-14T22:13:20Z,2' ]
    # also when they come with a later version
    line level "$(attributes 1 north)" >1.jsonl
    line level "$(attributes 2 south)" >2.jsonl
    ok copy "host+data:series://$PWD/1.jsonl" /l.jsonl
    ok cat oteljson:///l.jsonl
    ok copy "host+data:series://$PWD/2.jsonl" /l.jsonl
    fails 1 cat oteljson:///l.jsonl
    tells "line 2, byte 89"
}

@test "bad lines: where, and the pond as it was" {
    good=$(line a '{"timeUnixNano":"1700000000000000000","asInt":1}')
    before=$(root)
    bad() { # TOLD LINE
        printf '%s\n%b\n%s\n' "$good" "$2" "$good" >bad.jsonl
        fails 1 copy "host+oteljson+series://$PWD/bad.jsonl" /bad.series
        tells "bad.jsonl: line 2, byte" "$1"
        [ "$(root)" = "$before" ]
    }
    bad 'the text ends here' '{"resourceMetrics":['
    bad 'invalid UTF-8' '{"x":"\xff"}'
    bad 'without timeUnixNano' "$(line a '{"asInt":1}')"
    bad 'asDouble is not a number that fits a double' "$(line a '{"timeUnixNano":"1","asDouble":1e999}')"
    bad 'asInt is not a whole number' "$(line a '{"timeUnixNano":"1","asInt":"'"$(printf '9%.0s' {1..400})"'"}')"
    bad 'no resourceMetrics' '{"timestamp":"2024-01-01","value":1}'
    bad 'a control character' '{"x":"\x01"}'
    bad 'not a JSON value' '{"x":[tru]}'
    printf '{"a":%s' "$(head -c 100000 </dev/zero | tr '\0' '[')" >bomb.jsonl
    fails 8 cat "host+oteljson://$PWD/bomb.jsonl"
    tells 'nested deeper than 64 levels'
    fails 1 cat "host+oteljson://$PWD/bad.jsonl?attribute=a,,b"
    tells "option 'attribute'"
    fails 1 cat "host+oteljson://$PWD/bad.jsonl?delimiter=;"
    tells "option 'delimiter'"
    : >empty.jsonl
    fails 1 cat "host+oteljson://$PWD/empty.jsonl"
    tells 'the file is empty'
    printf '{}\n' >none.jsonl # a request without metrics
    [ "$(pond cat "host+oteljson://$PWD/none.jsonl" --format csv)" = timestamp ]
}

@test "10,000 metrics within 512 MB; too little memory is told with the way out" {
    for second in 0 1; do
        printf '{"resourceMetrics":[{"scopeMetrics":[{"metrics":['
        for ((i = 0; i < 10000; i++)); do
            printf '%s{"name":"m%d","gauge":{"dataPoints":[{"timeUnixNano":"170000000%d000000000","asInt":%d}]}}' "${comma-}" "$i" "$second" $((i + second))
            comma=,
        done
        printf ']}]}]}\n'
        unset comma
    done >wide.jsonl
    ok --memory-limit 512MB cat "host+oteljson://$PWD/wide.jsonl" --sql 'SELECT count(*) AS n, sum(m0) AS a, sum(m9999) AS b FROM source' --format csv
    is $'n,a,b\n2,1,19999'
    fails 8 --memory-limit 128MB cat "host+oteljson://$PWD/wide.jsonl"
    tells --memory-limit
}
