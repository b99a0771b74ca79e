"""What `examples/demo` tells, one chapter a file; they come in the order of the table.

| chapter             | tells                                                                         |
| ------------------- | ----------------------------------------------------------------------------- |
| start.py            | a server is started                                                           |
| three_channels.py   | an account gets a webhook, a mailbox and a queue                              |
| publishing.py       | events arrive in all three                                                    |
| outage.py           | the webhook's receiver is down for a while                                    |
| crash.py            | the server is killed while events are published                               |
| wapi.py             | an asynchronous command, and its outcome by queue, POST and e-mail            |
| shopcart.py         | a thin notification with a token, and the order that is pulled by it          |
| cashier.py          | a signed notification, and the verdict in the body of the answer              |
| checkout.py         | a merchant receives, acknowledges, and reads the history                      |
| stop.py             | the server stops                                                              |

Each has a TITLE and tell(stage). They share:

| module              | has                                                                           |
| ------------------- | ----------------------------------------------------------------------------- |
| stage.py            | the stage: the server and what stands around it                               |
| telling.py          | how commands and what came of them are shown                                  |
| commands.py         | `tidings ...` and `curl ...`, run as they are shown                           |
| harbor.py           | the customer of the first chapters, and what it receives                      |

Receivers, the mail server and the customers' clients are those of tests/support.
"""

import sys
from pathlib import Path

TOP_FOLDER = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP_FOLDER / "tests"))  # before any chapter asks for support
