"""How the demo tells: chapters, commands as one could type them, and below each what came of it, long lines cut."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from typing import Sequence

WIDTH = shutil.get_terminal_size((110, 24)).columns
LINES_SHOWN = 32


def begin_chapter(number: int, title: str) -> None:
    line = f"{number}. {title}"
    print(f"\n\033[1m{line}\033[0m" if sys.stdout.isatty() else f"\n{line}\n{'-' * len(line)}", flush=True)


def say(text: str) -> None:
    print(text, flush=True)


def show_command(words: Sequence[object], stdin: str | None = None, reader: Sequence[str] = ()) -> None:
    """stdin is what it reads from a pipe; reader is a command that makes its output readable."""
    words = [str(word) for word in words]
    pieces = _pieces(words) if stdin is None else [f"echo {shlex.quote(stdin)}", f"| {shlex.join(words)}"]
    if reader:
        pieces.append(f"| {shlex.join(reader)}")
    _print_folded(pieces)


def _pieces(words: list[str]) -> list[str]:
    """What must stay in one line: a word, or an option with its value."""
    pieces = [words[0]]
    for before, word in zip(words, words[1:]):
        if before.startswith("-") and not word.startswith("-"):
            pieces[-1] += " " + shlex.quote(word)
        else:
            pieces.append(shlex.quote(word))
    return pieces


def _print_folded(pieces: list[str]) -> None:
    """Goes on in a new line, as a shell lets one, where the next piece would not fit."""
    line = "$ " + pieces[0]
    for piece in pieces[1:]:
        taken = len(line.rpartition("\n")[2]) + len(" ") + len(piece.partition("\n")[0]) + len(" \\")
        line += (" " if taken <= WIDTH else " \\\n    ") + piece
    say(line)


def show_output(text: str) -> None:
    lines = text.splitlines()
    for line in lines[:LINES_SHOWN]:
        say("  " + (line if len(line) <= WIDTH - 2 else line[: WIDTH - 3] + "…"))
    if len(lines) > LINES_SHOWN:
        say(f"  ... {len(lines) - LINES_SHOWN} lines more")


def in_lines(**members: object) -> str:
    """A JSON object with a line for each of its members, for commands that people read."""
    return "{\n" + ",\n".join(f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in members.items()) + "\n}"


def show_table(rows: Sequence[Sequence[object]]) -> None:
    """The first row has the names of the columns."""
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts)]
    say("")
    for row in texts:
        say("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
