#!/usr/bin/env bats
# Every line of the README's tour runs as written, in a folder of its own instead of /tmp.

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
