# SPDX-License-Identifier: Apache-2.0
"""The CBOR that medsec/1 uses, RFC 8949 section 4.2.1: integers, arrays, maps of integers, null."""

from . import Rejected

UNSIGNED, NEGATIVE, ARRAY, MAP, NULL = 0, 1, 4, 5, 0xF6
DEPTH = 4


def head(major, number, width=None):
    """The head of an item in the shortest form; `width` (0, 1, 2, 4 or 8 bytes) forces another."""
    if width is None:
        width = 0 if number < 24 else next(w for w in (1, 2, 4, 8) if number < 1 << 8 * w)
    if width == 0:
        return bytes([major << 5 | number])
    return bytes([major << 5 | 24 + (1, 2, 4, 8).index(width)]) + number.to_bytes(width, "big")


def encode(item):
    if item is None:
        return bytes([NULL])
    if isinstance(item, int):
        return head(UNSIGNED, item) if item >= 0 else head(NEGATIVE, -1 - item)
    if isinstance(item, dict):
        pairs = sorted((encode(key), encode(value)) for key, value in item.items())
        return head(MAP, len(pairs)) + b"".join(key + value for key, value in pairs)
    return head(ARRAY, len(item)) + b"".join(encode(each) for each in item)


class _Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if count > len(self.data) - self.at:
            raise Rejected("CBOR ends early")
        self.at += count
        return self.data[self.at - count:self.at]

    def head(self):
        first = self.take(1)[0]
        major, low = first >> 5, first & 31
        if low < 24:
            return major, low
        if low > 27:
            raise Rejected("CBOR of indefinite or reserved length")
        number = int.from_bytes(self.take(1 << low - 24), "big")
        if head(major, number) != self.data[self.at - (1 << low - 24) - 1:self.at]:
            raise Rejected("CBOR number is not in its shortest form")
        return major, number

    def item(self, depth):
        if depth == 0:
            raise Rejected("CBOR is too deep")
        if self.data[self.at:self.at + 1] == bytes([NULL]):
            self.at += 1
            return None
        major, number = self.head()
        if major == UNSIGNED:
            return number
        if major == NEGATIVE:
            return -1 - number
        if major == ARRAY:
            return [self.item(depth - 1) for _ in range(number)]
        if major == MAP:
            return self.map(number, depth)
        raise Rejected("CBOR type %d" % major)

    def map(self, count, depth):
        found, last = {}, b""
        for _ in range(count):
            begin = self.at
            key = self.item(1)
            if not isinstance(key, int) or self.data[begin:self.at] <= last:
                raise Rejected("CBOR map keys are not integers in order")
            last = self.data[begin:self.at]
            found[key] = self.item(depth - 1)
        return found


def decode(data):
    """The one item in `data`."""
    reader = _Reader(data)
    item = reader.item(DEPTH)
    if reader.at != len(data):
        raise Rejected("bytes after the CBOR item")
    return item
