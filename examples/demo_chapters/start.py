"""A server is started."""

from .stage import Stage
from .telling import say, show_command, show_output

TITLE = "Start a server"


def tell(stage: Stage) -> None:
    show_command(["tidings", "serve", "--config", stage.server.settings_file])
    stage.start()
    show_output(f"ready {stage.server.url}")
    say(f"Its store is one SQLite file in {stage.server.data_folder}.")
    say(f"Beside it runs a mail server at {stage.mailbox.url}, where all mail of this demo ends.")
    say("`tidings` is build/tidings. The commands below find the server by two environment variables:")
    show_output(f"TIDINGS_URL={stage.server.url}\nTIDINGS_KEY={stage.server.admin_key}")
