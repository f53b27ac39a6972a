"""A small tree of its own for each test of the tools."""

import os
import pathlib
import shutil
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
PARTS = ["dev", "tools", "cmake", "CMakeLists.txt", "CMakePresets.json", ".clang-format", ".clang-tidy",
         ".gitignore", "tests/sanitizer"]


class Tree:
    """A copy of the build and the tools, without any sources."""

    def __init__(self, path):
        self.path = path
        for part in PARTS:
            source, target = TOP / part, path / part
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(source, target)
        subprocess.run(["git", "init", "-q", str(path)], check=True)

    def write(self, name, text):
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def run(self, *command):
        """(exit code, all output)"""
        environment = {k: v for k, v in os.environ.items() if not k.endswith("SAN_OPTIONS")}
        done = subprocess.run([str(c) for c in command], cwd=self.path, stdout=subprocess.PIPE, env=environment,
                              stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, check=False)
        return done.returncode, done.stdout


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path)
