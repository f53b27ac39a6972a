need_packages build test
c_files src tests | xargs -r -P "$jobs" -n 20 clang-format-14 -i
