"""`tidings ...` and `curl ...`, run as they are shown."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
from typing import Sequence

from support.api import Answer, Api
from support.server import program_path
from support.wapi_client import Reply, WapiClient

from .telling import show_command, show_output

DEADLINE_S = 90.0  # for each thing that is waited for

# Commands that lay an answer out, by what its media type ends with.
READERS = {"xml": ["xmllint", "--format", "-"], "json": ["python3", "-m", "json.tool"]}


def _run(words: Sequence[object], stdin: str = "", **environment: str) -> subprocess.CompletedProcess:
    done = subprocess.run([str(word) for word in words], input=stdin, env={**os.environ, **environment},
                          capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert done.returncode == 0, f"{' '.join(map(str, words))}: {done.stderr or done.stdout}"
    return done


# tidings


class Tidings:
    """`tidings COMMAND ...` with the server's address and a key in its environment."""

    def __init__(self, url: str, key: str):
        self._environment = {"TIDINGS_URL": url, "TIDINGS_KEY": key}

    def run(self, *words: object, stdin: str = "") -> str:
        return _run([program_path(), *words], stdin, **self._environment).stdout

    def show(self, *words: object) -> None:
        """Runs a command as a person would see it."""
        show_command(["tidings", *words])
        show_output(self.run(*words))

    def ask(self, *words: object, stdin: str = "") -> dict:
        """The server's answer itself; nothing is shown."""
        return json.loads(self.run(*words, "--json", stdin=stdin))

    def make_account(self, account: str, *words: str, **settings: dict) -> None:
        """settings are credentials for dialects."""
        command = ["account", "create", account, *words, *(["--file", "-"] if settings else [])]
        stdin = json.dumps(settings) if settings else None
        show_command(["tidings", *command], stdin)
        show_output(self.run(*command, stdin=stdin or ""))

    def make_channel(self, account: str, *words: str) -> dict:
        command = ["channel", "create", account, *words]
        show_command(["tidings", *command])
        made = self.ask(*command)
        show_output(f"id      {made['id']}\nevents  {', '.join(made['events'])}")
        return made

    def publish(self, account: str, kind: str, data: str, *words: str) -> str:
        """The event's id."""
        command = ["publish", account, kind, *words, "--data", data]
        show_command(["tidings", *command])
        event = self.ask(*command)["id"]
        show_output(f"{event} is stored")
        return event


# curl


def curl(*words: object) -> Answer:
    """The call of a customer's program; only that it was answered at all is sure."""
    done = _run(["curl", "-sS", *words, "--write-out", "%{stderr}%{http_code} %{content_type}"])
    status, content_type = done.stderr.split(" ", 1)
    reader = READERS.get(content_type.partition(";")[0].rpartition("/")[2], [])
    show_command(["curl", "-sS", *words], reader=reader)
    show_output(_run(reader, done.stdout).stdout if reader else done.stdout)
    headers = http.client.HTTPMessage()
    headers["Content-Type"] = content_type
    return Answer(int(status), headers, done.stdout.encode())


class CurlApi(Api):
    """For the clients in tests/support: the same calls, made by curl."""

    def __init__(self, url: str):
        super().__init__(url, None)

    def exchange(self, method: str, target: str, body: bytes | None, headers: dict, deadline_s: float) -> Answer:
        assert method == ("GET" if body is None else "POST"), method  # what curl does by itself
        options = [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")]
        if body is not None:
            options += ["-d", body.decode()]
        return curl(self.url + target, *options)


class CurlWapiClient(WapiClient):
    """A client of the command API that sends its documents by curl."""

    def post_document(self, document: str) -> Reply:
        answer = curl(self.url + self.path, "--data-urlencode", f"request={document}")
        assert answer.status == 200, answer
        return Reply(answer.raw, answer.headers)


def laid_out(document: str) -> str:
    """XML or JSON in lines, for people."""
    return _run(READERS["xml" if document.startswith("<") else "json"], document).stdout
