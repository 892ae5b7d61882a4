"""Whether the specification's own library takes each message of standard input."""

import json
import sys

from standardwebhooks.webhooks import Webhook

verdicts = []
for message in json.load(sys.stdin):
    try:
        Webhook(message["secret"]).verify(message["body"], message["headers"])
        verdicts.append("taken")
    except Exception as error:
        verdicts.append(type(error).__name__)
json.dump(verdicts, sys.stdout)
