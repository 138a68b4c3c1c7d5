# SPDX-License-Identifier: Apache-2.0
"""The messages of medsec/1. `encode` sends what it is told; `decode` accepts only what is right."""

from collections import namedtuple

from . import Rejected, cbor

READINGS, ACK, CONFIG, CONFIG_ACK, CLOSE = 1, 2, 3, 4, 5
SAMPLE_INTERVAL_MS, BATCH_MAX, REPORT_INTERVAL_MS = 1, 2, 3
PROFILE = 1
COLUMNS = 7
DECIMALS = 3
ROWS_MAX = 255
TIME_MS_MAX = 253402300799999  # the end of the year 9999
U32 = 1 << 32

# rows: [(time_ms after base_time_ms, [values])], all absolute.
Readings = namedtuple("Readings", "boot first_seq base_time_ms time_quality profile rows")
Ack = namedtuple("Ack", "boot seq")
Config = namedtuple("Config", "version settings")
ConfigAck = namedtuple("ConfigAck", "version status")
Close = namedtuple("Close", "reason")

KINDS = {READINGS: Readings, ACK: Ack, CONFIG: Config, CONFIG_ACK: ConfigAck, CLOSE: Close}


def encode_raw(kind, item):
    """A message with any kind and any CBOR item."""
    return bytes([kind]) + cbor.encode(item)


def encode(message):
    kind = next(kind for kind, shape in KINDS.items() if isinstance(message, shape))
    fields = list(message)
    if kind == READINGS:
        fields[-1] = deltas(message.rows)
    return encode_raw(kind, fields)


def deltas(rows):
    """Absolute rows as the wire has them: differences, column by column."""
    last_time, last = 0, [0] * max(len(values) for _, values in rows) if rows else []
    wire = []
    for time, values in rows:
        row = [time - last_time]
        for column, value in enumerate(values):
            row.append(None if value is None else value - last[column])
            last[column] = last[column] if value is None else value
        last_time = time
        wire.append(row)
    return wire


def sums(wire):
    """The other way round; refuses sums that do not fit."""
    if not isinstance(wire, list) or not 1 <= len(wire) <= ROWS_MAX:
        raise Rejected("no rows, or too many")
    time, last, rows = 0, [0] * COLUMNS, []
    for row in wire:
        if not isinstance(row, list) or len(row) != 1 + COLUMNS:
            raise Rejected("a row of another width")
        time += number(row[0], U32)
        number(time, U32)
        values = []
        for column, step in enumerate(row[1:]):
            if step is not None:
                last[column] += step if isinstance(step, int) else malformed()
                if not -U32 // 2 <= last[column] < U32 // 2:
                    raise Rejected("a value outside 32 bits")
            values.append(None if step is None else last[column])
        rows.append((time, values))
    return rows


def malformed():
    raise Rejected("a message of another shape")


def number(item, limit):
    if not isinstance(item, int) or not 0 <= item < limit:
        malformed()
    return item


def _readings(boot, first_seq, base_time_ms, time_quality, profile, rows):
    rows = sums(rows)
    number(boot, U32)
    number(number(first_seq, U32) + len(rows) - 1, U32)
    number(number(base_time_ms, TIME_MS_MAX + 1) + rows[-1][0], TIME_MS_MAX + 1)
    number(time_quality, 3)
    if number(profile, 1 << 16) != PROFILE:
        raise Rejected("another profile")
    return Readings(boot, first_seq, base_time_ms, time_quality, profile, rows)


def _config(version, settings):
    if not isinstance(settings, dict) or not set(settings) <= {1, 2, 3}:
        malformed()
    return Config(number(version, U32),
                  {key: number(value, U32) for key, value in settings.items()})


_DECODERS = {
    READINGS: (6, _readings),
    ACK: (2, lambda boot, seq: Ack(number(boot, U32), number(seq, U32))),
    CONFIG: (2, _config),
    CONFIG_ACK: (2, lambda version, status: ConfigAck(number(version, U32), number(status, U32))),
    CLOSE: (1, lambda reason: Close(number(reason, U32))),
}
FROM_DEVICE = {READINGS, CONFIG_ACK, CLOSE}
FROM_GATEWAY = {ACK, CONFIG, CLOSE}


def decode(data, kinds=frozenset(KINDS)):
    """The message in `data`, which has to be one of `kinds`."""
    if not data or data[0] not in kinds:
        raise Rejected("unknown kind of message")
    count, build = _DECODERS[data[0]]
    fields = cbor.decode(data[1:])
    if not isinstance(fields, list) or len(fields) != count:
        malformed()
    return build(*fields)
