# SPDX-License-Identifier: Apache-2.0
"""A TCP connection that carries records, and keeps what went over it."""

import socket

from . import Rejected, records

TIMEOUT = 60  # patience with a busy machine


class Closed(Exception):
    """The other side ended the connection; `inside` when it did so within a record."""

    def __init__(self, inside=False):
        super().__init__("closed inside a record" if inside else "closed")
        self.inside = inside


class Link:
    """`sent` and `received` are lists of whole records as they were on the wire."""

    def __init__(self, connection):
        self.socket = connection
        self.socket.settimeout(TIMEOUT)
        if connection.family != socket.AF_UNIX:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent, self.received = [], []
        self._unread = b""

    @classmethod
    def to(cls, address, source=None):
        return cls(socket.create_connection(
            address, timeout=TIMEOUT, source_address=(source, 0) if source else None))

    def send(self, data):
        """Any bytes at all."""
        self.socket.sendall(data)
        self.sent.append(data)

    def _fill(self, count):
        while len(self._unread) < count:
            try:
                data = self.socket.recv(65536)
            except ConnectionError:
                data = b""
            if not data:
                raise Closed(bool(self._unread))
            self._unread += data

    def receive(self, timeout=TIMEOUT):
        """The next record: type, flags, body. Raises Closed, Rejected or socket.timeout."""
        self.socket.settimeout(timeout)
        self._fill(records.HEADER)
        kind, flags, length = records.parse_header(self._unread[:records.HEADER])
        end = records.HEADER + length
        self._fill(end)
        data, self._unread = self._unread[:end], self._unread[end:]
        self.received.append(data)
        return kind, flags, data[records.HEADER:]

    def expect(self, kind, flags, timeout=TIMEOUT):
        """The body of the next record, which has to be of this type."""
        found = self.receive(timeout)
        if found[:2] != (kind, flags):
            raise Rejected("record %#x, flags %#x" % found[:2])
        return found[2]

    def closed_by_peer(self, timeout=TIMEOUT):
        """True when the other side closes within `timeout` seconds and sends nothing before."""
        self.socket.settimeout(timeout)
        try:
            return self._unread == b"" and self.socket.recv(1) == b""
        except ConnectionError:
            return True
        except socket.timeout:
            return False

    def local_port(self):
        return self.socket.getsockname()[1]

    def shutdown(self):
        """Ends the connection for a thread that is reading from it, too."""
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def close(self):
        self.socket.close()
