#!/usr/bin/env bats
# pond export: what stands in OUT, compared with the original CSV; kept, foreign and edited files; bounds; errors.
load helpers

prepare() {
    pond init --quiet
    csv_series /h.series <"$HOURLY"
}
reduce() { # NAME RESOLUTIONS
    printf 'in_pattern: /h.series\nout_pattern: x\nresolutions: [%s]\naggregations: [{type: avg}, {type: count, columns: ["*"]}]\n' "$2" >r.yaml
    pond mknod temporal-reduce "/$1" --config-path r.yaml
}
all_rows() { # DIR: the rows of all its Parquet files, in the order of their paths
    local file first=1
    while read -r file; do
        pond cat "host+table://$file" --format csv | tail -n +$((first ? 1 : 2))
        first=0
    done < <(find "$PWD/$1" -name '*.parquet' | sort -V)
}
catalog_is_true() { # every file of the catalogue exists with its size and hash, and no other Parquet file does
    jq -r '.targets[].files[] | [.sha256, .bytes, .path] | @tsv' out/catalog.json | while IFS=$'\t' read -r hash size path; do
        [ "$(sha256sum <"out/$path" | cut -d' ' -f1)" = "$hash" ] && [ "$(stat -c %s "out/$path")" = "$size" ] || return 1
    done
    [ "$(jq -r '.targets[].files[].path' out/catalog.json | sort)" = "$(cd out && find . -name '*.parquet' ! -name '*.foreign.parquet' | sed 's/^..//' | sort)" ]
}

@test "by year and month: each row once, in its month, in time order; the catalogue is true" {
    ok export -p /h.series -d out --temporal year,month
    has "Files: 12 written, 0 kept, 0 removed; 8,759 rows"
    jq -r '.targets[0].files[] | [.keys.year, .keys.month, .rows] | join(",")' out/catalog.json >got.txt
    python3 "$EXPECT" months "$HOURLY" | diff - got.txt
    all_rows out/h >got.csv
    python3 "$EXPECT" range "$HOURLY" 2010-01-01 2011-01-01 >want.csv
    python3 "$EXPECT" same got.csv want.csv
    catalog_is_true
    [ "$(jq -c '.targets[0] | [.source, .path, .partitioning, (.fields | map(.name))]' out/catalog.json)" = '["/h.series","h","year,month",["date","pressure","temperature","wind"]]' ]
    [ "$(jq -c '.targets[0].files[1] | [.start, .end]' out/catalog.json)" = '["2010-02-01T00:00:00Z","2010-02-28T23:00:00Z"]' ]
    [ "$(pond cat "host+table://$PWD/out/h/year=2010/month=7/data.parquet" --sql 'SELECT * FROM source LIMIT 0' --format csv)" = date,pressure,temperature,wind ] # no keys inside
}

@test "a second run keeps every file; new rows touch their month; another partitioning leaves nothing of the old" {
    reduce r '1h, 1d'
    ok export -p '/r/*/*.series' -d out --temporal year,month
    find out -name '*.parquet' -exec sha256sum {} + | sort >before
    ok export -p '/r/*/*.series' -d out --temporal year,month --json
    [ "$(jq -c '[.written, .kept, .removed]' <<<"$output")" = "[0,24,0]" ]
    find out -name '*.parquet' -exec sha256sum {} + | sort | diff before -
    printf 'date,pressure,temperature,wind\n2010-07-04T00:30:00,1,2,3\n' | csv_series /h.series
    ok export -p '/r/*/*.series' -d out --temporal year,month --json
    [ "$(jq -c '[.written, .kept, .removed]' <<<"$output")" = "[2,22,0]" ]
    catalog_is_true
    ok export -p '/r/*/*.series' -d out --temporal year --json
    [ "$(jq -c '[.written, .kept, .removed]' <<<"$output")" = "[2,0,24]" ]
    catalog_is_true
}

@test "the same bytes with other threads, another folder, no caches" {
    reduce r '1h, 6h, 1d, 7d'
    digest() { (cd "$1" && find . -name '*.parquet' -exec sha256sum {} + | sort | sha256sum); }
    ok export -p '/r/*/*.series' -p /h.series -d a --temporal year,month --threads 1
    ok export -p '/r/*/*.series' -p /h.series -d b --temporal year,month --threads 4
    rm -rf p/cache
    POND_CACHE=off run --separate-stderr pond export -p /h.series -p '/r/*/*.series' -d c --temporal year,month --threads 2
    [ "$(digest a)" = "$(digest b)" ] && [ "$(digest a)" = "$(digest c)" ]
}

@test "time bounds are inclusive on both sides" {
    ok export -p /h.series -d out --temporal year,month --start-time 2010-02-15T12:00:00Z --end-time 2010-04-01
    all_rows out/h >got.csv
    python3 "$EXPECT" range "$HOURLY" 2010-02-15T12:00:00Z 2010-04-01T23:59:59Z >want.csv
    python3 "$EXPECT" same got.csv want.csv
    [ "$(jq '.targets[0].files | length' out/catalog.json)" = 3 ]
    ok export -p /h.series -d out --temporal year,month --start-time 2011-01-01
    [ -z "$(find out -name '*.parquet')" ]
    fails 2 export -p /h.series -d out --start-time 2011-01-01 --end-time 2010-01-01
}

@test "the partitioning is chosen by resolution: hours and more by year, minutes by month, raw series by rows" {
    reduce r '15m, 1h, 1d'
    ok export -p '/r/*/*.series' -p /h.series -d out --json
    jq -r '.targets[] | .source + " " + .partitioning' <<<"$output" | sort >got.txt
    printf '%s\n' "/h.series " '/r/x/res=15m.series year,month' '/r/x/res=1d.series year' '/r/x/res=1h.series year' | diff - got.txt
}

@test "--dry-run says the same and writes nothing" {
    reduce r '1d'
    ok export -p '/r/*/*.series' -d out --temporal year,month --dry-run
    has "would write" "year=2010/month=12/data.parquet" "Dry run, nothing written"
    [ ! -e out ]
    ok export -p '/r/*/*.series' -d out --temporal year,month --dry-run --json
    planned=$(jq -r '.files[].path' <<<"$output" | sort)
    ok export -p '/r/*/*.series' -d out --temporal year,month --json
    [ "$planned" = "$(cd out && find . -name '*.parquet' | sed 's/^..//' | sort)" ]
    find out -type f -exec sha256sum {} + | sort >before
    ok export -p '/r/*/*.series' -d out --temporal year --dry-run
    has "would remove"
    find out -type f -exec sha256sum {} + | sort | diff before -
}

@test "--dry-run of what runs whole: its rows are told once, not for each partition" {
    printf 'patterns: {h: /h.series}\nquery: SELECT date, wind FROM h ORDER BY wind, date LIMIT 1000\n' >q
    pond mknod sql-derived-series /q --config-path q
    ok export -p /q -d out --temporal year,month --dry-run --json
    [ "$(jq '.rows <= 8759' <<<"$output")" = true ]
}

@test "foreign and edited files are never touched" {
    ok export -p /h.series -d out --temporal year,month
    echo foreign >out/h/year=2010/note.txt
    echo foreign >out/h/year=2010/month=2/x.foreign.parquet
    echo edited >>out/h/year=2010/month=3/data.parquet
    printf 'date,pressure,temperature,wind\n2010-03-04T00:30:00,1,2,3\n' | csv_series /h.series
    fails 1 export -p /h.series -d out --temporal year,month
    tells "month=3/data.parquet" "hint:"
    tail -n 1 out/h/year=2010/month=3/data.parquet | grep -q edited
    run --separate-stderr pond export -p /h.series -d out --temporal year
    [ "$status" -eq 0 ]
    tells "was changed since it was exported"
    [ "$(cat out/h/year=2010/note.txt)" = foreign ] && [ -e out/h/year=2010/month=2/x.foreign.parquet ] && [ -e out/h/year=2010/month=3/data.parquet ]
    rm -r out
    mkdir -p out/h/year=2010
    echo mine >out/h/year=2010/data.parquet
    fails 1 export -p /h.series -d out --temporal year
    tells "year=2010/data.parquet"
    [ "$(cat out/h/year=2010/data.parquet)" = mine ]
    [ "$(find out -name '*.parquet' | wc -l)" = 1 ]
}

@test "two exports into one folder: the second waits or says who holds it" {
    mkdir -p out/.pond
    exec 9>out/.pond/lock
    flock -x 9
    printf '{"user":"ann","host":"lab","pid":7,"since":"2026-01-01T00:00:00Z"}' >out/.pond/lock
    fails 6 export -p /h.series -d out --temporal year
    tells "another export into $PWD/out is running" "--wait"
    (sleep 0.5 && flock -u 9) &
    ok export -p /h.series -d out --temporal year --wait 20s
    wait
}

@test "several targets merge in one folder; two targets with one place are an error" {
    csv_series /w.series <"$VEGA/seattle-weather.csv"
    ok export -p /h.series -d out --temporal year
    ok export -p /w.series -d out --temporal year
    [ "$(jq -c '[.targets[].path] | sort' out/catalog.json)" = '["h","w"]' ]
    catalog_is_true
    pond mkdir /a /b
    pond ln -s /h.series /a/s.series
    pond ln -s /w.series /b/s.series
    fails 1 export -p '/a/*.series' -p '/b/*.series' -d out2
    tells "/a/s.series and /b/s.series would both be exported to s" "hint:"
    [ ! -e out2/catalog.json ]
}

@test "captures name the folders" {
    reduce r '1d'
    csv_series /w.series <"$VEGA/seattle-weather.csv"
    ok export -p '/r/*/res=*.series' -d out --temporal year
    [ -e out/x/1d/year=2010/data.parquet ]
    [ "$(jq -c '.targets[0].captures' out/catalog.json)" = '["x","1d"]' ]
    ok export -p '/**/w.series' -d out3 --temporal year
    [ -e out3/w/year=2012/data.parquet ] # an empty ** adds no folder, and then nothing names it but the path
}

@test "a data column named like a partition key, no time column, a directory, nothing" {
    printf 'timestamp,year\n2024-01-01,1\n' | csv_series /y.series
    fails 1 export -p /y.series -d out --temporal year
    tells "year" "hint:"
    parquet t.parquet 'SELECT 1 AS a'
    ok copy "host+table://$PWD/t.parquet" /t.table
    fails 1 export -p /t.table -d out --temporal year
    tells "/t.table" time
    pond mkdir /d
    fails 1 export -p '/*' -d out
    tells "/d: is a directory"
    fails 4 export -p '/none*' -d out
    fails 2 export -p /h.series
    fails 2 export -d out
    fails 2 export -p /h.series -d out --temporal year,moth
    tells "did you mean 'month'?"
    fails 2 export -p /h.series -d out --temporal month
    tells "year"
    echo x >file
    fails 1 export -p /h.series -d file
    tells "not a directory"
    [ ! -e out ]
}

@test "too many partitions: the version with the outlier is named" {
    printf 'timestamp,a\n0001-01-01,1\n2024-01-01,2\n9999-12-31,3\n' | csv_series /far.series
    ok export -p /far.series -d out --temporal year # three files, since only intervals count
    [ "$(find out -name '*.parquet' | wc -l)" = 3 ]
    printf 'patterns: {f: /far.series}\nquery: SELECT timestamp, a FROM f\n' >q
    pond mknod sql-derived-series /q --config-path q
    ok export -p /q -d out --temporal year,month,day,hour,minute
    has "3 files, 3 rows"
    fails 8 export -p /h.series -d out2 --temporal year,month,day,hour,minute
    tells "more than 100000 partitions" "/h.series v1 reaches to 2010-" "hint:"
    [ ! -e out2/catalog.json ]
}

@test "raw data is exported as it is" {
    pond copy "$HOURLY" /raw.csv
    ok export -p /raw.csv -d out
    cmp "$HOURLY" "$(find out -type f -name 'raw*')"
    ok export -p /raw.csv -d out --json
    [ "$(jq -c '[.written, .kept]' <<<"$output")" = "[0,1]" ]
    ok export -p '/*.csv' -d out2
    cmp "$HOURLY" out2/raw.csv # a capture does not take its extension away
}

@test "a folder that cannot be written: nothing is half done" {
    [ "$(id -u)" != 0 ] || skip "root may write anywhere"
    mkdir out && chmod a-w out
    fails 74 export -p /h.series -d out --temporal year
}

@test "the pond's own folder takes no export and no copy" {
    printf 'timestamp,a\n2024-01-01,1\n' | csv_series /log.series # would be written to p/log
    ln -s p link
    before=$(find p -not -path 'p/cache*' | sort)
    for place in p p/ ./p/out "$PWD/p/cache/x" link link/new p/../p; do
        fails 1 export -p /log.series -d "$place"
        tells "$place: lies in the pond's own folder" "hint: choose a folder outside of $PWD/p"
        fails 1 copy /log.series "host://$(realpath -m "$place")/x"
        tells "lies in the pond's own folder"
    done
    [ "$(find p -not -path 'p/cache*' | sort)" = "$before" ]
    ok export -p /log.series -d pp
    ok export -p /log.series -d . # the pond lies in it
}

@test "--temporal names what is missing, in full" {
    printf 'timestamp,a\n2024-01-01,1\n' | csv_series /s.series
    fails 2 export -p /s.series -d out --temporal day
    tells "'day' without 'month'" "write 'year,month,day'"
    fails 2 export -p /s.series -d out --temporal year,minute
    tells "'minute' without 'hour'" "write 'year,month,day,hour,minute'"
}
