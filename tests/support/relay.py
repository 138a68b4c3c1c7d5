# SPDX-License-Identifier: Apache-2.0
"""A network between devices and a gateway that a test can cut: a TCP relay on 127.0.0.1."""

import asyncio
import threading

HOST = "127.0.0.1"


class Relay:
    """Forwards `port` to `target`. While it is cut, every connection is reset at once."""

    def __init__(self, target):
        self.target, self.port = target, None
        self.passing, self.writers = True, set()
        self.loop = asyncio.new_event_loop()
        ready = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(ready,))
        self.thread.start()
        ready.wait()

    def _run(self, ready):
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(asyncio.start_server(self._serve, HOST, 0))
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        self.loop.run_forever()
        server.close()
        self._reset_all()
        tasks = asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel()
        self.loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self.loop.close()

    async def _serve(self, reader, writer):
        self.writers.add(writer)
        try:
            if not self.passing:
                writer.transport.abort()
                return
            far_reader, far_writer = await asyncio.open_connection(*self.target)
            self.writers.add(far_writer)
            await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
            self.writers.discard(far_writer)
        except OSError:
            writer.transport.abort()
        finally:
            self.writers.discard(writer)

    @staticmethod
    async def _pump(reader, writer):
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    def _reset_all(self):
        for writer in self.writers:
            writer.transport.abort()

    def cut(self):
        self.passing = False
        self.loop.call_soon_threadsafe(self._reset_all)

    def mend(self):
        self.passing = True

    def close(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
