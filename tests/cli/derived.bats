#!/usr/bin/env bats
# Derived nodes against sqlite3 and expect.py; schemas that drift; values and times at the edges.
load helpers

prepare() { pond init --quiet; }

node() { # FACTORY PATH YAML...
    printf '%s\n' "${@:3}" >node.yaml
    pond mknod "$1" "$2" --config-path node.yaml
}
sqlite() { # TABLE=FILE... QUERY: sqlite3 over CSV, numbers as numbers
    local imports=() spec
    for spec in "${@:1:$#-1}"; do imports+=(-cmd ".import --csv ${spec#*=} ${spec%%=*}"); done
    sqlite3 -csv -header "${imports[@]}" :memory: "${@: -1}"
}

@test "sql-derived-series: filter, join and group by as in sqlite3" {
    csv_series /w.series <"$VEGA/weather.csv"
    csv_series /s.series <"$VEGA/seattle-weather.csv"
    node sql-derived-series /joined.series 'patterns: {w: /w.series}' 'query: |' \
        '  SELECT s.date, s.temp_max AS seattle, n.temp_max AS "new york", s.temp_max - n.temp_max AS diff' \
        "  FROM w s JOIN w n ON s.date = n.date AND s.location = 'Seattle' AND n.location = 'New York'" '  ORDER BY s.date'
    rows /joined.series >got.csv
    sqlite w="$VEGA/weather.csv" "SELECT s.date || 'T00:00:00Z' AS date, CAST(s.temp_max AS REAL) AS seattle, CAST(n.temp_max AS REAL) AS 'new york',
        s.temp_max - n.temp_max AS diff FROM w s JOIN w n ON s.date = n.date AND s.location = 'Seattle' AND n.location = 'New York' ORDER BY s.date" >want.csv
    python3 "$EXPECT" same got.csv want.csv
    # a chain: derived over derived, two patterns
    node sql-derived-series /months 'patterns: {j: /joined.series, s: /s.series}' 'query: |' \
        "  SELECT strftime(j.date, '%Y-%m') AS month, count(*) AS n, avg(diff) AS diff, sum(s.precipitation) AS rain" \
        '  FROM j JOIN s USING (date) GROUP BY 1 ORDER BY 1'
    rows /months >got.csv
    sqlite w="$VEGA/weather.csv" s="$VEGA/seattle-weather.csv" "SELECT substr(date, 1, 7) AS month, count(*) AS n, avg(d) AS diff, sum(p) AS rain FROM (
        SELECT a.date, a.temp_max - n.temp_max AS d, CAST(s.precipitation AS REAL) AS p FROM w a JOIN w n ON a.date = n.date AND a.location = 'Seattle' AND n.location = 'New York'
        JOIN s ON s.date = a.date) GROUP BY 1 ORDER BY 1" >want.csv
    python3 "$EXPECT" same got.csv want.csv
}

@test "without a query a series is all of its pattern; text sources by URL" {
    pond mkdir /a
    csv_series /a/x.series <"$HOURLY"
    pond copy "$VEGA/seattle-weather.csv" /raw.csv
    node sql-derived-series /all 'patterns: {x: /a/x.series}'
    [ "$(rows /all | sha256sum)" = "$(rows /a/x.series | sha256sum)" ]
    node sql-derived-series /text 'patterns: {x: "csv:///raw.csv"}' 'query: SELECT count(*) AS n, max(date) AS last FROM x'
    [ "$(rows /text)" = $'n,last\n1461,2015-12-31T00:00:00Z' ]
    node sql-derived-table /host "patterns: {x: \"host+csv://$VEGA/weather.csv\"}" 'query: SELECT count(*) AS n FROM x'
    [ "$(rows /host)" = $'n\n2922' ]
}

@test "versions and files whose columns drift are united by name" {
    printf 'timestamp,a,b\n2024-01-01,1,x\n2024-01-03,3,y\n' >v1.csv
    printf 'timestamp,c,a\n2024-01-02,0.5,2\n' >v2.csv
    printf 'timestamp,b\n2024-01-04,z\n' >v3.csv
    for version in 1 2 3; do csv_series /d.series <v$version.csv; done
    python3 "$EXPECT" union v1.csv v2.csv v3.csv >want.csv
    rows /d.series >got.csv
    python3 "$EXPECT" same got.csv want.csv
    for version in 1 2 3; do csv_series "/f$version.series" <v$version.csv; done
    node sql-derived-series /u 'patterns: {f: "/f*.series"}'
    rows /u >got.csv
    python3 "$EXPECT" same got.csv want.csv
    # narrow widens, int and float meet as double
    printf 'timestamp,a\n2024-01-05,9007199254740993\n' | csv_series /d.series
    printf 'timestamp,a\n2024-01-06,0.25\n' | csv_series /d.series
    [ "$(pond describe /d.series --json | jq -r '.[0].schema[] | select(.name == "a") | .type')" = DOUBLE ]
    # a real conflict names both
    printf 'timestamp,a\n2024-01-07,word\n' | csv_series /d.series
    fails 1 cat /d.series --format csv
    tells "/d.series v" '"a"' VARCHAR 2>/dev/null || tells "/d.series v" a VARCHAR
}

@test "columns with odd names come through storage, SQL, CSV and Parquet" {
    header='timestamp,a.b,a b,a/b,it'"'"'s,"say ""x""",100%,µS/cm,select,year'
    printf '%s\n2024-01-01,1,2,3,4,5,6,7,8,9\n' "$header" | csv_series /odd.series
    [ "$(rows /odd.series)" = "$header
2024-01-01T00:00:00Z,1,2,3,4,5,6,7,8,9" ]
    ok cat /odd.series --sql 'SELECT "a.b" + "100%" AS s, "say ""x""" AS t FROM source' --format csv
    is $'s,t\n7,5'
    ok copy /odd.series "host://$PWD/odd.parquet"
    ok copy "host+series://$PWD/odd.parquet" /back.series
    [ "$(rows /back.series | sha256sum)" = "$(rows /odd.series | sha256sum)" ]
    node sql-derived-series /d 'patterns: {o: /odd.series}' 'query: SELECT timestamp, "µS/cm" AS "µS/cm 2" FROM o'
    [ "$(rows /d)" = $'timestamp,µS/cm 2\n2024-01-01T00:00:00Z,7' ]
}

@test "two columns that differ in case: kept apart as stored, named where they cannot be" {
    parquet two.parquet "SELECT timestamp '2024-01-01' AS ts, 1 AS aaaa, 2 AS bbbb"
    LC_ALL=C sed 's/bbbb/AAAA/g' two.parquet >case.parquet
    ok copy "host+series://$PWD/case.parquet" /case.series
    [ "$(rows /case.series)" = $'ts,aaaa,AAAA\n2024-01-01T00:00:00,1,2' ]
    [ "$(pond describe /case.series --json | jq -c '[.[0].schema[].name]')" = '["ts","aaaa","AAAA"]' ]
    fails 1 cat /case.series --sql 'SELECT * FROM source'
    tells '"aaaa"' '"AAAA"' "differ only in case" column-rename
    fails 1 cat /case.series --format parquet
    tells "differ only in case"
    fails 1 export -p /case.series -d out
    tells aaaa AAAA "differ only in case"
    ok cat /case.series --format raw
}

@test "integer times: units by magnitude, by ?unit=, and across versions" {
    for unit in s:1 ms:1000 us:1000000 ns:1000000000; do
        parquet "${unit%:*}.parquet" "SELECT (1700000000 + i) * ${unit#*:} AS timestamp, i AS v FROM range(3) t(i)"
        ok copy "host+series://$PWD/${unit%:*}.parquet" "/${unit%:*}.series"
        [ "$(pond list "/${unit%:*}.series" --json | jq -r '.[0] | [.first, .last] | @csv')" = '"2023-11-14T22:13:20Z","2023-11-14T22:13:22Z"' ] || fail "$unit"
        [ "$(rows "/${unit%:*}.series" --time-start 2023-11-14T22:13:21Z --time-end 2023-11-14T22:13:21Z | tail -n +2)" = "$((1700000001 * ${unit#*:})),1" ] || fail "range $unit"
    done
    parquet small.parquet 'SELECT i AS timestamp, i AS v FROM range(3) t(i)'
    ok copy "host+series://$PWD/small.parquet?unit=s" /small.series
    [ "$(pond list /small.series --json | jq -r '.[0].last')" = 1970-01-01T00:00:02Z ]
    ok copy "host+series://$PWD/ms.parquet" /s.series # a second version in another unit
    [ "$(rows /s.series | tail -n +2 | cut -d, -f1 | sort -u | wc -l)" -ge 3 ]
    [ "$(rows /s.series --time-start 2023-11-14T22:13:22Z | tail -n +2 | wc -l)" = 2 ]
    printf 'ts,v\n1700000000,1\n1700000001.5,2\n' | csv_series /csv.series
    [ "$(rows /csv.series)" = $'ts,v\n2023-11-14T22:13:20Z,1\n2023-11-14T22:13:21.5Z,2' ]
}

@test "times at the edges: before 1970, year 1, 9999, fractions, zones" {
    cat >edge.csv <<'CSV'
timestamp,v
0001-01-01T00:00:00Z,1
1582-10-15T12:00:00Z,2
1969-12-31T23:59:59.999999Z,3
2024-02-29T23:30:00+05:30,4
2024-06-01T00:00:00.000001Z,5
9999-12-31T23:59:59.999999Z,6
CSV
    csv_series /edge.series <edge.csv
    [ "$(rows /edge.series | tail -n +2 | cut -d, -f1 | tr '\n' ' ')" = "0001-01-01T00:00:00Z 1582-10-15T12:00:00Z 1969-12-31T23:59:59.999999Z 2024-02-29T18:00:00Z 2024-06-01T00:00:00.000001Z 9999-12-31T23:59:59.999999Z " ]
    [ "$(rows /edge.series --time-end 1969-12-31 | tail -n +2 | wc -l)" = 3 ]
    [ "$(rows /edge.series --time-start 2024-06-01 --time-end 2024-06-01T00:00:00.000001Z | tail -n +2)" = 2024-06-01T00:00:00.000001Z,5 ]
    ok list -l /edge.series
    has "0001-01-01 00:00:00 .. 9999-12-31 23:59:59"
    ok export -p /edge.series -d out --temporal year
    [ "$(find out -name '*.parquet' | sort | sed 's/.*year=//' | tr '\n' ' ')" = "0001/data.parquet 1582/data.parquet 1969/data.parquet 2024/data.parquet 9999/data.parquet " ] ||
        [ "$(find out -name '*.parquet' | sort | sed 's/.*year=//' | tr '\n' ' ')" = "1/data.parquet 1582/data.parquet 1969/data.parquet 2024/data.parquet 9999/data.parquet " ]
}

@test "NaN, infinities and nulls come through" {
    parquet odd.parquet "SELECT timestamp '2024-01-01' + to_hours(i) AS ts, v::DOUBLE AS v, f::FLOAT AS f, t FROM (VALUES (0, 'nan', 'inf', NULL), (1, '-inf', '0.1', ''), (2, NULL, NULL, 'x'), (3, '-0.0', '1e-45', 'NULL')) x(i, v, f, t)"
    ok copy "host+series://$PWD/odd.parquet" /odd.series
    [ "$(rows /odd.series)" = 'ts,v,f,t
2024-01-01T00:00:00,NaN,Infinity,
2024-01-01T01:00:00,-Infinity,0.1,""
2024-01-01T02:00:00,,,x
2024-01-01T03:00:00,-0.0,1e-45,NULL' ]
    [ "$(pond cat /odd.series --format json | jq -c 'map([.v, .f, .t])')" = '[["NaN","Infinity",null],["-Infinity",0.1,""],[null,null,"x"],[-0,1e-45,"NULL"]]' ]
    ok copy /odd.series "host://$PWD/again.parquet"
    cmp odd.parquet again.parquet
}

@test "an empty series and a 0-byte file are what they are" {
    printf 'timestamp,a\n' | csv_series /e.series
    node sql-derived-series /d 'patterns: {e: /e.series}' 'query: SELECT timestamp, a FROM e'
    node temporal-reduce /r 'in_pattern: /e.series' 'out_pattern: x' 'resolutions: [1h]' 'aggregations: [{type: avg}, {type: count, columns: ["*"]}]'
    for path in /e.series /d /r/x/res=1h.series; do
        ok cat "$path" --format table
        is "No data found"
    done
    ok export -p /e.series -p /d -p '/r/**/*.series' -d out --temporal year
    [ -z "$(find out -name '*.parquet')" ]
    [ "$(jq '[.targets[].files | length] | add' out/catalog.json)" = 0 ]
    : >zero && ok copy zero /zero
    ok cat /zero
    is ""
    ok list /zero
    has " 0B "
    fails 1 cat csv:///zero --format csv
    printf 'timestamp,a\n2024-01-01,1\n' | csv_series /e.series # a second version with rows
    [ "$(rows /e.series | tail -n +2 | wc -l)" = 1 ]
}

@test "synthetic-timeseries is its formula" {
    node synthetic-timeseries /s 'start: 2024-01-01' 'end: 2024-01-02' 'interval: 30m' 'points:' \
        '  - name: v' '    components:' '      - {type: sine, amplitude: 5, period: 1d, offset: 12, phase: 0.5}' '      - {type: line, slope: 0.001, offset: -1}' \
        '  - name: sq' '    components: [{type: square, amplitude: 2, period: 6h}]'
    rows /s >got.csv
    python3 - >want.csv <<'PY'
import math
from datetime import datetime, timedelta
print('timestamp,v,sq')
for i in range(49):
    t = i * 1800
    square = 2 if t % 21600 < 10800 else -2
    print((datetime(2024, 1, 1) + timedelta(seconds=t)).isoformat() + 'Z', 5 * math.sin(2 * math.pi * t / 86400 + 0.5) + 12 + 0.001 * t - 1, square, sep=',')
PY
    python3 "$EXPECT" same got.csv want.csv
    node synthetic-timeseries /n 'start: 2024-01-01' 'end: 2024-01-02' 'interval: 1m' 'points: [{name: v, components: [{type: noise, amplitude: 3, seed: 9}]}]'
    [ "$(rows /n | sha256sum)" = "$(rows /n | sha256sum)" ]
    ok cat /n --sql 'SELECT min(v) >= -3 AND max(v) < 3 AND abs(avg(v)) < 0.2 AND count(DISTINCT v) = 1441 AS fine FROM source' --format csv
    is $'fine\ntrue'
}

@test "dynamic-dir: nodes of several factories, nested, walked like stored ones" {
    csv_series /h.series <"$HOURLY"
    cat >dir.yaml <<'YAML'
entries:
  - name: wind
    factory: sql-derived-series
    config:
      patterns: {h: /h.series}
      query: SELECT date, wind FROM h
  - name: more
    factory: dynamic-dir
    config:
      entries:
        - name: reduced
          factory: temporal-reduce
          config: {in_pattern: "/dyn/w*", out_pattern: "w$0", resolutions: [1d], aggregations: [{type: max}]}
YAML
    ok mknod dynamic-dir /dyn --config-path dir.yaml
    [ "$(paths '/dyn/**')" = $'/dyn/more\n/dyn/more/reduced\n/dyn/more/reduced/wind\n/dyn/more/reduced/wind/res=1d.series\n/dyn/wind' ]
    rows /dyn/more/reduced/wind/res=1d.series >got.csv
    python3 "$EXPECT" reduce "$HOURLY" 1d --got got.csv max:wind
    fails 1 rm /dyn/wind
    tells /dyn
    fails 1 mkdir /dyn/x
    fails 1 copy in.csv /dyn/wind
    ok ln -s /dyn/more/reduced/wind /short
    [ "$(paths '/short/*')" = /short/res=1d.series ]
    ok rm /dyn
    [ "$(paths '/dyn*')" = "" ]
}

@test "describe says what a node is, reads and runs" {
    csv_series /h.series <"$HOURLY"
    node temporal-reduce /r 'in_pattern: /h.series' 'out_pattern: x' 'resolutions: [1h, 1d]' 'aggregations: [{type: avg}]'
    ok describe /r/x/res=1d.series
    has "Type: table:dynamic (derived)" "Factory: temporal-reduce" "temperature.avg: DOUBLE" "Time column: date" "    bucket /r/x/res=1d.series" "      scan /h.series 1 file, 8,759 rows" "Time-local: yes; in time order: yes"
    [ "$(pond describe /r/x/res=1d.series --json | jq -c '.[0] | [.type, .factory, (.schema | length), .time_column]')" = '["table:dynamic","temporal-reduce",4,"date"]' ]
    ok cat /r/x/res=1d.series --explain
    has read_parquet
    fails 4 describe /none
    ok describe '/zzz*'
    is ""
}

@test "time-local SQL is cut by time; what runs whole says why" {
    printf 'timestamp,v\n2024-01-01T00:00:00,1\n2024-01-02T00:00:00,2\n2024-02-01T00:00:00,4\n' >a.csv
    printf 'timestamp,w\n2024-01-02T00:00:00,10\n2024-02-03T00:00:00,20\n' >b.csv
    pond copy host+csv+series:///"$PWD"/a.csv /a.series
    pond copy host+csv+series:///"$PWD"/b.csv /b.series
    printf 'patterns: {a: /a.series, b: /b.series}\nquery: SELECT * FROM a NATURAL FULL OUTER JOIN b ORDER BY timestamp\n' >q
    printf 'patterns: {a: /a.series}\nquery: SELECT timestamp, v - lag(v) OVER (ORDER BY timestamp) AS d FROM a\n' >w
    pond mknod sql-derived-series /joined.series --config-path q
    pond mknod sql-derived-series /steps.series --config-path w
    ok describe /joined.series --plan
    has "Time-local: yes"
    ok describe /steps.series --plan
    has "Time-local: no" "runs whole (a window function)"
    ok cat /joined.series --format csv --time-start 2024-01-02 --time-end 2024-02-01
    [ "$(tail -n +2 <<<"$output" | cut -d, -f2- | paste -sd' ')" = "2,10 4," ]
    ok cat /steps.series --format csv --time-start 2024-02-01
    [ "$(tail -n +2 <<<"$output" | cut -d, -f2)" = 2 ]
    ok export -p /joined.series -d out --temporal year,month
    [ "$(find out -name '*.parquet' | sort | paste -sd' ')" = "out/joined/year=2024/month=1/data.parquet out/joined/year=2024/month=2/data.parquet" ]
    ok cat "host+file://$PWD/out/joined/year=2024/month=2/data.parquet" --format csv
    [ "$(tail -n +2 <<<"$output" | cut -d, -f2- | paste -sd' ')" = "4, ,20" ]
}
