#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Setup keys, forms and answers from fixed secrets, without the library.

As a program it writes tests/vectors/setup_forms.jsonl, which the library has to reproduce and to open.
"""

import hashlib
import json
import os
import sys

sys.path.append(os.path.dirname(os.path.abspath(__file__)))
from medsec1 import setup

FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "vectors",
                    "setup_forms.jsonl")
SETTINGS = [
    ("iot_med_dev_01", "192.168.1.10", 9998, "Ward 7", "correct horse"),
    ("a", "a", 1, "x", ""),
    ("d" * 64, "g" * 61 + ".gw", 65535, "s" * 32, "p" * 63),
    ("bed-7", "gw-1.ward.example", 443, "Röntgen ☢ 𝔸", " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
    ("bed.8", "255.255.255.255", 1024, "\" , \\ \u00a0", "12345678"),
    ("wipe", None, 0, "", ""),
]


def fixed(name, length):
    return hashlib.sha512(("setup " + name).encode()).digest()[:length]


def row(number, device, server, port, ssid, password):
    secret, nonce, page = (fixed("%s %d" % (name, number), length)
                           for name, length in (("secret", 32), ("nonce", 16), ("page", 16)))
    key = setup.setup_key(secret, device)
    plain = (setup.plain(server, port, ssid, password) if server else setup.decommission())
    form, answer_key = setup.seal(key, nonce, plain, page)
    status = number % 3
    return {"device": device, "secret": secret.hex(), "text": setup.text(key),
            "nonce": nonce.hex(), "page": page.hex(), "kind": plain[1], "server": server or "",
            "port": port, "ssid": ssid, "password": password, "plain": plain.hex(),
            "form": form.hex(), "status": status,
            "answer": setup.seal_answer(answer_key, status).hex()}


def text():
    return "".join(json.dumps(row(number, *values)) + "\n"
                   for number, values in enumerate(SETTINGS))


if __name__ == "__main__":
    with open(FILE, "w", encoding="ascii") as file:
        file.write(text())
