#!/usr/bin/python3
"""Takes the place of Mailpit: takes every mail, and says so in its log."""

import socket
import socketserver
import sys


class Mail(socketserver.StreamRequestHandler):
    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def handle(self):
        self.say("220 mail")
        in_text = False
        for line in self.rfile:
            word = line.strip().upper()
            if in_text:
                if word == b".":
                    in_text = False
                    print("a mail was taken", flush=True)
                    self.say("250 taken")
            elif word == b"DATA":
                in_text = True
                self.say("354 go on")
            elif word == b"QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 ok")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True

    def handle_error(self, request, client_address):
        pass


if sys.argv[1:] == ["readyz"]:
    socket.create_connection(("127.0.0.1", 1025), 3).close()
else:
    Server(("0.0.0.0", 1025), Mail).serve_forever()
