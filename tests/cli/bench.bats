load helpers

@test "bench ab: what is compared must be given, and must be the same" {
    fails 2 bench ab
    tells "no command to measure" "--a CMD"
    fails 2 bench ab --a true
    tells "nothing to compare with"
    fails 2 bench ab --a true --b true --toggle X=1,2
    fails 2 bench ab --a true --toggle X=1
    tells "NAME=A,B"
    fails 2 bench ab --a true --b true --pairs 7
    fails 2 bench ab --a true --b true --band x
    fails 2 bench abc
    tells "did you mean 'ab'"
    fails 1 bench ab --a 'echo a' --b 'echo b'
    tells "standard output" "--differ"
    fails 1 bench ab --a 'mkdir {out}; echo 1 >{out}/x' --b 'mkdir {out}; echo 2 >{out}/x'
    tells "{out}"
    fails 1 bench ab --a 'mkdir {out}; echo 1 >{out}/x' --b 'mkdir {out}; echo 1 >{out}/y'
    fails 1 bench ab --a true --b 'echo reason >&2; exit 3'
    tells "exited with 3" "reason"
    fails 1 bench ab --a true --b 'date +%N'
    fails 1 bench ab --a 'date +%N' --b 'date +%N' --differ
    tells "the same each time"
}

@test "bench ab: links, pipes and circles in {out} are compared without being waited for" {
    odd='mkdir {out}; mkfifo {out}/pipe; ln -s . {out}/self; ln -s loop {out}/loop; ln -s nowhere {out}/gone; ln -s /dev/zero {out}/zero; echo 1 >{out}/file; ln -s file {out}/link'
    timeout 100 "$POND_BIN" bench ab --a "$odd" --b "$odd" --pairs 8 --json >out || [ $? = 1 ] # B may be slower
    [ "$(jq .same_output out)" = true ]
    fails 1 bench ab --a "$odd" --b "$odd; echo 2 >{out}/file" --pairs 8
    tells "A and B differ in the files in {out}"
    fails 1 bench ab --a "$odd" --b "$odd; rm {out}/pipe" --pairs 8
    tells "A and B differ in the files in {out}"
}

@test "bench ab: the commands have an empty standard input" {
    echo x | pond bench ab --a 'wc -c' --b 'wc -c; exit 0' --pairs 8 --json >out || [ $? = 1 ] # B may be slower
    [ "$(jq .same_output out)" = true ]
    pond bench ab --a 'test "$(wc -c)" = 0' --b true --pairs 8 --json <"$POND_BIN" >out || [ $? = 1 ]
    [ "$(jq .same_output out)" = true ]
}

@test "bench ab: what is below .pond in {out} does not count, a run finds an empty place, nothing is left" {
    export TMPDIR=$PWD/t
    mkdir t
    run --separate-stderr pond bench ab --json --pairs 8 --seed 1 \
        --a 'mkdir {out} && mkdir {out}/.pond && date +%N >{out}/.pond/x && echo 1 >{out}/y' \
        --b 'mkdir -p {out}/.pond && date +%N >{out}/.pond/x && echo 1 >{out}/y'
    [ "$status" -le 1 ] || fail "the run failed"
    [ "$(jq -r '.pairs, .same_output' <<<"$output" | xargs)" = "8 true" ] || fail "not eight equal pairs"
    [ -z "$(ls t)" ] || fail "files are left: $(ls t)"
}

@test "bench ab: a toggle is an environment variable; the ratio is that of B to A" {
    run --separate-stderr pond bench ab --a 'sleep $NAP' --toggle NAP=0.4,0.01 --pairs 8 --json
    [ "$status" -eq 0 ] || fail "the run failed"
    jq -e '.ratio < 0.7 and .ratio_low <= .ratio and .ratio <= .ratio_high and .a.wall_s >= 0.4' <<<"$output" || fail "$output"
}

@test "bench ab --toggle: names of toggles are those of pond, beside what is set already" {
    export POND_TOGGLES=name_memo=off
    run --separate-stderr pond bench ab --pairs 8 --differ --json --toggle dir_memo=off,on \
        --a "$POND_BIN bench toggles --list --json | jq -r 'map(select(.on | not).name) | join(\" \")' | tee -a $PWD/seen"
    [ "$status" -le 1 ] || fail "the run failed"
    [ "$(sort -u seen | xargs)" = "dir_memo name_memo name_memo" ] || fail "other toggles were off: $(sort -u seen)"
    fails 2 bench ab --a true --toggle dir_mmeo=off,on
    tells "did you mean 'dir_memo'"
    fails 2 bench ab --a true --toggle dir_memo=off,no
    tells "on or off, not 'no'"
}

@test "bench ab --differ measures what differs" {
    run --separate-stderr pond bench ab --a 'echo a' --b 'echo b' --pairs 8 --differ --json
    [ "$status" -le 1 ] || fail "the run failed"
    [ "$(jq .same_output <<<"$output")" = false ] || fail "$output"
}

@test "bench selftest: rates between 0 and 1" {
    run --separate-stderr pond bench selftest --pairs 80 --seed 7 --json
    [ "$status" -eq 0 ] || fail "failed"
    jq -e '.pairs == 80 and .spread >= 1 and ([.false_paired, .false_blocks, .found_paired] | all(. >= 0 and . <= 1))' <<<"$output" || fail "$output"
}

@test "bench ab --instructions: those that valgrind counts, of each side's own setting" {
    command -v valgrind >/dev/null || skip "valgrind is not installed"
    local loop='awk -v n=$N "BEGIN { for (i = 0; i < n; i++) sum += i; print sum > \"/dev/null\" }"'
    run --separate-stderr pond bench ab --a "$loop" --toggle N=20000,400000 --pairs 8 --instructions --json
    [ "$status" -le 1 ] || fail "the run failed"
    counted() { N=$1 valgrind --tool=callgrind --callgrind-out-file=/dev/null --trace-children=yes sh -c "$loop" 2>&1 | awk '/Collected :/ { sum += $4 } END { printf "%d", sum }'; }
    jq -e --argjson a "$(counted 20000)" --argjson b "$(counted 400000)" \
        'def near($x): . > 0.99 * $x and . < 1.01 * $x; (.a.instructions | near($a)) and (.b.instructions | near($b)) and $b > 2 * $a' <<<"$output" ||
        fail "$output, by valgrind $(counted 20000) and $(counted 400000)"
}
