need_packages build bench
build_preset release
[ -x tests/bench/run ] || die "tests/bench/run is missing"
exec tests/bench/run "$@"
