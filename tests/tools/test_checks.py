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


RFC_TABLE = "| § | requirement | code | test |\n|---|---|---|---|\n"
RFC_ROW = "| 16.3 | loops: 482 | `proxy/route.c: loops` | `test_route: a_loop_is_refused` `fork: 6xx ends all` |\n"


@pytest.fixture
def rfc(tree):
    """A page, and all that its row names."""
    tree.write("docs/rfc/README.md", "[3261.md](3261.md)\n")
    tree.write("docs/rfc/3261.md", RFC_TABLE + RFC_ROW)
    tree.write("src/service/proxy/route.c", "static int loops(void)\n{\n    return 1; /* remark */\n}\n")
    tree.write("tests/unit/service/test_route.c", "static void a_loop_is_refused(void **state);\n")
    tree.write("tests/sim/scenario_fork.c", 'x[] = {\n    {"6xx ends "\n     "all", "RFC"},\n};\n')
    tree.write("tests/system/test_a.py", "def test_b():\n    pass\n")
    return tree


def test_rfc_good_page(rfc):
    code, output = rfc.run("tools/check-rfc")
    assert code == 0 and "1 requirements, 0 exceptions, 0 without test" in output


@pytest.mark.parametrize("old, new, said", [
    ("proxy/route.c", "proxy/road.c", "no file proxy/road.c"),
    ("loops` |", "loop` |", "no loop in src/service/proxy/route.c"),
    ("loops` |", "remark` |", "no remark in src/service/proxy/route.c"),
    ("a_loop_is", "a_loop_was", "no a_loop_was_refused in tests/unit/service/test_route.c"),
    ("6xx ends all", "6xx ends", 'no scenario "6xx ends" in tests/sim/scenario_fork.c'),
    ("`fork: 6xx ends all`", "`test_a.py: test_c`", "no test_c in tests/system/test_a.py"),
    ("`proxy/route.c: loops`", "there", "neither code nor exception"),
    ("`test_route: a_loop_is_refused` `fork: 6xx ends all`", "", "neither test nor reason"),
    ("`test_route: a_loop_is_refused` `fork: 6xx ends all`", "no test: no", "a reason is needed"),
    ("`proxy/route.c: loops` | `test_route: a_loop_is_refused` `fork: 6xx ends all`", "exception | no",
     "an exception needs a reason"),
    ("| loops: 482 ", "| ", "section or requirement is missing"),
    ("| loops: 482 ", "", "3 cells, not 4"),
])
def test_rfc_finds(rfc, old, new, said):
    assert old in RFC_ROW
    rfc.write("docs/rfc/3261.md", RFC_TABLE + RFC_ROW.replace(old, new))
    code, output = rfc.run("tools/check-rfc")
    assert code == 1 and f"docs/rfc/3261.md:3: {said}" in output, output


@pytest.mark.parametrize("test", ["`test_a.py: test_b`", "no test: it cannot be seen from outside"])
def test_rfc_takes(rfc, test):
    rfc.write("docs/rfc/3261.md", RFC_TABLE + f"| 1 | x | `route.c` | {test} |\n")
    assert rfc.run("tools/check-rfc")[0] == 0


def test_rfc_a_name_that_two_files_have(rfc):
    rfc.write("src/stack/route.c", "")
    rfc.write("docs/rfc/3261.md", RFC_TABLE + RFC_ROW.replace("proxy/route.c", "route.c"))
    code, output = rfc.run("tools/check-rfc")
    assert code == 1 and "route.c may be src/service/proxy/route.c or src/stack/route.c" in output


def test_rfc_a_page_that_the_index_does_not_name(rfc):
    rfc.write("docs/rfc/3262.md", "")
    code, output = rfc.run("tools/check-rfc")
    assert code == 1 and "docs/rfc/3262.md: README.md does not name it" in output


def test_rfc_tree_without_pages(tree):
    assert tree.run("tools/check-rfc")[0] == 0
