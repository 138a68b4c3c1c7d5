# SPDX-License-Identifier: Apache-2.0
"""What the layers of an image hold beyond those of its base."""

import os
import re

from engine import inspect

SECRET = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/]{40}"
                    rb"|medsec-registry-key/1 [A-Za-z0-9+/]{43}="
                    rb'|"(?:psk|device_private)":"[A-Za-z0-9+/]{43}='
                    rb"|^[^\s:]+:\$[0-9a-z]+\$\S{40}"
                    rb"|^[^\s:]+:(?:pbkdf2-sha256|scrypt):\d", re.MULTILINE)
FOREIGN = re.compile(r"\.(db|pcap|pem\.key)$|^(\.git|build|DEVICES_KEYS\.txt)$")
LARGEST = 1 << 20  # secrets are small


def folders(image):
    data = inspect(image)[0]["GraphDriver"]["Data"]
    return [data["UpperDir"], *data.get("LowerDir", "").split(":")]


def own_folders(image, base):
    shared = set(folders(base))
    return [folder for folder in folders(image) if folder and folder not in shared]


def secrets(image, base):
    """Paths of files in the image that hold a secret, or are no business of an image."""
    found = []
    for top in own_folders(image, base):
        for folder, folders_in_it, files in os.walk(top):
            if "node_modules" in folders_in_it:  # as the lock file has them, by their hashes
                folders_in_it.remove("node_modules")
            for name in files:
                path = os.path.join(folder, name)
                if FOREIGN.search(name) or holds_secret(path):
                    found.append(path[len(top):])
    return found


def holds_secret(path):
    if path.endswith(".example") or os.path.islink(path):
        return False
    if not os.path.isfile(path) or os.path.getsize(path) > LARGEST:
        return False
    with open(path, "rb") as file:
        return SECRET.search(file.read()) is not None
