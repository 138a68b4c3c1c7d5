# SPDX-License-Identifier: Apache-2.0
"""medsec/1 in Python as its description has it, sharing no line with libmedsec.

Written for tests: every part can be used alone and made to do the wrong thing (another key, another
sequence number, a record again), and nothing here is constant time.
"""


class Rejected(Exception):
    """What came from the other side is not what the wire allows; the connection has to close."""
