#!/usr/bin/env bats
# Input that makes no sense: a clear error with its place and a way out, and the pond as it was.
load helpers

prepare() {
    pond init --quiet
    printf 'timestamp,a\n2024-01-01,1\n2024-01-02,2\n' | csv_series /ok.series
    BEFORE=$(root)
}
teardown() { # whatever happened: the content is what it was
    [ "${KEEPS-yes}" = no ] || [ "$(root)" = "$BEFORE" ]
}

refused() { # TEXT-OF-CSV EXPECTED...: the CSV is refused so
    printf "$1" >bad.csv
    shift
    fails 1 copy "host+csv+series://$PWD/bad.csv${QUERY-}" /bad.series
    tells "$@"
}

@test "CSV: ragged rows name line and counts" {
    refused 'timestamp,a,b\n2024-01-01,1,2\n2024-01-02,3\n' "line 3: 2 fields where the header has 3"
    refused 'timestamp,a\n2024-01-01,1\n2024-01-02,3,4\n' "line 3: 3 fields where the header has 2"
    { printf 'timestamp,a\n' && yes '2024-01-01,1' | head -n 40000 && printf '2024-01-02\n'; } >bad.csv
    fails 1 copy "host+csv+series://$PWD/bad.csv" /bad.series
    tells "line 40002: 1 field"
}

@test "CSV: no time column, several, one that holds no times" {
    refused 'x,a\nhello,1\n' "no time column" "?time=COLUMN"
    refused 'start,end,a\n2024-01-01,2024-01-02,1\n' "several columns could be the time: 'start', 'end'" "?time=COLUMN"
    refused 'timestamp,a\nhello,1\n' "line 2: 'hello' in time column 'timestamp' is not a time"
    refused 'timestamp,a\n2024-01-01,1\n2024-13-01,2\n' "line 3: '2024-13-01'"
    refused 'timestamp,a\n01/02/2024,1\n15/02/2024,2\n' "'01/02/2024'" "timeformat="
    refused 'timestamp,a\n2024-01-01,1\n,2\n' "null in 1 row, first in row 2"
    QUERY='?time=b' refused 'timestamp,a\n2024-01-01,1\n' "no column 'b'" 2>/dev/null || fails 4 copy "host+csv+series://$PWD/bad.csv?time=b" /bad.series
    QUERY='?unit=h' refused 'timestamp,a\n1700000000,1\n' "unit 'h'"
    refused 'timestamp,a\n5,1\n6,2\n' "numbers that could be of any unit" "?unit=s, ms, us or ns"
}

@test "CSV: damaged headers, quotes, bytes" {
    refused '' "the file is empty"
    refused 'timestamp,a,a\n2024-01-01,1,2\n' "column 'a' appears twice"
    refused 'timestamp,a,A\n2024-01-01,1,2\n' "columns 'a' and 'A' differ only in case"
    refused 'timestamp,,a\n2024-01-01,1,2\n' "column 2 has no name"
    refused 'timestamp,a\n2024-01-01,"x\n2024-01-02,y\n' "line 2" "quote"
    refused 'timestamp,a\n2024-01-01,\xff\xfe\n' "line 2: byte 12: not valid UTF-8"
    refused 'timestamp,\xff\n2024-01-01,1\n' "UTF-8"
    refused 'timestamp,a\n2024-01-01,\x00\n' "NUL"
    head -c 20000 /dev/urandom >bad.csv
    fails 1 copy "host+csv+series://$PWD/bad.csv" /bad.series
}

@test "URLs: formats, options, escapes" {
    fails 1 copy host+serie:///x /x
    tells "unknown format 'serie'" "did you mean 'series'?"
    fails 1 copy 'host+csv:///x?delimeter=;' /x
    tells "unknown option 'delimeter'" "did you mean 'delimiter'?"
    fails 1 copy 'host+csv:///x?header' /x
    tells "has no value"
    fails 1 copy 'host+csv:///x%zz' /x
    tells "not followed by two hex digits" "%25"
    fails 1 copy 'host+csv://x' /x
    tells "host+csv:///x"
    fails 1 cat 'csv+series+table:///ok.series'
    fails 1 copy "host+csv+series://$PWD/in.csv?delimiter=ab" /x
    tells "is one character"
}

@test "Parquet: something else, empty, truncated at any place" {
    printf 'hello' >f
    fails 1 copy "host+series://$PWD/f" /x.series
    tells "not a valid parquet file" "PAR1 magic bytes" "host:///" "host+csv+series:///"
    : >f
    fails 1 copy "host+series://$PWD/f" /x.series
    tells "the file is empty"
    pond cat /ok.series >whole.parquet
    size=$(stat -c %s whole.parquet)
    for cut in 4 11 12 100 $((size / 2)) $((size - 8)) $((size - 1)); do
        head -c "$cut" whole.parquet >cut.parquet
        fails 1 copy "host+series://$PWD/cut.parquet" /x.series
        tells "not a valid parquet file"
    done
}

@test "Parquet: bit flips are refused or read, never a crash, and never named by our own files" {
    parquet whole.parquet "SELECT timestamp '2024-01-01' + to_seconds(i) AS ts, i % 7 AS a, 'text' || (i % 13) AS b FROM range(3000) t(i)"
    python3 - <<'PY'
import random
data = open('whole.parquet', 'rb').read()
footer = int.from_bytes(data[-8:-4], 'little')
random.seed(5)
for number in range(14):
    flipped = bytearray(data)
    bit = random.randrange((len(data) - footer - 8) * 8, len(data) * 8) if number % 2 else random.randrange(len(data) * 8)
    flipped[bit // 8] ^= 1 << bit % 8
    open(f'flip{number}.parquet', 'wb').write(flipped)
PY
    refusals=0
    for number in {0..13}; do
        run --separate-stderr pond copy "host+table://$PWD/flip$number.parquet" "/flip$number.table"
        [ "$status" -le 1 ] || fail "flip$number" || return 1
        if [ "$status" -eq 1 ]; then
            refusals=$((refusals + 1))
            tells "not a valid parquet file"
            [[ $stderr != */tmp/txn-* ]] || fail "names our staging" || return 1
        else
            pond rm "/flip$number.table"
        fi
    done
    [ "$refusals" -ge 3 ]
}

@test "Parquet: time columns that are none" {
    parquet f.parquet 'SELECT i AS v FROM range(5) t(i)'
    fails 1 copy "host+series://$PWD/f.parquet" /x.series
    tells "no time column" "?time=COLUMN" "host+table:///"
    fails 4 copy "host+series://$PWD/f.parquet?time=w" /x.series
    tells "no column 'w'"
    fails 1 copy "host+series://$PWD/f.parquet?time=v" /x.series
    tells "integers around 2" "?unit=s, ms, us or ns"
    parquet f.parquet "SELECT 'x' AS timestamp, 1 AS v"
    fails 1 copy "host+series://$PWD/f.parquet" /x.series
    tells "'timestamp' has type VARCHAR"
    parquet f.parquet "SELECT timestamp '2024-01-01' AS began, timestamp '2024-01-01' AS ended"
    fails 1 copy "host+series://$PWD/f.parquet" /x.series
    tells "'began', 'ended'"
    parquet f.parquet "SELECT CASE WHEN i <> 3 THEN timestamp '2024-01-01' END AS ts FROM range(5) t(i)"
    fails 1 copy "host+series://$PWD/f.parquet" /x.series
    tells "null in 1 row, first in row 4"
    for time in "timestamp 'infinity'" "timestamp '2000-01-01' - INTERVAL 2300 YEAR" "timestamp '9999-12-31' + INTERVAL 1 YEAR"; do
        parquet f.parquet "SELECT $time AS ts"
        fails 1 copy "host+series://$PWD/f.parquet" /x.series
        tells "row 1: outside the years 0001 to 9999"
    done
}

@test "SQL: errors have line, column and a caret, in the query of the command and of nodes" {
    fails 1 cat /ok.series --sql $'SELECT a,\n  b FROM source'
    tells 'Referenced column "b" not found' "(line 2, column 3)" $'    2 |   b FROM source\n      |   ^' hint:
    fails 1 cat /ok.series --sql $'SELECT \'äöü\', b FROM source'
    tells $'    1 | SELECT \'äöü\', b FROM source\n      |               ^'
    fails 1 cat /ok.series --sql 'SELECT a frm source WHERE'
    tells "syntax error" "      | "
    run --separate-stderr pond cat /ok.series --sql 'SELECT b FROM source' --json
    [ "$(jq -c '.error | [.code, .line, .column]' <<<"$stderr")" = '["POND-0022",1,8]' ]
    fails 1 cat /ok.series --sql "SELECT CAST('x' AS INTEGER) AS n FROM source" --format csv
    tells "Could not convert"
    KEEPS=no
    printf 'patterns: {s: /ok.series}\nquery: |\n  SELECT a\n  FROM s WHERE nope\n' >q
    pond mknod sql-derived-series /q --config-path q
    fails 1 cat /q
    tells "/q: " "(line 2, column 14)" $'    2 | FROM s WHERE nope\n      |              ^'
}

@test "SQL: only one SELECT, over what is named" {
    for query in 'SELECT 1; SELECT 2' 'DELETE FROM source' "COPY source TO '/tmp/x'" "ATTACH '/tmp/x'" 'PRAGMA version' 'SET threads = 4' '' \
        'CREATE TABLE t AS SELECT 1' 'INSTALL httpfs' 'EXPLAIN SELECT 1'; do
        fails 1 cat /ok.series --sql "$query"
        tells SELECT
    done
    for query in "SELECT * FROM read_csv('/etc/passwd')" "SELECT * FROM '/etc/passwd'" "SELECT * FROM read_blob('p/blobs/**')" "SELECT * FROM glob('/*')" \
        "SELECT getenv('HOME')" 'SELECT * FROM duckdb_settings()' "SELECT (SELECT content FROM read_text('/etc/passwd'))" \
        "WITH x AS (SELECT * FROM parquet_scan('/x')) SELECT * FROM x" "SELECT * FROM \"/etc/passwd\"" 'SELECT * FROM information_schema.tables'; do
        fails 1 cat /ok.series --sql "$query"
        tells "not a" # "is not allowed", "is not among the patterns"
    done
    fails 1 cat /ok.series --sql 'SELECT * FROM sorce'
    tells "did you mean source?"
    fails 1 cat /ok.series --sql 'SELECT a, a FROM source'
    tells 'two columns named "a"'
}

@test "derived nodes: circles are printed, missing sources named, directories refused" {
    KEEPS=no
    node() { printf '%s\n' "${@:2}" >y && pond mknod sql-derived-series "$1" --config-path y; }
    pond mkdir /d
    node /a 'patterns: {x: /b}'
    node /b 'patterns: {x: /c}'
    run --separate-stderr node /c 'patterns: {x: "/[a]"}' 'query: SELECT * FROM x'
    [ "$status" -eq 1 ]
    tells "/c: it reads itself: /c -> /a -> /b -> /c" "hint:"
    run --separate-stderr node /all 'patterns: {x: "/al*"}'
    [ "$status" -eq 1 ]
    tells "/all -> /all"
    [ "$(paths)" = $'/a\n/b\n/d\n/ok.series' ]
    # one that closes by itself later is told at use, and hides nothing else
    node /e 'patterns: {x: "/f*"}'
    node /e2 'patterns: {x: /e}'
    ok mv /e2 /f
    fails 1 cat /e
    tells "/e: it reads itself: /e -> /f -> /e"
    ok rm /e /f
    node /missing 'patterns: {x: /ok.serie}'
    fails 4 cat /missing
    tells "/missing: /ok.serie: it does not exist" "did you mean /ok.series?"
    node /dir 'patterns: {x: "/d*"}'
    fails 1 cat /dir
    tells "/dir: pattern /d* matches /d" "is a directory"
    node /none 'patterns: {x: "/none/*"}'
    run --separate-stderr pond cat /none --format csv
    [ "$status" -eq 0 ]
    tells "warning: /none: nothing matches /none/*"
    pond copy in.csv /raw.csv
    node /raw 'patterns: {x: /raw.csv}'
    fails 1 cat /raw
    tells "raw data" "csv:///raw.csv"
    printf 'patterns: {x: "/ok*"}\n' >y
    pond mknod sql-derived-table /table --config-path y
    ok cat /table --format csv
    pond copy "host+csv+series://$PWD/in.csv" /ok2.series
    fails 1 cat /table
    tells "reads one node" "/ok.series" "/ok2.series"
}

yaml() { # FACTORY YAML EXPECTED...: the configuration is refused so
    printf '%b' "$2" >y.yaml
    fails 1 mknod "$1" /y --config-path y.yaml
    tells "y.yaml" "${@:3}"
}

@test "YAML: unknown keys, wrong types, bad durations, globs: line, column, caret, nearest name" {
    r='in_pattern: "/d/*"\nout_pattern: "$0"\nresolutions: [1h]\naggregations: [{type: avg}]\n'
    yaml temporal-reduce "${r}resolution: [2h]\n" "line 5, column 1" "unknown key resolution" "did you mean resolutions?" $'    5 | resolution: [2h]\n      | ^'
    yaml temporal-reduce "${r/avg/avgg}" "line 4, column 23" "unknown aggregation 'avgg'" "did you mean 'avg'?"
    yaml temporal-reduce "${r/1h/1x}" "line 3, column 15" "1x: not a duration" "15m or 1h30m"
    yaml temporal-reduce "${r/1h/0h}" "it is zero"
    yaml temporal-reduce "${r/\[1h\]/1h}" "expected a list, found 1h"
    yaml temporal-reduce "${r/\[1h\]/[]}" "'resolutions' is empty"
    yaml temporal-reduce "${r/1h/1h, 1h}" "'1h' appears twice"
    yaml temporal-reduce "${r/\/d\/\*//d/[a}" "line 1, column 13" "'[' without ']'"
    yaml temporal-reduce "${r/avg/avg, columns: [\"a*\", \"b[c\"]}" "line 4, column 44" "'[' without ']'" 'written \['
    yaml temporal-reduce "${r/\$0//abs}" "relative name"
    yaml temporal-reduce "${r/\$0/\$3}" 'line 2' "no such capture"
    yaml temporal-reduce "${r}origin: yesterday\n" "line 5, column 9" "not a time"
    yaml temporal-reduce "${r}zone: Mars/Base\n" "line 5, column 7" "zone 'Mars/Base'"
    yaml temporal-reduce "${r}zone: [a]\n" "expected text, found a list"
    yaml temporal-reduce "${r/avg/count, columns: []}" "'columns' is empty"
    yaml temporal-reduce "in_pattern: /x\n" "missing key 'out_pattern'"
    yaml temporal-reduce "- a\n" "expected a map, found a list"
    yaml temporal-reduce "\n" "is empty" "list-factories"
    yaml temporal-reduce "a: [1\n" "line 2"
    yaml temporal-reduce "a: 1\n\tb: 2\n" "tab"
    yaml temporal-reduce "a: 1\na: 2\n" "a second time"
    yaml temporal-reduce "a: &x 1\n" "anchors"
}

@test "YAML: the other factories, nested entries" {
    yaml sql-derived-series "patterns: [a]\n" "expected a map"
    yaml sql-derived-series "patterns: {a: }\n" "not a path or URL"
    yaml sql-derived-series "patterns: {a: /x, b: /y}\n" "need a 'query'"
    yaml sql-derived-series "patterns: {a: 'csvv:///x'}\n" "did you mean 'csv'?"
    yaml sql-derived-series 'patterns: {a: /x}\nquery: ""\n' "'query' is empty"
    yaml dynamic-dir "entries: [{name: a, factory: sql-derived-serie, config: {}}]\n" "did you mean 'sql-derived-series'?"
    yaml dynamic-dir "entries: [{name: a/b, factory: sql-derived-series, config: {patterns: {a: /x}}}]\n" "cannot contain '/'"
    yaml dynamic-dir "entries: [{name: a, factory: sql-derived-series, config: {pattern: {a: /x}}}]\n" "entry 'a'" "did you mean patterns?"
    s='start: 2024-01-01\nend: 2024-01-02\ninterval: 1h\npoints: [{name: a, components: [{type: sine, period: 1d}]}]\n'
    yaml synthetic-timeseries "${s/2024-01-02/2023-01-01}" "'end' is before 'start'"
    yaml synthetic-timeseries "${s/2024-01-01/2024-13-01}" "there is no such month"
    yaml synthetic-timeseries "${s/sine/sin}" "did you mean 'sine'?"
    yaml synthetic-timeseries "${s/, period: 1d/}" "needs a 'period'"
    yaml synthetic-timeseries "${s/name: a/name: timestamp}" "appears twice"
    fails 4 mknod temporal-reduc /y --config-path y.yaml
    tells "did you mean 'temporal-reduce'?"
    fails 4 mknod temporal-reduce /y --config-path none.yaml
    fails 2 mknod temporal-reduce /y
    tells "--config-path FILE is missing"
    printf '\xff\xfe' >y.yaml
    fails 1 mknod temporal-reduce /y --config-path y.yaml
    tells "not UTF-8"
}

@test "YAML: SQL that cannot be is refused when the node is made" {
    yaml sql-derived-series 'patterns: {a: /x}\nquery: selct 1\n' "syntax error" "      | "
    yaml sql-derived-series 'patterns: {a: /x}\nquery: "SELECT 1; DROP TABLE a"\n' "only one SELECT"
    yaml sql-derived-series "patterns: {a: /x}\nquery: \"SELECT * FROM read_csv('/etc/passwd')\"\n" "not allowed"
    yaml sql-derived-series 'patterns: {a: /x}\nquery: SELECT * FROM b\n' '"b" is not among the patterns'
    yaml dynamic-dir "entries: [{name: n, factory: sql-derived-series, config: {patterns: {a: /x}, query: SELECT * FROM b}}]\n" '"b" is not among'
}

@test "a directory that cannot be listed does not hide the rest" {
    KEEPS=no
    printf 'in_pattern: /n*\nout_pattern: x\nresolutions: [1h]\naggregations: [{type: avg}]\n' >y
    ok mknod temporal-reduce /red --config-path y
    ok list
    ok mkdir /nodes
    for command in list describe; do
        run --separate-stderr pond "$command"
        [ "$status" -eq 1 ]
        has /ok.series /nodes
        tells "/red" "matches the directory /nodes" "hint:"
    done
    run --separate-stderr pond show
    [ "$status" -eq 0 ]
    tells warning "/nodes"
    fails 1 cat /red/x/res=1h.series
    fails 1 export -p '/red/**/*.series' -d out
    [ ! -e out ]
}

@test "variables: unset ones are named with their place, at use" {
    KEEPS=no
    printf 'patterns: {s: "/${var:which}.series"}\nquery: SELECT a FROM s WHERE a > ${env:LEAST:-0}\n' >y
    ok mknod sql-derived-series /v --config-path y
    fails 1 cat /v
    tells "line 1" "variable 'which' is not set" "-v which=value"
    ok cat /v -v which=ok --format csv
    is $'a\n1\n2'
    LEAST=1 ok cat /v -v which=ok --format csv
    is $'a\n2'
    ok list # needs no variable
}

@test "existing nodes are not overwritten unasked" {
    KEEPS=no
    printf 'patterns: {s: /ok.series}\n' >y
    fails 1 mknod sql-derived-series /ok.series --config-path y
    tells "not a node that mknod made"
    ok mknod sql-derived-series /v --config-path y
    fails 1 mknod sql-derived-series /v --config-path y
    tells "--overwrite"
    [ "$(pond mknod sql-derived-series /v --config-path y --overwrite --json | jq .rows)" = 0 ] # nothing new
    printf 'patterns: {s: /ok.series}\nquery: SELECT 1 AS one FROM s\n' >y
    ok mknod sql-derived-series /v --config-path y --overwrite
    [ "$(rows /v)" = $'one\n1\n1' ]
    fails 4 mknod sql-derived-series /no/v --config-path y
}
