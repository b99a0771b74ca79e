"""An account gets a webhook, a mailbox and a queue."""

from support.ports import free_port

from .harbor import ACCOUNT, ADDRESS, Consumer, Harbor, Listener
from .stage import Stage
from .telling import say

TITLE = "An account with three channels: a webhook, a mailbox, a queue"


def tell(stage: Stage) -> None:
    tidings = stage.tidings
    tidings.make_account(ACCOUNT, "--description", "Harbor Trading, a customer")
    port = free_port()
    # Short gaps, so that nobody has to wait; the default goes on for days.
    webhook = tidings.make_channel(ACCOUNT, "--kind", "webhook", "--url", f"http://127.0.0.1:{port}/hook",
                                   "--retry", '{"every": "500ms", "for": "10m"}')
    tidings.make_channel(ACCOUNT, "--kind", "email", "--address", ADDRESS)
    queue = tidings.make_channel(ACCOUNT, "--kind", "queue")
    say("The webhook's receiver, with the secret that came with the channel:")
    listener = Listener(port, webhook["secret"])
    stage.harbor = Harbor(webhook["id"], listener, Consumer(tidings, queue["id"]), stage.mailbox)
    listener.start()
