need_packages build test
configure tsan
result=0
quick_lint || result=1
tools/check-tidy || result=1
[ $result -eq 0 ] || die "lint failed"
say "lint: good"
