"""A real mail server on loopback (aiosmtpd), which keeps what came and refuses whom a test says."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword


@dataclass
class SmtpServer:
    """`answer` is what the server says to a message, `refuses` whom it takes none for."""

    port: int
    envelopes: list[Envelope] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)
    answer: str = "250 taken"
    refuses: set[str] = field(default_factory=set)

    @property
    def mails(self) -> list[EmailMessage]:
        return [message_from_bytes(each.original_content, policy=policy.default) for each in self.envelopes]

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if address in self.refuses:
            return "550 no such person"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802
        if self.answer.startswith("250"):
            self.envelopes.append(envelope)
        return self.answer


@contextmanager
def running(*, tls: Path | None = None, password: str = "") -> Iterator[SmtpServer]:
    """`tls`: a PEM file with key and certificate, for STARTTLS. `password` asks for a login."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        server = SmtpServer(free.getsockname()[1])  # aiosmtpd asks itself, and must know where
    context = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls)

    def login(_server: Any, _session: Any, _envelope: Any, mechanism: str, given: Any) -> AuthResult:
        if not isinstance(given, LoginPassword):
            return AuthResult(success=False)
        server.logins.append((given.login.decode(), given.password.decode()))
        return AuthResult(success=given.password.decode() == password)

    controller = Controller(
        server, hostname="127.0.0.1", port=server.port, tls_context=context, require_starttls=bool(tls),
        authenticator=login if password else None, auth_required=bool(password), auth_require_tls=bool(tls),
    )  # fmt: skip
    controller.start()
    try:
        yield server
    finally:
        controller.stop()
