"""README.md and docs/: their examples are run as a reader would, and what they list is all that there is.

A comment right before a fenced block says what is done with the block:

| mark                        | the block                                                                              |
| --------------------------- | -------------------------------------------------------------------------------------- |
| <!-- run -->                | shell or Python; it is run and has to succeed                                          |
| <!-- run until answered --> | the same, but again and again until the answer below it comes                          |
| <!-- run beside -->         | shell; it goes on running until the page ends, as in a second terminal                 |
| <!-- server -->             | starts the server; the test's own stands for it and has printed the comments in it     |
| <!-- settings -->           | is in the settings of the page's server from its start                                 |
| <!-- answer -->             | what the block before it has printed: JSON, or lines that are in it                    |
| <!-- answer 409 -->         | the same, and the status that curl got                                                 |
| <!-- seen beside -->        | lines that what runs beside prints sooner or later                                     |
| <!-- file NAME -->          | it is what this file of the repository holds                                           |

The blocks of a page run in their order, in one shell with one working folder, against a server of their own. Ids,
times, secrets and ports in a page stand for any others. In commands tk_... is the server's first admin key, chn_... the
id of a channel that was printed last, and so with the other kinds of ids.
"""

from __future__ import annotations

import configparser
import json
import os
import re
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator

import pytest

from support.api import Api
from support.ports import free_port
from support.server import TOP_FOLDER, Server, program_path
from support.standard_webhooks import LIBRARY_FOLDER, verify_by_library
from support.waiting import eventually

PAGES = [TOP_FOLDER / "README.md", *sorted((TOP_FOLDER / "docs").glob("*.md"))]
SERVER_ADDRESS = "127.0.0.1:8484"
SENDER = "Shop News <news@shop.example>"
STEP_DEADLINE_S = 60.0

MARK = re.compile(r"<!-- (.*) -->\s*")
FENCE = re.compile(r"```(\w*)\s*")
ACTIONS = ("run", "run until answered", "run beside", "server", "settings", "answer", "seen beside", "file")
# What is different in each run, and what stands for it when two texts are compared.
CHANGING = (
    (re.compile(r"\b(evt|dlv|chn|opr|att|key)_[0-9A-Z]{13}\b"), r"\1_..."),
    (re.compile(r"\b(whsec|whpk)_[A-Za-z0-9+/]+=*"), r"\1_..."),
    (re.compile(r"\btk_[a-z0-9_]+"), "tk_..."),
    (re.compile(r"\bv1(a?),[A-Za-z0-9+/]+=*"), r"v1\1,..."),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "TIME"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"), "TIME"),
    (re.compile(r"\b\d{10}\.\d+\.\d+\.\d+\b"), "REFERENCE"),
    (re.compile(r"(timestamp\W+)\d{10}\b"), r"\1SECONDS"),
    (re.compile(r"\b\d{18,19}\b"), "NUMBER"),
    (re.compile(r"\b127\.0\.0\.1:\d+"), "127.0.0.1:PORT"),
    (re.compile(r"(?<![\w-])[\w-]{48}(?![\w-])"), "RECEIPT"),
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "UUID"),
)
CHANGING_MEMBERS = {"took_ms", "timestamp", "webhook-timestamp", "date"}
PRINTED = re.compile(r"\b(?:(?:evt|dlv|chn|opr|att|key)_[0-9A-Z]{13}|(?:whsec|whpk)_[A-Za-z0-9+/]+=*|tk_[a-z0-9]{40,})")


@dataclass
class Block:
    action: str
    argument: str  # of the mark: a status, a file's name
    language: str
    text: str
    place: str  # page and line, for complaints


def _read_blocks(page: Path) -> Iterator[Block]:
    lines = iter(enumerate(page.read_text("utf-8").splitlines(), 1))
    for number, line in lines:
        mark = MARK.fullmatch(line)
        if not mark:
            continue
        place = f"{page.relative_to(TOP_FOLDER)}:{number}"
        fence = FENCE.fullmatch(next(lines)[1])
        assert fence, f"{place}: a mark stands right before a fenced block"
        text = "".join(text + "\n" for text in _until_fence(lines))
        yield Block(*_split_mark(mark[1], place), fence[1], text, place)


def _until_fence(lines: Iterator[tuple[int, str]]) -> Iterator[str]:
    for _, line in lines:
        if line == "```":
            return
        yield line


def _split_mark(words: str, place: str) -> tuple[str, str]:
    for action in sorted(ACTIONS, key=len, reverse=True):
        if words == action or words.startswith(action + " "):
            return action, words[len(action):].strip()
    raise AssertionError(f"{place}: there is no mark '{words}'; there are {ACTIONS}")


# Comparing


def _plain(text: str) -> str:
    for pattern, stand_in in CHANGING:
        text = pattern.sub(stand_in, text)
    return text


def _plain_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: 0 if name in CHANGING_MEMBERS else _plain_json(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain_json(item) for item in value]
    return _plain(value) if isinstance(value, str) else value


def _json_values(text: str) -> Iterator[Any]:
    """All values of a text that has nothing else in it, one behind the other."""
    decoder = json.JSONDecoder()
    at = 0
    while at < len(text.rstrip()):
        at += len(text[at:]) - len(text[at:].lstrip())
        value, at = decoder.raw_decode(text, at)
        yield _plain_json(value)


def _assert_printed(block: Block, printed: str) -> None:
    """As JSON the last values printed, as text lines among those printed."""
    if block.language == "json":
        expected = list(_json_values(block.text))
        try:
            found = list(_json_values(printed))
        except ValueError:
            raise AssertionError(f"{block.place}: no JSON was printed, but: {printed!r}") from None
        assert found[-len(expected):] == expected, f"{block.place}: printed was {printed}"
        return
    lines = {_plain(line).rstrip() for line in printed.splitlines()}
    for line in block.text.splitlines():
        assert _plain(line).rstrip() in lines, f"{block.place}: {line!r} was not printed, but: {printed}"


# Running


def _has_text(file: Path) -> bool:
    return file.exists() and file.stat().st_size > 0


class Shell:
    """One bash that runs a page's blocks one after the other, so that variables stay. All it starts ends with it."""

    def __init__(self, folder: Path, environment: dict[str, str]):
        self.folder = folder
        self.steps = 0
        self.beside: list[Path] = []  # what they have printed
        self._process = subprocess.Popen(
            ["bash", "-eu"], cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, start_new_session=True)

    def run(self, block: Block, text: str) -> str:
        """Runs it to its end and returns what it printed."""
        file, printed = self._write(block, text)
        command = f"python3 {file.name}" if block.language == "python" else f". ./{file.name}"
        self._send(f"{command} >{printed.name} 2>{file.name}.err </dev/null; echo done")
        if self._process.stdout.readline() != "done\n":
            raise AssertionError(f"{block.place}: failed with {printed.read_text('utf-8')!r}, {self.errors()!r}")
        return printed.read_text("utf-8")

    def run_beside(self, block: Block, text: str) -> None:
        """Starts it, and waits until it says something: that it listens, for instance."""
        file, printed = self._write(block, text)
        self._send(f". ./{file.name} >{printed.name} 2>{file.name}.err </dev/null & echo done")
        self._process.stdout.readline()
        self.beside.append(printed)
        eventually(lambda: _has_text(printed) or self.errors(), STEP_DEADLINE_S, f"{block.place} to print something")

    def errors(self) -> str:
        """What the newest block has said on standard error."""
        file = self.folder / f"step-{self.steps}.err"
        return file.read_text("utf-8") if _has_text(file) else ""

    def close(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()

    def _write(self, block: Block, text: str) -> tuple[Path, Path]:
        self.steps += 1
        file = self.folder / f"step-{self.steps}"
        file.write_text(text, "utf-8")
        return file, self.folder / f"step-{self.steps}.out"

    def _send(self, line: str) -> None:
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()


def _fill_in_ports(text: str, ports: dict[str, str]) -> str:
    """ports: those that stand for the page's so far."""
    return re.sub(r"\b90\d\d\b", lambda port: ports.setdefault(port[0], str(free_port())), text)


class Reader:
    """Does what a page says, in its order."""

    def __init__(self, server: Server, shell: Shell, ports: dict[str, str]):
        self.server = server
        self.shell = shell
        self.printed = ""
        self._ports = ports
        self._newest: dict[str, str] = {}
        self._note(server.stdout_file.read_text("utf-8"))

    def follow(self, blocks: list[Block]) -> None:
        for at, block in enumerate(blocks):
            if block.action == "run until answered":
                eventually(lambda: self._run(block) or self._compare(blocks[at + 1]), STEP_DEADLINE_S, block.place)
            else:
                getattr(self, "_" + block.action.replace(" ", "_"))(block)

    def _run(self, block: Block) -> None:
        self.printed = self.shell.run(block, self._fill_in(block.text))
        self._note(self.printed)

    def _run_beside(self, block: Block) -> None:
        self.shell.run_beside(block, self._fill_in(block.text))

    def _answer(self, block: Block) -> None:
        self._compare(block)

    def _compare(self, block: Block) -> bool:
        _assert_printed(block, self.printed)
        if block.argument:
            statuses = re.findall(r"^HTTP (\d+)$", self.shell.errors(), re.MULTILINE)
            assert statuses[-1:] == [block.argument], f"{block.place}: curl got {statuses}"
        return True

    def _seen_beside(self, block: Block) -> None:
        def is_seen() -> bool:
            _assert_printed(block, self.shell.beside[-1].read_text("utf-8"))
            return True

        eventually(is_seen, STEP_DEADLINE_S, block.place)

    def _server(self, block: Block) -> None:
        said = [line.removeprefix("# ") for line in block.text.splitlines() if line.startswith("# ")]
        text = "".join(line + "\n" for line in said)
        _assert_printed(Block("answer", "", "", text, block.place), self.server.stdout_file.read_text("utf-8"))

    def _settings(self, block: Block) -> None:
        """They counted from the start."""

    def _file(self, block: Block) -> None:
        assert (TOP_FOLDER / block.argument).read_text("utf-8") == block.text, f"{block.place} is another text"

    def _fill_in(self, text: str) -> str:
        text = text.replace(SERVER_ADDRESS, self.server.url.partition("//")[2])
        text = _fill_in_ports(text, self._ports)
        return re.sub(r"\b([a-z]+_)\.\.\.", lambda id_: self._newest.get(id_[1], id_[0]), text)

    def _note(self, printed: str) -> None:
        for text in PRINTED.findall(printed):
            self._newest[text.partition("_")[0] + "_"] = text


@pytest.fixture
def ports() -> dict[str, str]:
    """Which ports stand for those of the page."""
    return {}


@pytest.fixture
def server(start_server, mail_sink, page, ports) -> Server:
    """As ./dev run starts it, with a mail server, and with the settings that the page has."""
    settings = configparser.RawConfigParser(delimiters="=")
    settings.optionxform = str
    settings.read_string("".join(
        _fill_in_ports(block.text, ports) for block in _read_blocks(page) if block.action == "settings"))
    return start_server({
        "server": {"admin_key": None},
        "send": {"allow_private": "127.0.0.0/8"},
        "smtp": {"url": mail_sink.url, "from": SENDER},
    } | {section: dict(settings[section]) for section in settings.sections()})


@pytest.fixture
def shell(tmp_path: Path, server: Server) -> Iterator[Shell]:
    folder = tmp_path / "reader"
    (folder / "build").mkdir(parents=True)
    (folder / "build" / "tidings").symlink_to(program_path())
    (folder / "examples").symlink_to(TOP_FOLDER / "examples")
    (folder / "node_modules").symlink_to(LIBRARY_FOLDER / "node_modules")
    (folder / ".curlrc").write_text('write-out = "%{stderr}HTTP %{http_code}\\n"\n', "ascii")
    ours = {name: value for name, value in os.environ.items() if not name.startswith("TIDINGS_")}
    path = f"{folder / 'build'}:/usr/bin:{ours['PATH']}"
    # The address stands for the default one, which pages need not name.
    ours |= {"PATH": path, "HOME": str(folder), "CURL_HOME": str(folder), "TIDINGS_URL": server.url}
    shell = Shell(folder, ours)
    yield shell
    shell.close()


@pytest.mark.deadline(600)  # the library may have to be fetched first
@pytest.mark.parametrize("page", [page for page in PAGES if list(_read_blocks(page))], ids=lambda page: page.stem)
def test_the_examples_of_a_page_do_what_it_says(page, server, shell, ports):
    verify_by_library([])  # puts it in place for examples that use it
    Reader(server, shell, ports).follow(list(_read_blocks(page)))


# Lists


def _text(name: str) -> str:
    return (TOP_FOLDER / name).read_text("utf-8")


def test_api_md_has_every_call(api):
    described = Api(api.url, None).call("GET", "/v1/openapi.json").expect(200)
    calls = {f"{method.upper()} {path}" for path, methods in described["paths"].items() for method in methods}

    missing = {call for call in calls if f"`{call}`" not in _text("docs/api.md")}

    assert not missing


def test_api_md_has_every_code_of_an_error_or_a_reason():
    problems = re.findall(r"X\([A-Z_]+, \d+, \"(\w+)\"", _text("src/http/problem.h"))
    reasons = re.findall(r"^    \{\"(\w+)\", is_", _text("src/wire/native/why.c"), re.MULTILINE)
    outcomes = re.findall(r"X\([A-Z]+, \"(\w+)\", \d\)", _text("src/model/delivery.h"))

    assert len(problems) > 10 and len(reasons) > 5 and len(outcomes) > 10  # the tables are still where they were
    missing = {code for code in (*problems, *reasons, *outcomes) if f"`{code}`" not in _text("docs/api.md")}

    assert not missing


def test_api_md_has_every_member_of_a_channel():
    members = re.findall(r"^    \{\"(\w+)\", &channel_member_", _text("src/model/channel_settings.c"), re.MULTILINE)

    assert len(members) > 10
    assert not {member for member in members if f"| `{member}` |" not in _text("docs/api.md")}


def test_wapi_md_has_every_code_with_its_text():
    codes = re.findall(r"X\([A-Z_]+, (\d+), \"([^\"]+)\"", _text("src/wire/wapi/codes.h"))

    assert len(codes) > 25
    assert not {code for code in codes if f"| {code[0]} | {code[1]} |" not in _text("docs/wapi.md")}


@pytest.fixture
def api(start_server) -> Api:
    server = start_server()
    return Api(server.url, server.admin_key)


def test_operations_md_has_every_metric_and_every_event_of_the_log(api):
    metrics = re.findall(r"^# TYPE (\w+)", api.call("GET", "/metrics").expect(200).decode(), re.MULTILINE)
    sources = "".join(file.read_text("utf-8") for file in (TOP_FOLDER / "src").rglob("*.c"))
    events = re.findall(r"log_line\(LOG_[A-Z]+, \"(\w+)\"", sources)

    missing = {name for name in (*metrics, *events) if f"`{name}`" not in _text("docs/operations.md")}

    assert metrics and events
    assert not missing


def _anchor(heading: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.replace("`", "")).strip().lower().replace(" ", "-")


@pytest.mark.parametrize("page", [*PAGES, *TOP_FOLDER.glob("[A-Z]*.md")], ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page):
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), target
        headings = re.findall(r"^#+ (.*)", file.read_text("utf-8"), re.MULTILINE) if anchor else []
        assert not anchor or anchor in map(_anchor, headings), target
