need_packages build
build_preset release
[ -x build/release/trapezoid ] || die "built, but there is no program: src/app/main.c is missing"
