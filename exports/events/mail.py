"""Mail through the installation's SMTP server, whose socket the guard opens like every other."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Sequence
from email.message import EmailMessage
from typing import Any

from django.conf import settings

from pipelines.errors import Misconfigured, StageError, Unavailable
from pipelines.transports import guard
from pipelines.transports.guard import Egress

EVERYWHERE = ("0.0.0.0/0", "::/0")
"""The server is named by whoever runs the installation, mostly in a private network."""


class _Guarded(smtplib.SMTP):
    """Connects where the guard lets it."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        egress = Egress(frozenset({host}), EVERYWHERE, tuple(settings.CLOSED_NETWORKS))
        connection, _ = guard.connect(host, port, egress=egress, timeout=timeout)
        return connection


class _GuardedTls(_Guarded):
    """Likewise, with TLS from the first byte."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        plain = super()._get_socket(host, port, timeout)
        try:
            return ssl.create_default_context().wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise


def send(message: EmailMessage, to: Sequence[str], *, timeout: float) -> tuple[int, str]:
    """The server's answer to the message. Raises Unavailable and Misconfigured."""
    server: dict[str, Any] = settings.SMTP
    if not server:
        raise Misconfigured("This installation sends no mail: WAYBILL_SMTP is not set.")
    try:
        return _send(server, message, to, timeout)
    except StageError:
        raise
    except smtplib.SMTPAuthenticationError as error:
        raise Misconfigured(f"The mail server refused the login: {_said(error)}") from error
    except smtplib.SMTPRecipientsRefused as error:
        refused = "; ".join(f"{person}: {code} {_text(said)}" for person, (code, said) in error.recipients.items())
        raise Misconfigured(f"The mail server refuses the recipients ({refused}).") from error
    except smtplib.SMTPResponseException as error:
        raise Unavailable(f"The mail server answered {_said(error)}") from error
    except (smtplib.SMTPException, OSError) as error:
        raise Unavailable(f"The mail server gave no proper answer: {error}") from error


def _send(server: dict[str, Any], message: EmailMessage, to: Sequence[str], timeout: float) -> tuple[int, str]:
    kind = _GuardedTls if server["tls"] == "tls" else _Guarded
    connection = kind(server["host"], server["port"], timeout=timeout)
    try:
        connection.ehlo_or_helo_if_needed()
        if server["tls"] == "starttls":
            connection.starttls(context=ssl.create_default_context())
        if server["user"]:
            connection.login(server["user"], server["password"])
        refused = connection.send_message(message, to_addrs=list(to))
    except BaseException:
        connection.close()
        raise
    try:
        connection.quit()
    except (smtplib.SMTPException, OSError):
        connection.close()  # the message is accepted; how they part is of no account
    said = "; ".join(f"not for {person}: {code} {_text(why)}" for person, (code, why) in refused.items())
    return 250, f"The mail server took it{f', {said}' if said else ''}."


def _said(error: smtplib.SMTPResponseException) -> str:
    return f"{error.smtp_code} {_text(error.smtp_error)}"


def _text(given: bytes | str) -> str:
    return given.decode(errors="replace") if isinstance(given, bytes) else given
