#!/usr/bin/env bats
# Faults, kills, signals and full disks over the whole program: tests/sweep in its short form, run once; a test a result.

setup_file() {
    python3 tests/sweep/run.py --quick "$POND_BIN" >"$BATS_FILE_TMPDIR/tap" 2>"$BATS_FILE_TMPDIR/stderr" || true
}

passed() { # NAME: that result is ok, and nothing else but a skip
    grep -E '^# seed' "$BATS_FILE_TMPDIR/tap"
    line=$(grep -E "^(not )?ok [0-9]+ - $1(:| #|\$)" "$BATS_FILE_TMPDIR/tap") || {
        cat "$BATS_FILE_TMPDIR/stderr"
        return 1
    }
    case $line in *'# SKIP '*) skip "${line#*# SKIP }" ;; ok*) return 0 ;; esac
    grep -A60 -Fx -- "$line" "$BATS_FILE_TMPDIR/tap" | awk 'NR > 1 && !/^#/ { exit } { print }'
    return 1
}

@test "every file call of init fails or is its last" { passed "faults: init"; }
@test "every file call of copy-inline fails or is its last" { passed "faults: copy-inline"; }
@test "every file call of copy-blob fails or is its last" { passed "faults: copy-blob"; }
@test "every file call of copy-csv fails or is its last" { passed "faults: copy-csv"; }
@test "every file call of mkdir fails or is its last" { passed "faults: mkdir"; }
@test "every file call of mv fails or is its last" { passed "faults: mv"; }
@test "every file call of rm fails or is its last" { passed "faults: rm"; }
@test "every file call of mknod fails or is its last" { passed "faults: mknod"; }
@test "every file call of apply fails or is its last" { passed "faults: apply"; }
@test "every file call of run-logs fails or is its last" { passed "faults: run-logs"; }
@test "every file call of checkpoint fails or is its last" { passed "faults: checkpoint"; }
@test "every file call of maintain fails or is its last" { passed "faults: maintain"; }
@test "every file call of collapse fails or is its last" { passed "faults: collapse"; }
@test "every file call of export-first fails or is its last" { passed "faults: export-first"; }
@test "every file call of export-second fails or is its last" { passed "faults: export-second"; }
@test "kill -9 in each phase of copy-large" { passed "kill -9: copy-large"; }
@test "kill -9 in each phase of copy-csv-large" { passed "kill -9: copy-csv-large"; }
@test "kill -9 in each phase of export-large" { passed "kill -9: export-large"; }
@test "signals at random moments of copy-large" { passed "interrupts: copy-large"; }
@test "signals at random moments of copy-csv-large" { passed "interrupts: copy-csv-large"; }
@test "signals at random moments of export-large" { passed "interrupts: export-large"; }
@test "signals at random moments of copy-csv" { passed "interrupts: copy-csv"; }
@test "signals at random moments of checkpoint" { passed "interrupts: checkpoint"; }
@test "a full disk during copy-blob" { passed "disk full: copy-blob"; }
@test "a full disk during copy-csv" { passed "disk full: copy-csv"; }
@test "a full disk during export-second" { passed "disk full: export-second"; }
@test "a read-only pond" { passed "read-only pond"; }
@test "a read-only export folder" { passed "read-only export folder"; }
