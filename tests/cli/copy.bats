#!/usr/bin/env bats
# pond copy in both directions, and pond cat.
load helpers

prepare() { pond init --quiet; }

@test "bytes in and out: small, large, empty; the same bytes come back" {
    printf 'small' >small
    head -c 300000 /dev/urandom >large
    : >empty
    ok copy small large empty /
    for name in small large empty; do pond cat "/$name" | cmp - "$name"; done
    ok copy /small /large /empty "host://$PWD/out/"
    for name in small large empty; do cmp "out/$name" "$name"; done
    [ "$(pond list /empty --json | jq '.[0].size')" = 0 ]
    fails 1 copy /small "host://$PWD/out/"
    tells "exists on the host" "--overwrite"
    ok copy /small "host://$PWD/out/" --overwrite
    ok copy /large "host://$PWD/single.bin"
    cmp large single.bin
}

@test "data is replaced, a series is appended to, a table is replaced" {
    printf 1 >f
    ok copy f /f
    printf 22 >f
    ok copy f /f
    [ "$(pond cat /f)" = 22 ]
    printf 'timestamp,a\n2024-01-01,1\n' | csv_series /s.series
    printf 'timestamp,a,b\n2024-01-02,2,x\n' | csv_series /s.series
    [ "$(rows /s.series)" = $'timestamp,a,b\n2024-01-01T00:00:00Z,1,\n2024-01-02T00:00:00Z,2,x' ]
    [ "$(pond describe /s.series --json | jq -c '[.[0].version_list[] | [.version, .rows]]')" = '[[1,1],[2,1]]' ]
    ok copy "host+csv+series://$PWD/in.csv" /s.series --overwrite
    [ "$(rows /s.series)" = $'timestamp,a,b\n2024-01-02T00:00:00Z,2,x' ]
    printf 'timestamp,a\n2024-01-01,1\n' >t.csv
    ok copy "host+csv+table://$PWD/t.csv" /t.table
    printf 'timestamp,b\n2024-01-02,7\n' >t.csv
    ok copy "host+csv+table://$PWD/t.csv" /t.table
    [ "$(rows /t.table)" = $'timestamp,b\n2024-01-02T00:00:00Z,7' ]
}

@test "several sources are one transaction: an error rolls everything back" {
    printf 1 >a
    before=$(root)
    number=$(txn)
    fails 4 copy a missing /
    printf 2 >b
    fails 1 copy a "host+series://$PWD/b" /
    tells "not a valid parquet file" "PAR1 magic bytes" "host:///"
    [ "$(root)" = "$before" ] && [ "$(txn)" = "$number" ] && [ -z "$(paths)" ]
    [ -z "$(ls p/tmp 2>/dev/null)" ]
    [ "$(pond copy a b / --json | jq -c '[.txn, .rows]')" = "[$((number + 1)),4]" ]
}

@test "where things go: names, directories, --strip-prefix" {
    mkdir -p in/x/y && printf 1 >in/x/y/f && printf 2 >in/g
    cp "$VEGA/weather.csv" in/
    ok copy in/g /new/ # a slash asks for a directory
    ok copy "host+csv+series://$PWD/in/weather.csv" /new/
    ok copy in/x/y/f in/g /tree --strip-prefix in
    [ "$(paths)" = $'/new\n/new/g\n/new/weather.series\n/tree\n/tree/g\n/tree/x\n/tree/x/y\n/tree/x/y/f' ]
    fails 1 copy in/g /tree --strip-prefix out
    fails 1 copy in/g in/x/y/f /nodir
    tells "several sources need a directory"
    fails 1 copy in /tree
    tells "is a directory on the host"
    fails 4 copy in/g /no/such
    fails 2 copy file:///new/g /x
    ok copy '/tree/**' "host://$PWD/out"
    [ "$(cd out && find . -type f | sort)" = $'./g\n./x/y/f' ]
    ok copy '/tree/x/**' "host://$PWD/out2" --strip-prefix /tree/x
    fails 1 copy '/tree/**' "host://$PWD/out3" --strip-prefix /tree/x
    [ ! -e out3 ]
    [ "$(cd out2 && find . -type f | sort)" = ./y/f ] || fail out2
}

@test "the type of what exists decides, and says so" {
    printf 1 >f
    csv_series /s.series <"$HOURLY"
    pond mkdir /d
    fails 1 copy "host+table://$PWD/f" /s.series
    tells "exists as table:series, not table"
    fails 1 copy f /s.series
    tells "not a valid parquet file"
    pond copy f /f
    fails 1 copy "host+csv+series://$HOURLY" /f
    tells "exists as data"
    fails 1 copy "host+series://$PWD/f" /d/
    printf 'start: 2024-01-01\nend: 2024-01-02\ninterval: 1h\npoints: [{name: a, components: [{type: line}]}]\n' >y
    pond mknod synthetic-timeseries /syn --config-path y
    fails 1 copy f /syn
    tells "takes no content"
}

@test "series and derived nodes go out as one Parquet file each" {
    head -n 5000 "$HOURLY" | csv_series /h.series
    { head -n 1 "$HOURLY" && tail -n +5001 "$HOURLY"; } | csv_series /h.series
    printf 'patterns: {h: /h.series}\nquery: SELECT date, wind FROM h WHERE wind > 5\n' >q
    pond mknod sql-derived-series /windy --config-path q
    ok copy /h.series /windy "host://$PWD/out/"
    pond cat "host+table://$PWD/out/h.series" --format csv >got.csv
    python3 "$EXPECT" range "$HOURLY" 2010-01-01 2011-01-01 >want.csv
    python3 "$EXPECT" same got.csv want.csv
    [ "$(pond cat "host+table://$PWD/out/windy" --sql 'SELECT count(*) AS n FROM source' --format csv | tail -n 1)" = "$(awk -F, 'NR > 1 && $4 > 5' "$HOURLY" | wc -l)" ]
    mkdir again && ok copy "host+series://$PWD/out/h.series" /again.series
    [ "$(rows /again.series | sha256sum)" = "$(rows /h.series | sha256sum)" ]
    fails 4 copy '/none/*' "host://$PWD/out/"
    pond mkdir /d
    fails 4 copy /d "host://$PWD/out/"
    tells "only directories match"
}

@test "names as long as names can be" {
    long=$(printf 'n%.0s' {1..255})
    printf small >"$long"
    ok copy "$long" /
    ok copy "/$long" "host://$PWD/out/"
    cmp "out/$long" "$long"
    printf 'timestamp,a\n2024-01-01,1\n' | csv_series /s.series
    ok copy /s.series "host://$PWD/q${long:1}"
    [ "$(pond cat "host+table://$PWD/q${long:1}" --format csv)" = $'timestamp,a\n2024-01-01T00:00:00Z,1' ]
    [ -z "$(find . -name '.pond-part*')" ]
}

@test "cat: texts that hold NULs, backslashes, quotes and line ends are told whole" {
    parquet n.parquet "SELECT TIMESTAMPTZ '2024-01-01' AS timestamp, 'a' || chr(0) || 'b' AS s UNION ALL
        SELECT TIMESTAMPTZ '2024-01-02', chr(0) UNION ALL SELECT TIMESTAMPTZ '2024-01-03', 'C:\xyz\new'"
    pond copy "host+series://$PWD/n.parquet" /n.series
    pond cat /n.series --format csv >got
    printf 'timestamp,s\n2024-01-01T00:00:00Z,a\0b\n2024-01-02T00:00:00Z,\0\n2024-01-03T00:00:00Z,C:\\xyz\\new\n' | cmp - got
    [ "$(pond cat /n.series --format json | jq -c '[.[].s | explode]')" = "[[97,0,98],[0],[67,58,92,120,121,122,92,110,101,119]]" ]
    ok cat /n.series --format table
    has 'a\x00b' 'C:\xyz\new'
}

@test "cat: formats of rows" {
    printf 'timestamp,a,b\n2024-01-01T06:00:00+02:00,1.5,"x,""y"\n2024-01-02,,\n' | csv_series /s.series
    [ "$(rows /s.series)" = $'timestamp,a,b\n2024-01-01T04:00:00Z,1.5,"x,""y"\n2024-01-02T00:00:00Z,,' ]
    [ "$(pond cat /s.series --format json | jq -c .)" = '[{"timestamp":"2024-01-01T04:00:00Z","a":1.5,"b":"x,\"y"},{"timestamp":"2024-01-02T00:00:00Z","a":null,"b":null}]' ]
    [ "$(pond cat /s.series --json)" = "$(pond cat /s.series --format json)" ]
    [ "$(pond cat /s.series --format jsonl | jq -c .a)" = $'1.5\nnull' ]
    [ "$(pond cat /s.series | head -c 4)" = PAR1 ] # not a terminal
    [ "$(pond cat /s.series --format raw | head -c 4)" = PAR1 ]
    ok cat /s.series --format table
    has "Summary: 2 total rows" NULL
    run script -qec "$POND_BIN --pond $POND cat /s.series" /dev/null
    [[ $output == *"Summary: 2 total rows"* ]]
    fails 2 cat /s.series --format tabel
    tells "did you mean 'table'?"
    run script -qec "$POND_BIN --pond $POND cat /s.series --format parquet" /dev/null
    [[ $output == *"not written to a terminal"* ]]
}

@test "cat: long tables show both ends and count all" {
    csv_series /h.series <"$HOURLY"
    ok cat /h.series --format table
    has "2010-01-01T01:00:00Z" "2010-12-31T23:00:00Z" "..." "Summary: 8759 total rows"
    [ "${#lines[@]}" -eq 83 ]
}

@test "cat: nothing there, in each format" {
    printf 'timestamp,a\n' | csv_series /e.series
    ok cat /e.series --format table
    is "No data found"
    ok cat /e.series --format csv
    is "timestamp,a"
    ok cat /e.series --format json
    is "[]"
    ok cat /e.series --format jsonl
    is ""
    ok cat /e.series --sql 'SELECT count(*) AS n FROM source' --format csv
    is $'n\n0'
}

@test "cat: time bounds are inclusive and prune before reading" {
    head -n 3000 "$HOURLY" | csv_series /h.series
    { head -n 1 "$HOURLY" && tail -n +3001 "$HOURLY"; } | csv_series /h.series
    for span in "2010-02-01 2010-02-01T23:59:59Z" "2010-05-05T10:00:00Z 2010-05-05T10:00:00Z" "2010-01-01 2010-12-31T23:59:59Z"; do
        set -- $span
        python3 "$EXPECT" range "$HOURLY" "$1" "$2" >want.csv
        rows /h.series --time-start "$1" --time-end "$2" >got.csv
        python3 "$EXPECT" same got.csv want.csv
    done
    [ "$(rows /h.series --time-end 2010-01-02 | tail -n 1 | cut -d, -f1)" = 2010-01-02T23:00:00Z ] # a day means all of it
    ok cat /h.series --time-start 2011-01-01 --format csv
    is "date,pressure,temperature,wind"
    ok cat /h.series --sql 'SELECT count(*) AS n FROM series' --time-start 2010-12-31 --format csv
    is $'n\n24'
    fails 2 cat /h.series --time-start 2010-02-30
    tells "--time-start" "hint:"
    fails 2 cat /h.series --time-start 2010-02-02 --time-end 2010-02-01
    tells "--time-end is before --time-start"
    opens() { pond cat /h.series "$@" --format csv --stats 2>&1 >/dev/null | awk '/^open blob \(engine\)/ { print $5 }'; }
    [ "$(opens --time-start 2010-12-30)" -lt "$(opens)" ] # only the second version
}

@test "cat: SQL over the node, like sqlite3 over the CSV" {
    csv_series /w.series <"$VEGA/weather.csv"
    query='SELECT location, count(*) AS n, max(temp_max) AS hot, min(temp_min) AS cold, round(sum(precipitation), 1) AS rain FROM source GROUP BY location ORDER BY location'
    sqlite3 -csv -header :memory: ".import $VEGA/weather.csv source" "${query//temp_max)/CAST(temp_max AS REAL))}" >/dev/null 2>&1 || true
    sqlite3 -csv -header :memory: ".import $VEGA/weather.csv raw" \
        'CREATE TABLE source AS SELECT location, CAST(precipitation AS REAL) AS precipitation, CAST(temp_max AS REAL) AS temp_max, CAST(temp_min AS REAL) AS temp_min FROM raw' \
        "$query" >want.csv
    pond cat /w.series --sql "$query" --format csv | sed 's/"//g' >got.csv
    sed -i 's/"//g' want.csv
    python3 "$EXPECT" same got.csv want.csv
}

@test "cat and describe of host files need no pond" {
    unset POND
    mkdir empty && cd empty
    ok cat "host+csv://$VEGA/seattle-weather.csv" --sql 'SELECT count(*) AS n FROM source' --format csv
    is $'n\n1461'
    ok cat "host:///$VEGA/seattle-weather.csv"
    [ "$(sha256sum <<<"$output")" = "$(sha256sum <"$VEGA/seattle-weather.csv")" ] || [ "${#lines[@]}" -eq 1462 ]
    ok describe "host+csv://$VEGA/seattle-weather.csv"
    has "Time column: date" "temp_max: DOUBLE"
    fails 2 cat /a
    tells "no pond is named"
    fails 4 cat "host+csv:///none.csv"
    fails 1 cat "host+csv:///tmp"
    tells "is a directory on the host"
    [ -z "$(ls -A)" ]
}

@test "text in the pond is read by its format, and parsed once" {
    pond copy "$VEGA/seattle-weather.csv" /raw.csv
    fails 1 cat /raw.csv --format table
    tells "is raw data" "csv:///raw.csv"
    ok cat csv:///raw.csv --sql 'SELECT max(wind) AS w FROM source' --format csv
    is "w
$(awk -F, 'NR > 1 && $5 > m { m = $5 } END { print m }' "$VEGA/seattle-weather.csv")"
    [ "$(count_of format_parse cat csv:///raw.csv --format csv)" = 0 ]
    [ "$(count_of format_parse cat 'csv:///raw.csv?nullstr=rain' --format csv)" = 1 ]
    rm -rf p/cache
    [ "$(count_of format_parse cat csv:///raw.csv --format csv)" = 1 ]
    [ "$(POND_CACHE=off pond cat csv:///raw.csv --format csv | sha256sum)" = "$(pond cat csv:///raw.csv --format csv | sha256sum)" ]
    fails 1 cat csv:///raw.csv?header=maybe
    tells "option 'header' is true or false"
}

@test "cat of directories, several things, missing things" {
    csv_series /d.series <"$HOURLY"
    pond copy "$HOURLY" /d.csv
    pond mkdir /dir
    fails 1 cat /dir
    tells "is a directory" "pond list /dir/"
    fails 1 cat '/d.*'
    tells "names 2 things"
    fails 4 cat /d.serie
    tells "did you mean /d.series?"
    fails 4 cat '/x*'
    tells "nothing matches"
    fails 4 cat /no/such/path
}

@test "tables fit the terminal: texts are cut, columns left out and counted, times and numbers never cut" {
    csv_series /h.series <"$HOURLY"
    table() { script -qec "stty cols $1; $POND_BIN --pond $POND cat /h.series --sql \"$2\" --color never" /dev/null | tr -d '\r'; }
    run table 60 "SELECT date, pressure, repeat('x', 99) AS t, wind FROM source LIMIT 2"
    has "2010-01-01T01:00:00Z" " 1016.6" "…" "Summary: 2 total rows"
    for line in "${lines[@]}"; do [ "${#line}" -le 60 ] || fail "$line"; done
    run table 40 "SELECT date, pressure, wind, temperature, 12345678901234567 AS n FROM source LIMIT 2"
    has "2010-01-01T01:00:00Z  " "pressure" "columns shown"
    for line in "${lines[@]:0:3}"; do [ "${#line}" -le 40 ] || fail "$line"; done
    ok cat /h.series --sql "SELECT 'äöü😀' AS \"µS/cm\", repeat('x', 99) AS t" --format table # not a terminal: whole
    has "µS/cm" "äöü😀" "$(printf 'x%.0s' {1..99})"
}
