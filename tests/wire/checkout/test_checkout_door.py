"""Who may call, by which headers and methods, and how refusals look (protocols, sections 4.1 and 4.6)."""

from __future__ import annotations

import pytest

from support.api import RawConnection
from support.checkout import PREFIXES, Merchant, expect_denied, expect_status, failures, message_ids, numbers

RECEIVE = "/notifications/receive"


def every_call(merchant, headers: dict | None = None):
    """Each of the three with good parameters."""
    return [
        merchant.receive(headers),
        merchant.call("POST", "/notifications/ack", {"messageInfos": [{"messageIdentifier": "x"}]}, headers),
        merchant.history(headers),
    ]


# Who calls


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("authorization", [
    None, "", "Bearer", "Bearer ", "Bearer x", "Basic dG9rZW4=", "token-of-100000000001", "Bearer token-of-100000000002",
    "Bearer token-of-100000000001x", "Bearer token-of-10000000000", "Bearer TOKEN-OF-100000000001",
    "Bearer token-of-100000000001 x", pytest.param("Bearer " + "x" * 4000, id="long"),
])
def test_a_token_that_is_not_the_merchants_is_denied_in_plain_text(merchant, authorization, prefix):
    """4.6: missing, bad, or not for this merchant."""
    for answer in every_call(merchant.under(prefix), {"Authorization": authorization}):
        expect_denied(answer)


def test_an_unknown_merchant_is_denied_like_a_wrong_token(merchant, other_merchant):
    """4.6: one answer for all, so nobody learns which merchants there are."""
    for merchant_id in ("999999999999", other_merchant.merchant_id):
        for answer in every_call(merchant, {"merchantId": merchant_id}):
            expect_denied(answer)


def test_the_scheme_is_read_in_either_case(merchant):
    """RFC 9110: authentication schemes do not mind case."""
    merchant.receive({"Authorization": f"bearer {merchant.token}"}).expect(200)


def test_keys_of_the_native_api_open_nothing_here(merchant, api):
    """4.1: the bearer token is the account's own."""
    for answer in every_call(merchant, {"Authorization": f"Bearer {api.key}"}):
        expect_denied(answer)


def test_the_token_opens_nothing_of_the_native_api(merchant):
    """Credentials of a dialect are for its paths."""
    headers = {"Authorization": f"Bearer {merchant.token}"}
    merchant.account.api.call("GET", merchant.account.path, headers=headers).expect_problem(401)


def test_an_account_without_these_credentials_has_no_merchant(api, account):
    """4.6."""
    for answer in every_call(Merchant(account, "100000000001", "token-of-100000000001")):
        expect_denied(answer)


def test_a_changed_token_counts_at_once(merchant):
    """4.6: the old one is bad from then on."""
    newer = Merchant.of(merchant.account, merchant.merchant_id, "a-newer-token-of-it")

    expect_denied(merchant.receive())
    newer.receive().expect(200)


def test_removed_credentials_close_the_door(merchant):
    """4.6."""
    merchant.account.patch(checkout=None).expect(200)

    expect_denied(merchant.receive())


def test_merchants_see_and_change_only_their_own(merchant, other_merchant):
    """4.8/11: neither receive, nor acknowledge, nor list."""
    merchant.publish_order("mine")
    ids = message_ids(merchant.receive())

    assert other_merchant.receive().expect(200)["messages"] == []
    assert other_merchant.history().expect(200) == {"messagesResponses": []}
    assert failures(other_merchant.ack(*ids)) == [{"messageIdentifier": ids[0]}]
    assert numbers(merchant.receive()) == ["mine"]


@pytest.mark.settings({"server": {"auth_failures_max": 2}})  # forgotten one each half minute
def test_many_wrong_tokens_from_one_address_have_to_wait(merchant):
    """4.6 [I]: 429 is code 8. Who was right from there before goes on."""
    merchant.receive().expect(200)
    wrong = {"Authorization": "Bearer a-wrong-token-of-it"}
    for _ in range(2):
        expect_denied(merchant.receive(wrong))

    answer = merchant.receive(wrong)
    expect_status(answer, 429, 8)
    assert int(answer.headers["Retry-After"]) > 0
    merchant.receive().expect(200)


# The other headers


@pytest.mark.parametrize("name", ["merchantId", "merchantid", "MERCHANTID", "Merchantid"])
def test_header_names_do_not_mind_case(merchant, name):
    """4.1."""
    merchant.receive({"merchantId": None, name: merchant.merchant_id}).expect(200)


@pytest.mark.parametrize("headers", [
    {"merchantId": None},
    {"merchantId": ""},
    {"merchantId": None, "merchant-id": "100000000001"},
    {"merchantId": None, "merchant_id": "100000000001"},
    {"merchantId": "1234567"},
    {"merchantId": "1234567890123"},
    {"merchantId": "10000000000a"},
    {"merchantId": "+10000000001"},
    {"merchantId": "1000 0000001"},
])
def test_a_merchant_id_that_is_missing_or_malformed_is_refused(merchant, headers):
    """4.1, 4.8/11: 8 to 12 digits; merchant-id is answered 400."""
    for answer in every_call(merchant, headers):
        expect_status(answer, 400, 3, "merchantId: ")


def test_who_shows_no_token_is_denied_before_anything_else_is_said(merchant):
    """4.6: the token comes first."""
    expect_denied(merchant.receive({"Authorization": None, "merchantId": None}, maxNumberMessages="abc"))
    expect_denied(merchant.receive({"Authorization": "Bearer a-wrong-token-of-it"}, maxNumberMessages="abc"))


@pytest.mark.parametrize("request_id", [None, "", "r", "r" * 22, "\u00e9" * 22])
def test_a_request_id_has_at_most_22_characters(merchant, request_id):
    """4.1: at most 22; it is not demanded."""
    text = request_id.encode().decode("latin-1") if request_id else request_id
    for answer in every_call(merchant, {"requestId": text, "segmentId": "any"}):
        answer.expect(200)


@pytest.mark.parametrize("request_id", ["r" * 23, "r" * 500])
def test_a_longer_request_id_is_refused(merchant, request_id):
    """4.1."""
    for answer in every_call(merchant, {"requestId": request_id}):
        expect_status(answer, 400, 3, "requestId: ")


@pytest.mark.parametrize("merchant_id", ["12345678", "123456789012"])
def test_merchant_ids_have_8_to_12_digits(account, merchant_id):
    """4.1."""
    Merchant.of(account, merchant_id).receive().expect(200)


# Methods and paths


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("method, path", [
    ("POST", RECEIVE), ("PUT", RECEIVE), ("DELETE", RECEIVE), ("HEAD", RECEIVE),
    ("GET", "/notifications/ack"), ("PUT", "/notifications/ack"),
    ("POST", "/notifications"), ("DELETE", "/notifications"),
])
def test_a_method_that_a_path_does_not_have_is_refused(merchant, prefix, method, path):
    """4.8/20, 4.6 [I]: 405 is code 12."""
    answer = merchant.under(prefix).call(method, path)

    assert answer.headers["Allow"]
    if method == "HEAD":
        answer.expect(405)
    else:
        expect_status(answer, 405, 12)


def test_a_head_request_acknowledges_nothing(merchant):
    """RFC 9110: HEAD is safe; receiving with autoAck would not be."""
    merchant.publish_order("A")
    merchant.call("HEAD", RECEIVE, autoAck="true").expect(405)

    assert numbers(merchant.receive()) == ["A"]


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("path", [
    "/notifications/", "/notifications/receive/", "/notifications/unknown", "/notifications/ack/x", "/notifications/a/b",
])
def test_an_unknown_path_is_refused(merchant, prefix, path):
    """4.8/20: unknown path, trailing slash: 404 is code 5."""
    for method in ("GET", "POST"):
        expect_status(merchant.under(prefix).call(method, path), 404, 5)


def test_a_get_with_a_body_is_refused(merchant):
    """4.8/20: it would be ignored otherwise, whatever it asks for."""
    merchant.publish_order("A")

    expect_status(merchant.call("GET", RECEIVE, {"autoAck": True}), 413, 3)
    assert numbers(merchant.receive()) == ["A"]


def test_a_query_that_cannot_be_decoded_is_refused(server, merchant):
    """4.6: 400, code 3."""
    with RawConnection("127.0.0.1", server.port) as connection:
        connection.send(f"GET {RECEIVE}?autoAck=%zz HTTP/1.1\r\nHost: x\r\nmerchantId: {merchant.merchant_id}\r\n"
                        f"Authorization: Bearer {merchant.token}\r\n\r\n".encode())
        expect_status(connection.read_answer(), 400, 3, "autoAck: ")


# Credentials


@pytest.mark.parametrize("credentials, field", [
    ({}, "checkout.merchant_id"),
    ({"merchant_id": "1234567", "token": "x" * 16}, "checkout.merchant_id"),
    ({"merchant_id": "1234567890123", "token": "x" * 16}, "checkout.merchant_id"),
    ({"merchant_id": "12345678x", "token": "x" * 16}, "checkout.merchant_id"),
    ({"merchant_id": 123456789, "token": "x" * 16}, "checkout.merchant_id"),
    ({"merchant_id": "123456789"}, "checkout.token"),
    ({"merchant_id": "123456789", "token": "x" * 15}, "checkout.token"),
    ({"merchant_id": "123456789", "token": "x" * 4097}, "checkout.token"),
    ({"merchant_id": "123456789", "token": "x" * 16 + " "}, "checkout.token"),
    ({"merchant_id": "123456789", "token": "\u00e9" * 16}, "checkout.token"),
    ({"merchant_id": "123456789", "token": None}, "checkout.token"),
    ({"merchant_id": "123456789", "token": "x" * 16, "secret": "y"}, "checkout.secret"),
])
def test_credentials_that_could_not_work_are_refused(account, credentials, field):
    """4.1: a merchant id of 8 to 12 digits, and a token that a header can carry."""
    assert account.patch(checkout=credentials).expect_problem(400, "invalid")["field"] == field


def test_a_token_may_be_as_long_as_a_signed_one(account):
    """4.1: OAuth bearer tokens."""
    Merchant.of(account, "123456789", "x" * 3000).receive().expect(200)


def test_credentials_are_never_shown(account):
    """Write-only."""
    secret = "a-very-secret-token"
    Merchant.of(account, "123456789", secret)

    assert secret not in account.get().raw.decode()


def test_only_queues_speak_this_dialect(account):
    """A webhook has no poll."""
    channel = account.make_channel(kind="webhook", url="https://shop.example/", dialect="checkout")
    assert channel.expect_problem(400, "invalid")["field"] == "dialect"
