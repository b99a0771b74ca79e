"""A merchant gets a signed notification at the event's own URL, and its answer's body says what it made of it."""

from __future__ import annotations

from support.cashier import Merchant, is_genuine, parse
from support.deliveries import wait_for_state
from support.receiver import Request, captured

from .commands import DEADLINE_S, laid_out
from .stage import Stage
from .telling import in_lines, say, show_command, show_output, show_table

TITLE = "cashier: a signed notification, the verdict in the answer's body"

ACCOUNT = "lighthouse"


def tell(stage: Stage) -> None:
    merchant = Merchant("API-Lighthouse", "lighthouse-shop", "s3cr3t-of-the-demo")
    stage.tidings.make_account(ACCOUNT, cashier=merchant.credentials)
    # Of its own accord it would try again after five minutes.
    stage.tidings.make_channel(ACCOUNT, "--kind", "webhook", "--dialect", "cashier",
                               "--retry", '{"every": "1500ms", "for": "24h", "jitter": 0}')
    say("The channel has no URL: each event has one of its own.")
    request = _refuse_and_take(stage, merchant)
    _verify(stage, merchant, request)
    _delay(stage, merchant)


def _payment(order: str, tid: int, status: str) -> str:
    return in_lines(
        customer={"customer_token": "5f2b0c9a7de146538a0b1f4e9c3d2a77"},
        session={"order_id": order, "session_status": "open" if status == "pending" else "successful"},
        transaction={"tid": tid, "transaction_status": status, "currency": "USD", "amount": 2599,
                     "conversion_rate": 0.9183, "processed_currency": "EUR", "processed_amount": 2387})


def _show_arrival(merchant: Merchant, request: Request) -> None:
    message = parse(request.body)
    assert is_genuine(request.header_list, request.body, merchant.secret), request
    show_output(f"POST {request.path}\nGt-Authentication: {request.headers['gt-authentication']}")
    show_output(f"timestamp {message['timestamp']}, transaction_status {message['transaction']['transaction_status']}")


def _refuse_and_take(stage: Stage, merchant: Merchant) -> Request:
    """The merchant's answers are -1 and 0; returns what it took."""
    endpoint = stage.receiver.endpoint("/cashier/ord-000042").plan(merchant.answer)
    merchant.say(-1, "The database is down").say(0, "Booked")
    payment = _payment("ord-000042", 9100001, "approved")
    event = stage.tidings.publish(ACCOUNT, "payment.changed", payment, "--notify-url", endpoint.url)
    first, second = endpoint.wait_for_count(2, DEADLINE_S)
    delivery = wait_for_state(stage.account(ACCOUNT), event, "delivered", deadline_s=DEADLINE_S)
    say("This came there:")
    show_output(laid_out(first.body.decode()))
    say("The merchant checked the signature and answered -1, in a signed answer too. So it came again, signed anew:")
    _show_arrival(merchant, first)
    _show_arrival(merchant, second)
    _check_resent(first, second)
    say("This time the answer was 0:")
    stage.tidings.show("deliveries", ACCOUNT, delivery["id"])
    details = [attempt["detail"] for attempt in delivery["attempts"]]
    assert details == ["status -1: The database is down", "status 0: Booked"], details
    assert not merchant.refused and merchant.bookings == [("9100001", "approved", "2599", "2387")], merchant.bookings
    return second


def _check_resent(first: Request, second: Request) -> None:
    """The same state with a new timestamp, and therefore with a new signature."""
    before, after = parse(first.body), parse(second.body)
    assert int(before.pop("timestamp")) < int(after.pop("timestamp"))
    assert before == after, (before, after)
    assert first.headers["gt-authentication"] != second.headers["gt-authentication"]


def _verify(stage: Stage, merchant: Merchant, request: Request) -> None:
    say("\nThis script has code of its own to check signatures. For those who write a receiver there is a command:")
    file = stage.folder / "captured.txt"
    file.write_bytes(captured(request))
    command = ("verify", "--dialect", "cashier", "--secret", merchant.secret, file)
    show_command(["tidings", *command])
    told = stage.tidings.run(*command)
    show_output(told)
    assert told.startswith("the signature is right"), told


def _delay(stage: Stage, merchant: Merchant) -> None:
    say("\nA payment that should be done within half a second, and is not:")
    endpoint = stage.receiver.endpoint("/cashier/ord-000043").plan(merchant.answer)
    command = ("operation", "open", ACCOUNT, "payment", "--notify-url", endpoint.url, "--deadline-in", "500ms",
               "--data", _payment("ord-000043", 9100002, "pending"))
    show_command(["tidings", *command])
    operation = stage.tidings.ask(*command)["id"]
    show_output(f"{operation} is pending")
    _show_arrival(merchant, endpoint.wait_for_count(1, DEADLINE_S)[0])
    say("That was the additional notification of delayed processing. The end is told as always:")
    command = ("operation", "complete", ACCOUNT, operation, "--data", _payment("ord-000043", 9100002, "approved"))
    show_command(["tidings", *command])
    ended = stage.tidings.ask(*command)
    show_output(f"{operation} is {ended['operation']['state']}")
    _show_arrival(merchant, endpoint.wait_for_count(2, DEADLINE_S)[1])
    wait_for_state(stage.account(ACCOUNT), ended["event"], "delivered", deadline_s=DEADLINE_S)
    assert not merchant.refused, merchant.refused
    assert [booking[:2] for booking in merchant.bookings[1:]] == [("9100002", "pending"), ("9100002", "approved")]
    say("What the merchant has booked:")
    show_table([("tid", "transaction_status", "amount", "processed_amount"), *merchant.bookings])
