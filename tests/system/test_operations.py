"""Running it: settings, signals, health, the first key, the service manager."""

from __future__ import annotations

import base64
import os
import re
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest
from support.answers import Step
from support.api import Api
from support.certificates import client_context
from support.server import program_path
from support.waiting import DEADLINE_S, eventually


def _run(*words: str, settings: str | None = None, folder: Path | None = None, **environment: str):
    arguments = [str(program_path()), *words]
    if settings is not None:
        path = folder / "tidings.ini"
        path.write_text(settings)
        arguments += ["--config", str(path)]
    return subprocess.run(arguments, capture_output=True, text=True, timeout=DEADLINE_S, cwd=folder,
                          env={**os.environ, **environment})


@pytest.mark.parametrize(
    "settings, complaint",
    [
        ("[server]\nlissten = x\n", "[server] lissten"),
        ("[serfer]\nlisten = x\n", "[serfer] listen"),
        ("[server]\nthreads = 0\n", "[server] threads"),
        ("[server]\nthreads = two\n", "1 to 64"),
        ("[server]\nrequest_timeout = 30\n", "a duration such as 5s"),
        ("[server]\nlisten = 127.0.0.1:0\nlisten = 127.0.0.1:1\n", "given twice"),
        ("[server]\ndata_max = 2GiB\n", "[server] data_max"),
        ("[server]\nlog_level = loud\n", "debug info warn error"),
        ("[server]\nlisten = nonsense\n", "nonsense"),
        ("[server]\nadmin_key = short\n", "tk_"),
        ("[server]\ntrusted_proxies = 10.0.0.0/99\n", "[server] trusted_proxies"),
        ("[server]\ntls_certificate = /x.pem\n", "tls_key"),
        ("[send]\nallow_private = 10.0.0.0/99\n", "10.0.0.0/99"),
        ("[send]\nretry = soon\n", "[send] retry"),
        ("[smtp]\nurl = smtp://127.0.0.1:25\n", "[smtp] from"),
        ("[retention]\nrest = 1d\n", "[retention] rest"),
        ("no equals sign\n", "line 1"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(settings, complaint, tmp_path):
    done = _run("serve", settings=settings, folder=tmp_path)
    assert done.returncode == 1
    assert complaint in done.stderr


def test_a_missing_settings_file_is_told(tmp_path):
    done = _run("serve", "--config", str(tmp_path / "none.ini"))
    assert done.returncode == 1 and "none.ini" in done.stderr


def test_the_environment_overrides_the_file_and_is_checked_too(tmp_path):
    done = _run("serve", settings="[server]\nthreads = 1\n", folder=tmp_path, TIDINGS_SERVER_THREADS="none")
    assert done.returncode == 1 and "[server] threads (from the environment)" in done.stderr


def test_help_names_every_command_and_every_setting():
    commands = _run("help").stdout
    for command in ("serve", "account", "channel", "publish", "events", "deliveries", "receive", "ack", "key", "listen"):
        assert re.search(rf"^  {command}\b", commands, re.M), command
    assert "allow_private" in _run("help", "settings").stdout
    assert _run("nonsense").returncode == 2


def test_the_page_of_settings_is_what_the_table_says():
    page = Path(__file__).parents[2] / "docs" / "settings.md"
    assert _run("help", "settings", "--markdown").stdout.strip() in page.read_text()


def test_the_first_start_makes_an_admin_key_and_shows_it_once(start_server, tmp_path):
    folder = tmp_path / "first"
    server = start_server({"server": {"admin_key": ""}}, folder=folder)
    shown = re.search(r"admin key \(shown this once\): (tk_\w+)", server.stdout_file.read_text())
    Api(server.url, shown.group(1)).accounts().expect(200)
    server.stop()
    again = start_server({"server": {"admin_key": ""}}, folder=folder)
    assert again.stdout_file.read_text().count("admin key") == 1  # the first start's
    Api(again.url, shown.group(1)).accounts().expect(200)


def test_health_and_readiness_need_no_key_and_figures_do(server, api):
    open_api = api.with_key(None)
    assert open_api.call("GET", "/healthz").expect(200) == {"status": "ok"}
    assert open_api.call("GET", "/readyz").expect(200) == {"status": "ready"}
    open_api.call("GET", "/metrics").expect_problem(401)
    answer = api.call("GET", "/metrics")
    assert answer.status == 200
    text = answer.raw.decode()
    for line in text.splitlines():
        assert line.startswith("# ") or re.fullmatch(r"tidings_\w+ \d+(\.\d+)?", line), line
    assert "tidings_http_requests_total" in text


def test_the_description_names_every_route_and_no_other(api):
    described = api.call("GET", "/v1/openapi.json").expect(200)
    assert described["openapi"] == "3.1.0"
    table = (Path(__file__).parents[2] / "src/wire/native/routes.c").read_text()
    rows = re.findall(r'ROUTE\("(GET|POST|PUT|PATCH|DELETE)",\s*([^,]+),', table)
    named = sum(len(operations) for operations in described["paths"].values())
    assert len(rows) == named >= 30


def test_sighup_takes_over_what_can_change_and_names_what_cannot(server, account):
    server.change_settings({"server": {"data_max": "1KiB", "threads": 2}})
    server.write_settings()
    server.signal(signal.SIGHUP)
    found = server.wait_for_log(r"event=reloaded.*")
    assert "[server] threads" in found.group(0)
    account.publish("order.created", {"filler": "x" * 2000}).expect_problem(413, "too_large")


def test_a_wrong_file_at_sighup_changes_nothing(server, account):
    server.change_settings({"server": {"data_max": "lots"}})
    server.write_settings()
    server.signal(signal.SIGHUP)
    server.wait_for_log(r"event=reload_failed.*data_max")
    account.publish("order.created", {"filler": "x" * 2000}).expect(202)


def test_the_service_manager_is_told_when_it_serves_and_when_it_stops(start_server, tmp_path):
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(DEADLINE_S)
        server = start_server(environment={"NOTIFY_SOCKET": path})
        assert b"READY=1" in manager.recv(1000)
        server.stop()
        assert b"STOPPING=1" in manager.recv(1000)


def test_readiness_ends_before_the_server_does(server, api, receiver, account):
    receiver.endpoint("/hook").plan(Step(hang="answer"))
    account.make_channel(kind="webhook", url=receiver.endpoint("/hook").url).expect(201)
    account.publish("order.created", {"n": 1}).expect(202)
    receiver.wait_for_count(1)
    server.signal(signal.SIGTERM)
    server.wait_for_log("event=stopping")
    assert server.wait_exit() == 0


def test_an_idle_server_hardly_uses_the_processor(server):
    def is_idle() -> bool:
        before, began = server.usage().cpu_s, time.monotonic()
        threading.Event().wait(1)  # not for anything to happen: the figure is about a time in which nothing does
        return server.usage().cpu_s - before < 0.02 * (time.monotonic() - began)

    # A machine that is busy with other things makes some seconds dearer; one that polls makes all of them so.
    eventually(is_idle, what="a second in which the server uses less than 2 % of a core")


def test_secrets_stay_out_of_the_log_and_the_command_line(server, account):
    channel = account.make_channel(kind="webhook", url="http://127.0.0.1:9/", headers={"X-Token": "very-secret"})
    secret = channel.expect(201)["secret"]
    account.publish("order.created", {"card": "4111111111111111"}).expect(202)
    text = server.log() + Path(f"/proc/{server.pid}/cmdline").read_text()
    for hidden in (secret, "very-secret", server.admin_key, "4111111111111111"):
        assert hidden not in text


def test_a_master_key_seals_secrets_in_the_store(start_server, tmp_path):
    key_file = tmp_path / "master"
    key_file.write_text("0123456789abcdef" * 4 + "\n")
    folder = tmp_path / "sealed"
    settings = {"store": {"master_key_file": str(key_file)}, "send": {"allow_private": "127.0.0.0/8"}}
    server = start_server(settings, folder=folder)
    account = Api(server.url, server.admin_key).account("harbor")
    account.put(checkout={"merchant_id": "98000001", "token": "token-in-the-clear"}).expect(201)
    channel = account.make_channel(kind="webhook", url="http://127.0.0.1:9/").expect(201)
    server.stop()
    secret = base64.b64decode(channel["secret"].removeprefix("whsec_"))
    stored = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix != ".log")
    assert secret not in stored and b"token-in-the-clear" not in stored

    again = start_server(settings, folder=folder)
    account = Api(again.url, again.admin_key).account("harbor")
    assert account.secret(channel["id"]).expect(200)["secret"] == channel["secret"]


def test_tls_serves_https_and_takes_a_new_certificate_at_sighup(start_server, authority, tmp_path):
    certificate = authority.issue("localhost", ["127.0.0.1"])
    server = start_server({"server": {"tls_certificate": certificate.certificate, "tls_key": certificate.key}})
    assert server.url.startswith("https://")
    context = client_context(authority)
    api = Api(server.url, server.admin_key, context)
    api.account("harbor").put().expect(201)
    server.signal(signal.SIGHUP)
    server.wait_for_log("event=reloaded")
    Api(server.url, server.admin_key, context).accounts().expect(200)
