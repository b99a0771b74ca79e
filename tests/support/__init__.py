"""What the system tests share: the kit that drives a real server with real receivers.

| module              | piece                                                                        |
| ------------------- | ---------------------------------------------------------------------------- |
| server              | starts, stops, kills and restarts the program, and measures it               |
| api                 | a thin client of the native API, and raw connections for bad input           |
| receiver            | an HTTP(S) receiver that answers, and misbehaves, by a plan per path         |
| mail_sink           | an SMTP server that does the same                                            |
| recorder            | writes down what was promised and what arrived, and says what does not match |
| load, killloop      | publishers and consumers that run on while the server is killed again        |
| standard_webhooks   | checks signatures: our own verifier, and one we did not write                |
| certificates, ports | a certificate authority of our own; ports that stay ours                     |
| waiting             | how to wait for something without sleeping                                   |
| toy_server          | a stand-in with switchable faults, to prove the kit itself                   |

Everything listens on 127.0.0.1 and keeps its files in the folder it was given, so tests can run beside each other.
"""
