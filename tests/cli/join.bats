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
