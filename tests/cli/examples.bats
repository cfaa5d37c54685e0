#!/usr/bin/env bats
# The pipelines of examples/ from end to end, against what check.py beside each works out from the readings alone.
load helpers

NOYO=$ROOT/examples/noyo
SEPTIC=$ROOT/examples/septic

files_of() { (cd "$1" && find . -name '*.parquet' | LC_ALL=C sort); }
exported() { # TARGET_DIR: its files' rows, months in order
    local file first=1
    for file in $(find "$1" -name data.parquet | sort -V); do
        pond cat "host+table://$PWD/$file" --format csv | tail -n +$((first ? 1 : 2))
        first=0
    done
}

# with_each_off EXPORT_ARGS...: with each optimisation off, and with all, an export has the same bytes as with none.
with_each_off() {
    export POND_BIN POND_HISTORY=off
    { pond bench toggles --list --json | jq -r '.[].name'; echo all; } >names
    pond --quiet export -d plain "$@"
    [ -n "$(find plain -name '*.parquet')" ]
    xargs -P 2 -I NAME sh -c '"$POND_BIN" --toggle NAME=off --quiet export -d off/NAME "$@" && diff -r -x .pond plain off/NAME ||
        { echo "with NAME off"; exit 255; }' sh "$@" <names >differences 2>&1 || fail "other bytes: $(head -5 differences)"
    [ "$(find off -mindepth 1 -maxdepth 1 | wc -l)" -eq "$(wc -l <names)" ] || fail "not all ran"
}

@test "noyo: join, pivot, reduce, export; by SQL the same files" {
    "$NOYO/run.sh" "$POND_BIN" "$PWD/noyo" 160 >log
    grep -q 'Files: 180 written' log
    POND=$PWD/noyo/pond
    # the same files by SQL, byte for byte
    diff <(files_of noyo/out) <(files_of noyo/out-sql)
    files_of noyo/out >files
    [ "$(wc -l <files)" -eq 180 ]
    while read -r file; do cmp "noyo/out/$file" "noyo/out-sql/$file"; done <files
    # every series, and what was exported of some, is what Python makes of the CSV files
    for name in BDock Princess Silver DO Salinity Temperature; do
        kind=single_site
        [ -e "noyo/data/${name}AT500" ] || kind=single_param
        for res in 1h 2h 4h 12h 24h; do
            rows "/reduced/$kind/$name/res=$res.series" | "$NOYO/check.py" noyo/data "$name" "$res" >>checked
        done
        exported "noyo/out/$name/res=12h" | "$NOYO/check.py" noyo/data "$name" 12h >>checked
    done
    [ "$(wc -l <checked)" -eq 36 ]
    # the rows of 1970 are stored, and nowhere in what is made of them
    [ "$(rows /hydrovu/devices/1006/SilverVulink1.series | wc -l)" -eq 1317 ]
    run grep -c '"start":"1970' noyo/out/catalog.json
    [ "$output" -eq 0 ]
    # nothing new: nothing is written
    ok export -p '/reduced/single_param/*/*.series' -p '/reduced/single_site/*/*.series' -d noyo/out --temporal year,month
    has 'Files: 0 written, 180 kept'
    with_each_off -p '/reduced/single_param/DO/res={12h,24h}.series' -p '/reduced/single_site/*/res={12h,24h}.series' --temporal year,month
}

@test "septic: OTLP logs that grow and rotate, mirrored, joined, reduced, exported" {
    "$SEPTIC/run.sh" "$POND_BIN" "$PWD/septic" 40 >log 2>messages
    POND=$PWD/septic/pond
    for res in 1m 10m 1h 6h 1d; do
        rows "/reduced/septic/res=$res.series" | "$SEPTIC/check.py" septic/logs "$res" >>checked
        exported "septic/out/septic/res=$res" | "$SEPTIC/check.py" septic/logs "$res" >>checked
    done
    [ "$(wc -l <checked)" -eq 10 ]
    grep -q "loop.duration" messages # the histogram is left out, and told
    # the mirrors are the logs, byte for byte
    cat septic/logs/pump.jsonl.* septic/logs/pump.jsonl | cmp - <(pond cat /logs/pump.jsonl)
    cat septic/logs/tank.jsonl.* septic/logs/tank.jsonl | cmp - <(pond cat /logs/tank.jsonl)
    with_each_off -p '/reduced/*/res={6h,1d}.series' --temporal year,month,day
}
