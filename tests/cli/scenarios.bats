#!/usr/bin/env bats
# Scenarios of pond bench: their ponds. Counts are arithmetic over what docs/benchmarks.md says of each.
load helpers

make() { pond bench make "$1" "$PWD/$2" --quiet "${@:3}"; }
content() { pond --pond "$1" fsck --quick --json | jq -r .root; }
series() { pond --pond "$1" list "$2" --paths | grep -c '\.series$\|\.jsonl$'; }

@test "bench list: each scenario with its commands" {
    ok bench list
    has "small" "noyo-sql" "10,000 commits"
    ok bench list --json
    [ "$(jq length <<<"$output")" = 9 ] || fail "nine scenarios"
    jq -e 'all(.[]; (.commands | length) >= 5 and .commands[0].cold)' <<<"$output" || fail "no cold command first"
}

@test "bench make: the same seed gives the same pond, another seed another" {
    make medium a --scale 1/50
    make medium b --scale 1/50
    make medium c --scale 1/50 --seed 2
    [ "$(content a)" = "$(content b)" ] || fail "two ponds from one seed"
    [ "$(content a)" != "$(content c)" ] || fail "one pond from two seeds"
    sizes() { (cd "$1/log" && find . -type f -printf '%p %s\n' | sort); }
    [ "$(sizes a)" = "$(sizes b)" ] || fail "names or sizes of log files differ"
    [ "$(pond --pond a log --limit 1 --json)" = "$(pond --pond b log --limit 1 --json)" ] || fail "times or names differ"
}

@test "bench make: what the scenarios hold" {
    make medium days --scale 1/50 # 20 files over 7 days: 3 series, the last one of 2 on the seventh
    [ "$(series days '/data/**')" = 3 ] || fail "series"
    [ "$(pond --pond days sql 'SELECT count(*), sum(rows) FROM pond_versions' --format csv | tail -1)" = 20,2880 ] || fail "versions"
    make wildcards w --scale 1/60 # one site, 4 instruments, 4 parameters
    [ "$(series w '/w/**')" = 16 ] || fail "wildcards"
    make deep d --scale 1/32
    [ "$(series d '/deep/**')" = 8 ] || fail "deep"
    [ "$(series d '/deep/*/*/*/*/*/*/*/*/*/*/*/*/*')" = 8 ] || fail "not below twelve levels"
    make history h --scale 1/500
    [ "$(series h '/logs/*')" = 10 ] || fail "logs"
    [ "$(pond --pond h show --json | jq .transactions)" -ge 20 ] || fail "commits"
}

@test "bench make: refuses what it should, leaves nothing of what fails" {
    fails 2 bench make small
    tells "an argument is missing" "bench make SCENARIO DIR"
    fails 4 bench make smal "$PWD/x"
    tells "did you mean 'small'"
    [ ! -e x ]
    fails 2 bench make small "$PWD/x" --scale 0
    fails 2 bench make small "$PWD/x" --scale 1/0
    fails 2 bench make small "$PWD/x" --scale 1/2/3
    tells "1/100"
    pond --pond "$PWD/y" init --quiet
    fails 5 bench make small "$PWD/y"
    [ "$(pond --pond "$PWD/y" show --json | jq .transactions)" = 1 ] || fail "an existing pond was changed"
    POND_FAULT=class=log,op=link,nth=2,do=eio fails 74 bench make small "$PWD/z" --scale 1/10
    [ ! -e z ] || fail "left: $(find z)"
}

run_quick() { pond bench run --quick --dir "$BATS_FILE_TMPDIR/ponds" --json "$@"; } # ponds are made once a file
BASELINES=$ROOT/bench/baselines
plain_build() { # baselines are those of a plain build: sanitizers and coverage take memory and instructions of their own
    [ -e "$(dirname "$POND_BIN")/bench/allocs/libpond_allocs.so" ] || skip "not a plain build"
}

@test "bench run: each scenario does the work of its baseline" {
    plain_build
    run --separate-stderr run_quick --baselines "$BASELINES"
    jq -e 'length == 9 and all(.[]; .baseline and .same_pond and .compared > 200)' <<<"$output" >/dev/null || fail "not all were compared"
    [ "$status" -eq 0 ] || fail "$(jq -c '.[] | .scenario as $s | .changes[] | select(.worse) | [$s, .command, .counter, .was, .now]' <<<"$output")"
    [ -z "$(ls "$BATS_FILE_TMPDIR/ponds" | grep -E '^(work|new)-')" ] || fail "a copy is left"
}

@test "bench run: a folder of baselines that was named must be there" {
    fails 4 bench run small --quick --baselines "$PWD/nowhere"
    tells "no folder $PWD/nowhere"
}

@test "bench run: a count that grew fails and is named, one that shrank is told" {
    plain_build
    mkdir b
    awk -F '\t' -v OFS='\t' '$2 == "export" && $3 == "op.export_target" { $4-- } { print }' "$BASELINES/small.tsv" >b/small.tsv
    run --separate-stderr pond bench run small --quick --dir "$BATS_FILE_TMPDIR/ponds" --baselines b
    [ "$status" -eq 1 ] || fail "growth does not fail"
    has "worse small export: op.export_target is 20, was 19 (+5.3 %)" "1 are worse"
    grep -v $'op.export_target\t' "$BASELINES/small.tsv" >b/small.tsv # a counter that was not there
    run --separate-stderr run_quick small --baselines b
    [ "$status" -eq 1 ] || fail "a new counter does not fail"
    jq -e '.[0].changes[] | select(.command == "export" and .was == 0 and .now == 20)' <<<"$output" >/dev/null || fail "not told"
    awk -F '\t' -v OFS='\t' '$2 == "export" && $3 == "op.export_target" { $4++ } { print }' "$BASELINES/small.tsv" >b/small.tsv
    run --separate-stderr pond bench run small --quick --dir "$BATS_FILE_TMPDIR/ponds" --baselines b
    [ "$status" -eq 0 ] || fail "shrinking fails"
    has "better small export: op.export_target is 20, was 21" "bench baseline --update small --scale 1/10"
    awk -F '\t' -v OFS='\t' '$3 == "root" { $4 = "0" substr($4, 2) } { print }' "$BASELINES/small.tsv" >b/small.tsv
    grep -q $'root\t0' b/small.tsv && sed -i $'s/root\t0/root\t1/' b/small.tsv
    run --separate-stderr pond bench run small --quick --dir "$BATS_FILE_TMPDIR/ponds" --baselines b
    [ "$status" -eq 1 ] || fail "another pond does not fail"
    has "the pond holds something else"
}

@test "bench baseline: writes what was measured, keeps what was not and other scales" {
    mkdir b
    printf '7\t-\troot\tabc\n7\tlist\top.x\t3\n1/10\tlist\tinstructions\t99\n1/10\tlist\top.gone\t1\n' >b/small.tsv
    run --separate-stderr pond bench baseline --update small --quick --dir "$BATS_FILE_TMPDIR/ponds" --baselines b
    [ "$status" -eq 0 ] || fail "no baseline"
    grep -qx $'7\tlist\top.x\t3' b/small.tsv || fail "another scale is lost"
    grep -qx $'1/10\tlist\tinstructions\t99' b/small.tsv || fail "instructions are lost"
    ! grep -q op.gone b/small.tsv || fail "what is no more stays"
    run --separate-stderr run_quick small --baselines b
    jq -e '.[0] | .worse == 0 and .changes == []' <<<"$output" >/dev/null || fail "not as it was written"
    printf 'nonsense\n' >b/small.tsv
    fails 1 bench run small --quick --dir "$BATS_FILE_TMPDIR/ponds" --baselines b
    tells "b/small.tsv" "tabs"
    fails 2 bench baseline small --quick
    tells "--update"
    fails 2 bench run small --quick --scale 2
    fails 2 bench run small --only nothing
    fails 4 bench run smal
}

@test "bench run: instructions are those of the baseline within 1 %" {
    plain_build
    command -v valgrind >/dev/null || skip "valgrind is not installed"
    run --separate-stderr run_quick small --instructions --only list,plan --baselines "$BASELINES"
    [ "$status" -eq 0 ] || fail "$(jq -c '.[0].changes' <<<"$output")"
    jq -e '.[0].counters | .list.instructions > 1e6 and .plan.instructions > 1e6 and (.cat | has("instructions") | not)' <<<"$output" >/dev/null || fail "not counted"
}

@test "bench first: each command's first byte, and the commands up to the first export" {
    printf '%s\n' '# x' 'text' '    make demo' '    cat >a <<'"'EOF'" '    pond export no' '    EOF' '    pond export -p x -d y' '    pond fsck' >R.md
    run --separate-stderr pond bench first --quick --times 1 --readme R.md --json --dir "$BATS_FILE_TMPDIR/ponds"
    [ "$status" -eq 0 ] || fail "failed"
    [ "$(jq .steps <<<"$output")" = 3 ] || fail "make, cat, export are three"
    jq -e '(.commands | length) >= 10 and all(.commands[]; .first_us > 0 and .first_us <= .all_us)' <<<"$output" >/dev/null || fail "times"
    [ -z "$(ls "$BATS_FILE_TMPDIR/ponds" | grep -E '^(work|new)-')" ] || fail "a copy is left"
    fails 4 bench first --quick --readme none.md
    printf '    make demo\n' >R.md
    run --separate-stderr pond bench first --quick --times 1 --readme R.md --json --dir "$BATS_FILE_TMPDIR/ponds"
    [ "$(jq .steps <<<"$output")" = 0 ] || fail "it never comes to an export"
}

@test "bench history: a level that changed, and whether the machine did" {
    mkdir h
    run --separate-stderr pond bench run small --quick --dir h --baselines "$PWD" --quiet
    [ "$status" -eq 0 ] || fail "no run"
    [ "$(awk -F '\t' 'NF == 7 && $3 == "small" && $4 == "1/10" && $6 == "wall_us" && $7 > 0' h/history.tsv | wc -l)" = 7 ] || fail "seven commands"
    awk -F '\t' '$2 !~ /engine .*pond / { bad = 1 } END { exit bad }' h/history.tsv || fail "no machine"
    [ "$(pond bench history --dir h --json | jq '[.[].runs] | unique | .[0]')" = 1 ] || fail "one run"
    # 20 runs of 100 ± 1, then 20 of 120 ± 1; of another command 20 on one machine at 50, 20 on another at 40
    awk 'BEGIN { OFS = "\t"; for (i = 0; i < 40; i++) { n = (i * 7) % 3 - 1
        print i * 1000000, "A", "small", "1", "list", "wall_us", (i < 20 ? 100 : 120) + n
        print i * 1000000, i < 20 ? "A" : "B", "noyo", "1", "cat", "instructions", (i < 20 ? 50 : 40) + n } print "nonsense" }' >h/history.tsv
    run --separate-stderr pond bench history --dir h
    [ "$status" -eq 0 ] || fail "failed"
    has "1970-01-01 00:00:20  small at scale 1, list, wall_us: 1" "+20." "noyo at scale 1, cat, instructions: " "another machine: B" "2 series, 2 changes"
    tells "1 line of the history could not be read"
    [ "$(grep -c 'another machine' <<<"$output")" = 1 ] || fail "the machine did not change for small"
    run --separate-stderr pond bench history small --dir h --json
    jq -e 'length == 1 and .[0].runs == 40 and (.[0].changes | length) == 1 and (.[0].changes[0] | .time_us == 20000000 and (.other_machine | not))' <<<"$output" >/dev/null || fail "$output"
    fails 4 bench history smal --dir h
}
