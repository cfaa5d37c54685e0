#!/usr/bin/env bats
# temporal-reduce against arithmetic over the original CSV (expect.py): every aggregate at every resolution,
# zones and origins, several inputs, names of columns.
load helpers

ALL="avg min max sum count first last stddev"

prepare() { pond init --quiet; }

reduce() { # NAME IN_PATTERN YAML...: a temporal-reduce node /NAME, its output x
    local name=$1 pattern=$2
    shift 2
    printf '%s\n' "in_pattern: $pattern" "out_pattern: ${OUT-x}" "$@" >"$name.yaml"
    pond mknod temporal-reduce "/$name" --config-path "$name.yaml"
}
every() { # COLUMN...: aggregations of all kinds of the columns, in YAML flow style
    local list='' aggregate
    for aggregate in $ALL; do list+="${list:+, }{type: $aggregate, columns: [$(printf '"%s", ' "$@" | sed 's/, $//')]}"; done
    printf 'aggregations: [%s]' "$list"
}
as_expected() { # PATH FILE WIDTH [OPTION...] -- COLUMN...
    local path=$1 file=$2 width=$3 options=() wanted=() aggregate column
    shift 3
    while [ "$1" != -- ]; do options+=("$1") && shift; done
    shift
    for aggregate in $ALL; do for column in "$@"; do wanted+=("$aggregate:$column"); done; done
    rows "$path" >got.csv
    python3 "$EXPECT" reduce "$file" "$width" --got got.csv "${options[@]}" "${wanted[@]}"
}

@test "all aggregates of hourly data at 15m, 2h, 12h, 1d, 7d" {
    csv_series /hourly.series <"$HOURLY"
    reduce r '/*.series' 'resolutions: [15m, 2h, 12h, 1d, 7d]' "$(every pressure temperature wind)"
    for width in 15m 2h 12h 1d 7d; do
        as_expected "/r/x/res=$width.series" "$HOURLY" "$width" -- pressure temperature wind || fail "$width"
        wc -l <got.csv >>sizes
    done
    [ "$(tr '\n' ' ' <sizes)" = "8760 4381 731 366 54 " ] # all resolutions differ
}

@test "resolutions that do not nest: 7h and 5h, 90m" {
    csv_series /hourly.series <"$HOURLY"
    reduce r '/*.series' 'resolutions: [5h, 7h, 90m, 1w]' "$(every temperature)"
    for width in 5h 7h 90m 1w; do as_expected "/r/x/res=$width.series" "$HOURLY" "$width" -- temperature || fail "$width"; done
}

@test "an origin moves the buckets" {
    csv_series /hourly.series <"$HOURLY"
    for origin in 2010-01-04 2000-01-01T06:00:00Z 1970-01-01T00:30:00Z 2031-05-05; do
        reduce "o$origin" '/*.series' "origin: $origin" 'resolutions: [2h, 12h, 7d]' "$(every temperature)"
        for width in 2h 12h 7d; do
            as_expected "/o$origin/x/res=$width.series" "$HOURLY" "$width" --origin "$origin" -- temperature || fail "$origin $width"
        done
    done
}

@test "zones: days and half days over both changes of the clock" {
    csv_series /hourly.series <"$HOURLY"
    for zone in America/Los_Angeles Europe/Berlin Australia/Lord_Howe Asia/Kolkata; do
        reduce "z${zone#*/}" '/*.series' "zone: $zone" 'resolutions: [1h, 12h, 1d, 7d]' "$(every temperature)"
        for width in 1h 12h 1d 7d; do
            as_expected "/z${zone#*/}/x/res=$width.series" "$HOURLY" "$width" --zone "$zone" -- temperature || fail "$zone $width"
        done
    done
    reduce zo '/*.series' 'zone: America/New_York' 'origin: 2010-01-04' 'resolutions: [7d]' "$(every wind)"
    as_expected /zo/x/res=7d.series "$HOURLY" 7d --zone America/New_York --origin 2010-01-04 -- wind
}

@test "gaps, nulls, equal times, rows out of order, before 1970 and in 9999" {
    cat >odd.csv <<'CSV'
timestamp,a,b
2024-03-01T00:00:00Z,1,
2024-03-01T00:00:00Z,2,
2024-03-01T05:30:00Z,,7
2024-01-01T00:00:00Z,-3.5,1
1969-12-31T23:59:59Z,4,2
1901-02-03T04:05:06.789Z,5,3
9999-12-31T23:00:00Z,1e300,
9999-12-31T23:30:00Z,1e300,0.1
2024-03-01T05:31:00Z,,
CSV
    csv_series /odd.series <odd.csv
    reduce r /odd.series 'resolutions: [1h, 1d]' "$(every a b)"
    as_expected /r/x/res=1h.series odd.csv 1h -- a b
    as_expected /r/x/res=1d.series odd.csv 1d -- a b
}

@test "count of * counts rows; globs; left-out columns are the numeric ones; text has first, last, min, max, count" {
    csv_series /w.series <"$VEGA/seattle-weather.csv"
    reduce r '/*.series' 'resolutions: [7d]' \
        'aggregations: [{type: count, columns: ["*"]}, {type: avg}, {type: max, columns: ["temp_*"]}, {type: last, columns: [weather]}, {type: count, columns: [weather]}]'
    run head -n 1 <(rows /r/x/res=7d.series)
    is date,timestamp.count,precipitation.avg,temp_max.avg,temp_min.avg,wind.avg,temp_max.max,temp_min.max,weather.last,weather.count
    python3 "$EXPECT" reduce "$VEGA/seattle-weather.csv" 7d 'count:*' avg:precipitation avg:temp_max avg:temp_min avg:wind max:temp_max max:temp_min >want.csv
    rows /r/x/res=7d.series | cut -d, -f1-8 >got.csv
    python3 "$EXPECT" same got.csv want.csv
    # the last weather of a week, by awk: weeks of the epoch begin on Thursdays
    awk -F, 'NR > 1 { split($1, d, "-"); t = mktime(d[1] " " d[2] " " d[3] " 0 0 0"); k = int(t / 604800)
        if (k != old && NR > 2) print last; old = k; last = $6 } END { print last }' "$VEGA/seattle-weather.csv" >want.txt
    rows /r/x/res=7d.series | tail -n +2 | cut -d, -f9 >got.txt
    diff got.txt want.txt
}

@test "integers: sums are exact, avg is a double, overflow names the bucket" {
    printf 'timestamp,n\n2024-01-01,9007199254740993\n2024-01-01,2\n2024-01-02,-5\n' | csv_series /n.series
    reduce r /n.series 'resolutions: [1d]' 'aggregations: [{type: sum}, {type: min}, {type: count}]'
    [ "$(rows /r/x/res=1d.series)" = $'timestamp,n.sum,n.min,n.count\n2024-01-01T00:00:00Z,9007199254740995,2,2\n2024-01-02T00:00:00Z,-5,-5,1' ]
    printf 'timestamp,n\n2024-01-01,9223372036854775807\n2024-01-01,2\n' | csv_series /big.series
    reduce b /big.series 'resolutions: [1d]' 'aggregations: [{type: sum}]'
    fails 1 cat /b/x/res=1d.series --format csv
    tells 2024-01-01 n
}

@test "NaN and infinities propagate, nulls do not" {
    parquet odd.parquet "SELECT timestamp '2024-01-01' + to_hours(i) AS ts, v::DOUBLE AS v FROM (VALUES (0, 'nan'), (1, '1'), (24, 'inf'), (25, '1'), (48, NULL), (49, '3')) t(i, v)"
    ok copy "host+series://$PWD/odd.parquet" /x1.series
    reduce r '/x*.series' 'resolutions: [1d]' 'aggregations: [{type: avg}, {type: sum}, {type: count}, {type: stddev}, {type: min}, {type: first}]'
    [ "$(rows /r/x/res=1d.series)" = "ts,v.avg,v.sum,v.count,v.stddev,v.min,v.first
2024-01-01T00:00:00Z,NaN,NaN,2,NaN,1.0,NaN
2024-01-02T00:00:00Z,Infinity,Infinity,2,NaN,1.0,Infinity
2024-01-03T00:00:00Z,3.0,3.0,1,,3.0,3.0" ]
}

@test "several inputs with one output name are united; each with its own captures has its own" {
    mkdir in
    head -n 3000 "$HOURLY" >in/a1.csv
    { head -n 1 "$HOURLY" && tail -n +2500 "$HOURLY"; } >in/a2.csv
    csv_series /a1.series <in/a1.csv
    csv_series /a2.series <in/a2.csv
    { cat in/a1.csv && tail -n +2 in/a2.csv; } >both.csv
    OUT='$0' reduce each '/a*.series' 'resolutions: [1d]' "$(every wind)"
    [ "$(paths '/each/**')" = $'/each/1\n/each/1/res=1d.series\n/each/2\n/each/2/res=1d.series' ]
    as_expected /each/1/res=1d.series in/a1.csv 1d -- wind
    as_expected /each/2/res=1d.series in/a2.csv 1d -- wind
    sed 's/\$0/all\/of\/them/' each.yaml >all.yaml
    pond mknod temporal-reduce /all --config-path all.yaml
    as_expected /all/all/of/them/res=1d.series both.csv 1d -- wind
}

@test "appending a version changes the answer as adding rows does" {
    head -n 4000 "$HOURLY" | csv_series /h.series
    reduce r /h.series 'resolutions: [12h, 1d]' "$(every temperature)"
    path=/r/x/res=1d.series
    head -n 4000 "$HOURLY" >part.csv
    as_expected "$path" part.csv 1d -- temperature
    { head -n 1 "$HOURLY" && tail -n +4001 "$HOURLY"; } | csv_series /h.series
    as_expected "$path" "$HOURLY" 1d -- temperature
    as_expected "${path/1d/12h}" "$HOURLY" 12h -- temperature
}

@test "time bounds of a reduced series cut its buckets, not its input" {
    csv_series /h.series <"$HOURLY"
    reduce r /h.series 'resolutions: [1d]' "$(every temperature)"
    path=/r/x/res=1d.series
    rows "$path" >whole.csv
    python3 "$EXPECT" range whole.csv 2010-02-03 2010-03-04T05:00:00Z >want.csv
    rows "$path" --time-start 2010-02-03 --time-end '2010-03-04 05:00' >got.csv
    python3 "$EXPECT" same got.csv want.csv
}

@test "columns with dots, spaces, slashes, quotes, %, UTF-8 keep their names" {
    printf 'timestamp,"DO.mg/L","a b","x""y",100%%,µS/cm,it'"'"'s\n2024-01-01,1,2,3,4,5,6\n' | csv_series /c1.series
    reduce r /c1.series 'resolutions: [1d]' 'aggregations: [{type: avg}]'
    run head -n 1 <(rows /r/x/res=1d.series)
    is "timestamp,DO.mg/L.avg,a b.avg,\"x\"\"y.avg\",100%.avg,µS/cm.avg,it's.avg"
    reduce g /c1.series 'resolutions: [1d]' 'aggregations: [{type: max, columns: ["*/*"]}]'
    run head -n 1 <(rows /g/x/res=1d.series)
    is "timestamp,DO.mg/L.max,µS/cm.max"
}

@test "what cannot be reduced says why" {
    csv_series /h.series <"$HOURLY"
    pond mkdir /d
    reduce r1 /h.series 'resolutions: [1d]' 'aggregations: [{type: avg, columns: [temperatur]}]'
    fails 1 cat /r1/x/res=1d.series
    tells "line 4, column" "no column matches 'temperatur'" "did you mean 'temperature'?"
    reduce r2 /h.series 'resolutions: [1d]' 'time_column: dat' 'aggregations: [{type: avg}]'
    fails 1 cat /r2/x/res=1d.series
    tells "/r2/x/res=1d.series: line" "did you mean 'date'?"
    csv_series /w1.series <"$VEGA/seattle-weather.csv"
    reduce r3 /w1.series 'resolutions: [1d]' 'aggregations: [{type: avg, columns: [weather]}]'
    fails 1 cat /r3/x/res=1d.series
    tells weather VARCHAR
    ok rm /r1 /r2 /r3
    reduce r5 /d 'resolutions: [1d]' 'aggregations: [{type: avg}]'
    fails 1 list /r5/
    tells "matches the directory /d" "hint:"
}
