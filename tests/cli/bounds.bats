#!/usr/bin/env bats
# Temporal bounds hold wherever a series is read. Expectations by sqlite3 and awk over the CSV files.
load helpers

W=/w.series # 1,461 days, 2012-2015, in two versions; then two bad rows of 1970 in a third

prepare() {
    pond init --quiet
    local csv=$VEGA/seattle-weather.csv
    { head -1 "$csv" && awk -F, 'NR > 1 && $1 < "2014"' "$csv"; } >v1.csv
    { head -1 "$csv" && awk -F, 'NR > 1 && $1 >= "2014"' "$csv"; } >v2.csv
    { head -1 "$csv" && printf '1970-01-01,9,9,9,9,bad\n1970-01-02,9,9,9,9,bad\n'; } >v3.csv
    for v in v1 v2 v3; do csv_series $W <$v.csv; done
}

node() { # FACTORY PATH YAML...
    printf '%s\n' "${@:3}" >node.yaml
    pond mknod "$1" "$2" --config-path node.yaml
}
want() { # MIN MAX: days of the three files from MIN to MAX, as "n,first,last"
    sqlite3 -csv :memory: -cmd '.import --csv v1.csv w' -cmd '.import --csv --skip 1 v2.csv w' -cmd '.import --csv --skip 1 v3.csv w' \
        "SELECT count(*), min(date) || 'T00:00:00Z', max(date) || 'T00:00:00Z' FROM w WHERE date BETWEEN '$1' AND '$2'"
}
got() { # PATH
    pond cat "$1" --sql 'SELECT count(*) AS n, min(date) AS a, max(date) AS b FROM source' --format csv | tail -1
}
bounds() { pond set-temporal-bounds "$@" --quiet; }

@test "each bound alone, both, and none: inclusive on both sides" {
    [ "$(got $W)" = "$(want 0000 9999)" ]
    bounds $W --min-time 2012-03-01
    [ "$(got $W)" = "$(want 2012-03-01 9999)" ]
    bounds $W --max-time 2015-11-30 # the other one stays
    [ "$(got $W)" = "$(want 2012-03-01 2015-11-30)" ]
    [ "$(rows $W | tail -n +2 | wc -l)" = "$(want 2012-03-01 2015-11-30 | cut -d, -f1)" ]
    bounds $W --clear --max-time 2014-01-01T00:00:00Z # alone, to the instant
    [ "$(got $W)" = "$(want 0000 2014-01-01)" ]
    bounds $W --max-time 2013-12-31T23:59:59.999999Z
    [ "$(got $W)" = "$(want 0000 2013-12-31)" ]
    bounds $W --clear
    [ "$(got $W)" = "$(want 0000 9999)" ]
}

@test "one log row; unchanged bounds commit nothing; the log tells it" {
    local before=$(txn)
    [ "$(pond set-temporal-bounds $W --min-time 2012-01-01 --json)" = "{\"txn\":$((before + 1)),\"log_version\":$before,\"rows\":1}" ]
    [ "$(pond log --limit 1 --json | jq -c '.[0].metrics | [.nodes, .versions, .bytes]')" = '[1,0,0]' ]
    [ "$(pond set-temporal-bounds $W --min-time 2012-01-01 --json)" = '{"txn":0,"log_version":-1,"rows":0}' ]
    ok set-temporal-bounds $W --min-time 2012-01-01
    is "$W: rows from 2012-01-01 00:00:00 are shown"
    [ "$(txn)" = $((before + 1)) ]
    local bounded=$(root)
    ok set-temporal-bounds $W --clear
    is "$W: no bounds, every row is shown"
    [ "$(pond set-temporal-bounds $W --clear --json)" = '{"txn":0,"log_version":-1,"rows":0}' ]
    [ "$(root)" != "$bounded" ] # bounds are content
    pond fsck --quiet
}

@test "they survive appends, renames, replacement, and an index made anew" {
    bounds $W --min-time 2012-03-01 --max-time 2015-06-30
    csv_series $W <v3.csv
    [ "$(got $W)" = "$(want 2012-03-01 2015-06-30)" ]
    pond mkdir /d
    pond mv $W /d/moved.series
    [ "$(got /d/moved.series)" = "$(want 2012-03-01 2015-06-30)" ]
    rm -rf p/cache
    [ "$(got /d/moved.series)" = "$(want 2012-03-01 2015-06-30)" ]
    pond copy "host+csv+series://$PWD/v2.csv" /d/moved.series --overwrite
    [ "$(got /d/moved.series)" = "$(want 2014-01-01 2015-06-30)" ]
}

@test "through links, patterns, SQL, joins and chains" {
    pond ln -s $W /link
    bounds /link --min-time 2012-03-01
    bounds $W --max-time 2015-06-30
    local w=$(want 2012-03-01 2015-06-30)
    [ "$(got /link)" = "$w" ]
    [ "$(got "series://$W")" = "$w" ]
    csv_series /x.series <v3.csv # without bounds: what is hidden there is shown here
    node sql-derived-series /all 'patterns: {s: "/?.series"}'
    [ "$(got /all)" = "$((${w%%,*} + 2)),1970-01-01T00:00:00Z,2015-06-30T00:00:00Z" ]
    node sql-derived-series /one "patterns: {s: $W}"
    node sql-derived-series /two 'patterns: {s: /one}' 'query: SELECT * FROM s'
    [ "$(got /two)" = "$w" ]
    node sql-derived-series /join "patterns: {a: $W, b: /x.series}" 'query: SELECT date, a.wind AS a, b.wind AS b FROM a FULL JOIN b USING (date)'
    [ "$(got /join)" = "$((${w%%,*} + 2)),1970-01-01T00:00:00Z,2015-06-30T00:00:00Z" ]
}

@test "reduce, export and its estimates see what is shown" {
    bounds $W --min-time 2012-03-01 --max-time 2015-06-30
    node temporal-reduce /r 'in_pattern: /w.series' 'out_pattern: w' 'time_column: date' 'resolutions: [1d]' \
        'aggregations: [{type: count, columns: ["*"]}, {type: max, columns: [temp_max]}]'
    rows /r/w/res=1d.series | tail -n +2 >reduced.csv
    [ "$(wc -l <reduced.csv)" = "$(want 2012-03-01 2015-06-30 | cut -d, -f1)" ]
    [ "$(cut -c1-10,21-22 reduced.csv | sort -u | head -1)" = 2012-03-01,1 ]
    [ "$(pond export -p $W -d out --temporal year --dry-run --json | jq -c '[.files[].path]')" = '["w/year=2012/data.parquet","w/year=2013/data.parquet","w/year=2014/data.parquet","w/year=2015/data.parquet"]' ]
    pond export -p $W -d out --temporal year --quiet
    [ "$(jq '[.targets[].files[].rows] | add' out/catalog.json)" = "$(want 2012-03-01 2015-06-30 | cut -d, -f1)" ]
    [ "$(jq -c '[.targets[].files[] | .start, .end] | [.[0], .[-1]]' out/catalog.json)" = '["2012-03-01T00:00:00Z","2015-06-30T00:00:00Z"]' ]
    bounds $W --max-time 2013-02-28 # a later bound takes files away
    pond export -p $W -d out --temporal year --quiet
    [ "$(jq -c '[.targets[].files[].rows]' out/catalog.json)" = '[306,59]' ]
    pond copy $W "host://$PWD/out.parquet"
    [ "$(got "host+series://$PWD/out.parquet")" = "$(want 2012-03-01 2013-02-28)" ]
    bounds $W --clear
    pond export -p $W -d out --temporal year --quiet
    [ "$(jq '[.targets[].files[].rows] | add' out/catalog.json)" = 1463 ]
}

@test "bytes of a bounded series are not printed raw" {
    csv_series /one.series <v1.csv
    pond cat /one.series --format raw >whole.parquet
    bounds /one.series --max-time 2012-12-31
    fails 1 cat /one.series --format raw
    tells "temporal bounds" "--format parquet"
    pond cat /one.series --format parquet >cut.parquet
    [ "$(got "host+series://$PWD/cut.parquet")" = "366,2012-01-01T00:00:00Z,2012-12-31T00:00:00Z" ]
}

@test "describe tells the stored range and the bounds" {
    bounds $W --min-time 2012-03-01 --max-time 2015-06-30
    ok describe $W
    has "Stored range: 1970-01-01 00:00:00 .. 2015-12-31 00:00:00" "Hidden before: 2012-03-01 00:00:00" "Hidden after:  2015-06-30 23:59:59.999999"
    [ "$(pond describe $W --json | jq -c '.[0] | [.first, .last, .min_time, .max_time]')" = \
        '["1970-01-01T00:00:00Z","2015-12-31T00:00:00Z","2012-03-01T00:00:00Z","2015-06-30T23:59:59.999999Z"]' ]
}

@test "a bound that hides everything is told" {
    run --separate-stderr pond set-temporal-bounds $W --min-time 2040-01-01
    [ "$status" = 0 ]
    tells "hide every row"
    [ "$(pond cat $W --format table)" = "No data found" ]
    pond export -p $W -d out --quiet
    [ "$(jq -c '[.targets[].files[]]' out/catalog.json)" = '[]' ]
}

@test "what has no times, or is not there, is refused and nothing is made" {
    pond mkdir /dir
    pond copy "host+csv+table://$PWD/v1.csv" /t.table
    pond copy "$PWD/v1.csv" /t.csv
    node sql-derived-series /derived "patterns: {s: $W}"
    node temporal-reduce /r 'in_pattern: /w.series' 'out_pattern: w' 'time_column: date' 'resolutions: [1d]' 'aggregations: [{type: count, columns: ["*"]}]'
    local before=$(txn)
    fails 4 set-temporal-bounds /w.serie --min-time 2012-01-01
    tells "/w.serie" "did you mean"
    fails 1 set-temporal-bounds /dir --min-time 2012-01-01
    tells "/dir: is a directory"
    fails 1 set-temporal-bounds /t.csv --min-time 2012-01-01
    tells "/t.csv: is data, whose bytes have no times"
    fails 1 set-temporal-bounds /t.table --min-time 2012-01-01
    tells "/t.table: is a table"
    for path in /derived /r /r/w /r/w/res=1d.series; do
        fails 1 set-temporal-bounds $path --min-time 2012-01-01
        tells "$path: is derived" "--plan"
    done
    fails 2 set-temporal-bounds $W
    tells "no bounds were provided" "--min-time"
    fails 2 set-temporal-bounds $W --min-time yesterday
    tells "--min-time" "yesterday"
    fails 2 set-temporal-bounds $W --min-time 2015-01-01 --max-time 2014-12-31
    tells "--max-time is before --min-time"
    fails 2 set-temporal-bounds "series://$W" --clear
    tells "a path in the pond is expected"
    [ "$(txn)" = "$before" ]
    bounds $W --max-time 2014-12-31
    fails 1 set-temporal-bounds $W --min-time 2015-01-01 # against the one that stands
    tells "nothing lies from 2015-01-01 00:00:00 to 2014-12-31 23:59:59.999999" "--clear"
    [ "$(txn)" = $((before + 1)) ]
    ok set-temporal-bounds --help
    [[ $output == *Examples*Usage* ]]
}
