"""A proxy that loses answers: the server behind it has done what was asked, and the client never hears of it."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "proxy-connection", "upgrade"}


@dataclass
class Proxy:
    """`lose` answers to requests whose line begins so ("POST /rossum"); each loss is noted with the answer's status."""

    url: str
    lose: list[str] = field(default_factory=list)
    lost: list[tuple[str, int]] = field(default_factory=list)
    passed: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def loses(self, line: str) -> bool:
        """Whether this answer is lost; each entry loses one."""
        with self.lock:
            found = next((beginning for beginning in self.lose if line.startswith(beginning)), None)
            if found is not None:
                self.lose.remove(found)
            return found is not None


@contextmanager
def forgetful(upstream: str) -> Iterator[Proxy]:
    """Runs beside the test; whoever asks it is answered by `upstream`, with URLs of the proxy's own host."""
    there = urlsplit(upstream)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            connection = http.client.HTTPConnection(there.hostname or "", there.port, timeout=60)
            headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
            connection.request(self.command, self.path, body=body or None, headers=headers)
            reply = connection.getresponse()
            answer = reply.read()  # all of it: the server has committed, and believes that it was heard
            connection.close()
            line = f"{self.command} {self.path}"
            if proxy.loses(line):
                proxy.lost.append((line, reply.status))
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            proxy.passed.append(line)
            self.send_response(reply.status)
            for name, value in reply.getheaders():
                if name.lower() not in HOP_BY_HOP | {"date", "server"}:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer)

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = pass_on  # noqa: N815  (as http.server calls them)

        def log_message(self, *_words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    proxy = Proxy(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
