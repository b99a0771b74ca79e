#!/bin/bash
# A consumer of a queue in bash with curl.
#
#     TIDINGS_URL=http://127.0.0.1:8484 TIDINGS_KEY=tk_... queue_consumer.sh ACCOUNT CHANNEL
set -euo pipefail

channel=${TIDINGS_URL:-http://127.0.0.1:8484}/v1/accounts/$1/channels/$2

# call NAME BODY: prints the answer; curl tries again by itself when there is none, or a 5xx.
call()
{
    curl -sS --fail-with-body --retry 100 --retry-connrefused --max-time 40 \
        -H "Authorization: Bearer $TIDINGS_KEY" -H 'Content-Type: application/json' -d "$2" "$channel/$1"
}

# Yours: {"messages": [{"receipt", "event", ...}], "more"} on standard input; jq takes it apart. Passes over events
# whose id was handled before. Fails when the message has to come again.
handle()
{
    cat
    echo
}

while true; do
    # One at a time: its lease (60 s unless the channel says otherwise) has to last for handling it.
    answer=$(call receive '{"max": 1, "wait_ms": 20000}')
    receipt=$(sed -n 's/^{"messages":\[{"receipt":"\([^"]*\)".*/\1/p' <<<"$answer")
    if [[ -z $receipt ]]; then
        continue
    fi
    if handle <<<"$answer"; then
        call ack "{\"receipts\": [\"$receipt\"]}" >/dev/null || true # a stale one comes again
    else
        call release "{\"receipts\": [\"$receipt\"]}" >/dev/null || true
    fi
done
