#!/usr/bin/python3
"""Takes the place of SeaweedFS: what compose uses of its command line, with s3s-fs behind it."""

import http.server
import json
import os
import subprocess
import sys
import threading
import urllib.request


def option(name):
    return next(word.split("=", 1)[1] for word in sys.argv if word.startswith(f"-{name}="))


def shell():
    for line in sys.stdin:
        words = line.split()
        path = "list" if words[0] == "s3.bucket.list" else f"create/{words[2]}"
        with urllib.request.urlopen(f"http://{option('master')}/{path}") as answer:
            print(answer.read().decode())


class Master(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/create/"):
            os.makedirs("/data/" + self.path.removeprefix("/create/"), exist_ok=True)
        self.send_response(200)
        self.end_headers()
        self.wfile.write("\n".join(os.listdir("/data")).encode())

    def log_message(self, *words):
        pass


def server():
    with open(option("s3.config")) as file:
        keys = json.load(file)["identities"][0]["credentials"][0]
    master = http.server.ThreadingHTTPServer(("0.0.0.0", 9333), Master)
    threading.Thread(target=master.serve_forever, daemon=True).start()
    command = ["s3s-fs", "--host", "0.0.0.0", "--port", option("s3.port"), "/data"]
    command += ["--access-key", keys["accessKey"], "--secret-key", keys["secretKey"]]
    sys.exit(subprocess.call(command))


if sys.argv[1] == "shell":
    shell()
else:
    server()
