# SPDX-License-Identifier: Apache-2.0
"""Noise_IKpsk1_25519_ChaChaPoly_SHA256, Noise Protocol Framework revision 34."""

import hashlib
import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import (Encoding, NoEncryption, PrivateFormat,
                                                          PublicFormat)

from . import Rejected

NAME = b"Noise_IKpsk1_25519_ChaChaPoly_SHA256"
KEY = 32
TAG = 16


class KeyPair:
    def __init__(self, private=None):
        self._key = (X25519PrivateKey.from_private_bytes(private) if private
                     else X25519PrivateKey.generate())
        self.private = self._key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        self.public = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def exchange(self, public):
        try:
            return self._key.exchange(X25519PublicKey.from_public_bytes(public))
        except ValueError as error:  # the result is all zero
            raise Rejected("a public key of small order") from error


def nonce(number):
    return bytes(4) + number.to_bytes(8, "little")


def aead_seal(key, number, ad, text):
    return ChaCha20Poly1305(key).encrypt(nonce(number), text, ad)


def aead_open(key, number, ad, sealed):
    try:
        return ChaCha20Poly1305(key).decrypt(nonce(number), sealed, ad)
    except (InvalidTag, ValueError) as error:
        raise Rejected("does not open") from error


def _mac(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def hkdf(chaining_key, material, outputs):
    key, blocks = _mac(chaining_key, material), [b""]
    for number in range(1, outputs + 1):
        blocks.append(_mac(key, blocks[-1] + bytes([number])))
    return blocks[1:]


class Symmetric:
    """SymmetricState with its CipherState."""

    def __init__(self, prologue):
        self.hash = hashlib.sha256(NAME).digest()  # the name is longer than a hash
        self.chaining_key = self.hash
        self.key, self.number = None, 0
        self.mix_hash(prologue)

    def mix_hash(self, data):
        self.hash = hashlib.sha256(self.hash + data).digest()

    def mix_key(self, material):
        self.chaining_key, self.key = hkdf(self.chaining_key, material, 2)
        self.number = 0

    def mix_key_and_hash(self, material):
        self.chaining_key, hashed, self.key = hkdf(self.chaining_key, material, 3)
        self.mix_hash(hashed)
        self.number = 0

    def mix_ephemeral(self, public):
        self.mix_hash(public)
        self.mix_key(public)  # in every handshake that has a psk

    def seal(self, text):
        sealed = aead_seal(self.key, self.number, self.hash, text)
        self.number += 1
        self.mix_hash(sealed)
        return sealed

    def open(self, sealed):
        text = aead_open(self.key, self.number, self.hash, sealed)
        self.number += 1
        self.mix_hash(sealed)
        return text

    def split(self):
        """k1 (initiator to responder), k2."""
        return hkdf(self.chaining_key, b"", 2)


class Initiator:
    def __init__(self, prologue, static, remote_public, psk, ephemeral=None):
        self.static, self.remote, self.psk = static, remote_public, psk
        self.ephemeral = ephemeral or KeyPair()
        self.state = Symmetric(prologue)
        self.state.mix_hash(remote_public)

    def write(self, payload):
        """Message 1: e, es, s, ss, psk."""
        state = self.state
        state.mix_ephemeral(self.ephemeral.public)
        state.mix_key(self.ephemeral.exchange(self.remote))
        static = state.seal(self.static.public)
        state.mix_key(self.static.exchange(self.remote))
        state.mix_key_and_hash(self.psk)
        return self.ephemeral.public + static + state.seal(payload)

    def read(self, message):
        """Message 2: e, ee, se. Returns its payload."""
        if len(message) < KEY + TAG:
            raise Rejected("message 2 is short")
        remote = message[:KEY]
        self.state.mix_ephemeral(remote)
        self.state.mix_key(self.ephemeral.exchange(remote))
        self.state.mix_key(self.static.exchange(remote))
        return self.state.open(message[KEY:])

    def keys(self):
        """The key to send with, the key to receive with."""
        return tuple(self.state.split())


class Responder:
    def __init__(self, prologue, static, ephemeral=None):
        self.static, self.ephemeral = static, ephemeral or KeyPair()
        self.state = Symmetric(prologue)
        self.state.mix_hash(static.public)
        self.remote = self.remote_ephemeral = self.rest = None

    def read_static(self, message):
        """The first half of message 1, after which the device is known: its public key."""
        if len(message) < KEY + KEY + TAG + TAG:
            raise Rejected("message 1 is short")
        self.remote_ephemeral = message[:KEY]
        self.state.mix_ephemeral(self.remote_ephemeral)
        self.state.mix_key(self.static.exchange(self.remote_ephemeral))
        self.remote = self.state.open(message[KEY:KEY + KEY + TAG])
        self.rest = message[KEY + KEY + TAG:]
        return self.remote

    def read_payload(self, psks):
        """The second half; tries each psk. Returns the payload and the psk that opened it."""
        self.state.mix_key(self.static.exchange(self.remote))
        before = dict(vars(self.state))
        for psk in psks:
            vars(self.state).update(before)
            self.state.mix_key_and_hash(psk)
            try:
                return self.state.open(self.rest), psk
            except Rejected:
                continue
        raise Rejected("no psk of this device")

    def write(self, payload):
        """Message 2."""
        self.state.mix_ephemeral(self.ephemeral.public)
        self.state.mix_key(self.ephemeral.exchange(self.remote_ephemeral))
        self.state.mix_key(self.ephemeral.exchange(self.remote))
        return self.ephemeral.public + self.state.seal(payload)

    def keys(self):
        """The key to send with, the key to receive with."""
        return tuple(reversed(self.state.split()))
