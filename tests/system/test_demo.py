"""examples/demo: it tells all its chapters and ends by itself, and does not say that all is well when it is not."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from support.server import TOP_FOLDER, program_path

RUN_DEADLINE_S = 330  # for what hangs; the demo gives up by itself before
ALL_IS_WELL = "All of it happened"


def run_demo(*chapters: str, program: Path | None = None) -> subprocess.CompletedProcess:
    environment = {**os.environ, "TIDINGS_PROGRAM": str(program or program_path())}
    return subprocess.run([TOP_FOLDER / "examples" / "demo", *chapters], env=environment, capture_output=True,
                          text=True, timeout=RUN_DEADLINE_S, check=False)


def work_folder(done: subprocess.CompletedProcess) -> Path:
    return Path(re.search(r"--config (\S+)/tidings\.ini", done.stdout)[1])


def titles(text: str) -> list[str]:
    """The first word of each chapter's title; the numbers in front of them count up."""
    found = re.findall(r"^(\d+)\. (\w+).*\n---", text, re.MULTILINE)
    assert [int(number) for number, _ in found] == list(range(1, len(found) + 1)), found
    return [word for _, word in found]


def broken_program(folder: Path, command: str) -> Path:
    """The program, but for one command that does nothing and fails."""
    path = folder / "tidings"
    path.write_text(f'#!/bin/sh\n[ "$1" = {command} ] && exit 1\nexec "{program_path()}" "$@"\n')
    path.chmod(0o755)
    return path


@pytest.mark.promise
@pytest.mark.deadline(RUN_DEADLINE_S + 10)
def test_all_chapters_are_told_and_it_ends_by_itself():
    done = run_demo()

    assert done.returncode == 0, done
    assert titles(done.stdout) == [
        "Start", "An", "Publish", "The", "The", "wapi", "shopcart", "cashier", "checkout", "Stop"]
    assert ALL_IS_WELL in done.stdout and not done.stderr
    assert not work_folder(done).exists()


@pytest.mark.promise
def test_one_dialect_can_be_told_alone():
    done = run_demo("checkout")

    assert done.returncode == 0, done
    assert titles(done.stdout) == ["Start", "checkout", "Stop"]


@pytest.mark.parametrize("command", ["serve", "operation", "verify"])
def test_what_does_not_happen_fails_it(tmp_path, command):
    done = run_demo("cashier", program=broken_program(tmp_path, command))

    assert done.returncode == 1 and ALL_IS_WELL not in done.stdout
    assert "The demo failed: " in done.stderr
    shutil.rmtree(work_folder(done))  # it is kept for those who want to know why


def test_a_chapter_that_it_does_not_have_is_a_mistake():
    done = run_demo("teletype")

    assert done.returncode == 1 and "examples/demo [DIALECT...]" in done.stderr and not done.stdout
