"""The server stops."""

from .stage import Stage
from .telling import say

TITLE = "Stop"


def tell(stage: Stage) -> None:
    assert stage.server.stop() == 0, "the server did not stop as it should"
    say("(SIGTERM: the server finished what was in flight and stopped)")
