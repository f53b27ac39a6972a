"""./dev test gives a few tests that failed beside others a second run, alone; and never hides or forgives too much."""

import re
import xml.sax.saxutils

import pytest

ONCE = """#include <stdio.h>

int main(void)
{
#if %(guard)s
    FILE *seen = fopen("seen", "r");
    if (seen != NULL)
        return fclose(seen);
    seen = fopen("seen", "w");
    if (seen != NULL)
        fclose(seen);
    puts("%(words)s");
    return 1;
#endif
    return 0;
}
"""
ONCE_PYTHON = """import pathlib

def test_once():
    seen = pathlib.Path("build/seen")
    before = seen.exists()
    seen.touch()
    assert before, "not yet"

def test_always():
    pathlib.Path("build/logs/always").open("a").write("x")
"""
BROKEN_PYTHON = """import pathlib, pytest

@pytest.fixture
def broken():
    yield
    pathlib.Path("build/logs/ends").open("a").write("x")
    assert False

def test_end(broken):
    pass
"""
LEAK = "==1==ERROR: LeakSanitizer: detected memory leaks"


def junit(*cases):
    """A report: (class, name, None when it passed or what was said)."""
    lines = []
    for folder, name, words in cases:
        inner = "" if words is None else f"<failure message=''>{xml.sax.saxutils.escape(words)}</failure>"
        lines.append(f"<testcase classname='{folder}' name='{name}'>{inner}</testcase>")
    return "<testsuites><testsuite>" + "".join(lines) + "</testsuite></testsuites>"


@pytest.fixture
def ask(tree):
    """ask(report): (exit code, output)"""
    def call(text):
        tree.write("report.xml", text)
        return tree.run("tools/may-run-again", "report.xml")
    return call


def test_a_few_may_and_are_named(ask):
    code, output = ask(junit(("tests.system.test_a", "test_x[y]", "no answer"), ("tests.system.test_a", "test_z", None),
                             ("unit/base/test_b", "unit/base/test_b", "assert")))
    assert (code, output) == (0, "tests/system/test_a::test_x[y]\nunit/base/test_b\n")


def test_one_that_failed_and_broke_its_end_is_one(ask):
    code, output = ask(junit(*[("a.test_a", f"test_{i}", "assert") for i in (1, 2, 3, 3, 3)]))
    assert code == 0 and len(output.split()) == 3


def test_many_may_not(ask):
    code, output = ask(junit(*[("a.test_a", f"test_{i}", "assert") for i in range(4)]))
    assert code == 1 and "4 failed, more than 3" in output


def test_a_set_up_that_many_share_is_one_failure(ask):
    def broken(*whys):
        return "<testsuites>" + "".join(f"<testcase classname='a.test_a' name='test_{i}'><error message='failed on setup with {why}'/>"
                                        "</testcase>" for i, why in enumerate(whys)) + "</testsuites>"
    code, output = ask(broken(*["no answer"] * 9))
    assert code == 0 and len(output.split()) == 9
    assert ask(broken("a", "b", "c", "d"))[0] == 1


@pytest.mark.parametrize("words", [
    "==7==ERROR: AddressSanitizer: heap-use-after-free", "src/a.c:3:4: runtime error: signed integer overflow",
    "WARNING: ThreadSanitizer: data race", LEAK, "AssertionError: it has ended by itself with -11:", "exit code -6 after SIGTERM",
    "trapezoid: src/a.c:7: f: Assertion `x' failed.", "died with <Signals.SIGSEGV: 11>"])
def test_real_errors_may_not(ask, words):
    code, output = ask(junit(("a.test_a", "test_1", "assert"), ("a.test_a", "test_2", f"assert\n{words}\nmore")))
    assert code == 1 and "not run again: a/test_a::test_2: " in output


def test_a_test_that_gave_up_may_have_left_its_memory(ask):
    assert ask(junit(("unit/a", "unit/a", f"[  FAILED  ] one\n{LEAK}")))[0] == 0
    assert ask(junit(("unit/a", "unit/a", f"[  FAILED  ] one\n{LEAK}\nERROR: AddressSanitizer")))[0] == 1


@pytest.mark.parametrize("report", ["", "<testsuites/>", junit(("a", "b", None))])
def test_what_no_test_explains_may_not(ask, report):
    code, output = ask(report)
    assert code == 1 and "not run again" in output


def lines_of(output, phase):
    """The lines of the summary for a phase: its own and those below it."""
    summary = output[output.index("=== summary"):].split("\n")
    first = next(i for i, line in enumerate(summary) if line.startswith(phase + " "))
    last = next(i for i in range(first + 1, len(summary)) if not summary[i].startswith(" "))
    return summary[first:last]


def test_what_passes_alone_is_good_and_told(tree):
    tree.write("src/base/one.h", "#ifndef ONE_H\n#define ONE_H\nint one(void);\n#endif\n")
    tree.write("src/base/one.c", '#include "base/one.h"\n\nint one(void)\n{\n    return 1;\n}\n')
    tree.write("src/app/main.c", '#include "base/one.h"\n\nint main(void)\n{\n    return one() - 1;\n}\n')
    tree.write("tests/unit/base/test_once.c", ONCE % {"guard": "1", "words": "too late"})
    tree.write("tests/unit/base/test_race.c", "/* label: threads */\n" +
               ONCE % {"guard": "defined(__clang__)", "words": "WARNING: ThreadSanitizer: data race"})
    tree.write("tests/system/test_once.py", ONCE_PYTHON)
    tree.write("tests/nat/test_end.py", BROKEN_PYTHON)
    code, output = tree.run("./dev", "test")

    def told(phase, result):
        first, *more = lines_of(output, phase)
        assert re.match(rf"{phase} +{result} ", first), output
        return [line.strip() for line in more]

    assert told("unit", "good") == ["1 failed beside others, passed alone: unit/base/test_once"]
    assert told("system-release", "good") == ["1 failed beside others, passed alone: tests/system/test_once::test_once"]
    assert " 1 failed, 1 passed" in lines_of(output, "system-release")[0], "what the summary says of the first run stays"
    assert "alone| 1 passed" in output and "not yet" in (tree.path / "build/logs/system-release.log").read_text()
    assert told("system-debug", "good") == []
    assert (tree.path / "build/logs/always").read_text() == "xx", "those that passed do not run again"
    assert told("threads", "FAILED") == [] and "not run again: unit/base/test_race: a sanitizer complains" in output
    assert told("nat", "FAILED") == [] and (tree.path / "build/logs/ends").read_text() == "xx"
    assert code == 1 and re.search(r"\b2 of \d+ phases FAILED", output)
