. tools/dev/build.sh >&2
exec build/release/trapezoid serve "$@"
