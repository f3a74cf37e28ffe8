"""Running an asyncio server: in a thread of this process, or as a process of its own until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, Self


class Listening(Protocol):
    """What asyncio and asyncssh give for a listening server, as far as it is used here."""

    def close(self) -> Any: ...


Start = Callable[[], Awaitable[tuple[Listening, int]]]
"""Starts listening; gives the server and its port."""


class InThread:
    """The server on loopback, in a thread. Its `port` is known as soon as this object is."""

    def __init__(self, start: Start) -> None:
        self._ready = threading.Event()
        self._failed: OSError | None = None
        self._stop: Callable[[], object] = lambda: None
        self.port = 0
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run(start)), daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._failed:
            raise self._failed

    async def _run(self, start: Start) -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        self._stop = lambda: loop.call_soon_threadsafe(stop.set)
        try:
            server, self.port = await start()
        except OSError as error:
            self._failed = error
            return
        finally:
            self._ready.set()
        await stop.wait()
        server.close()  # open connections end with the loop; waiting for them would wait for their clients

    @property
    def url(self) -> str:
        """Without a trailing slash."""
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        self._stop()
        self._thread.join(5)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def until_told(start: Start, say: Callable[[int], str]) -> None:
    """Serve until SIGTERM or SIGINT. What `say` makes of the port is printed once the server listens."""

    async def serve() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        server, port = await start()
        print(say(port), flush=True)
        await stop.wait()
        server.close()

    asyncio.run(serve())
