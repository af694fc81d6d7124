#!/usr/bin/env bash
# A bot in a few lines: says hello, then answers "ping" with "pong".
#
#   PATIO=http://localhost:3000 TOKEN=… examples/bot.sh [ROOM]
#
# It asks for what changed since the last rev it saw, so nothing is missed, however long it slept.
set -euo pipefail

api=${PATIO:-http://localhost:3000}/api/v1
room=${1:-1}
call() { curl --silent --show-error --fail-with-body --header "Authorization: Bearer $TOKEN" "$@"; }
field() { python3 -c "import json, sys; print(json.load(sys.stdin)$1)"; }
post() { call "$api/rooms/$room/messages" --json "{\"body\": \"$1\", \"nonce\": \"$2\"}"; }

me=$(call "$api/me" | field '["id"]')
rev=$(post "Hello from a shell" "hello-$$" | field '["rev"]')

while true; do
  # One line for each message of another user: its rev, its id, its text.
  changes=$(call "$api/rooms/$room/messages?since_rev=$rev" | python3 -c "
import json, sys
for message in json.load(sys.stdin)['items']:
    mine = message['author']['id'] == $me
    print(message['rev'], message['id'], '' if mine else ' '.join(message['body'].split()))")
  while read -r number id text; do
    [[ -n $number ]] || continue
    # The nonce makes an answer one answer, also if this script is started again.
    if [[ $text == ping ]]; then post pong "pong-$id" >/dev/null; fi
    rev=$number
  done <<<"$changes"
  sleep "${PAUSE:-2}"
done
