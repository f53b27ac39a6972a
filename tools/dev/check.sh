need_packages build test
build_preset debug
if [ -n "$(c_files tests/unit tests/sim)" ]; then
    (cd build/debug && ctest -L unit -j "$jobs" --output-on-failure --no-tests=error --progress)
fi
tools/check-format
tools/check-layers
tools/check-banned
tools/check-size
say "check: good"
