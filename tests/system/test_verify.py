"""`tidings verify` on requests as the server really sends them, and on captured ones whose signatures are known."""

from __future__ import annotations

import json
import os
import subprocess
import time

import pytest

from support import standard_webhooks
from support.cashier import Merchant, sha384
from support.deliveries import make_hook, publish
from support.receiver import Request, Step, captured
from support.server import program_path

RIGHT, WRONG, UNCHECKED = 0, 1, 2
RUN_DEADLINE_S = 60
STATE = {
    "customer": {"customer_token": "t"}, "session": {"order_id": "ord-1"},
    "transaction": {"tid": 7, "transaction_status": "approved", "amount": 100, "conversion_rate": 1},
}


def verify(*words: object, expect: int = RIGHT, stdin: str | bytes = b"", secret: str | None = None) -> tuple[str, str]:
    """Runs it and returns what it printed on both outputs."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TIDINGS_")}
    if secret is not None:
        environment["TIDINGS_SECRET"] = secret
    done = subprocess.run(
        [program_path(), "verify", *map(str, words)], env=environment, capture_output=True, check=False,
        input=stdin.encode() if isinstance(stdin, str) else stdin, timeout=RUN_DEADLINE_S)
    assert done.returncode == expect, done
    return done.stdout.decode(), done.stderr.decode()


def header_words(request: Request) -> list[str]:
    return [word for name, value in request.header_list for word in ("--header", f"{name}: {value}")]


def split_answer(text: str) -> tuple[dict[str, str], dict]:
    """Headers with lower-case names, and the body."""
    head, _, body = text.partition("\r\n\r\n")
    status, *lines = head.split("\r\n")
    assert status == "HTTP/1.1 200 OK"
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    assert int(headers["content-length"]) == len(body.encode())
    return headers, json.loads(body)


# Standard


@pytest.fixture
def webhook(account, receiver) -> tuple[str, Request]:
    """A webhook of the dialect standard that was received, and its secret."""
    endpoint = receiver.endpoint("/hook")
    channel = make_hook(account, endpoint.url)
    publish(account, data={"total": 1.5})
    return account.secret(channel).expect(200)["secret"], endpoint.wait_for_count(1)[0]


def test_a_webhook_of_ours_verifies_from_a_file_and_from_standard_input(webhook, tmp_path):
    secret, request = webhook
    (tmp_path / "request").write_bytes(captured(request))
    (tmp_path / "secret").write_text(secret + "\n")

    told = {
        verify("--dialect", "standard", tmp_path / "request", secret=secret),
        verify("--dialect", "standard", "--secret", secret, "-", stdin=captured(request)),
        verify("--dialect=standard", "--secret-file", tmp_path / "secret", stdin=captured(request)),
        verify("--dialect", "standard", *header_words(request), stdin=request.body, secret=secret),
    }

    assert told == {("the signature is right (v1)\n", "")}


def test_a_changed_webhook_does_not(webhook):
    secret, request = webhook

    _, words = verify("--dialect", "standard", stdin=captured(request).replace(b"1.5", b"9.5"), secret=secret,
                      expect=WRONG)

    assert words == "tidings: no signature is right under the secret\n"


def test_any_of_several_secrets_is_enough(webhook):
    secret, request = webhook
    other = "whsec_" + "A" * 32

    verify("--dialect", "standard", "--secret", other, "--secret", secret, stdin=captured(request))
    verify("--dialect", "standard", "--secret", other, stdin=captured(request), expect=WRONG)


def test_an_old_webhook_needs_a_tolerance():
    secret, at, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", int(time.time()) - 3600, b'{"test": 2432232314}'
    signature = standard_webhooks.sign(secret, "msg_1", at, body)
    request = f"webhook-id: msg_1\nwebhook-timestamp: {at}\nwebhook-signature: {signature}\n\n".encode() + body

    _, words = verify("--dialect", "standard", stdin=request, secret=secret, expect=WRONG)
    verify("--dialect", "standard", "--tolerance", "2h", stdin=request, secret=secret)

    assert words == "tidings: webhook-timestamp is more than 5m from now\n"


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_header_that_is_missing_or_there_twice_is_named(webhook, name):
    secret, request = webhook
    line = f"{name}: {request.headers[name]}\r\n".encode()

    for changed in (captured(request).replace(line, b""), captured(request).replace(line, line * 2)):
        _, words = verify("--dialect", "standard", stdin=changed, secret=secret, expect=WRONG)
        assert f"the header {name} is" in words


# Cashier


@pytest.fixture
def merchant() -> Merchant:
    return Merchant("API-Lighthouse", "lighthouse-shop", "s3cr3t-for-tests")


@pytest.fixture
def notification(make_account, receiver, merchant) -> Request:
    """One that was received."""
    endpoint = receiver.endpoint("/notify").plan(merchant.answer)
    account = make_account(cashier=merchant.credentials)
    make_hook(account, endpoint.url, dialect="cashier", options={"rate": "number"})
    publish(account, data=STATE)
    return endpoint.wait_for_count(1)[0]


def cashier(request: bytes, *words: object, secret: str = "s3cr3t-for-tests", **options) -> tuple[str, str]:
    return verify("--dialect", "cashier", *words, stdin=request, secret=secret, **options)


def signed(body: str, text: str, secret: str = "s3cr3t-for-tests") -> bytes:
    return f"Gt-Authentication: {sha384(text, secret)}\n\n{body}".encode()


def test_a_notification_of_ours_verifies(notification):
    told = cashier(captured(notification))

    assert told == ("the signature is right, with the rate as it stands\n", "")


@pytest.mark.parametrize("text, words", [("1.000000", "as it stands"), ("1", "in its shortest form")])
def test_it_tells_which_text_of_the_rate_was_signed(text, words):
    """3.3 as receiver: the raw token, the shortest form, six decimals."""
    request = signed('{"transaction": {"tid": 5, "conversion_rate": 1.000000}}', f"5{text}")

    assert cashier(request)[0] == f"the signature is right, with the rate {words}\n"
    request = signed('{"transaction": {"tid": 5, "conversion_rate": 1}}', "51.000000")
    assert cashier(request)[0] == "the signature is right, with the rate in six decimals\n"


def test_a_wrong_one_is_told_with_what_should_have_been_signed(notification):
    changed = captured(notification).replace(b'"order_id": "ord-1"', b'"order_id": "ord-2"')

    _, words = cashier(changed, expect=WRONG)

    told, text = words.splitlines()
    assert told == "tidings: the signature is wrong"
    timestamp = json.loads(notification.body)["timestamp"]
    assert text == ("signed is, with the secret behind it: "
                    f"API-Lighthouselighthouse-shop{timestamp}tord-271001.000000")
    assert "s3cr3t" not in words


def test_the_public_vector_of_version_1_1_verifies():
    """3.3: the signature is a member of the body."""
    body = {"merchant_id": "Test-Integration-Merchant", "version": "1.1", "your_reference": "ABCDEF",
            "timestamp": 1568855392, "application_key": "Integration TEST USD",
            "signature": "c8d9b1824601bb6e11342afc36cb7281892daead2fbae257ea2d2ff8aa4908d6"
                         "6d5863a429e247d47155c01a0592e482"}

    told = cashier(b"Content-Type: application/json\n\n" + json.dumps(body).encode(), secret="MerchantSecretKey")

    assert told[0] == "the signature is right, by the rule of versions 1.1 and 1.2\n"


def test_two_orders_with_one_hash_are_both_genuine():
    """3.7/7: verifying cannot tell them apart, so a receiver must not know orders by the hash."""
    one = signed('{"session": {"order_id": "ord-1"}, "transaction": {"tid": 23}}', "ord-123")
    other = signed('{"session": {"order_id": "ord-12"}, "transaction": {"tid": 3}}', "ord-123")

    assert one.split(b"\n")[0] == other.split(b"\n")[0]
    assert cashier(one) == cashier(other) == ("the signature is right; no rate is signed\n", "")


@pytest.mark.parametrize("change, words", [
    ({"gt-authentication": None}, "the header Gt-Authentication is missing"),
    ({"gt-authentication": "a" * 64}, "64 characters, not the 96 hex digits of SHA-384"),
    ({"gt-authentication": "z" * 96}, "the signature is wrong"),
    ({"GT-AUTHENTICATION": "0" * 96}, "the header Gt-Authentication is there twice"),
])
def test_a_header_that_is_no_signature_is_told(notification, change, words):
    """3.7/8."""
    headers = {**notification.headers, **change}
    flags = [word for name, value in headers.items() if value for word in ("--header", f"{name}: {value}")]

    assert words in cashier(notification.body, *flags, expect=WRONG)[1]


def test_upper_case_and_another_name_of_the_header_are_right(notification):
    """3.7/8."""
    signature = notification.headers["gt-authentication"].upper()

    cashier(notification.body, "--header", f"GT-AUTHENTICATION:   {signature}  ")


@pytest.mark.parametrize("body", ["", "[]", "<xml/>", '{"timestamp": 1, "timestamp": 2}', '{"merchant_id": {}}'])
def test_a_body_that_cannot_be_signed_is_wrong(body):
    """3.7/15: a name twice is refused."""
    assert cashier(signed(body, ""), expect=WRONG)[1].startswith("tidings: ")


def test_freshness_is_looked_at_only_when_asked(notification):
    """3.5: by default no check, because resends and queues would fail."""
    old = signed('{"timestamp": 1760000000}', "1760000000")

    cashier(old)
    assert cashier(old, "--tolerance", "1m", expect=WRONG)[1] == "tidings: timestamp is more than 1m from now\n"
    cashier(captured(notification), "--tolerance", "1m")


# The acknowledgement


@pytest.mark.parametrize("status", [0, 1, -1])
def test_an_acknowledgement_is_signed_over_its_own_time(notification, merchant, status):
    """3.4, 3.7/19."""
    out, words = cashier(captured(notification), "--answer", status, "--description", "é \"quoted\"")

    headers, body = split_answer(out)
    assert words == "the signature is right, with the rate as it stands\n"
    assert (body["status"], body["description"], body["version"]) == (status, 'é "quoted"', "1.3")
    assert abs(body["timestamp"] - time.time()) < RUN_DEADLINE_S
    assert headers["gt-authentication"] == sha384(f"{status}{body['timestamp']}", merchant.secret)
    assert headers["content-type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize("flag, value", [("--merchant-id", "API-Other"), ("--application-key", "other-shop")])
def test_a_message_for_somebody_else_is_refused_for_good(notification, merchant, flag, value):
    """3.7/16: the right secret, the wrong merchant or application: a positive status."""
    request = captured(notification)
    cashier(request, "--merchant-id", merchant.merchant_id, "--application-key", merchant.application_key)

    out, words = cashier(request, flag, value, "--answer", 0, expect=WRONG)

    _, body = split_answer(out)
    name = flag.removeprefix("--").replace("-", "_")
    assert body["status"] == 1 and body["description"] == f"this {name} is not ours"
    assert words == f"tidings: this {name} is not ours\n"


def test_a_wrong_signature_is_not_acknowledged(notification):
    out, _ = cashier(captured(notification), "--answer", 0, secret="another", expect=WRONG)

    assert out == ""


def test_the_server_takes_such_an_acknowledgement(make_account, receiver, merchant):
    """The command as the whole verifying half of a receiver."""
    endpoint = receiver.endpoint("/notify")

    def answer(request: Request) -> Step:
        out, _ = cashier(captured(request), "--answer", 0, "--description", "Booked")
        return Step(raw=out.encode())

    endpoint.plan(answer)
    account = make_account(cashier=merchant.credentials)
    channel = make_hook(account, endpoint.url, dialect="cashier", options={"check_answer": True})

    test = {"type": "payment.changed", "data": STATE}
    result = account.call("POST", f"/channels/{channel}/test", test).expect(200)

    assert (result["outcome"], result["detail"]) == ("delivered", "status 0: Booked")


# What cannot be checked


@pytest.mark.parametrize("words, stdin, complaint", [
    ((), "", "say in which dialect"),
    (("--dialect", "wapi"), "", "say in which dialect"),
    (("--dialect", "cashier"), "a: 1\n\n", "give the secret in TIDINGS_SECRET"),
    (("--dialect", "cashier", "--secret", "s", "--secret", "t"), "a: 1\n\n{}", "a merchant has one secret"),
    (("--dialect", "cashier", "--secret", "s"), "{}", "a request is headers, an empty line and the body"),
    (("--dialect", "cashier", "--secret", "s", "--header", "nonsense"), "{}", "a header is 'Name: value'"),
    (("--dialect", "cashier", "--secret", "s", "--secret-file", "f"), "", "exclude each other"),
    (("--dialect", "cashier", "--secret", "s", "--description", "d"), "", "belongs to an --answer"),
    (("--dialect", "cashier", "--secret", "s", "--answer", "0", "--description", "x" * 257), "a: 1\n\n{}",
     "at most 256 characters"),
    (("--dialect", "cashier", "--secret", "s", "--answer", "zero"), "", "--answer must be a whole number"),
    (("--dialect", "standard", "--secret", "whsec_x", "--answer", "0"), "", "is of the dialect cashier only"),
    (("--dialect", "standard", "--secret", "x"), "a: 1\n\n{}", "a secret begins with whsec_ or whpk_"),
    (("--dialect", "standard", "--secret", "x", "/nonexistent"), "", "/nonexistent"),
])
def test_what_cannot_be_checked_is_told_from_what_is_wrong(words, stdin, complaint):
    out, told = verify(*words, stdin=stdin, expect=UNCHECKED)

    assert complaint in told and told.startswith("tidings: ") and not out


def test_it_tells_about_itself():
    out, _ = verify("--help")

    assert out.startswith("usage: tidings verify [FILE]") and "--secret-file FILE" in out
