"""The client commands, run as a person or a script would: arguments in, words or JSON out, an exit code."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import termios
import time
from pathlib import Path

import pytest
from support import standard_webhooks
from support.api import Api
from support.ports import free_port
from support.server import program_path
from support.waiting import eventually

OK, FAILED, USAGE = 0, 1, 2
RUN_DEADLINE_S = 60


class Cli:
    """`tidings` with a home of its own, so that nobody's own settings get in."""

    def __init__(self, home: Path, url: str, key: str):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("TIDINGS_", "XDG_"))}
        self.environment = {**kept, "HOME": str(home), "TIDINGS_URL": url, "TIDINGS_KEY": key}

    def run(
        self, *words: str, expect: int = OK, stdin: str = "", **environment: str | None
    ) -> subprocess.CompletedProcess:
        merged = {**self.environment, **environment}
        done = subprocess.run(
            [program_path(), *words], env={name: value for name, value in merged.items() if value is not None},
            input=stdin, capture_output=True, text=True, timeout=RUN_DEADLINE_S, check=False)
        assert done.returncode == expect, f"{words}: {done}"
        return done

    def json(self, *words: str, **options) -> dict:
        return json.loads(self.run(*words, "--json", **options).stdout)

    def complaint(self, *words: str, expect: int = FAILED, **options) -> str:
        """What a failing command says: one line, from the program itself."""
        done = self.run(*words, expect=expect, **options)
        assert done.stderr.startswith("tidings: ") and done.stderr.count("\n") == 1, done.stderr
        return done.stderr.removeprefix("tidings: ").rstrip("\n")


@pytest.fixture
def cli(tmp_path, server):
    home = tmp_path / "home"
    home.mkdir()
    return Cli(home, server.url, server.admin_key)


@pytest.fixture
def queue(account):
    return account.make_channel(kind="queue").expect(201)["id"]


# Where the server is, and who we are


def test_flags_win_over_the_environment_and_that_over_the_file(cli, server):
    config = Path(cli.environment["HOME"]) / ".config" / "tidings" / "config"
    config.parent.mkdir(parents=True)
    config.write_text(f"url = {server.url}/\nkey = {server.admin_key}\n")
    cli.run("account", "list", TIDINGS_URL=None, TIDINGS_KEY=None)
    cli.run("account", "list", TIDINGS_KEY="tk_wrong", expect=FAILED)
    cli.run("account", "list", "--key", server.admin_key, TIDINGS_KEY="tk_wrong")
    cli.run("account", "list", f"--server={server.url}", TIDINGS_URL="http://127.0.0.1:1")


def test_a_mistake_in_the_file_is_told_with_its_place(cli):
    config = Path(cli.environment["HOME"]) / ".config" / "tidings" / "config"
    config.parent.mkdir(parents=True)
    config.write_text("url = http://127.0.0.1:1\nkye = tk_x\n")
    assert f"{config}: there is no setting 'kye' here" == cli.complaint("account", "list", expect=USAGE)


def test_without_a_server_it_says_how_to_start_one(cli):
    words = cli.complaint("account", "list", TIDINGS_URL=f"http://127.0.0.1:{free_port()}")
    assert "no server at" in words and "`tidings serve`" in words and "TIDINGS_URL" in words


def test_what_answers_but_is_not_tidings_is_told(cli, receiver):
    assert "not as Tidings does" in cli.complaint("account", "show", "x", TIDINGS_URL=receiver.url)


def test_without_a_key_it_says_where_to_give_one(cli):
    assert "TIDINGS_KEY" in cli.complaint("account", "list", TIDINGS_KEY=None)


# Usage


def test_each_command_tells_about_itself(cli):
    listed = cli.run("help").stdout
    for name in ("account", "channel", "publish", "events", "deliveries", "operation", "receive", "ack", "key",
                 "listen", "verify"):
        assert f"  {name} " in listed
        assert cli.run(name, "--help").stdout == cli.run("help", name).stdout
    assert "--retry JSON" in cli.run("channel", "create", "--help").stdout
    assert cli.run("--help").stdout == listed


@pytest.mark.parametrize("words, complaint", [
    (("account", "show"), "ACCOUNT is missing"),
    (("account", "show", "a", "b"), "'b' is one argument too many"),
    (("events", "a", "--limit", "0"), "--limit must be a whole number from 1 to 250"),
    (("events", "a", "--lmit", "5"), "there is no option --lmit; see `tidings events --help`"),
    (("receive", "a", "b", "--wait", "21s"), "from 0s to 20s"),
    (("channel", "create", "a", "--retry", "[0s]"), "--retry must be JSON"),
    (("publish", "a"), "of which TYPE"),
    (("publish", "a", "b.c"), "give the data once"),
    (("publish", "a", "b.c", "-", "--data", "1"), "give the data once"),
    (("publish", "a", "--batch", "-"), "names its account itself"),
    (("deliveries", "a", "--retry"), "say which DELIVERY"),
    (("deliveries", "a", "b", "--retry", "--cancel"), "exclude each other"),
    (("operation", "open", "a"), "COMMAND is missing"),
    (("operation", "complete", "a", "b", "--code", "99"), "from 1000 to 9999"),
    (("key", "create"), "--scope"),
    (("listen",), "--port"),
])
def test_a_wrong_command_line_is_told_with_what_to_do(cli, words, complaint):
    assert complaint in cli.complaint(*words, expect=USAGE)


def test_an_unknown_verb_is_answered_with_those_there_are(cli):
    words = cli.run("channel", "make", expect=USAGE).stderr
    assert "`tidings channel make`" in words and "tidings channel create ACCOUNT" in words


# Accounts and keys


def test_an_account_is_made_shown_changed_and_deleted(cli, api):
    assert cli.run("account", "create", "acme", "--description", "Zoë's").stdout == "acme: created\n"
    assert api.account("acme").get().expect(200)["description"] == "Zoë's"
    cli.run("account", "change", "acme", "--file", "-", stdin='{"metadata": {"since": 1999}}')
    shown = cli.run("account", "show", "acme").stdout
    assert "description     Zoë's\n" in shown and "metadata.since  1999\n" in shown
    assert "acme     Zoë's" in cli.run("account", "list").stdout
    cli.run("account", "delete", "acme")
    assert "no such account" in cli.complaint("account", "show", "acme")


def test_creating_an_account_never_replaces_one(cli, account):
    account.patch(description="precious").expect(200)
    assert "there is an account" in cli.complaint("account", "create", account.name)
    assert account.get().expect(200)["description"] == "precious"


def test_a_key_is_made_listed_and_revoked(cli, account, server):
    made = cli.json("key", "create", "--scope", "account", "--account", account.name, "--label", "their own")
    theirs = Api(server.url, made["key"]).account(account.name)
    theirs.get().expect(200)
    listed = cli.run("key", "list").stdout
    assert made["id"] in listed and "their own" in listed and made["key"] not in listed
    cli.run("key", "revoke", made["id"])
    theirs.get().expect_problem(401)


# Channels


def test_a_channels_settings_come_from_options(cli, account):
    made = cli.json(
        "channel", "create", account.name, "--kind", "webhook", "--url", "http://127.0.0.1:9/x", "--events", "order.*",
        "--events", "domain.**", "--header", "X-Shop: a: b", "--timeout", "2s", "--retry", '["0s", "1s"]',
        "--max-in-flight", "3", "--rate-limit", '{"per_second": 5}', "--ordered", "--disabled",
        "--description", "Größe", "--options", '{"signature": "v1a"}', "--dialect", "standard")
    channel = account.channel(made["id"]).expect(200)
    wanted = {
        "kind": "webhook", "url": "http://127.0.0.1:9/x", "events": ["order.*", "domain.**"], "timeout_ms": 2000,
        "retry": ["0s", "1s"], "max_in_flight": 3, "ordered": True, "enabled": False, "description": "Größe",
        "options": {"signature": "v1a"}, "headers": {"X-Shop": "***"}}
    assert {name: channel[name] for name in wanted} == wanted
    assert channel["rate_limit"]["per_second"] == 5
    assert made["secret"].startswith("whpk_")


def test_options_win_over_the_file(cli, account, tmp_path):
    file = tmp_path / "settings.json"
    file.write_text('{"kind": "queue", "lease_ms": 5000, "description": "from the file"}')
    made = cli.json("channel", "create", account.name, "--file", str(file), "--description", "from the option")
    assert (made["kind"], made["lease_ms"], made["description"]) == ("queue", 5000, "from the option")


def test_a_channel_is_changed_disabled_enabled_and_deleted(cli, account, queue):
    cli.run("channel", "change", account.name, queue, "--lease", "90s", "--max-receives", "4")
    cli.run("channel", "disable", account.name, queue)
    channel = account.channel(queue).expect(200)
    assert (channel["lease_ms"], channel["max_receives"], channel["enabled"]) == (90000, 4, False)
    cli.run("channel", "enable", account.name, queue)
    assert account.channel(queue).expect(200)["enabled"]
    assert "lease_ms      90000" in cli.run("channel", "show", account.name, queue).stdout
    cli.run("channel", "delete", account.name, queue)
    assert cli.run("channel", "list", account.name).stdout == "No channels yet.\n"


def test_a_secret_is_shown_and_rotated(cli, account, receiver):
    made = cli.json("channel", "create", account.name, "--kind", "webhook", "--url", receiver.url)
    assert made["secret"] in cli.run("channel", "secret", account.name, made["id"]).stdout
    rotated = cli.run("channel", "rotate", account.name, made["id"], "--overlap", "2h").stdout
    assert made["secret"] in rotated and "OLDER SECRET" in rotated
    assert account.secret(made["id"]).expect(200)["secret"] in rotated


def test_the_test_button_fails_when_nothing_arrives(cli, account, receiver):
    hook = receiver.endpoint("/hook")
    made = cli.json("channel", "create", account.name, "--kind", "webhook", "--url", hook.url)
    words = ("channel", "test", account.name, made["id"])
    assert "delivered" in cli.run(*words, "--type", "my.test", "--data", "[1]").stdout
    assert json.loads(hook.wait_for_count(1)[0].body)["type"] == "my.test"
    receiver.stop()
    assert "connection refused" in cli.run(*words, expect=FAILED).stdout


def test_a_problem_is_told_with_its_field(cli, account):
    words = cli.complaint("channel", "create", account.name, "--kind", "webhook", "--url", "ftp://example.org/")
    assert words.endswith("(field url)")


def test_with_json_a_problem_is_the_output_too(cli, account):
    done = cli.run("channel", "create", account.name, "--kind", "webhook", "--url", "ftp://x/", "--json", expect=FAILED)
    assert json.loads(done.stdout)["field"] == "url" and "(field url)" in done.stderr


# Events

EXACT = '{"z": 1.000000, "a":9007199254740993,"name":"山田 \\u0041","list":[ 1,2 ]}'


@pytest.mark.parametrize("way", ["option", "file", "input"])
def test_data_is_published_byte_for_byte(cli, account, queue, tmp_path, way):
    file = tmp_path / "data.json"
    file.write_text(f"  {EXACT}\n")
    words = {"option": ["--data", EXACT], "file": ["--file", str(file)], "input": ["-"]}[way]
    cli.run("publish", account.name, "order.created", *words, stdin=file.read_text())
    assert EXACT.encode() in account.receive(queue).raw


def test_publishing_again_with_the_same_id_says_so(cli, account, queue):
    words = ("publish", account.name, "order.created", "--data", "1", "--id", "mine", "--client-ref", "c",
             "--server-ref", "s")
    assert "is stored, deliveries: 1" in cli.run(*words).stdout
    assert "had been stored before" in cli.run(*words).stdout
    event = account.receive(queue).expect(200)["messages"][0]["event"]
    assert (event["external_id"], event["client_ref"], event["server_ref"]) == ("mine", "c", "s")
    assert "(field id)" in cli.complaint("publish", account.name, "order.created", "--data", "2", "--id", "mine")


def test_data_that_is_no_json_is_told_before_it_is_sent(cli, account):
    words = cli.complaint("publish", account.name, "order.created", "-", stdin="{oops}")
    assert words.startswith("- must be JSON")


@pytest.mark.parametrize("form", ["lines", "array"])
def test_a_batch_is_published_from_a_file(cli, account, tmp_path, form):
    events = [{"account": account.name, "type": "order.created", "data": {"n": n}} for n in range(5)]
    file = tmp_path / "events"
    file.write_text(json.dumps(events) if form == "array" else "".join(json.dumps(e) + "\n" for e in events))
    assert cli.run("publish", "--batch", str(file)).stdout.count("evt_") == 5
    assert len(account.events().expect(200)["items"]) == 5


def test_a_batch_fails_when_one_of_it_does_and_tells_which(cli, account):
    lines = [{"account": account.name, "type": "order.created", "data": 1},
             {"account": "nobody", "type": "order.created", "data": 2}]
    done = cli.run("publish", "--batch", "-", stdin="\n".join(map(json.dumps, lines)), expect=FAILED)
    assert "evt_" in done.stdout and "404" in done.stdout and "no such account" in done.stdout


def test_events_are_listed_page_by_page(cli, account):
    for n in range(3):
        account.publish("order.created", {"n": n}, id=f"o{n}").expect(202)
    account.publish("domain.renewed", {"n": 9}).expect(202)
    first = cli.run("events", account.name, "--type", "order.*", "--order", "asc", "--limit", "2").stdout
    assert '{"n": 0}' in first and '{"n": 1}' in first and '{"n": 2}' not in first
    cursor = first.split("--cursor ")[1].strip()
    second = cli.run("events", account.name, "--type", "order.*", "--order", "asc", "--cursor", cursor).stdout
    assert '{"n": 2}' in second and '{"n": 9}' not in second and "There are more" not in second
    assert cli.run("events", account.name, "--to", "2020-01-01T00:00:00Z").stdout == "No such events.\n"


def test_json_is_the_servers_answer_as_it_is(cli, account, queue):
    event = account.publish("order.created", data_text=EXACT).expect(202)["id"]
    done = cli.run("events", account.name, event, "--json")
    assert done.stdout.encode() == account.event(event).raw + b"\n"


def test_an_event_is_shown_with_its_deliveries(cli, account, queue):
    event = account.publish("order.created", {"n": 1}).expect(202)["id"]
    shown = cli.run("events", account.name, event).stdout
    assert '{"n": 1}' in shown and queue in shown and "pending" in shown and "No consumer has received it yet." in shown


# Deliveries


def test_a_delivery_is_shown_retried_and_canceled(cli, account, receiver):
    receiver.stop()
    account.make_channel(kind="webhook", url=receiver.url, retry=["0s", "1h", "1h"]).expect(201)
    account.publish("order.created", {"n": 1}).expect(202)
    words = ("deliveries", account.name, "--state", "pending")

    def failed_once() -> dict | None:
        items = cli.json(*words)["items"]
        return items[0] if items and items[0]["attempt_count"] == 1 else None

    delivery = eventually(failed_once)["id"]
    assert "Attempt 1 failed" in cli.run(*words).stdout
    shown = cli.run("deliveries", account.name, delivery).stdout
    assert "why.code         waiting_for_retry" in shown and "connection refused" in shown and "ATTEMPT" in shown
    cli.run("deliveries", account.name, delivery, "--retry")
    eventually(lambda: cli.json("deliveries", account.name, delivery)["attempt_count"] == 2)
    assert "canceled" in cli.run("deliveries", account.name, delivery, "--cancel").stdout
    assert delivery in cli.run("deliveries", account.name, "--state", "canceled").stdout


# Operations


def test_an_operation_is_opened_reported_on_completed_and_listed(cli, account, queue):
    opened = cli.json("operation", "open", account.name, "domain-create", "--client-ref", "job-17", "--data",
                      '{"n":1.0}', "--deadline-in", "1h", "--on-deadline", "expire")
    operation = opened["id"]
    assert (opened["client_ref"], opened["on_deadline"], opened["data"]) == ("job-17", "expire", {"n": 1.0})
    assert "Told by evt_" in cli.run("operation", "step", account.name, operation, "--result", "half").stdout
    end = ("operation", "complete", account.name, operation, "--code", "2304", "--result", "no",
           "--data", '{"why": "locked"}')
    assert "deliveries: 1" in cli.run(*end).stdout
    assert "nothing was told again" in cli.run(*end).stdout
    shown = cli.run("operation", "show", account.name, operation).stdout
    assert "failed" in shown and "2304" in shown and "locked" in shown
    assert operation in cli.run("operation", "list", account.name, "--state", "failed").stdout
    assert "No such operations." in cli.run("operation", "list", account.name, "--state", "pending").stdout
    types = [message["event"]["type"] for message in account.receive(queue, max=10).expect(200)["messages"]]
    assert types == ["operation.step", "operation.failed"]


# The queue


def test_messages_are_received_and_acknowledged(cli, account, queue):
    for n in range(3):
        account.publish("order.created", {"n": n}).expect(202)
    shown = cli.run("receive", account.name, queue, "--max", "2", "--ack").stdout
    assert shown.count("  receipt  ") == 2 and '{"n": 0}' in shown and "acknowledged: all" in shown
    receipt = cli.json("receive", account.name, queue, "--lease", "1h")["messages"][0]["receipt"]
    assert "ok" in cli.run("ack", account.name, queue, receipt).stdout
    assert cli.run("receive", account.name, queue).stdout == "Nothing is waiting.\n"
    assert "gone" in cli.run("ack", account.name, queue, receipt, expect=FAILED).stdout
    assert "(field receipts)" in cli.complaint("ack", account.name, queue, "bogus")


def test_with_json_received_messages_are_acknowledged_too(cli, account, queue):
    account.publish("order.created", {"n": 1}).expect(202)
    assert len(cli.json("receive", account.name, queue, "--ack")["messages"]) == 1
    assert account.deliveries(state="delivered").expect(200)["items"]


def test_nothing_is_acknowledged_that_could_not_be_printed(cli, account, queue):
    account.publish("order.created", {"n": 1}).expect(202)
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([program_path(), "receive", account.name, queue, "--ack"], env=cli.environment,
                              stdout=full, stderr=subprocess.PIPE, timeout=RUN_DEADLINE_S, check=False)
    assert done.returncode == FAILED and b"cannot write the output" in done.stderr
    assert account.deliveries(state="pending").expect(200)["items"]


def test_receiving_waits_for_a_message(cli, account, queue):
    process = subprocess.Popen([program_path(), "receive", account.name, queue, "--wait", "20s"], env=cli.environment,
                               stdout=subprocess.PIPE, text=True)
    account.publish("order.created", {"late": True}).expect(202)
    assert '{"late": true}' in process.communicate(timeout=RUN_DEADLINE_S)[0]


# On a terminal


def run_on_terminal(cli: Cli, columns: int, *words: str) -> str:
    """What a person sees on a terminal so wide."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen([program_path(), *words], env=cli.environment, stdout=theirs)
    os.close(theirs)
    seen = b""
    try:
        while data := os.read(ours, 65536):
            seen += data
    except OSError:  # how Linux tells that the other side is closed
        pass
    os.close(ours)
    assert process.wait(RUN_DEADLINE_S) == OK
    return seen.decode().replace("\r\n", "\n")


def test_a_table_fits_the_terminal_and_its_ids_stay_whole(cli, account):
    event = account.publish("order.created", {"name": "山田 太郎 " * 20}).expect(202)["id"]
    lines = run_on_terminal(cli, 100, "events", account.name).splitlines()
    assert lines[1].startswith(event) and lines[1].endswith("…")
    assert all(len(line) <= 100 for line in lines)
    assert "…" not in cli.run("events", account.name).stdout  # a pipe gets it whole


def test_data_cannot_steer_the_terminal(cli, account):
    account.patch(description="\u202egnp.exe").expect(200)
    account.publish("order.created", data_text='{"name": "a\u009b2Jb"}').expect(202)
    for words in (("account", "show", account.name), ("events", account.name)):
        seen = run_on_terminal(cli, 200, *words)
        assert "\ufffd" in seen and not any(c in seen for c in "\x1b\x9b\u202e")


# Listening


class Listening:
    """`tidings listen` in the background, until it ends or the test does."""

    def __init__(self, *words: str, port: int = 0):
        self.process = subprocess.Popen([program_path(), "listen", "--port", str(port), *words], text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        first = self.process.stderr.readline()
        assert first.startswith("listening on http://127.0.0.1:"), first
        self.url = first.split()[-1]

    def end(self) -> tuple[str, int]:
        """What it printed, once it has ended by itself, and its exit code."""
        out, _ = self.process.communicate(timeout=RUN_DEADLINE_S)
        return out, self.process.returncode

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


@pytest.fixture
def listen():
    made = []

    def start(*words: str, **options: int) -> Listening:
        made.append(Listening(*words, **options))
        return made[-1]

    yield start
    for one in made:
        one.close()


@pytest.mark.parametrize("options, scheme", [({}, "v1"), ({"signature": "v1a"}, "v1a")])
def test_listening_verifies_what_the_server_sends(account, listen, options, scheme):
    port = free_port()
    made = account.make_channel(kind="webhook", url=f"http://127.0.0.1:{port}/hook", options=options)
    listening = listen("--secret", made.expect(201)["secret"], "--count", "1", "--json", port=port)
    event = account.publish("order.created", data_text=EXACT).expect(202)["id"]
    out, code = listening.end()
    line = json.loads(out)
    assert code == OK
    assert (line["type"], line["id"], line["verified"], line["signature"]) == ("order.created", event, True, scheme)
    assert EXACT in line["body"] and line["headers"]["webhook-id"] == event


def post(url: str, body: bytes, headers: dict[str, str]) -> int:
    return Api(url, None).call("POST", "/hook", body, headers).status


def signed(secret: str, body: bytes, now: int) -> dict[str, str]:
    return {"webhook-id": "msg_1", "webhook-timestamp": str(now),
            "webhook-signature": standard_webhooks.sign(secret, "msg_1", now, body)}


SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_listening_tells_why_something_is_not_verified(listen):
    now = int(time.time())
    body = b'{"type": "order.created", "data": 1}'
    listening = listen("--secret", SECRET, "--count", "4")
    assert post(listening.url, body, signed(SECRET, body, now)) == 204
    assert post(listening.url, body + b" ", signed(SECRET, body, now)) == 204
    assert post(listening.url, body, signed(SECRET, body, now - 3600)) == 204
    assert post(listening.url, body, {"Content-Type": "application/json"}) == 204
    out, code = listening.end()
    verdicts = [line for line in out.splitlines() if "msg_1" in line or "(no id)" in line]
    assert code == OK and len(verdicts) == 4
    assert "order.created  msg_1  verified (v1)" in verdicts[0]
    for verdict, reason in zip(verdicts[1:], ("no signature is right", "more than 5m", "webhook-id is missing")):
        assert "NOT VERIFIED" in verdict and reason in verdict


def test_listening_answers_as_it_is_told(listen):
    listening = listen("--status", "503", "--count", "1")
    assert post(listening.url, b"{}", {}) == 503
    out, _ = listening.end()
    assert "not checked: no --secret" in out


def test_listening_takes_any_body(listen):
    listening = listen("--count", "2", "--json")
    post(listening.url, b"\xff\x00\x1b[2J", {"ce-type": "a.b", "ce-id": "7"})
    post(listening.url, b"x" * 3_000_000, {})
    first, second = map(json.loads, listening.end()[0].splitlines())
    assert (first["type"], first["id"], first["body_base64"], first["verified"]) == ("a.b", "7", "/wAbWzJK", None)
    assert second["body"] == "x" * 3_000_000


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_listening_ends_when_it_is_told_to(listen, number):
    listening = listen()
    listening.process.send_signal(number)
    assert listening.end() == ("", OK)


def test_a_secret_that_is_none_is_refused(cli):
    assert "whsec_ or whpk_" in cli.complaint("listen", "--port", "0", "--secret", "hunter2", expect=USAGE)
