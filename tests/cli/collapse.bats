#!/usr/bin/env bats
# maintain --collapse-versions: few versions, the same content. Expectations from the CSV files, and from a model in Python.
load helpers

prepare() { pond init --quiet; }
W=/w.series

years() { # one version a year of the Seattle weather, 2012-2015
    for year in 2012 2013 2014 2015; do
        { head -1 "$VEGA/seattle-weather.csv"; grep "^$year" "$VEGA/seattle-weather.csv"; } | csv_series $W
    done
}
versions() { pond list "$1" --json | jq '.[0].versions'; }
exported() { (cd "$1" && find . -name '*.parquet' | sort | xargs sha256sum | sha256sum); }
collapse() { pond maintain --collapse-versions "$1" --quiet; }

@test "one version of four: rows, order, export and statistics as before" {
    years
    printf 'date,wind,extra\n2011-01-01,7,x\n2016-01-01,8.5,y\n' | csv_series $W # late, early, another column
    rows $W >before.csv
    python3 "$EXPECT" union <(cat "$VEGA/seattle-weather.csv") <(printf 'date,wind,extra\n2011-01-01,7,x\n2016-01-01,8.5,y\n') >want.csv
    python3 "$EXPECT" same before.csv want.csv
    pond export -p $W -d before --temporal year,month --quiet
    local root_before=$(root)
    ok maintain --collapse-versions 4
    has "Collapsed 1 series: 5 versions became 1"
    [ "$(versions $W)" = 1 ]
    rows $W | cmp - before.csv
    pond export -p $W -d after --temporal year,month --quiet
    [ "$(exported before)" = "$(exported after)" ]
    pond export -p $W -d before --temporal year,month --quiet # onto the old one
    [ "$(exported before)" = "$(exported after)" ]
    [ "$(pond list $W --json | jq -c '.[0] | [.rows, .first, .last, .version]')" = '[1463,"2011-01-01T00:00:00Z","2016-01-01T00:00:00Z",6]' ]
    [ "$(pond describe $W --json | jq -c '.[0].version_list[0].in_order')" = false ]
    [ "$(root)" != "$root_before" ] # it covers the list of versions
    pond fsck --quiet
    [ "$(pond log --limit 1 --json | jq -c '.[0] | [.command, .metrics.versions, .metrics.dropped, .metrics.paths]')" = \
        '["pond maintain --collapse-versions 4",1,5,["/w.series"]]' ]
}

@test "an ordered series stays in order; what is few stays as it is" {
    years
    local before=$(root)
    ok maintain --collapse-versions 4
    has "Collapsed 0 series"
    [ "$(root)" = "$before" ]
    [ "$(txn)" = 5 ]
    [ "$(pond maintain --collapse-versions 3 --json | jq -c '[.collapsed_series, .collapsed_versions, .made_versions]')" = '[1,4,1]' ]
    [ "$(pond describe $W --json | jq -c '.[0].version_list | [length, .[0].in_order, .[0].rows]')" = '[1,true,1461]' ]
    [ "$(pond maintain --collapse-versions 1 --json | jq -c .collapsed_series)" = 0 ]
}

@test "bounds, derived nodes, renames: as before; later appends follow" {
    years
    pond set-temporal-bounds $W --min-time 2012-03-01 --max-time 2015-06-30 --quiet
    printf 'patterns: {s: %s}\nquery: SELECT count(*) AS n, sum(wind) AS w FROM s\n' $W >node.yaml
    pond mknod sql-derived-table /sum --config-path node.yaml
    local sum=$(rows /sum) all=$(rows $W | sha256sum)
    [ "$(sed 1d <<<"$sum" | cut -d, -f1)" = 1217 ]
    collapse 2
    [ "$(versions $W)" = 1 ]
    [ "$(rows /sum)" = "$sum" ]
    [ "$(rows $W | sha256sum)" = "$all" ]
    [ "$(pond list $W --json | jq -c '.[0] | [.min_time, .max_time, .rows]')" = '["2012-03-01T00:00:00Z","2015-06-30T23:59:59.999999Z",1461]' ]
    pond set-temporal-bounds $W --clear --quiet # what was hidden was kept
    [ "$(rows $W | tail -n +2 | wc -l)" = 1461 ]
    pond mv $W /moved.series
    csv_series /moved.series < <(printf 'date,wind\n2016-01-01,1\n')
    [ "$(rows /moved.series | tail -n +2 | wc -l)" = 1462 ]
    [ "$(pond list /moved.series --json | jq -c '.[0] | [.version, .versions]')" = '[6,2]' ]
}

@test "dry run tells and changes nothing" {
    years
    csv_series /few.series <"$VEGA/seattle-weather.csv"
    local before=$(root) txns=$(txn)
    ok maintain --collapse-versions 3 --dry-run
    is "/w.series: 4 versions would become 1, $(pond list $W --json | jq -r '.[0].size' | awk '{ printf "%.1f kB", $1 / 1000 }') rewritten"
    [ "$(pond maintain --collapse-versions 3 --dry-run --json | jq -c '.[] | [.path, .versions, .after]')" = '["/w.series",4,1]' ]
    ok maintain --collapse-versions 9 --dry-run
    is "Nothing to collapse"
    [ "$(root)" = "$before" ]
    [ "$(txn)" = "$txns" ]
}

@test "old versions leave the disk with vacuum, after the retention" {
    years
    local blobs=$(find p/blobs -type f | wc -l)
    collapse 1
    [ "$(find p/blobs -type f | wc -l)" = $((blobs + 1)) ]
    pond maintain --vacuum --quiet # 24 hours
    [ "$(find p/blobs -type f | wc -l)" = $((blobs + 1)) ]
    [ "$(pond maintain --vacuum --retain 0 --json | jq .removed_blobs)" = 4 ]
    [ "$(find p/blobs -type f | wc -l)" = 1 ]
    [ "$(rows $W | tail -n +2 | wc -l)" = 1461 ]
    pond fsck --quiet
}

@test "what one file cannot hold stays apart, and is told" {
    printf 'timestamp,a\n2024-01-01,1\n' | csv_series /x.series
    printf 'timestamp,a\n2024-01-02,2\n' | csv_series /x.series
    printf 'timestamp,A\n2024-01-03,3\n' | csv_series /x.series
    printf 'timestamp,A\n2024-01-04,4\n' | csv_series /x.series
    run --separate-stderr pond maintain --collapse-versions 1
    [ "$status" = 0 ]
    tells "/x.series: 2 versions stay" "columns a and A differ only in case"
    [ "$(versions /x.series)" = 2 ]
    [ "$(rows /x.series | tail -n +2 | wc -l)" = 4 ]
}

@test "many series, more than one transaction's worth of them; symlinks and derived ones are left" {
    printf 'timestamp,a\n2024-01-01,1\n' >a.csv
    pond mkdir /m
    for i in {1..5}; do for v in 1 2 3; do csv_series /m/$i.series <a.csv; done; done
    pond ln -s /m/1.series /link
    printf 'patterns: {s: "/m/*.series"}\n' >node.yaml
    pond mknod sql-derived-series /all --config-path node.yaml
    [ "$(pond maintain --collapse-versions 2 --json | jq -c '[.collapsed_series, .collapsed_versions, .made_versions]')" = '[5,15,5]' ]
    [ "$(rows /all | tail -n +2 | wc -l)" = 15 ]
}

@test "usage: numbers, flags that go together" {
    for n in 0 -1 x 1.5 ''; do
        fails 2 maintain --collapse-versions "$n"
        tells "a number above 0"
    done
    fails 2 maintain --dry-run
    tells "--collapse-versions"
    fails 2 maintain --collapse-versions 3 --dry-run --vacuum
}

@test "a damaged version stops the collapse, and the pond is as it was" {
    years
    local before=$(txn) file=$(find p/blobs -type f | head -1)
    chmod u+w "$file" && printf 'XXXX' | dd of="$file" bs=1 seek=100 conv=notrunc 2>/dev/null
    fails 7 maintain --collapse-versions 1
    tells "another hash"
    [ "$(txn)" = "$before" ]
    [ "$(versions $W)" = 4 ]
    [ -z "$(ls p/tmp 2>/dev/null)" ]
}

@test "random appends, collapses, bounds, replacements, vacuums against a model" {
    rm -rf p
    python3 "$ROOT/tests/cli/model.py" "$POND_BIN" "${POND_SEED:-1}" "${POND_STEPS:-50}"
}
