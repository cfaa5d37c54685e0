#!/usr/bin/env bats
# Joins, pivots and renames against sqlite3 and literal expectations.
load helpers

prepare() { pond init --quiet; }

node() { # FACTORY PATH YAML...
    printf '%s\n' "${@:3}" >node.yaml
    pond mknod "$1" "$2" --config-path node.yaml
}

@test "column-rename: a node of its own kind; its configuration is its content" {
    pond mkdir /etc
    node column-rename /etc/r 'rules:' '  - {type: direct, from: a, to: b}'
    ok list /etc/r
    has "[FILE]"
    [ "$(pond list /etc/r --json | jq -r '.[0] | .type + " " + .factory')" = "data:dynamic column-rename" ]
    ok cat /etc/r
    is "$(cat node.yaml)"
    ok describe /etc/r
    has column-rename "{type: direct, from: a, to: b}"
    without_engine cat /etc/r
    for form in csv parquet table; do fails 1 cat /etc/r --format $form; tells "it has no rows"; done
    fails 1 cat /etc/r --sql 'SELECT 1'
    fails 1 export -p '/etc/*' -d out
    tells /etc/r column-rename
    ok copy /etc/r "host://$PWD/r.yaml"
    cmp node.yaml r.yaml
    before=$(root)
    node column-rename /etc/s 'rules:' '  - {type: direct, from: a, to: c}'
    [ "$(root)" != "$before" ]
    ok rm /etc/s
    [ "$(root)" = "$before" ]
    ok mv /etc/r /etc/q
    ok fsck
    [ "$(paths '/etc/*')" = /etc/q ]
}

@test "cast: timestamp reads text, epochs by magnitude and dates; what is none is told" {
    node column-rename /r 'rules:' '  - {type: direct, from: when, to: timestamp, cast: timestamp}'
    node sql-derived-series /s 'patterns: {a: /p.table}' 'transforms: [/r]'
    is_times() { [ "$(rows /s | tail -n +2 | cut -d, -f1 | tr '\n' ' ')" = "$1" ] || fail "$(rows /s)"; }
    try() { parquet p.parquet "SELECT v AS \"when\" FROM (VALUES $1) t(v)" && pond copy --overwrite "host+table://$PWD/p.parquet" /p.table; }
    try "('2024-02-29 12:00:00'), ('2024-02-29T12:00:00.5+01:00'), (NULL), ('1969-12-31')"
    is_times '2024-02-29T12:00:00Z 2024-02-29T11:00:00.5Z  1969-12-31T00:00:00Z '
    try '(1700000000), (1700000000000), (1700000000000000), (1700000000000000999)'
    is_times '2023-11-14T22:13:20Z 2023-11-14T22:13:20Z 2023-11-14T22:13:20Z 2023-11-14T22:13:20Z '
    try "(1700000000.25::DOUBLE), (1700000000250.0)"
    is_times '2023-11-14T22:13:20.25Z 2023-11-14T22:13:20.25Z '
    try "(DATE '2024-03-01')"
    is_times '2024-03-01T00:00:00Z '
    try '(86400)'
    fails 1 cat /s --format csv
    tells when 86400 epoch_ms
    node column-rename /e 'rules:' '  - {type: direct, from: when, to: timestamp, cast: epoch_s}'
    node sql-derived-series /t 'patterns: {a: /p.table}' 'transforms: [/e]'
    [ "$(rows /t)" = $'timestamp\n1970-01-02T00:00:00Z' ]
    try "('2024-01-01'), ('yesterday')"
    fails 1 cat /s --format csv
    tells '"when"' "'yesterday' is not a time"
    try '(true)'
    fails 1 cat /s --format csv
    tells '"when" is BOOLEAN, which is no time'
}

@test "timeseries-join: scopes full-joined on time, ranges inclusive, one scope united; as sqlite3 joins" {
    printf 'timestamp,x,n\n2024-01-01,1,a\n2024-01-02,2,b\n2024-01-02,22,bb\n2024-01-04,4,d\n2024-01-06,6,f\n' >a.csv
    printf 'timestamp,x,y\n2024-01-02,20,7\n2024-01-02,21,8\n2024-01-03,30,9\n2024-01-05,50,\n' >b.csv
    printf 'timestamp,x,z\n2024-01-04,400,1\n2024-01-05,500,2\n2024-01-06,600,3\n' >c.csv
    for name in a b c; do csv_series /$name.series <$name.csv; done
    node timeseries-join /j 'inputs:' '  - {pattern: /a.series, scope: A, range: {end: 2024-01-04}}' \
        '  - {pattern: /b.series, scope: B}' '  - {pattern: /c.series, scope: A, range: {begin: 2024-01-05, end: 2024-01-05T00:00:00Z}}'
    sqlite3 -csv -header -cmd '.import --csv a.csv a' -cmd '.import --csv b.csv b' -cmd '.import --csv c.csv c' :memory: "
        WITH l AS (SELECT timestamp t, x, n, NULL z, rowid o FROM a WHERE t <= '2024-01-04' UNION ALL
                   SELECT timestamp t, x, NULL, z, 100 + rowid FROM c WHERE t = '2024-01-05')
        SELECT coalesce(l.t, b.timestamp) || 'T00:00:00Z' AS timestamp, l.x AS 'A.x', l.n AS 'A.n', l.z AS 'A.z', b.x AS 'B.x', b.y AS 'B.y'
        FROM l FULL JOIN b ON l.t = b.timestamp ORDER BY 1, l.o, b.rowid" >want.csv
    rows /j >got.csv
    python3 "$EXPECT" same got.csv want.csv
    [ "$(wc -l <got.csv)" = 9 ]
    ok describe /j
    has "join /j on timestamp: A, B" "Time-local: yes; in time order: yes" /a.series /b.series
    # without a scope the plain names; the time's name is the key's
    node timeseries-join /plain 'time_column: timestamp' 'inputs: [{pattern: /b.series}, {pattern: /c.series, scope: C}]'
    [ "$(rows /plain | head -1)" = timestamp,x,y,C.x,C.z ]
    node timeseries-join /both 'inputs: [{pattern: /b.series}, {pattern: /c.series}]'
    fails 1 cat /both --format csv
    tells /both '"x"' /b.series /c.series scope
    # nothing matches: a warning, and no rows
    node timeseries-join /none 'inputs: [{pattern: "/x*", scope: X}, {pattern: "/y*"}]'
    [ "$(rows /none 2>err)" = timestamp ]
    grep -q 'nothing matches /x\*' err
    node timeseries-join /half 'inputs: [{pattern: "/x*", scope: X}, {pattern: /c.series, scope: C}]'
    [ "$(rows /half 2>err | tail -n +2)" = "$(sed 's/,/T00:00:00Z,/' c.csv | tail -n +2)" ]
    node timeseries-join /miss 'inputs: [{pattern: /x.series, scope: X}, {pattern: /c.series, scope: C}]'
    fails 4 cat /miss --format csv
    tells /miss /x.series
    node timeseries-join /time 'time_column: tiem' 'inputs: [{pattern: /a.series, scope: X}, {pattern: /c.series, scope: C}]'
    fails 4 cat /time --format csv
    tells /time /a.series tiem
}

@test "timeseries-pivot: a column a match, missing ones null; aliases from captures or names" {
    pond mkdir /d
    printf 'timestamp,do,t\n2024-01-01,1.5,10\n2024-01-02,2.5,11\n' | csv_series /d/north.series
    printf 'timestamp,t\n2024-01-02,12\n2024-01-03,13\n' | csv_series /d/south.series
    printf 'timestamp,do\n2024-01-04,4.5\n' | csv_series /d/south2.series
    node timeseries-pivot /p 'pattern: "/d/{north,south}*.series"' 'columns: [do, t]'
    [ "$(rows /p)" = 'timestamp,north.do,north.t,south.do,south.t
2024-01-01T00:00:00Z,1.5,10,,
2024-01-02T00:00:00Z,2.5,11,,12
2024-01-03T00:00:00Z,,,,13
2024-01-04T00:00:00Z,,,4.5,' ]
    node timeseries-pivot /one 'pattern: /d/south.series' 'columns: [t]'
    [ "$(rows /one)" = $'timestamp,south.t\n2024-01-02T00:00:00Z,12\n2024-01-03T00:00:00Z,13' ]
    [ "$(pond describe /p --json | jq -r '.[0].schema[] | select(.name == "south.do") | .type')" = DOUBLE ]
    node timeseries-pivot /typo 'pattern: "/d/*.series"' 'columns: [temp, t]'
    fails 1 cat /typo --format csv
    tells /typo "line 2, column 11" temp
    node timeseries-pivot /none 'pattern: "/e/*.series"' 'columns: [t]'
    [ "$(rows /none 2>err)" = timestamp ]
    grep -q 'nothing matches' err
    # through a rename, and reduced above
    node column-rename /r 'rules: [{type: pattern, pattern: "^(t|do)$", replacement: "x.$1"}]'
    node timeseries-pivot /q 'pattern: "/d/*.series"' 'columns: [x.t]' 'transforms: [/r]'
    [ "$(rows /q | head -1)" = timestamp,north.x.t,south.x.t,south2.x.t ]
    node temporal-reduce /red 'in_pattern: /q' 'out_pattern: q' 'resolutions: [2d]' 'aggregations: [{type: sum}, {type: count, columns: ["*"]}]'
    [ "$(rows /red/q/res=2d.series)" = 'timestamp,north.x.t.sum,south.x.t.sum,south2.x.t.sum,timestamp.count
2023-12-31T00:00:00Z,10,,,1
2024-01-02T00:00:00Z,11,25,,2
2024-01-04T00:00:00Z,,,,1' ]
}

@test "circles through joins, pivots and reductions are told when the node is made" {
    printf 'timestamp,t\n2024-01-02,12\n' | csv_series /s.series
    node timeseries-join /a 'inputs: [{pattern: /s.series, scope: S}, {pattern: "/b*", scope: B}]'
    printf 'pattern: /a\ncolumns: [t]\n' >node.yaml
    fails 1 mknod timeseries-pivot /b1 --config-path node.yaml
    tells /b1 "-> /a ->"
    [ "$(paths '/b*')" = "" ]
    printf 'inputs: [{pattern: /s.series, scope: S}, {pattern: "/[cs]*", scope: C}]\n' >node.yaml
    fails 1 mknod timeseries-join /c --config-path node.yaml
    tells "/c -> /c"
}

@test "what a pattern names is united by name: stored, derived, mixed; a conflict names both files" {
    pond mkdir -p /m /n
    printf 'timestamp,a,b\n2024-01-01,1,x\n' | csv_series /m/one.series
    printf 'timestamp,a,c\n2024-01-02,0.5,true\n' | csv_series /m/two.series
    node sql-derived-series /m/three "patterns: {o: /m/one.series}" "query: SELECT timestamp + INTERVAL 2 DAY AS timestamp, a + 10 AS a, 7 AS d FROM o"
    node sql-derived-series /all 'patterns: {m: "/m/*"}'
    # in the order of paths: one, three, two
    [ "$(rows /all)" = 'timestamp,a,b,d,c
2024-01-01T00:00:00Z,1.0,x,,
2024-01-02T00:00:00Z,0.5,,,true
2024-01-03T00:00:00Z,11.0,,7,' ]
    node sql-derived-series /derived 'patterns: {m: "/m/*{three,four}"}'
    [ "$(rows /derived)" = $'timestamp,a,d\n2024-01-03T00:00:00Z,11,7' ]
    node timeseries-join /j 'inputs: [{pattern: "/m/*", scope: M}, {pattern: /m/two.series, scope: T}]'
    [ "$(rows /j | head -3 | tail -1)" = 2024-01-02T00:00:00Z,0.5,,,true,0.5,true ]
    # a later version of one file conflicts with a file of another
    printf 'timestamp,a\n2024-01-05,3\n' | csv_series /m/one.series
    printf 'timestamp,a\n2024-01-06,word\n' | csv_series /n/w.series
    printf 'timestamp,a\n2024-01-07,9\n' | csv_series /n/v.series
    for key in 'sql-derived-series /c1 patterns: {x: "/[mn]/*.series"}' 'timeseries-join /c2 inputs: [{pattern: "/[mn]/*.series", scope: X}, {pattern: /m/two.series, scope: T}]'; do
        read -r factory path config <<<"$key"
        node "$factory" "$path" "$config"
        fails 1 cat "$path" --format csv
        tells "$path" "column a" DOUBLE "/m/two.series v1" VARCHAR "/n/w.series v1"
    done
    node sql-derived-series /c3 'patterns: {x: "/[mn]/{w.series,three}"}'
    fails 1 cat /c3 --format csv
    tells "column a" BIGINT /m/three VARCHAR /n/w.series
    # a pivot is not bothered by columns that it does not read
    node timeseries-pivot /p 'pattern: "/n/*.series"' 'columns: [a]'
    [ "$(rows /p | tail -1)" = 2024-01-07T00:00:00Z,9, ]
}

@test "an export of a join in months is its rows; new rows of one side touch their month alone" {
    awk 'BEGIN { print "timestamp,x"; for (d = 0; d < 120; d++) printf "%d,%d\n", 1704067200 + d * 86400, d }' | csv_series /a.series
    awk 'BEGIN { print "timestamp,y"; for (d = 0; d < 120; d += 2) printf "%d,%d\n%d,%d\n", 1704067200 + d * 86400, d, 1704067200 + d * 86400, -d }' | csv_series /b.series
    node timeseries-join /j 'inputs: [{pattern: /a.series, scope: A}, {pattern: "/b*.series", scope: B}]'
    ok export -p /j -d out --temporal year,month
    has "4 written"
    for file in $(find out -name '*.parquet' | sort -V); do
        pond cat "host+table://$PWD/$file" --format csv | tail -n +2
    done >got.csv
    rows /j | tail -n +2 >want.csv
    cmp got.csv want.csv
    [ "$(wc -l <got.csv)" = 180 ]
    printf 'timestamp,y\n2024-02-10T12:00:00Z,5\n' | csv_series /b.series
    ok export -p /j -d out --temporal year,month
    has "1 written, 3 kept"
}

@test "columns that nothing reads are not read from the disk, through pivot, join and rename" {
    parquet wide.parquet "SELECT make_timestamptz(1704067200000000 + i * 60000000) AS timestamp, i AS v, i % 7 AS w, sha256(i::VARCHAR) AS pad FROM range(40000) t(i)"
    size=$(stat -c %s wide.parquet)
    for name in a b; do ok copy "host+series://$PWD/wide.parquet" /$name.series; done
    node column-rename /r 'rules: [{type: direct, from: v, to: value}]'
    node timeseries-join /ja 'inputs: [{pattern: /a.series, scope: S, transforms: [/r]}, {pattern: /b.series, scope: T}]'
    node timeseries-pivot /p 'pattern: /j?' 'columns: [S.value]'
    node temporal-reduce /red 'in_pattern: /p' 'out_pattern: p' 'resolutions: [1d]' 'aggregations: [{type: avg}]'
    read_bytes() { pond cat "$1" --format csv --stats 2>&1 >/dev/null | awk '$1 == "read" && $2 == "blob" { n = $(NF - 1); u = $NF; m["B"] = 1; m["kB"] = 1e3; m["MB"] = 1e6; print int(n * m[u]) }'; }
    [ "$(rows /red/p/res=1d.series | head -2)" = $'timestamp,a.S.value.avg\n2024-01-01T00:00:00Z,719.5' ]
    whole=$(read_bytes /ja)
    part=$(read_bytes /red/p/res=1d.series)
    [ "$whole" -gt "$size" ]
    [ "$part" -gt 0 ] && [ "$part" -lt $((size / 4)) ]
}

@test "random pivots, whole and in windows, are what Python makes of the texts" {
    pond mkdir /d
    for seed in 1 2 3 4 5; do
        echo "# seed $seed" >&3
        rm -rf d && mkdir d
        python3 "$ROOT/tests/cli/pivot.py" $seed d
        for file in d/*.csv; do
            alias=$(basename "$file" | cut -d. -f1)
            [ "$alias" = want ] || pond copy "host+csv+series://$PWD/$file" "/d/$alias.series" --quiet
        done
        printf 'pattern: "/d/*.series"\ncolumns: [%s]\n' "$(cat d/columns)" >node.yaml
        pond mknod timeseries-pivot /p --config-path node.yaml --overwrite
        rows /p >got.csv
        cmp got.csv d/want.csv
        rows /p --time-start 2024-01-01T06:00:00Z --time-end 2024-01-01T19:00:00Z >got.csv
        awk -F, 'NR == 1 || ($1 >= "2024-01-01T06:00:00Z" && $1 <= "2024-01-01T19:00:00Z")' d/want.csv | cmp - got.csv
        pond rm '/d/*'
    done
}
