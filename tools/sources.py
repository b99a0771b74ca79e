#!/usr/bin/python3
"""Lists this tree's own files, each ended by a NUL: tools/sources.py c|src|tests|bash|python

c       all C files and headers
src     the C files of the program alone
tests   C and Python files of the tests and benchmarks
bash    scripts that bash runs
python  scripts and modules that Python runs
"""
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ["src", "tests", "bench", "tools", "examples", ".ci"]
FOREIGN = {"node_modules", "corpus", "__pycache__", ".pytest_cache"}


def files():
    """All files of our folders and of the top, as paths relative to the top."""
    yield pathlib.Path("dev")
    for folder in FOLDERS:
        for path, folders, names in os.walk(ROOT / folder):
            folders[:] = sorted(set(folders) - FOREIGN)
            for name in sorted(names):
                yield (pathlib.Path(path) / name).relative_to(ROOT)


def runs_with(path, interpreter):
    """Whether the file's first line asks for the interpreter."""
    with open(ROOT / path, "rb") as file:
        first = file.readline(200)
    return (first.startswith(b"#!") and interpreter in first) or first.startswith(
        b"# shellcheck shell=" + interpreter)


def is_c(path):
    return path.suffix in (".c", ".h")


def is_python(path):
    return path.suffix == ".py" or (path.suffix == "" and runs_with(path, b"python3"))


KINDS = {
    "c": is_c,
    "src": lambda path: path.suffix == ".c" and path.parts[0] == "src",
    "tests": lambda path: path.parts[0] in ("tests", "bench") and (is_c(path) or is_python(path)),
    "bash": lambda path: path.suffix in ("", ".sh") and runs_with(path, b"bash"),
    "python": is_python,
}


def list_sources(kind):
    """The files of one kind, for the other tools."""
    return [path for path in files() if KINDS[kind](path)]


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in KINDS:
        sys.exit(__doc__)
    for source in list_sources(sys.argv[1]):
        sys.stdout.write(f"{source}\0")
