need_packages build test
configure tsan
failed=""
for tool in check-format check-layers check-banned check-size check-tidy; do
    tools/$tool || failed="$failed $tool"
done
[ -z "$failed" ] || die "lint failed:$failed"
say "lint: good"
