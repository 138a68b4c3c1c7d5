# SPDX-License-Identifier: Apache-2.0
"""A seed device in Python: the seed wire as its description has it, sharing no line with libmedsec.

Plaintext: flat JSON of seven strings. Cut in 16-byte blocks, the last one (0-15 bytes) filled with
`&`. Each block AES-128-CBC, 32 hex digits, blocks joined with `+`, nothing between frames.
"""

import json
import socket

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

TIMEOUT = 60  # patience with a busy machine
BLOCK = 16
DIGITS = 2 * BLOCK
# Member of a reading, and the topic on which its value appears, in the order of publication.
TOPICS = (
    ("Temp", "Physiological_Data/Temperature"),
    ("PulseSig", "Physiological_Data/Pulse_Signal"),
    ("Acel_x", "Physiological_Data/Accelerometer/x"),
    ("Acel_y", "Physiological_Data/Accelerometer/y"),
    ("Acel_z", "Physiological_Data/Accelerometer/z"),
    ("TempMcu", "Internal_Device_Data/Temperature/MCU"),
    ("TempMpu", "Internal_Device_Data/Temperature/MPU"),
)
MEMBERS = ("Temp", "TempMcu", "PulseSig", "Acel_x", "Acel_y", "Acel_z", "TempMpu")


def _cbc(key, iv):
    return Cipher(algorithms.AES(key.encode("ascii")), modes.CBC(iv.encode("ascii")))


def text_of(values):
    """The JSON text of a reading, as the device prints it: no white space."""
    return json.dumps(values, separators=(",", ":"))


def reading(pulse, **others):
    """A reading with this pulse; values are the texts that are published."""
    values = {"Temp": "36.600", "TempMcu": "23.700", "PulseSig": pulse, "Acel_x": "0.000",
              "Acel_y": "-0.50", "Acel_z": "0.000", "TempMpu": "23.400"}
    values.update(others)
    return values


def encode(text, key, iv, chained=False, upper=False):
    """One frame as bytes."""
    plain = text.encode("latin-1")
    plain += b"&" * (BLOCK - len(plain) % BLOCK)
    blocks = [plain[i:i + BLOCK] for i in range(0, len(plain), BLOCK)]
    encryptor = _cbc(key, iv).encryptor()
    digits = []
    for block in blocks:
        if not chained:
            encryptor = _cbc(key, iv).encryptor()
        digits.append(encryptor.update(block).hex())
    wire = "+".join(digits)
    return (wire.upper() if upper else wire).encode("ascii")


def split_frames(stream):
    """A recorded stream as frames: after 32 digits only `+` continues the frame."""
    text = stream.decode("ascii")
    frames, blocks, at = [], [], 0
    while at < len(text):
        digits = text[at:at + DIGITS]
        if len(digits) != DIGITS:
            raise ValueError("the stream ends inside a block")
        blocks.append(bytes.fromhex(digits))
        at += DIGITS
        if text[at:at + 1] == "+":
            at += 1
        else:
            frames.append(blocks)
            blocks = []
    if blocks:
        raise ValueError("the stream ends after a '+'")
    return frames


def decrypt(blocks, key, iv, chained):
    """The text of one frame without its fill."""
    decryptor = _cbc(key, iv).decryptor()
    plain = b""
    for block in blocks:
        if not chained:
            decryptor = _cbc(key, iv).decryptor()
        plain += decryptor.update(block)
    if not plain.endswith(b"&"):
        raise ValueError("no fill at the end of a frame")
    return plain.rstrip(b"&").decode("ascii")


def decode_stream(stream, key, iv, chained):
    """The texts of a recorded stream."""
    return [decrypt(blocks, key, iv, chained) for blocks in split_frames(stream)]


class SeedDevice:
    """One device; `sent` keeps the readings it has written to its connection."""

    def __init__(self, device_id, key, iv, chained=False, upper=False):
        self.id, self.key, self.iv = device_id, key, iv
        self.chained, self.upper = chained, upper
        self.sent = []
        self.socket = None

    @classmethod
    def from_credential(cls, path, **how):
        with open(path, encoding="ascii") as file:
            credential = json.load(file)
        return cls(credential["device"], credential["key"], credential["iv"], **how)

    def topic(self, suffix):
        return "Pico/%s/%s" % (self.id, suffix)

    def connect(self, address, source=None):
        """Connects, from another address of this machine if `source` says so."""
        self.close()
        self.socket = socket.create_connection(address, timeout=TIMEOUT,
                                               source_address=(source, 0) if source else None)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self

    def local_port(self):
        return self.socket.getsockname()[1]

    def encode(self, text):
        return encode(text, self.key, self.iv, self.chained, self.upper)

    def frame(self, values):
        return self.encode(text_of(values))

    def send(self, values):
        self.socket.sendall(self.frame(values))
        self.sent.append(values)

    def send_raw(self, data):
        self.socket.sendall(data)

    def closed_by_peer(self, timeout=TIMEOUT):
        """True when the gateway closes this connection within `timeout` seconds."""
        self.socket.settimeout(timeout)
        try:
            return self.socket.recv(1) == b""
        except ConnectionError:
            return True
        except socket.timeout:
            return False

    def close(self):
        if self.socket:
            self.socket.close()
            self.socket = None
