# SPDX-License-Identifier: Apache-2.0
"""Records of a stream, and the two suites that seal them."""

import hashlib
import hmac
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from . import Rejected, noise

HELLO, WELCOME, DATA = 0xA1, 0xA2, 0xA3
HEADER = 4
BODY_MAX = 2048
VERSION = 1
CBC_HS256, CHACHA = 1, 2
SUITES = {"A128CBC-HS256": CBC_HS256, "ChaChaPoly": CHACHA}
BLOCK = TAG = 16


def handshake_flags(suite, version=VERSION):
    return version << 4 | suite


def header(kind, flags, length):
    return struct.pack(">BBH", kind, flags, length)


def record(kind, flags, body):
    return header(kind, flags, len(body)) + body


def parse_header(data):
    """Type, flags and length of the four bytes of a header; checks the length only."""
    kind, flags, length = struct.unpack(">BBH", data)
    if length > BODY_MAX:
        raise Rejected("record of %d bytes" % length)
    return kind, flags, length


def split(stream):
    """A recorded stream as records (type, flags, body); an unfinished one is refused."""
    at, found = 0, []
    while at < len(stream):
        kind, flags, length = parse_header(stream[at:at + HEADER].ljust(HEADER, b"\0"))
        at += HEADER + length
        if at > len(stream):
            raise Rejected("the stream ends inside a record")
        found.append((kind, flags, stream[at - length:at]))
    return found


def hkdf_expand(key, info, length):
    blocks, last = b"", b""
    for number in range(1, -(-length // hashlib.sha256().digest_size) + 1):
        last = hmac.new(key, last + info + bytes([number]), hashlib.sha256).digest()
        blocks += last
    return blocks[:length]


def _aes(key, mode):
    return Cipher(algorithms.AES(key), mode)


class CbcHs256:
    """Suite 1, the construction of RFC 7518 section 5.2.3 with an implicit IV."""

    def __init__(self, key):
        keys = hkdf_expand(key, b"medsec/1 A128CBC-HS256", 48)
        self.mac_key, self.enc_key, self.iv_key = keys[:16], keys[16:32], keys[32:]

    @staticmethod
    def sealed_length(length):
        return (length // BLOCK + 1) * BLOCK + TAG

    def iv(self, seq):
        encryptor = _aes(self.iv_key, modes.ECB()).encryptor()
        return encryptor.update(bytes(8) + struct.pack(">Q", seq))

    def tag(self, aad, iv, sealed):
        data = aad + iv + sealed + struct.pack(">Q", 8 * len(aad))
        return hmac.new(self.mac_key, data, hashlib.sha256).digest()[:TAG]

    def seal(self, aad, seq, text):
        pad = BLOCK - len(text) % BLOCK
        return self.seal_padded(aad, seq, text + bytes([pad]) * pad)

    def seal_padded(self, aad, seq, padded):
        """Seals whole blocks as they are, whatever padding they end in."""
        encryptor = _aes(self.enc_key, modes.CBC(self.iv(seq))).encryptor()
        sealed = encryptor.update(padded) + encryptor.finalize()
        return sealed + self.tag(aad, self.iv(seq), sealed)

    def open(self, aad, seq, body):
        sealed, tag = body[:-TAG], body[-TAG:]
        if len(body) < BLOCK + TAG or len(sealed) % BLOCK != 0:
            raise Rejected("not whole blocks")
        if not hmac.compare_digest(tag, self.tag(aad, self.iv(seq), sealed)):
            raise Rejected("does not open")
        decryptor = _aes(self.enc_key, modes.CBC(self.iv(seq))).decryptor()
        text = decryptor.update(sealed) + decryptor.finalize()
        pad = text[-1]
        if not 1 <= pad <= BLOCK or text[-pad:] != bytes([pad]) * pad:
            raise Rejected("does not open")
        return text[:-pad]


class ChaChaPoly:
    """Suite 2, the Noise transport cipher."""

    def __init__(self, key):
        self.key = key

    @staticmethod
    def sealed_length(length):
        return length + TAG

    def seal(self, aad, seq, text):
        return noise.aead_seal(self.key, seq, aad, text)

    def open(self, aad, seq, body):
        return noise.aead_open(self.key, seq, aad, body)


class Direction:
    """One direction of a session. `seq` may be set to any number: the next record has it."""

    def __init__(self, suite, key):
        self.cipher = {CBC_HS256: CbcHs256, CHACHA: ChaChaPoly}[suite](key)
        self.seq = 0

    @staticmethod
    def aad(head, seq):
        return head + struct.pack(">Q", seq)

    def seal(self, message, kind=DATA, flags=0):
        """One record on the wire, header included."""
        head = header(kind, flags, self.cipher.sealed_length(len(message)))
        body = self.cipher.seal(self.aad(head, self.seq), self.seq, message)
        self.seq += 1
        return head + body

    def open(self, body, kind=DATA, flags=0):
        """The message in a record's body; `seq` does not move when it does not open."""
        head = header(kind, flags, len(body))
        message = self.cipher.open(self.aad(head, self.seq), self.seq, body)
        self.seq += 1
        return message
