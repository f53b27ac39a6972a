cat <<'TEXT'
./dev run [ARGS]               install what is missing, build, start `trapezoid serve ARGS`
./dev build                    build/release/trapezoid
./dev check                    quick: debug build, unit tests, format, layers (before each push)
./dev test                     everything: all builds, sanitizers, lint, system tests, short fuzz
./dev bench [ARGS]             release build and tests/bench/run ARGS
./dev fuzz [TARGET] [SECONDS]  fuzz one target or all of them (default 60 s each); --short: 5 s each
./dev lint                     clang-format, clang-tidy, layers, banned functions, file sizes
./dev format                   rewrite the sources as clang-format wants them
./dev deps [build|test|bench]  install Debian packages (default: all three sets)
./dev clean                    remove build/
./dev help                     this text
TEXT
