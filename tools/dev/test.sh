# Everything. Each phase runs even when an earlier one failed; the summary at the end tells.

need_packages build test
mkdir -p build/logs
ctest_failed=8 # exit codes: all ran, some failed
pytest_failed=1
current=
phases=()
results=()
seconds=()
failures=0
tidy=

# phase NAME COMMAND...: runs it, keeps its output in build/logs/NAME.log too.
phase() {
    local name=$1 start=$SECONDS result=good
    current=$name # for what runs in it
    rm -f "build/logs/$name".{xml,failed,alone} "build/logs/$name-again.log"
    shift
    echo
    echo "=== $name"
    if ! "$@" 2>&1 | tee "build/logs/$name.log"; then
        result=FAILED
        failures=$((failures + 1))
    fi
    phases+=("$name")
    results+=("$result")
    seconds+=($((SECONDS - start)))
}

# quiet_build PRESET: one line when good, the compiler's words when not.
quiet_build() {
    (build_preset "$1") >"build/logs/ninja-$1.log" 2>&1 || {
        grep -v -E '^\[[0-9]+/[0-9]+\] (Building|Linking)' "build/logs/ninja-$1.log" | head -200
        echo "build/$1 does not build (log: build/logs/ninja-$1.log)"
        return 1
    }
    tail -1 "build/logs/ninja-$1.log"
}

# run_ctest PRESET LABEL...: no test found is a failure once tests exist.
run_ctest() {
    local preset=$1 strict=error
    shift
    [ -n "$(c_files tests/unit tests/sim)" ] || strict=ignore
    twice_in_ctest "$preset" -j "$jobs" --no-tests=$strict "$@"
}

twice_in_ctest() {
    local preset=$1 result=0
    shift
    in_ctest "$preset" --output-junit "$PWD/build/logs/$current.xml" "$@" || result=$?
    if [ $result -eq $ctest_failed ]; then
        again_alone in_ctest "$preset" --no-tests=error --rerun-failed && result=0
    fi
    return $result
}

in_ctest() {
    local preset=$1
    shift
    (cd "build/$preset" && ctest --output-on-failure "$@")
}

# again_alone COMMAND...: the few tests of this phase that failed beside others run once more with nobody beside them: the
# command says how. What fails then too is a failure; what passes is named in the summary. A complaint of a sanitizer, a crash
# or a failure of many is never forgiven (tools/may-run-again).
again_alone() {
    local names=build/logs/$current.failed result=0
    tools/may-run-again "build/logs/$current.xml" >"$names" || return 1
    echo "=== $current again, alone: $(paste -sd ' ' "$names")"
    pause_tidy
    "$@" >"build/logs/$current-again.log" 2>&1 || result=1
    resume_tidy
    sed 's/^/alone| /' "build/logs/$current-again.log"
    [ $result -eq 0 ] && mv "$names" "build/logs/$current.alone"
}

# clang-tidy takes minutes of CPU time that the system tests, which mostly wait, leave over: it has what nobody else wants. It is
# a process group of its own, to be paused and ended as a whole.
start_tidy() {
    rm -f build/logs/tidy.result
    local idle=(chrt --idle 0)
    "${idle[@]}" true 2>/dev/null || idle=(nice -n 19) # where schedulers may not be chosen
    setsid "${idle[@]}" sh -c 'tools/check-tidy >build/logs/tidy.words 2>&1; echo $? >build/logs/tidy.result' &
    tidy=$!
    trap '[ -z "$tidy" ] || kill -KILL -- "-$tidy" 2>/dev/null || true' EXIT
}

pause_tidy() {
    [ -z "$tidy" ] || kill -STOP -- "-$tidy" 2>/dev/null || true
}

resume_tidy() {
    [ -z "$tidy" ] || kill -CONT -- "-$tidy" 2>/dev/null || true
}

end_tidy() {
    tail --pid="$tidy" -f /dev/null
    cat build/logs/tidy.words
    [ "$(cat build/logs/tidy.result)" = 0 ]
}

run_tsan() {
    local strict=ignore
    ! grep -rqs '^/\* label: .*threads' tests/unit tests/sim || strict=error
    twice_in_ctest tsan -L '^threads$' --no-tests=$strict
}

# run_pytest FOLDER PRESET: the tests find the program in $TRAPEZOID. Files run side by side: most of the time they wait. What
# a sanitizer reports of any process that they start is a failure, even if no test looked at it or the test has passed since.
run_pytest() {
    local folder=$1 preset=$2 reports=$PWD/build/logs/sanitizer-$2 processes=$((jobs + 1)) result=0
    [ "$processes" -le 8 ] || processes=8 # tests/system/trapezoid.py has ports for so many
    [ -n "$(find "$folder" -name 'test_*.py' 2>/dev/null | head -1)" ] || {
        echo "no tests in $folder"
        return 0
    }
    rm -rf "$reports" "build/pytest-$current"
    mkdir -p "$reports"
    in_pytest "$folder" "$preset" "$reports" -n "$processes" --dist loadfile --junitxml "build/logs/$current.xml" || result=$?
    if [ $result -eq $pytest_failed ] && no_reports "$reports"; then
        again_alone in_pytest "$folder" "$preset" "$reports" -n 0 --last-failed --last-failed-no-failures none && result=0
    fi
    show_reports "$reports"
    no_reports "$reports" && return $result
}

in_pytest() {
    local folder=$1 preset=$2 reports=$3
    shift 3
    TRAPEZOID=$PWD/build/$preset/trapezoid TRAPEZOID_BUILD=$preset \
        with_sanitizer_options sh -c 'ASAN_OPTIONS=$ASAN_OPTIONS:log_path=$0/report exec "$@"' "$reports" \
        /usr/bin/python3 -m pytest -q -ra -o cache_dir="$PWD/build/pytest-$current" --timeout=300 --durations=5 "$@" "$folder"
}

no_reports() {
    [ -z "$(find "$1" -type f | head -1)" ]
}

show_reports() {
    find "$1" -type f | while read -r report; do
        echo "sanitizer report $report:"
        head -60 "$report"
    done
}

phase lint-quick quick_lint
phase build-release quiet_build release
phase build-debug quiet_build debug
phase unit run_ctest debug
phase build-tsan quiet_build tsan
phase threads run_tsan
start_tidy
phase tools run_pytest tests/tools release
phase nat run_pytest tests/nat release
[ ! -d tests/system/browser ] || phase node tools/install-node-modules
phase system-release run_pytest tests/system release
phase system-debug run_pytest tests/system debug
phase tidy end_tidy
tidy=
phase build-fuzz quiet_build fuzz
phase fuzz with_sanitizer_options env FUZZ_SEED=1 tools/fuzz 5

echo
echo "=== summary"
for i in "${!phases[@]}"; do
    name=${phases[$i]}
    words=$(grep -E '^(=+ )?([0-9]+ (passed|failed|skipped|error)|[0-9]+% tests passed|fuzz: [0-9]+ targets|check-tidy:|no tests in)' \
        "build/logs/$name.log" | tail -1 || true)
    printf '%-15s %-6s %4d s  %s\n' "$name" "${results[$i]}" "${seconds[$i]}" "$words"
    [ ! -f "build/logs/$name.alone" ] || printf '%15s %d failed beside others, passed alone: %s\n' "" \
        "$(wc -l <"build/logs/$name.alone")" "$(paste -sd ' ' "build/logs/$name.alone")"
done
if [ "$failures" -gt 0 ]; then
    die "test: $failures of ${#phases[@]} phases FAILED (logs in build/logs/)"
fi
say "test: all ${#phases[@]} phases good in $SECONDS s"
