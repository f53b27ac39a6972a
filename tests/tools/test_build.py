"""The build and ./dev: what must pass passes, what must fail fails."""

import re
import subprocess

import pytest

CMOCKA = """#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/sum.h"

static void adds(void **state)
{
    (void)state;
    %s
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(adds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
"""


@pytest.fixture
def small(tree):
    """One function in base, another behind the face of the loop, one program."""
    tree.write("src/base/sum.h", "#ifndef SUM_H\n#define SUM_H\nint sum(int a, int b);\nint loop_kind(void);\n#endif\n")
    tree.write("src/base/sum.c", '#include "base/sum.h"\n\nint sum(int a, int b)\n{\n    return a + b;\n}\n')
    tree.write("src/loop/kind.c", '#include "base/sum.h"\n\nint loop_kind(void)\n{\n    return 1;\n}\n')
    tree.write("src/app/main.c", '#include "base/sum.h"\n\nint main(void)\n{\n    return sum(loop_kind(), -1);\n}\n')
    tree.write("tests/unit/base/test_sum.c", CMOCKA % "assert_int_equal(sum(loop_kind(), 2), 3);")
    return tree


def test_configures_without_sources(tree):
    code, output = tree.run("cmake", "--preset", "debug")
    assert code == 0, output
    code, output = tree.run("cmake", "--build", "build/debug")
    assert code == 0, output


def test_release_build_leaves_the_program(small):
    code, output = small.run("./dev", "build")
    assert code == 0, output
    assert small.run("build/release/trapezoid")[0] == 0


def test_release_is_hardened(small):
    small.run("./dev", "build")
    headers = small.run("readelf", "-hldW", "build/release/trapezoid")[1]
    assert "DYN (Position-Independent Executable file)" in headers
    assert "GNU_RELRO" in headers and "NOW" in headers


def test_build_without_a_program_says_so(tree):
    code, output = tree.run("./dev", "build")
    assert code == 1 and "src/app/main.c is missing" in output


def test_check_passes_and_fails_with_its_tests(small):
    code, output = small.run("./dev", "check")
    assert code == 0 and "100% tests passed, 0 tests failed out of 1" in output, output
    small.write("tests/unit/base/test_sum.c", CMOCKA % "assert_int_equal(sum(1, 2), 4);")
    code, output = small.run("./dev", "check")
    assert code != 0 and "0% tests passed, 1 tests failed out of 1" in output


@pytest.mark.parametrize("line, words", [
    ("char *p = calloc(1, (size_t)sum(4, 0));\n    assert_int_equal(p[sum(2, 2)], 0);\n    free(p);", "heap-buffer-overflow"),
    ("assert_ptr_not_equal(malloc((size_t)sum(3, 4)), NULL);", "LeakSanitizer"),
    ("assert_int_equal(sum(0x7fffffff, 1), 0);", "signed integer overflow"),
])
def test_sanitizers_fail_tests(small, line, words):
    small.write("tests/unit/base/test_sum.c", CMOCKA % line)
    code, output = small.run("./dev", "check")
    assert code != 0 and words in output


@pytest.mark.parametrize("preset", ["debug", "tsan"])
def test_warnings_are_errors(small, preset):
    small.write("src/base/sum.c", '#include "base/sum.h"\nint sum(int a, int b)\n{\n    int c;\n    return a + b;\n}\n')
    small.run("cmake", "--preset", preset)
    code, output = small.run("cmake", "--build", f"build/{preset}")
    assert code != 0 and "unused variable" in output


def test_label_reaches_ctest_and_thread_sanitizer_fails_races(small):
    race = """/* label: threads */
#include <pthread.h>

static int shared;

static void *count(void *argument)
{
    shared++;
    return argument;
}

int main(void)
{
    pthread_t a, b;
    pthread_create(&a, NULL, count, NULL);
    pthread_create(&b, NULL, count, NULL);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    return shared == 0;
}
"""
    small.write("tests/unit/loop/test_race.c", race)
    small.run("cmake", "--preset", "tsan")
    code, output = small.run("cmake", "--build", "build/tsan")
    assert code == 0, output
    code, output = small.run("ctest", "--test-dir", "build/tsan", "-L", "^threads$", "--output-on-failure")
    assert code != 0 and "data race" in output and "1 tests failed out of 1" in output


def test_simulation_takes_the_place_of_the_loop(small):
    small.write("tests/sim/kind.c", '#include "base/sum.h"\n\nint loop_kind(void)\n{\n    return 2;\n}\n')
    small.write("tests/sim/test_kind.c", CMOCKA % "assert_int_equal(loop_kind(), 2);")
    small.run("cmake", "--preset", "debug")
    code, output = small.run("cmake", "--build", "build/debug")
    assert code == 0, output
    code, output = small.run("ctest", "--test-dir", "build/debug", "-L", "^sim$")
    assert code == 0 and "100% tests passed, 0 tests failed out of 1" in output
    assert "sim/test_kind" in output


def test_linker_options_of_a_test(small):
    small.write("tests/unit/base/test_wrap.c", """/* link: -Wl,--wrap=sum */
#include "base/sum.h"

int __wrap_sum(int a, int b);

int __wrap_sum(int a, int b)
{
    return a * b;
}

int main(void)
{
    return sum(3, 4) != 12;
}
""")
    code, output = small.run("./dev", "check")
    assert code == 0 and "0 tests failed out of 2" in output, output


def test_fuzz_fails_on_a_crash(small):
    target = """#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 1 && data[0] == 'S' && data[1] == 'I')
        __builtin_%s();
    return 0;
}
"""
    small.write("tests/fuzz/fuzz_one.c", target % "trap")
    code, output = small.run("./dev", "fuzz", "one", "20")
    assert code == 1 and "fuzz_one FAILED" in output and "1 targets, 1 failed" in output, output
    small.write("tests/fuzz/fuzz_one.c", target.replace("__builtin_%s()", "return 0"))
    code, output = small.run("./dev", "fuzz", "1")
    assert code == 0 and "1 targets, 0 failed" in output, output
    code, output = small.run("./dev", "fuzz", "nothing", "1")
    assert code == 2 and "there are: fuzz_one" in output


def test_the_whole_run_fails_when_a_part_fails_and_says_which(small):
    small.write("tests/unit/base/test_sum.c", CMOCKA % "assert_int_equal(sum(1, 2), 4);")
    small.write("tests/system/test_exit.py",
                "import os, subprocess\n\n"
                "def test_exit():\n    assert subprocess.run([os.environ['TRAPEZOID']], check=False).returncode == 0\n")
    code, output = small.run("./dev", "test")
    assert code == 1 and re.search(r"\b1 of \d+ phases FAILED", output), output
    summary = output[output.index("=== summary"):].split("\n")
    assert [line for line in summary if "FAILED" in line][0].split()[0] == "unit"
    assert any(line.startswith("unit ") and "0% tests passed, 1 tests failed out of 1" in line for line in summary)
    assert any(line.startswith("system-debug ") and "1 passed" in line for line in summary)


def test_sanitizer_reports_of_unwatched_programs_fail_the_run(small):
    small.write("src/app/main.c", """#include <stdlib.h>

#include "base/sum.h"

int main(void)
{
    char *text = calloc(1, (size_t)sum(4, 0));
    int last = text[sum(2, 2)];
    free(text);
    return last;
}
""")
    small.write("tests/system/test_careless.py",
                "import os, subprocess\n\n"
                "def test_careless():\n    subprocess.run([os.environ['TRAPEZOID']], check=False)\n")
    code, output = small.run("./dev", "test")
    summary = output[output.index("=== summary"):].split("\n")
    assert code == 1 and "heap-buffer-overflow" in output
    assert any(line.split()[:2] == ["system-debug", "FAILED"] for line in summary)


def test_help_names_every_command(tree):
    code, output = tree.run("./dev", "help")
    assert code == 0
    parts = {p.stem for p in (tree.path / "tools/dev").glob("*.sh")} - {"common"}
    for name in parts:
        assert f"./dev {name}" in output
    code, output = tree.run("./dev", "nonsense")
    assert code == 2 and "no command 'nonsense'" in output


def test_every_package_is_known_to_debian(tree):
    """A misspelt name would be found only on a fresh machine."""
    if subprocess.run(["apt-cache", "show", "sipsak"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                      check=False).returncode != 0:
        pytest.skip("apt has no package lists here")
    names = {line for file in (tree.path / "tools/packages").glob("*.txt")
             for line in file.read_text().split("\n") if line and not line.startswith("#")}
    known = subprocess.run(["dpkg-query", "-W", "-f", "${Package}\n"] + sorted(names), stdout=subprocess.PIPE,
                           stderr=subprocess.DEVNULL, text=True, check=False).stdout.split()
    unknown = {name for name in names - set(known)
               if subprocess.run(["apt-cache", "show", "--quiet=2", name], stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL, check=False).returncode != 0}
    assert not unknown
