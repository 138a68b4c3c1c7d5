# SPDX-License-Identifier: Apache-2.0
"""The setup page's sealed form, the provisioning image, and UF2, from docs/wire.md alone."""

import hashlib
import ipaddress
import os
import re
import struct
import unicodedata

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from . import Rejected

DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32
PLAIN, NONCE, TAG = 192, 16, 16
SETTINGS, DECOMMISSION = 1, 2
DONE, NOT_STORED, BAD_FORM = 0, 1, 2

OFFSET, SECTOR, SECTORS = 0x1F0000, 4096, 3
UF2_BLOCK, UF2_PAYLOAD, UF2_FAMILY, FLASH = 512, 256, 0xE48BFF56, 0x10000000
UF2_HAS_FAMILY = 0x2000


def hkdf(secret, salt, info, length):
    return HKDF(hashes.SHA256(), length, salt, info).derive(secret)


def setup_key(secret, device):
    """`secret` is the psk, or key || iv of the seed wire."""
    bits = int.from_bytes(hkdf(secret, b"medsec setup key", device.encode(), 13), "big") >> 4
    return "".join(DIGITS[bits >> 5 * (19 - place) & 31] for place in range(20))


def text(key):
    return "-".join(key[at:at + 4] for at in range(0, 20, 4))


def keys(key, salt):
    """Form key, answer key."""
    both = hkdf(key.encode(), salt, b"medsec setup 1", 64)
    return both[:32], both[32:]


def _is_server(server):
    if re.fullmatch(r"[0-9.]*", server):
        try:
            return str(ipaddress.IPv4Address(server)) == server
        except ValueError:
            return False
    label = "[0-9A-Za-z](?:[0-9A-Za-z-]{0,61}[0-9A-Za-z])?"
    return len(server) <= 64 and re.fullmatch(r"%s(\.%s)*" % (label, label), server) is not None


def _is_ssid(ssid):
    try:
        characters = ssid.decode()
    except UnicodeDecodeError:
        return False
    return 1 <= len(ssid) <= 32 and all(unicodedata.category(c) != "Cc" for c in characters)


def may_be_typed(server, port, ssid, password):
    """`ssid` is bytes."""
    return (_is_server(server) and 1 <= port <= 65535 and _is_ssid(ssid)
            and re.fullmatch("|[ -~]{8,63}", password) is not None)


def plain(server, port, ssid, password):
    packed = struct.pack(">BBH64s32s63s", 1, SETTINGS, port, server.encode(), ssid.encode(),
                         password.encode())
    return packed.ljust(PLAIN, b"\0")


def decommission():
    return bytes([1, DECOMMISSION]).ljust(PLAIN, b"\0")


def seal(key, nonce, form, page=None):
    """The form as the page sends it, and the key that opens the answer."""
    salt = nonce + (page or os.urandom(NONCE))
    form_key, answer_key = keys(key, salt)
    return salt + ChaCha20Poly1305(form_key).encrypt(bytes(12), form, b"form"), answer_key


def _open(key, sealed, ad):
    try:
        return ChaCha20Poly1305(key).decrypt(bytes(12), sealed, ad)
    except InvalidTag as error:
        raise Rejected("does not open") from error


def open_form(key, nonce, form):
    """The 192 bytes, and the key to answer under."""
    if len(form) != 2 * NONCE + PLAIN + TAG or form[:NONCE] != nonce:
        raise Rejected("no form for this nonce")
    form_key, answer_key = keys(key, form[:2 * NONCE])
    return _open(form_key, form[2 * NONCE:], b"form"), answer_key


def seal_answer(answer_key, status):
    return ChaCha20Poly1305(answer_key).encrypt(bytes(12), bytes([status]), b"answer")


def open_answer(answer_key, answer):
    return _open(answer_key, answer, b"answer")[0]


def boot_record(boot, seed):
    record = b"MSB1" + struct.pack(">I", boot) + seed
    return record + hashlib.sha256(record).digest()[:8]


def read_boot_record(record):
    boot, seed = struct.unpack(">4xI32s8x", record)
    if record != boot_record(boot, seed):
        raise Rejected("no boot record")
    return boot, seed


def read_image(image):
    """The credential sector and the boot record of a provisioning image."""
    boot = image[SECTOR:SECTOR + 48]
    if len(image) != SECTORS * SECTOR or image[SECTOR + 48:].strip(b"\xff"):
        raise Rejected("no provisioning image")
    return image[:SECTOR], read_boot_record(boot)


def read_uf2(data, family=UF2_FAMILY):
    """{address: payload} of a UF2 file that holds nothing else."""
    blocks, count = {}, len(data) // UF2_BLOCK
    if count == 0 or len(data) % UF2_BLOCK:
        raise Rejected("not whole blocks")
    for number in range(count):
        block = data[number * UF2_BLOCK:][:UF2_BLOCK]
        first, second, flags, address, length, place, total, tag = struct.unpack("<8I", block[:32])
        if (first, second, struct.unpack("<I", block[-4:])[0]) != (0x0A324655, 0x9E5D5157,
                                                                   0x0AB16F30):
            raise Rejected("no UF2 block")
        if (flags, length, place, total, tag) != (UF2_HAS_FAMILY, UF2_PAYLOAD, number, count,
                                                  family):
            raise Rejected("another kind of UF2 block")
        if block[32 + length:-4].strip(b"\0") or address in blocks:
            raise Rejected("an untidy UF2 block")
        blocks[address] = block[32:32 + length]
    return blocks


def image_of_uf2(data):
    """The one piece of flash that a provisioning file covers."""
    blocks = read_uf2(data)
    expected = range(FLASH + OFFSET, FLASH + OFFSET + SECTORS * SECTOR, UF2_PAYLOAD)
    if sorted(blocks) != list(expected):
        raise Rejected("other pages of flash")
    return b"".join(blocks[address] for address in expected)
