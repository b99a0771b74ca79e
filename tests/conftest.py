"""What every system test can ask for by name. The pieces themselves are in tests/support; read their manuals.

| fixture      | gives                                                                                                |
| ------------ | ---------------------------------------------------------------------------------------------------- |
| server       | a server that runs, with a data folder of its own, allowed to send to this machine and to mail_sink  |
| clock        | a MovableClock; the server fixture goes by it in a test that asks for one                            |
| api          | a client of it with the admin key                                                                    |
| account      | an account that is made in it; make_account(name) makes more                                         |
| start_server | start_server(settings, ..) for tests that need another server, or several, or one that fails         |
| receiver     | a webhook receiver without TLS                                                                       |
| hook         | an endpoint of it                                                                                    |
| mail_sink    | a mail server without TLS                                                                            |
| authority    | a certificate authority                                                                              |
| recorder     | a Recorder                                                                                           |

@pytest.mark.settings({"section": {"name": value}}) changes the settings of the server fixture.
@pytest.mark.deadline(seconds) gives a test more than the usual two minutes; passing it fails it and shows all threads.
@pytest.mark.promise is for what has to hold on the bad day: a failure of it is never put down to a busy machine.

After each test its servers are stopped, which has to end with exit code 0, and must not have ended by themselves or
have written a sanitizer's finding, unless the test is marked @pytest.mark.server_may_fail. When a test fails, the
ends of the servers' logs are part of the report, and the servers' folders stay; otherwise they are removed.

--piece=2/3 runs the second of three pieces of the tests: each test uses folders and ports of its own, so pieces can
run side by side.
"""

from __future__ import annotations

import faulthandler
import itertools
import shutil
import signal
import sys
import zlib
from pathlib import Path
from typing import Callable, Iterator

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[0]))

from support.api import Account, Api  # noqa: E402 (the path has to be there first)
from support.certificates import Authority  # noqa: E402
from support.mail_sink import MailSink  # noqa: E402
from support.own_time import MovableClock  # noqa: E402
from support.receiver import Endpoint, Receiver  # noqa: E402
from support.recorder import Recorder  # noqa: E402
from support.server import Server  # noqa: E402

TEST_DEADLINE_S = 120  # for what hangs: most tests take less than a second where nothing else runs
SENDER = "tidings@provider.example"

_servers_key = pytest.StashKey[list[Server]]()
_failed_key = pytest.StashKey[bool]()


# Fixtures


@pytest.fixture
def start_server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., Server]]:
    servers = request.node.stash.setdefault(_servers_key, [])

    def start(settings: dict | None = None, *, wait: bool = True, folder: Path | None = None, **options) -> Server:
        """wait=False only spawns it. folder is for a second server on the first one's folder."""
        server = Server(folder or tmp_path / f"server-{len(servers)}", settings, **options)
        server.folder.mkdir(parents=True, exist_ok=True)
        servers.append(server)
        if wait:
            server.start()
        else:
            server.spawn()
        return server

    yield start
    complaints = [complaint for server in servers for complaint in _end(server)]
    if not request.node.get_closest_marker("server_may_fail"):
        assert not complaints, complaints
    if not request.node.stash.get(_failed_key, False):
        for server in servers:  # each takes 17 MB, and there are thousands in a run
            shutil.rmtree(server.folder, ignore_errors=True)


def _end(server: Server) -> list[str]:
    code = server.stop() if server.is_running else 0
    server.close()
    return server.complaints() + ([f"the server ended with exit code {code} on SIGTERM"] if code else [])


@pytest.fixture
def clock(tmp_path: Path) -> MovableClock:
    return MovableClock(tmp_path)


@pytest.fixture
def server(request: pytest.FixtureRequest, start_server: Callable[..., Server], mail_sink: MailSink) -> Server:
    settings = {
        "send": {"allow_private": "127.0.0.0/8, ::1/128"},
        "smtp": {"url": mail_sink.url, "from": SENDER},
    }
    for marker in reversed(list(request.node.iter_markers("settings"))):
        for section, values in marker.args[0].items():
            settings.setdefault(section, {}).update(values)
    has_clock = "clock" in request.fixturenames
    return start_server(settings, environment=request.getfixturevalue("clock").environment if has_clock else {})


@pytest.fixture
def api(server: Server) -> Api:
    return Api(server.url, server.admin_key)


@pytest.fixture
def make_account(api: Api) -> Callable[..., Account]:
    numbers = itertools.count(1)

    def make(name: str | None = None, **fields) -> Account:
        account = api.account(name or f"account-{next(numbers)}")
        account.put(**fields).expect(200, 201)
        return account

    return make


@pytest.fixture
def account(make_account: Callable[..., Account]) -> Account:
    return make_account()


# These two ask for start_server only for the order: what is made first ends last, and a server that stops while its
# receivers still hang would have to wait for them.


@pytest.fixture
def receiver(start_server: Callable[..., Server]) -> Iterator[Receiver]:
    with Receiver() as made:
        yield made
        assert not made.complaints, made.complaints


@pytest.fixture
def hook(receiver: Receiver) -> Endpoint:
    return receiver.endpoint("/hook")


@pytest.fixture
def mail_sink(start_server: Callable[..., Server]) -> Iterator[MailSink]:
    with MailSink() as made:
        yield made


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


# Deadlines, reports, pieces


def pytest_configure(config: pytest.Config) -> None:
    for marker in (
        "settings(sections): changes the settings of the server fixture",
        f"deadline(seconds): how long the test may take, in place of {TEST_DEADLINE_S}",
        "server_may_fail: the servers of this test may end in any way",
        "promise: has to hold on the bad day; a failure is never looked at again by tools/run-tests",
    ):
        config.addinivalue_line("markers", marker)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--piece", help="run only piece I of N of the tests, as I/N")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("promise"):
            item.user_properties.append(("promise", "true"))  # for the report, where tools/run-tests looks for it
    if not config.getoption("--piece"):
        return
    number, count = map(int, config.getoption("--piece").split("/"))
    # By name and not by place, so that one more test does not shuffle all the others.
    ours = [item for item in items if zlib.crc32(item.nodeid.encode()) % count == number - 1]
    config.hook.pytest_deselected(items=[item for item in items if item not in ours])
    items[:] = ours


def _with_deadline(item: pytest.Item) -> Iterator[None]:
    marker = item.get_closest_marker("deadline")
    seconds = marker.args[0] if marker else TEST_DEADLINE_S

    def give_up(_number: int, _frame: object) -> None:
        faulthandler.dump_traceback()
        pytest.fail(f"not done within its deadline of {seconds} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(seconds)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    yield from _with_deadline(item)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    yield from _with_deadline(item)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    yield from _with_deadline(item)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        item.stash[_failed_key] = True
        for number, server in enumerate(item.stash.get(_servers_key, [])):
            report.sections.append((f"end of the log of server {number}, run {server.starts}", server.log_tail()))
