need_packages build
[ -f src/app/main.c ] || die "there is no program to build: src/app/main.c is missing"
build_preset release trapezoid
