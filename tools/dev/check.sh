need_packages build test
build_preset debug
if [ -n "$(c_files tests/unit tests/sim)" ]; then
    (cd build/debug && ctest -L unit -j "$jobs" --output-on-failure --no-tests=error --progress)
fi
quick_lint || die "check failed"
say "check: good"
