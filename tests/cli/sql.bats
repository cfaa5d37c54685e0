#!/usr/bin/env bats
# pond sql: the same queries by sqlite3 over the CSV files; the catalog's tables against list, describe and log.
load helpers

prepare() {
    pond init --quiet --birthplace lab
    pond mkdir /s /raw
    csv_series /s/seattle.series <"$VEGA/seattle-weather.csv"
    { echo date,precipitation,temp_max,temp_min,wind,weather; grep '^New York' "$VEGA/weather.csv" | cut -d, -f2-; } >ny.csv
    csv_series /s/newyork.series <ny.csv
    pond copy "$VEGA/weather.csv" /raw/weather.csv
}
node() { # FACTORY PATH YAML...
    printf '%s\n' "${@:3}" >node.yaml
    pond mknod "$1" "$2" --config-path node.yaml
}
ask() { pond sql "$1" --format csv "${@:2}"; }
lite() { # QUERY: over seattle, newyork, weather
    sqlite3 -csv -header -cmd ".import --csv $VEGA/seattle-weather.csv seattle" -cmd '.import --csv ny.csv newyork' \
        -cmd ".import --csv $VEGA/weather.csv weather" :memory: "$1"
}
same() { # QUERY-OF-POND QUERY-OF-SQLITE
    ask "$1" >got.csv
    lite "$2" >want.csv
    [ "$(wc -l <want.csv)" -gt 1 ] || fail "nothing expected"
    python3 "$EXPECT" same got.csv want.csv
}

@test "paths, patterns and URLs are tables" {
    same 'SELECT weather, count(*) AS n, avg(wind) AS wind FROM "/s/seattle.series" GROUP BY 1 ORDER BY 1' \
        'SELECT weather, count(*) AS n, avg(wind) AS wind FROM seattle GROUP BY 1 ORDER BY 1'
    same 'SELECT weather, count(*) AS n, max(temp_max) AS t FROM "/s/*.series" GROUP BY 1 ORDER BY 1' \
        'SELECT weather, count(*) AS n, max(CAST(temp_max AS REAL)) AS t FROM (SELECT * FROM newyork UNION ALL SELECT * FROM seattle) GROUP BY 1 ORDER BY 1'
    same 'SELECT location, sum(precipitation) AS rain FROM "csv:///raw/weather.csv" GROUP BY 1 ORDER BY 1' \
        'SELECT location, sum(precipitation) AS rain FROM weather GROUP BY 1 ORDER BY 1'
    same "SELECT s.date, s.wind - n.wind AS d FROM \"/s/seattle.series\" s JOIN '/s/newyork.series' n USING (date) WHERE n.weather = 'snow' ORDER BY 1" \
        "SELECT s.date || 'T00:00:00Z' AS date, s.wind - n.wind AS d FROM seattle s JOIN newyork n USING (date) WHERE n.weather = 'snow' ORDER BY 1"
    same "SELECT count(*) AS n FROM \"series:///s/seattle.series\" a, \"host+csv://$PWD/ny.csv\" b WHERE a.date = b.date" \
        'SELECT count(*) AS n FROM seattle a, newyork b WHERE a.date = b.date'
    [ "$(ask 'SELECT 6 * 7 AS x')" = $'x\n42' ]
    [ "$(ask 'FROM (VALUES (1), (2)) t(a) SELECT sum(a) AS s;')" = $'s\n3' ]
}

@test "sub-queries, CTEs and shadowing: a name is a path only where it is not defined" {
    same 'WITH w AS (SELECT * FROM "/s/seattle.series" WHERE wind > 5) SELECT count(*) AS n FROM w WHERE temp_max > (SELECT avg(temp_max) FROM "/s/newyork.series")' \
        'WITH w AS (SELECT * FROM seattle WHERE wind + 0 > 5) SELECT count(*) AS n FROM w WHERE temp_max + 0 > (SELECT avg(temp_max) FROM newyork)'
    [ "$(ask 'WITH "/s/nowhere" AS (SELECT 7 AS x) SELECT x FROM "/s/nowhere"')" = $'x\n7' ]
    [ "$(ask 'WITH pond_nodes AS (SELECT 7 AS x) SELECT * FROM pond_nodes')" = $'x\n7' ]
    fails 4 sql 'SELECT * FROM (WITH "/s/nowhere" AS (SELECT 7 AS x) SELECT x FROM "/s/nowhere"), "/s/nowhere"'
    tells "/s/nowhere: it does not exist"
    [ "$(ask 'SELECT count(*) AS n FROM "/s/seattle.series" a JOIN "/s/seattle.series" b USING (date)')" = $'n\n1461' ]
}

@test "derived nodes, chains, links and bounds" {
    node sql-derived-series /wet 'patterns: {s: "/s/*.series"}' 'query: SELECT * FROM s WHERE precipitation > 10'
    node temporal-reduce /r 'in_pattern: "/s/*.series"' 'out_pattern: "$0"' 'time_column: date' 'resolutions: [1d, 7d]' \
        'aggregations: [{type: max, columns: [temp_max]}, {type: count, columns: ["*"]}]'
    pond ln -s /s/seattle.series /link
    same 'SELECT count(*) AS n FROM "/wet"' 'SELECT count(*) AS n FROM (SELECT * FROM newyork UNION ALL SELECT * FROM seattle) WHERE precipitation + 0 > 10'
    same 'SELECT max("temp_max.max") AS t, sum("timestamp.count") AS n FROM "/r/*/res=7d.series"' \
        'SELECT max(CAST(temp_max AS REAL)) AS t, count(*) AS n FROM (SELECT * FROM newyork UNION ALL SELECT * FROM seattle)'
    pond set-temporal-bounds /s/seattle.series --max-time 2013-12-31 --quiet
    same 'SELECT count(*) AS n FROM "/link"' "SELECT count(*) AS n FROM seattle WHERE date < '2014'"
}

@test "time flags cut every series before the query, and nothing else" {
    node sql-derived-table /months 'patterns: {s: /s/seattle.series}' "query: SELECT DISTINCT strftime(date, '%Y-%m') AS m FROM s"
    same 'SELECT count(*) AS n, min(date) AS a, max(date) AS b FROM "/s/*.series"' \
        "SELECT count(*) AS n, '2012-01-01T00:00:00Z' AS a, max(date) || 'T00:00:00Z' AS b FROM (SELECT * FROM newyork UNION ALL SELECT * FROM seattle)"
    [ "$(ask 'SELECT count(*) AS n FROM "/s/seattle.series" a JOIN "/s/newyork.series" b USING (date)' --time-start 2014-03-01 --time-end 2014-03-31)" = $'n\n31' ]
    [ "$(ask "SELECT count(*) AS n FROM \"/months\" m JOIN \"/s/seattle.series\" s ON strftime(s.date, '%Y-%m') = m.m" --time-end 2012-01-31)" = $'n\n31' ]
    fails 1 sql 'SELECT * FROM "/months"' --time-start 2014-01-01
    tells "need a table with a time column"
    fails 1 sql 'SELECT * FROM pond_commits' --time-start 2014-01-01
    fails 2 sql 'SELECT * FROM "/s/seattle.series"' --time-start 2014-01-02 --time-end 2014-01-01
}

@test "pond_nodes and pond_versions say what list and describe say" {
    node temporal-reduce /r 'in_pattern: "/s/*.series"' 'out_pattern: "$0"' 'time_column: date' 'resolutions: [1d]' 'aggregations: [{type: count, columns: ["*"]}]'
    pond ln -s /s/seattle.series /link
    pond ln -s /nowhere /dangling
    csv_series /s/seattle.series <"$VEGA/seattle-weather.csv"
    printf x | pond copy /dev/stdin /.hidden
    pond set-temporal-bounds /s/seattle.series --min-time 2012-02-01 --quiet
    pond list '/**' --all --json | jq -c '.[] | [.path, .type, .id, .version, .time, .size, .rows, (.versions // 0), .first, .last, .min_time, .max_time, .factory, .target, (.derived // false)]' | sort >want
    pond sql 'SELECT path, type, id, version, time, size, rows, versions, first, last, min_time, max_time, factory, target, derived FROM pond_nodes' --json |
        jq -c '.[] | [.[]]' | sort >got
    [ "$(wc -l <got)" = 13 ]
    diff want got
    pond describe '/**' --json 2>/dev/null | jq -c '.[] | .path as $p | .version_list[]? | [$p, .version, .time, .size, .sha256, .rows, .first, .last, .in_order]' | grep -v '^."/link"' | sort >want
    pond sql 'SELECT path, version, time, size, sha256, rows, first, last, in_order FROM pond_versions' --json | jq -c '.[] | [.[]]' | sort >got
    [ "$(wc -l <got)" = 5 ]
    diff want got
    [ "$(ask 'SELECT n.path, count(*) AS v FROM pond_nodes n JOIN pond_versions v USING (id) GROUP BY 1 HAVING v > 1')" = $'path,v\n/s/seattle.series,2' ]
    [ "$(ask 'SELECT count(*) AS n FROM pond_nodes a JOIN pond_nodes b USING (path, id, name) WHERE a.factory IS NOT DISTINCT FROM b.factory')" = $'n\n13' ]
    [ "$(ask 'SELECT path FROM POND_NODES WHERE inline' 2>&1 | grep -c 'inline')" -gt 0 ] # no column of that table
    [ "$(ask 'SELECT path FROM pond_versions WHERE inline')" = $'path\n/.hidden' ]
    [ "$(count_of blob_verify sql 'SELECT count(*) FROM pond_versions' --format csv)" = 0 ]
}

@test "a directory that cannot be listed is told and gone past" {
    node dynamic-dir /dd 'entries: [{name: a, factory: temporal-reduce, config: {in_pattern: "/s/*.series", out_pattern: "${env:UNSET_HERE}", time_column: date, resolutions: [1d], aggregations: [{type: count}]}}]'
    run --separate-stderr pond sql 'SELECT path FROM pond_nodes ORDER BY path' --format csv
    [ "$status" = 0 ]
    has /dd /s/seattle.series
    tells UNSET_HERE
}

@test "pond_commits: the log; with LIMIT no more of it is read than needed" {
    for i in {1..60}; do pond mkdir "/n$i"; done
    pond rm /n60
    pond log --limit 1000 --json | jq -c '.[] | [.txn, .log_version, .time, .command, .user, .host, .metrics.nodes, .metrics.versions, .metrics.dropped, .metrics.deleted, .metrics.bytes, .metrics.paths]' >want
    pond sql 'SELECT txn, log_version, time, command, username, host, nodes, versions, dropped, deleted, bytes, paths FROM pond_commits' --json | jq -c '.[] | [.[]] | .[11] |= fromjson' >got
    [ "$(wc -l <got)" = "$(txn)" ]
    diff want got
    [ "$(ask 'SELECT command FROM pond_commits LIMIT 1')" = $'command\npond rm /n60' ]
    [ "$(count_of log_entry_open sql 'SELECT * FROM pond_commits LIMIT 5' --format csv)" -lt 24 ] # of more than 66
    [ "$(count_of log_entry_open sql 'SELECT * FROM pond_commits' --format csv)" -gt 66 ]
    [ "$(ask 'WITH c AS (SELECT txn FROM pond_commits) SELECT count(*) AS n FROM c a JOIN c b USING (txn) JOIN pond_commits d USING (txn)')" = $'n\n'"$(txn)" ]
}

@test "columns that are not named, and row groups that cannot match, are not read" {
    parquet big.parquet "SELECT TIMESTAMPTZ '2024-01-01' + INTERVAL 1 SECOND * i AS timestamp, hash(i) AS a, hash(i + 1) AS b, hash(i + 2) AS c, hash(i + 3) AS d FROM range(360000) t(i)"
    pond copy "host+series://$PWD/big.parquet" /big.series
    bytes() { pond sql "$1" --format csv --trace t.json --stats 2>&1 >/dev/null | awk '$1 == "read" && $2 == "blob" && $3 == "(engine)" { split("B 1 kB 1000 MB 1000000", u, " "); n = $6; f = $7 == "MB" ? 1000000 : $7 == "kB" ? 1000 : 1; print int(n * f) }'; }
    local all one few
    all=$(bytes 'SELECT sum(a), sum(b), sum(c), sum(d), max(timestamp) FROM "/big.series"')
    one=$(bytes 'SELECT sum(a) FROM "/big.series"')
    few=$(bytes "SELECT sum(a) FROM \"/big.series\" WHERE timestamp >= TIMESTAMPTZ '2024-01-05'")
    [ "$all" -gt 10000000 ]
    [ $((one * 3)) -lt "$all" ]
    [ $((few * 2)) -lt "$one" ]
    pond set-temporal-bounds /big.series --min-time 2024-01-05 --quiet # bounds prune too
    [ $(($(bytes 'SELECT sum(a) FROM "/big.series"') * 2)) -lt "$one" ]
}

@test "forms of the result; nothing is written" {
    local before=$(txn)
    pond sql 'SELECT date, wind FROM "/s/seattle.series" LIMIT 2' >auto.parquet
    [ "$(head -c4 auto.parquet)" = PAR1 ]
    [ "$(pond sql 'SELECT 1 AS a, NULL AS b' --json)" = '[{"a":1,"b":null}]' ]
    [ "$(pond sql 'SELECT 1 AS a' --format jsonl)" = '{"a":1}' ]
    ok sql 'SELECT 1 AS a WHERE false' --format table
    is "No data found"
    [ "$(ask 'SELECT 1 AS a WHERE false')" = a ]
    ok sql 'SELECT wind FROM "/s/seattle.series" ORDER BY date' --explain
    has "read_parquet" "/p/blobs/" 'SELECT wind FROM "/s/seattle.series" ORDER BY date'
    [ "$(pond sql 'SELECT 1' --explain --json | jq -r .node)" = query ]
    fails 2 sql 'SELECT 1' --format raw
    fails 2 sql 'SELECT 1' --format cvs
    tells "did you mean 'csv'?"
    fails 2 sql
    [ "$(txn)" = "$before" ]
    ok sql --help
    [[ $output == *Examples*Usage*pond_nodes* ]]
    ok help tables
    has pond_commits in_order "no data is read"
}

@test "mistakes are told with their place and the nearest name" {
    fails 4 sql $'SELECT *\nFROM "/s/seatle.series"'
    tells "/s/seatle.series: it does not exist" '    2 | FROM "/s/seatle.series"' "did you mean /s/seattle.series?"
    fails 4 sql 'SELECT * FROM "/s/*.serie"'
    tells "/s/*.serie: nothing matches"
    fails 1 sql 'SELECT * FROM pond_node'
    tells 'there is no table "pond_node" (line 1, column 15)' "did you mean pond_nodes?"
    fails 1 sql 'SELECT * FROM s'
    tells 'there is no table "s"' 'FROM "/s"'
    fails 1 sql 'SELECT * FROM s.seattle'
    tells 'there is no table "s.seattle"' "pond help tables"
    fails 1 sql 'SELECT * FROM "/s"'
    tells "/s: is a directory" "/s/*"
    fails 1 sql 'SELECT * FROM "/raw/weather.csv"'
    tells "raw data" "csv:///raw/weather.csv"
    fails 1 sql 'SELECT * FROM "cvs:///raw/weather.csv"'
    tells "unknown format 'cvs'" "did you mean 'csv'?"
    fails 1 sql 'SELECT winds FROM "/s/seattle.series"'
    tells "winds" "(line 1, column 8)" "wind"
    fails 1 sql 'SELEC 1'
    tells "syntax error" "line 1, column 1"
    fails 1 sql 'SELECT 1; SELECT 2'
    fails 1 sql 'DELETE FROM "/s/seattle.series"'
    fails 1 sql ''
    pond mkdir /S
    csv_series /S/seattle.series <ny.csv
    fails 1 sql 'SELECT count(*) FROM "/s/seattle.series", "/S/seattle.series"'
    tells "SQL does not tell apart"
    [ "$(ask 'SELECT count(*) AS n FROM "/s/seattle.series" a JOIN "series:///S/seattle.series" b USING (date)')" = $'n\n1461' ]
}

@test "the sandbox: no file of the host but by host+" {
    for table in "'/etc/passwd'" "'etc/passwd'" "'$VEGA/weather.csv'" "\"file:///etc/passwd\""; do
        run --separate-stderr pond sql "SELECT * FROM $table" --format csv
        [ "$status" != 0 ] || fail "$table is read"
        [ -z "$output" ] || fail "$table gives rows"
    done
    for call in "read_csv('$VEGA/weather.csv')" "read_parquet('p/blobs/**')" "read_text('/etc/passwd')" "glob('/*')"; do
        fails 1 sql "SELECT * FROM $call"
        tells "is not allowed"
    done
    fails 1 sql "SELECT getenv('HOME')"
    fails 1 sql "COPY (SELECT 1) TO '$PWD/x.csv'"
    fails 1 sql "SELECT * FROM information_schema.tables"
    [ ! -e x.csv ]
}

@test "without a pond: host files, and a hint for the rest" {
    unset POND
    [ "$(ask "SELECT count(*) AS n FROM \"host+csv://$VEGA/weather.csv\"")" = $'n\n2922' ]
    fails 5 sql 'SELECT * FROM pond_nodes'
    tells "no pond" 2>/dev/null || tells "none is given" "--pond"
    fails 5 sql 'SELECT * FROM "/s/a.series"'
    tells "--pond DIR"
}
