# SPDX-License-Identifier: Apache-2.0
"""The page of preload.h, from the side of the harness."""

import mmap
import os
import struct

SIZE = 4096
(MEMORY_CALLS, MEMORY_AT, MEMORY_FOR, MEMORY_OWN, MEMORY_FAILED, DISK_ERROR, DISK_FAILED,
 CLOCK_OFFSET) = range(0, 64, 8)
DISK_FOLDER = 64


class Page:
    """Makes the file; `environment()` brings a process under its rule."""

    def __init__(self, path, preloaded):
        self.path, self.preloaded = path, preloaded
        with open(path, "wb") as file:
            file.truncate(SIZE)
        with open(path, "r+b") as file:
            self.bytes = mmap.mmap(file.fileno(), SIZE)

    def environment(self):
        return dict(os.environ, LD_PRELOAD=self.preloaded, MEDSEC_FAULTS_PAGE=self.path)

    def put(self, at, number):
        self.bytes[at:at + 8] = struct.pack("<q", number)

    def get(self, at):
        return struct.unpack("<q", self.bytes[at:at + 8])[0]

    def fail_memory(self, call, count=1, own=False):
        """The `call`-th allocation from now on fails, and those after it up to `count`; if `own`, only
        the program's are counted, not those of the libraries that it uses. 0: none fails."""
        self.put(MEMORY_AT, 0)
        self.put(MEMORY_OWN, own)
        self.put(MEMORY_CALLS, 0)
        self.put(MEMORY_FOR, count)
        self.put(MEMORY_AT, call)

    def memory_failed(self):
        return self.get(MEMORY_FAILED)

    def memory_calls(self):
        return self.get(MEMORY_CALLS)

    def fail_disk(self, error, folder):
        self.bytes[DISK_FOLDER:SIZE] = os.fsencode(folder).ljust(SIZE - DISK_FOLDER, b"\0")
        self.put(DISK_ERROR, error)

    def mend_disk(self):
        self.put(DISK_ERROR, 0)

    def disk_failed(self):
        return self.get(DISK_FAILED)

    def set_clock(self, offset_s):
        self.put(CLOCK_OFFSET, offset_s)
