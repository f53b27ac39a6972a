need_packages build test
seconds=60
target=""
for argument in "$@"; do
    case $argument in
    --short) seconds=5 ;;
    *[!0-9]*) target=${argument%.c} ;;
    *) seconds=$argument ;;
    esac
done
build_preset fuzz
with_sanitizer_options tools/fuzz "$seconds" "${target:+fuzz_${target#fuzz_}}"
