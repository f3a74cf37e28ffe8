"""HTTP over TLS: the certificate is held against the name, and what is wrong is said."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
from datetime import UTC, datetime, timedelta

import pytest

from pipelines.errors import Misconfigured, Unconfirmed
from pipelines.transports.guard import Egress
from pipelines.transports.http import Client
from tests.pipelines.tools import CAP, LOOPBACK, post
from tests.servers import http as servers


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate of its own for 127.0.0.1, as one PEM file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "pretend ERP")])
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    begun = datetime.now(UTC) - timedelta(days=1)
    made = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), begun, begun + timedelta(days=9)
    )
    signed = made.add_extension(address, critical=False).sign(key, hashes.SHA256())
    path = tmp_path_factory.mktemp("tls") / "erp.pem"
    sealed = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, sealed)
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def trusting(certificate):
    import ssl

    made = Client(tls=ssl.create_default_context(cafile=str(certificate)))
    yield made
    made.close()


def test_tls_to_a_trusted_certificate_works_and_is_kept_open(trusting, certificate):
    with servers.running(tls=certificate) as erp:
        first = trusting.send(post(erp.url), egress=LOOPBACK, cap=CAP)
        second = trusting.send(post(erp.url), egress=LOOPBACK, cap=CAP)

    assert (first.status, second.status) == (200, 200)
    assert first.timings["tls"] > 0
    assert [seen.connection for seen in erp.seen] == [1, 1]


def test_a_certificate_nobody_vouches_for_is_misconfigured(client, certificate):
    with servers.running(tls=certificate) as erp, pytest.raises(Misconfigured) as told:
        client.send(post(erp.url), egress=LOOPBACK, cap=CAP)

    assert told.value.message.startswith("The certificate of 127.0.0.1 is not trusted: self-signed certificate.")
    assert erp.seen == []


def test_a_certificate_of_another_name_is_misconfigured(trusting, certificate):
    with servers.running(tls=certificate) as erp, pytest.raises(Misconfigured, match="is not trusted: .*mismatch"):
        trusting.send(post(f"https://localhost:{erp.port}/"), egress=Egress((), ("127.0.0.0/8",)), cap=CAP)

    assert erp.seen == []


def test_https_to_a_plain_http_port_is_misconfigured(client):
    def answer(listener):
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            while connection.recv(65536):
                pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer, args=(listener,), daemon=True)
        thread.start()
        with pytest.raises(Misconfigured, match="Does it speak plain http at this port"):
            client.send(post(f"https://127.0.0.1:{listener.getsockname()[1]}"), egress=LOOPBACK, cap=CAP)
        thread.join(5)


def test_a_cut_over_tls_is_unconfirmed_too(trusting, certificate):
    with servers.running(tls=certificate) as erp:
        erp.will(servers.cut())
        with pytest.raises(Unconfirmed):
            trusting.send(post(erp.url), egress=LOOPBACK, cap=CAP)
