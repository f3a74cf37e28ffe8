"""The other side of the benchmarks: accepts any POST after a latency and answers 201 with a small JSON body.

    python -m benchmarks.receiver PORT LATENCY_MS

An asyncio protocol of its own, so that it costs little of the two cores that are being measured."""

from __future__ import annotations

import asyncio
import itertools
import sys

_numbers = itertools.count(1)


class Receiver(asyncio.Protocol):
    def __init__(self, latency: float) -> None:
        self.latency = latency
        self.buffer = b""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.buffer += data
        while True:
            head, found, rest = self.buffer.partition(b"\r\n\r\n")
            if not found:
                return
            length = 0
            for line in head.split(b"\r\n")[1:]:
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            if len(rest) < length:
                return
            self.buffer = rest[length:]
            if self.latency:
                asyncio.get_running_loop().call_later(self.latency, self.answer)
            else:
                self.answer()

    def answer(self):
        body = b'{"id": %d, "status": "booked"}' % next(_numbers)
        self.transport.write(
            b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
            % (len(body), body)
        )


async def main() -> None:
    port, latency = int(sys.argv[1]), float(sys.argv[2]) / 1000
    server = await asyncio.get_running_loop().create_server(lambda: Receiver(latency), "127.0.0.1", port, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
