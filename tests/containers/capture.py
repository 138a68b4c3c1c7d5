# SPDX-License-Identifier: Apache-2.0
"""What went over a network, from the files of a sniffer; and whether it can be read there."""

import base64
import ipaddress
import os
import re
import struct

ETHERNET, COOKED, COOKED_2 = 1, 113, 276  # LINKTYPE_
IPV4, IPV6, TCP = 0x0800, 0x86DD, 6
HEADER = {ETHERNET: (12, 14), COOKED: (14, 16), COOKED_2: (0, 20)}  # where the type is, length


class Segment:
    """The payload of a TCP packet; source and destination are (address, port)."""

    def __init__(self, source, destination, sequence, payload, begins):
        self.source, self.destination = source, destination
        self.sequence, self.payload, self.begins = sequence, payload, begins


def tcp(packet):
    """Addresses and segment of an IP packet; None for what is not TCP."""
    if packet[0] >> 4 == 6:
        if packet[6] != TCP:
            return None
        addresses = packet[8:24], packet[24:40]
        segment = packet[40:40 + struct.unpack_from(">H", packet, 4)[0]]
    else:
        if packet[9] != TCP:
            return None
        addresses = packet[12:16], packet[16:20]
        segment = packet[4 * (packet[0] & 15):struct.unpack_from(">H", packet, 2)[0]]
    source, destination = (str(ipaddress.ip_address(each)) for each in addresses)
    from_port, to_port, sequence = struct.unpack_from(">HHI", segment)
    begins = bool(segment[13] & 2)
    return Segment((source, from_port), (destination, to_port), sequence + begins,
                   segment[4 * (segment[12] >> 4):], begins)


class Capture:
    """A sniffer's files, which grow; each look reads what is new."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.offsets, self.flows = {}, {}

    def look(self):
        """(source, destination) -> the bytes as they were received: in order, each once. What was
        sent before the sniffer was there is not among them. A pair of ports that is used again has
        one stream behind the other."""
        for name in sorted(os.listdir(self.folder)):
            if name.startswith(self.name):
                self.read(os.path.join(self.folder, name))
        return {key: b"".join(joined(flow) for _, flow in flows)
                for key, flows in self.flows.items()}

    def read(self, path):
        with open(path, "rb") as file:
            head = file.read(24)
            if len(head) < 24:
                return
            file.seek(self.offsets.get(path, 24))
            data = file.read()
        order = {b"\xd4\xc3\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">"}[head[:4]]
        link, = struct.unpack_from(order + "I", head, 20)
        self.offsets[path] = self.offsets.get(path, 24) + self.packets(data, order, *HEADER[link])

    def packets(self, data, order, kind_at, length):
        """Takes the whole packets; returns how long they are."""
        at = 0
        while at + 16 <= len(data):
            kept, sent = struct.unpack_from(order + "II", data, at + 8)
            if kept != sent:
                raise ValueError("a packet was cut: the sniffer keeps too little of each")
            if at + 16 + kept > len(data):
                break
            packet = data[at + 16:at + 16 + kept]
            if struct.unpack_from(">H", packet, kind_at)[0] in (IPV4, IPV6):
                self.add(tcp(packet[length:]))
            at += 16 + kept
        return at

    def add(self, each):
        if each is None:
            return
        flows = self.flows.setdefault((each.source, each.destination), [])
        if not flows or each.begins and flows[-1][0] != each.sequence:
            flows.append((each.sequence, {}))
        begin, flow = flows[-1]
        if each.payload:
            at = (each.sequence - begin + 2**31) % 2**32 - 2**31
            flow[at] = max(flow.get(at, b""), each.payload, key=len)


def joined(flow):
    pieces, end = [], 0
    for at in sorted(flow):
        pieces.append(flow[at][max(end - at, 0) if pieces else 0:])
        end = max(at + len(flow[at]), end)
    return b"".join(pieces)


def views(data):
    """The bytes, and what stands in them in hex or base64."""
    yield data
    for run in re.findall(rb"[0-9A-Fa-f]{16,}", data):
        for shift in range(2):
            text = run[shift:]
            yield bytes.fromhex(text[:len(text) // 2 * 2].decode())
    for run in re.findall(rb"[A-Za-z0-9+/]{16,}", data):
        for shift in range(4):
            text = run[shift:]
            yield base64.b64decode(text[:len(text) // 4 * 4])


def readable(data, names, decimals):
    """Those of the names, and of the decimals, that can be read in the bytes. Of decimals only such
    that have two digits behind the point and something before them that separates: so there is
    hardly one among random bytes."""
    found = set()
    for view in views(data):
        found |= {name for name in names if name.encode() in view}
        numbers = re.findall(rb"(?<=[\s\0:,;=\"'\[>])-?\d+\.\d{2,}", view)
        found |= decimals.intersection(each.decode() for each in numbers)
    return found
