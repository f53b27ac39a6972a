if [ $# -eq 0 ]; then
    set -- build test bench
fi
need_packages "$@"
case " $* " in *" test "*) [ ! -d tests/system/browser ] || tools/install-node-modules ;; esac
