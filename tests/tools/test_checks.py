"""Each check passes what is right and fails what is wrong."""

import json

import pytest

GOOD_FUNCTION = "int twice(int a);\nint twice(int a)\n{\n    return a + a;\n}\n"


def layers(tree, name, text, headers=("base/slice.h",)):
    for header in headers:
        tree.write("src/" + header, "")
    tree.write("src/" + name, text)
    return tree.run("tools/check-layers")


def test_layers_empty_tree(tree):
    code, output = tree.run("tools/check-layers")
    assert code == 0, output


@pytest.mark.parametrize("name, header", [
    ("sip/message/uri.c", "base/slice.h"),
    ("stack/endpoint.c", "sip/message/message.h"),
    ("stack/endpoint.c", "loop/udp.h"),
    ("service/proxy/proxy.c", "service/registrar/registrar.h"),
    ("service/proxy/fork.c", "service/proxy/context.h"),
    ("service/proxy/fork.c", "store/location.h"),
    ("app/main.c", "service/proxy/proxy.h"),
])
def test_layers_allowed(tree, name, header):
    code, output = layers(tree, name, f'#include "{header}"\n', [header])
    assert code == 0, output


@pytest.mark.parametrize("name, header", [
    ("base/slice.c", "sip/message/message.h"),
    ("sip/message/uri.c", "sdp/sdp.h"),
    ("sdp/sdp.c", "sip/message/message.h"),
    ("rtp/rtp.c", "stun/stun.h"),
    ("sip/transaction/client.c", "loop/timer.h"),
    ("loop/udp.c", "sip/message/message.h"),
    ("store/store.c", "loop/udp.h"),
    ("stack/endpoint.c", "service/proxy/proxy.h"),
    ("stack/endpoint.c", "store/store.h"),
    ("service/proxy/proxy.c", "service/registrar/binding.h"),
    ("service/proxy/proxy.c", "app/config.h"),
    ("base/slice.c", "app/config.h"),
])
def test_layers_forbidden(tree, name, header):
    code, output = layers(tree, name, f'#include "{header}"\n', [header])
    assert code == 1 and f"src/{name}:1: " in output and header in output


@pytest.mark.parametrize("line", [
    "#include <uv.h>", "#include <sys/socket.h>", "#  include <unistd.h>", "#include <time.h>",
    "#include <pthread.h>", "#include <netinet/in.h>",
    "long now(void) { return time(0); }", "void tell(void) { printf(\"x\"); }",
    "void tell(void) { log_warn(LOG_SIP, \"x\"); }", "void go(void) { uv_run(0, 0); }",
])
def test_layers_protocol_has_no_io(tree, line):
    code, output = layers(tree, "sip/a.c", "\n" + line + "\n")
    assert code == 1 and "src/sip/a.c:2: " in output


@pytest.mark.parametrize("line", [
    "/* #include <uv.h> */", "// printf(x)", "/* a\n#include <uv.h>\n*/", 'const char *s = "time(now)";',
    "int runtime(int);", "void f(struct ops *o) { o->open(o); }", "#include <string.h>",
    "void f(void) { log_debug(LOG_SIP, \"x\"); }",
])
def test_layers_protocol_innocent_lines(tree, line):
    code, output = layers(tree, "sip/a.c", line + "\n")
    assert code == 0, output


def test_layers_io_outside_protocols(tree):
    code, output = layers(tree, "loop/udp.c", "#include <uv.h>\n#include <sys/socket.h>\n")
    assert code == 0, output


def test_layers_missing_header(tree):
    code, output = layers(tree, "sip/message/a.c", '#include "a.h"\n', ["sip/message/a.h"])
    assert code == 1 and "no file below src/" in output


def test_layers_source_included(tree):
    code, output = layers(tree, "sip/a.c", '#include "sip/b.c"\n', ["sip/b.c"])
    assert code == 1 and "only headers" in output


def test_layers_unknown_room(tree):
    code, output = layers(tree, "attic/a.c", "")
    assert code == 1 and "attic" in output


def test_layers_cycle_of_folders(tree):
    tree.write("src/sip/a/a.h", '#include "sip/b/b.h"\n')
    tree.write("src/sip/b/b.h", '#include "sip/c/c.h"\n')
    tree.write("src/sip/c/c.h", '#include "sip/a/other.h"\n')
    tree.write("src/sip/a/other.h", "")
    code, output = tree.run("tools/check-layers")
    assert code == 1 and "sip/a -> sip/b -> sip/c -> sip/a" in output


@pytest.mark.parametrize("call", [
    "strcpy(a, b)", "strcat (a, b)", "sprintf(a, b)", "gets(a)", "strtok(a, b)", "atoi(a)", "atol(a)", "sscanf(a, b)",
    "scanf(a)", "alloca(3)", "rand()", "localtime(a)", "gmtime(a)", "inet_ntoa(a)", "system(a)",
])
def test_banned_call(tree, call):
    tree.write("src/base/a.c", f"void f(void)\n{{\n    {call};\n}}\n")
    code, output = tree.run("tools/check-banned")
    assert code == 1 and "src/base/a.c:3: " in output


@pytest.mark.parametrize("text", [
    "/* strcpy(a, b) */", 's = "system(x)";', "snprintf(a, 1, b);", "operating_system(x);", "table->rand(t);",
    "gmtime_r(a, b);", "c = '\"'; /* gets( */",
])
def test_banned_innocent(tree, text):
    tree.write("src/base/a.c", text + "\n")
    code, output = tree.run("tools/check-banned")
    assert code == 0, output


def test_banned_is_for_src_only(tree):
    tree.write("tests/unit/base/test_a.c", "x = atoi(a);\n")
    assert tree.run("tools/check-banned")[0] == 0


def test_size_limit(tree):
    tree.write("src/base/a.c", "\n" * 800)
    assert tree.run("tools/check-size")[0] == 0
    tree.write("src/base/a.c", "\n" * 801)
    code, output = tree.run("tools/check-size")
    assert code == 1 and "src/base/a.c: 801 lines" in output
    tree.write("src/base/a.c", "/* table file */\n" + "\n" * 801)
    assert tree.run("tools/check-size")[0] == 0


def test_format(tree):
    tree.write("src/base/a.c", GOOD_FUNCTION)
    code, output = tree.run("tools/check-format")
    assert code == 0, output
    tree.write("src/base/a.c", "int f(int a){return a;}\n")
    code, output = tree.run("tools/check-format")
    assert code == 1 and "src/base/a.c:1: " in output
    assert tree.run("./dev", "format")[0] == 0
    assert tree.run("tools/check-format")[0] == 0


def test_tidy_finds_runs_once_and_sees_headers(tree):
    tree.write("src/base/a.h", "#ifndef A_H\n#define A_H\nint half(int a);\n#endif\n")
    tree.write("src/base/a.c", '#include "base/a.h"\nint half(int a)\n{\n    return a / 2;\n}\n')
    tree.write("build/tsan/compile_commands.json", json.dumps([{
        "directory": str(tree.path), "file": str(tree.path / "src/base/a.c"),
        "command": f"clang-14 -I{tree.path}/src -c {tree.path}/src/base/a.c"}]))
    code, output = tree.run("tools/check-tidy")
    assert code == 0 and "1 files, 1 run, 0 with complaints" in output
    code, output = tree.run("tools/check-tidy")
    assert code == 0 and "1 files, 0 run, 0 with complaints" in output
    tree.write("src/base/a.h", "#ifndef A_H\n#define A_H\nint half(int whole);\n#endif\n")
    code, output = tree.run("tools/check-tidy")
    assert code == 1 and "1 files, 1 run, 1 with complaints" in output
    tree.write("src/base/a.c", "int half(int a);\nint half(int a)\n{\n    int zero = a - a;\n    return 1 / zero;\n}\n")
    code, output = tree.run("tools/check-tidy")
    assert code == 1 and "src/base/a.c:5" in output


def test_tidy_refuses_what_nothing_compiles(tree):
    tree.write("src/base/a.c", GOOD_FUNCTION)
    tree.write("build/tsan/compile_commands.json", "[]")
    code, output = tree.run("tools/check-tidy")
    assert code == 1 and "not compiled by anything" in output
