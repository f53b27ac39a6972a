"""Reading C sources for the checks in tools/."""

import os
import re

_TOKEN = re.compile(
    r'(?P<comment>/\*.*?\*/|//[^\n]*)|(?P<string>"(?:\\.|[^"\\\n])*")|(?P<char>\'(?:\\.|[^\'\\\n])*\')',
    re.S)
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.M)


def tree():
    """The top of the tree that is checked: $TZ_TREE (for tests of the checks) or the one this file is in."""
    here = os.path.dirname(os.path.abspath(__file__))
    return os.environ.get("TZ_TREE") or os.path.dirname(os.path.dirname(here))


def c_files(*folders):
    """Paths, relative to the tree, of all .c and .h files below the folders."""
    found = []
    for folder in folders:
        for path, _, names in os.walk(os.path.join(tree(), folder)):
            found += [os.path.relpath(os.path.join(path, n), tree()) for n in names if n.endswith((".c", ".h"))]
    return sorted(found)


def read(path):
    with open(os.path.join(tree(), path), encoding="utf-8", errors="replace") as file:
        return file.read()


def _blank(match):
    text = match.group(0)
    if match.lastgroup == "comment":
        return re.sub(r"[^\n]", " ", text)
    return text[0] + " " * (len(text) - 2) + text[-1]


def code_only(text):
    """The text with comments and the insides of literals blanked; line numbers stay."""
    return _TOKEN.sub(_blank, text)


def includes(text):
    """(line, name, is_system) of each #include outside comments."""
    def keep(match):
        return _blank(match) if match.lastgroup == "comment" else match.group(0)
    bare = _TOKEN.sub(keep, text)
    return [(bare.count("\n", 0, m.start(2)) + 1, m.group(2), m.group(1) == "<") for m in _INCLUDE.finditer(bare)]
