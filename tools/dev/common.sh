# Shared by the parts of ./dev. The working directory is the top of the tree.

jobs=$(nproc)

say() {
    echo "dev: $*" >&2
}

die() {
    say "$*"
    exit 1
}

# need_packages SET...: installs what is missing of tools/packages/SET.txt.
need_packages() {
    tools/install-packages "$@"
}

# configure PRESET
configure() {
    local log=build/logs/configure-$1.log
    mkdir -p build/logs
    cmake --preset "$1" >"$log" 2>&1 || {
        cat "$log" >&2
        die "cmake could not configure '$1' (log: $log). If a package is missing: ./dev deps"
    }
}

# build_preset PRESET [TARGET...]
build_preset() {
    local preset=$1
    shift
    configure "$preset"
    cmake --build "build/$preset" -j "$jobs" ${1:+--target "$@"}
}

# c_files DIR...: the C sources that git knows or would add, below those of DIR that exist.
c_files() {
    git ls-files --cached --others --exclude-standard -- "$@" | grep -E '\.[ch]$' | while read -r file; do
        [ ! -f "$file" ] || echo "$file"
    done
}

# with_sanitizer_options COMMAND...: the environment that sanitized programs run in.
with_sanitizer_options() {
    env $(sed "s|@TESTS_DIR@|$PWD/tests|" tests/sanitizer/options.env) "$@"
}

# quick_lint: the checks that take a second together; all of them run, whatever the first ones say.
quick_lint() {
    local result=0 tool
    for tool in format layers banned size rfc; do
        "tools/check-$tool" || result=1
    done
    return $result
}
