if [ $# -eq 0 ]; then
    set -- build test bench
fi
need_packages "$@"
case " $* " in *" test "*) tools/install-node-modules ;; esac
