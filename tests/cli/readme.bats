#!/usr/bin/env bats
# Every line of the README's tour runs as written, in a folder of its own instead of /tmp.

bats_require_minimum_version 1.5.0

setup() {
    cd "$BATS_TEST_DIRNAME/../.."
    tour="$BATS_TEST_TMPDIR/tour.sh"
    mkdir "$BATS_TEST_TMPDIR/bin" && ln -s "$POND_BIN" "$BATS_TEST_TMPDIR/bin/pond"
    awk '/^    export POND=/ { on = 1 } /^## Find more/ { on = 0 } on && /^    / { sub(/^    /, ""); print }' README.md |
        sed "s#/tmp/#$BATS_TEST_TMPDIR/#g" >"$tour"
    export PATH="$BATS_TEST_TMPDIR/bin:$PATH"
}

@test "README: the tour runs line by line" {
    run bash -e "$tour"
    [ "$status" -eq 0 ]
    [[ "$output" == *"Files: 37 written, 0 kept"* ]]
    [[ "$output" == *"Files: 0 written, 37 kept"* ]]
    [[ "$output" == *"clean"* ]]
}

@test "README: the tour's day values equal those of awk over the CSV" {
    bash -e "$tour" >/dev/null
    POND="$BATS_TEST_TMPDIR/tour" pond cat /reduced/seattle/res=1d.series --format csv \
        --sql 'SELECT CAST("date" AS DATE) AS day, round("temperature.avg", 6) AS mean, "timestamp.count" AS n FROM source ORDER BY 1' |
        tail -n +2 | awk -F, '{ printf "%s %.6f %d\n", $1, $2, $3 }' >"$BATS_TEST_TMPDIR/ours"
    awk -F, 'NR > 1 { day = substr($1, 1, 10); sum[day] += $3; n[day]++ }
        END { for (day in sum) printf "%s %.6f %d\n", day, sum[day] / n[day], n[day] }' \
        .deps/vega/seattle-weather-hourly-normals.csv | sort >"$BATS_TEST_TMPDIR/awk"
    diff "$BATS_TEST_TMPDIR/ours" "$BATS_TEST_TMPDIR/awk"
}

@test "make demo: the demo runs" {
    run scripts/demo.sh "$POND_BIN"
    [ "$status" -eq 0 ]
    [[ "$output" == *"0 written, 85 kept"* ]]
    [[ "$output" == *"Try next:"* ]]
}

# What the examples of help speak of, below the test's folder.
a_world_for_examples() {
    cd "$BATS_TEST_TMPDIR" && mkdir -p home/me data tmp var/log .zfunc
    export POND=$PWD/pond HOME=$PWD
    printf 'notes' >home/me/notes.txt
    echo 'started' >var/log/app.log
    printf 'timestamp,DO.mg/L,v\n2024-01-01,1,2\n2024-07-02,3,4\n' | tee data/plain.csv >tmp/readings.csv
    printf 'date,a\n2024-01-01,1\n' >data/well.csv
    printf '{"time": "2024-01-01", "a": 1}\n' | gzip >data/app.jsonl.gz
    printf 'in_pattern: /sensors/*.series\nout_pattern: $0\nresolutions: [1h, 1d]\naggregations: [{type: avg}]\n' >reduce.yaml
    printf 'patterns: {a: /sensors/north.series}\nquery: SELECT * FROM a\n' >join.yaml
    pond init --quiet
    for path in /sensors/77001 /docs /logs /tmp1 /tmp2; do pond mkdir -p $path; done
    for path in /sensors/north /sensors/77001/sonde /old; do pond copy "host+csv+series://$PWD/data/plain.csv" "$path.series"; done
    pond cat /old.series --format parquet >data/sonde.parquet
}

@test "help: examples run as they stand" {
    a_world_for_examples
    for command in mknod list-factories list cat describe export copy ln log show status config maintain fsck recover rm version help completion; do
        while IFS= read -r line; do
            bash -ec "$line" >/dev/null 2>err || { echo "$command: $line: $(cat err)" >&2 && false; }
        done < <(pond "$command" --help | sed -n '/^Examples/,/^Usage/s/^  \(.*\)/\1/p' | grep -w pond |
            sed -E "s#(host[a-z+:]*):///#\\1://$PWD/#g; s#~#$PWD#g")
    done
}
