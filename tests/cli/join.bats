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
