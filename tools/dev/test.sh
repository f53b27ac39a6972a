# Everything. Each phase runs even when an earlier one failed; the summary at the end tells.

need_packages build test
mkdir -p build/logs
phases=()
results=()
seconds=()
failures=0

# phase NAME COMMAND...: runs it, keeps its output in build/logs/NAME.log too.
phase() {
    local name=$1 start=$SECONDS result=good
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
    local preset=$1 strict=--no-tests=error
    shift
    [ -n "$(c_files tests/unit tests/sim)" ] || strict=--no-tests=ignore
    (cd "build/$preset" && ctest -j "$jobs" --output-on-failure $strict "$@")
}

# clang-tidy takes minutes of CPU time that the system tests, which mostly wait, leave over: it has what nobody else wants.
start_tidy() {
    rm -f build/logs/tidy.result
    local idle=(chrt --idle 0)
    "${idle[@]}" true 2>/dev/null || idle=(nice -n 19) # where schedulers may not be chosen
    (
        result=0
        "${idle[@]}" tools/check-tidy >build/logs/tidy.words 2>&1 || result=$?
        echo "$result" >build/logs/tidy.result
    ) &
    tidy=$!
    trap 'pkill -P "$tidy" 2>/dev/null || true' EXIT
}

end_tidy() {
    tail --pid="$tidy" -f /dev/null
    cat build/logs/tidy.words
    [ "$(cat build/logs/tidy.result)" = 0 ]
}

run_tsan() {
    local strict=ignore
    ! grep -rqs '^/\* label: .*threads' tests/unit tests/sim || strict=error
    (cd build/tsan && ctest -L '^threads$' --output-on-failure --no-tests=$strict)
}

# run_pytest FOLDER PRESET: the tests find the program in $TRAPEZOID. Files run side by side: most of the time they wait. What
# a sanitizer reports of any process that they start is a failure, even if no test looked at it.
run_pytest() {
    local folder=$1 preset=$2 reports=$PWD/build/logs/sanitizer-$2 processes=$((jobs + 1)) result=0
    [ "$processes" -le 8 ] || processes=8 # tests/system/trapezoid.py has ports for so many
    [ -n "$(find "$folder" -name 'test_*.py' 2>/dev/null | head -1)" ] || {
        echo "no tests in $folder"
        return 0
    }
    rm -rf "$reports"
    mkdir -p "$reports"
    TRAPEZOID=$PWD/build/$preset/trapezoid TRAPEZOID_BUILD=$preset \
        with_sanitizer_options sh -c 'ASAN_OPTIONS=$ASAN_OPTIONS:log_path=$0/report exec "$@"' "$reports" \
        /usr/bin/python3 -m pytest -q -ra -p no:cacheprovider --timeout=180 --durations=5 \
        -n "$processes" --dist loadfile "$folder" || result=1
    for report in "$reports"/*; do
        [ -f "$report" ] || continue
        echo "sanitizer report $report:"
        head -60 "$report"
        result=1
    done
    return $result
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
phase build-fuzz quiet_build fuzz
phase fuzz with_sanitizer_options tools/fuzz 5

echo
echo "=== summary"
for i in "${!phases[@]}"; do
    name=${phases[$i]}
    words=$(grep -E '^(=+ )?([0-9]+ (passed|failed|skipped|error)|[0-9]+% tests passed|fuzz: [0-9]+ targets|check-tidy:|no tests in)' \
        "build/logs/$name.log" | tail -1 || true)
    printf '%-15s %-6s %4d s  %s\n' "$name" "${results[$i]}" "${seconds[$i]}" "$words"
done
if [ "$failures" -gt 0 ]; then
    die "test: $failures of ${#phases[@]} phases FAILED (logs in build/logs/)"
fi
say "test: all ${#phases[@]} phases good in $SECONDS s"
