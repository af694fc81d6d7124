#!/usr/bin/env python3
"""A bot with nothing but Python's own library: answers "ping" with "pong".

    PATIO=http://localhost:3000 TOKEN=… examples/bot.py [ROOM]

It asks for what changed since the last rev it saw, so nothing is missed, however long it slept.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request

API = os.environ.get("PATIO", "http://localhost:3000") + "/api/v1"
TOKEN = os.environ["TOKEN"]
PAUSE = float(os.environ.get("PAUSE", "2"))
ROOM = sys.argv[1] if len(sys.argv) > 1 else "1"


def call(method, path, body=None):
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(API + path, data, headers, method=method)
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)


def post(text, nonce):
    return call("POST", f"/rooms/{ROOM}/messages", {"body": text, "nonce": nonce})


def answer(message, me):
    mine = message["author"]["id"] == me["id"]
    if not mine and message["body"].strip().lower() == "ping":
        # The nonce makes an answer one answer, also if this program is started again.
        post("pong", f"pong-{message['id']}")


def main():
    me = call("GET", "/me")
    rev = post("Hello from Python", f"hello-{time.time_ns()}")["rev"]
    while True:
        try:
            page = call("GET", f"/rooms/{ROOM}/messages?since_rev={rev}")
            for message in page["items"]:
                answer(message, me)
                rev = message["rev"]
            if page["more"]:
                continue
        except urllib.error.URLError as error:
            print(f"Patio does not answer: {error}", file=sys.stderr)
        time.sleep(PAUSE)


main()
