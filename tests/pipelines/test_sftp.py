"""SFTP beyond what every store promises: who the server is, who we are, and connections that end at the wrong moment."""

from __future__ import annotations

import asyncssh
import pytest

from pipelines.blobs import Blob
from pipelines.errors import Misconfigured, Unavailable, Unconfirmed
from pipelines.transports import sessions
from pipelines.transports.stores import open_store
from tests.pipelines.tools import LOOPBACK
from tests.servers import http as http_servers
from tests.servers import sftp

CSV = Blob.of(b"no;total\r\n7;12\r\n", name="a.csv")
OLD = Blob.of(b"what lay there before", name="a.csv")


@pytest.fixture
def server(tmp_path):
    with sftp.in_process(tmp_path) as running:
        yield running
        sessions.close_idle()


def opened(server, secrets=None, **changes):
    given = {**server.credentials, **changes}
    known = {"password": server.password} if secrets is None else secrets
    return open_store(given, known, egress=LOOPBACK, folder_roots=())


def put(store, path="in/a.csv", blob=CSV, *, replace=False):
    try:
        return store.put(path, blob, replace=replace)
    finally:
        store.close()


def fingerprint(server):
    import base64

    return sessions.fingerprint(base64.b64decode(server.host_key.split()[1]))


def test_without_a_pinned_host_key_nothing_is_sent_and_the_way_out_is_told(server):
    with pytest.raises(Misconfigured) as told:
        put(opened(server, host_key=None))

    assert told.value.place == "config.credentials.host_key"
    assert f"ssh-ed25519 {fingerprint(server)}" in told.value.message
    assert f'set host_key in the credentials to "{server.host_key}"' in told.value.message
    assert list(server.root.iterdir()) == []


def test_another_host_key_than_the_pinned_one_stops_before_the_password(server):
    impostor = " ".join(asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().split()[:2])

    with pytest.raises(Misconfigured, match="another host key than the one that is pinned") as told:
        put(opened(server, host_key=impostor))

    assert fingerprint(server) in told.value.message


@pytest.mark.parametrize("form", ["{key}", "{finger}", "[127.0.0.1]:22 {key} comment", "old-line SHA256:xyz\n{key}"])
def test_a_host_key_is_pinned_in_any_of_its_forms(server, form):
    pinned = form.format(key=server.host_key, finger=fingerprint(server))

    assert put(opened(server, host_key=pinned)).size == CSV.size


def test_a_key_logs_in_sealed_or_not(server):
    import asyncssh as ssh

    sealed = ssh.import_private_key(server.ssh_key).export_private_key(passphrase="open sesame").decode()

    assert put(opened(server, {"ssh_key": server.ssh_key})).size == CSV.size
    assert put(opened(server, {"ssh_key": server.ssh_key.replace("\n", "\\n")})).size == CSV.size
    assert put(opened(server, {"ssh_key": sealed, "ssh_key_passphrase": "open sesame"})).size == CSV.size


@pytest.mark.parametrize(
    ("secrets", "said"),
    [
        ({}, 'neither a secret "password" nor a secret "ssh_key"'),
        ({"password": "wrong"}, "the user name or the password is wrong there"),
        ({"ssh_key": asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()}, "the key is wrong there"),
        ({"ssh_key": "hunter2"}, "is no private key"),
        (
            {"ssh_key": asyncssh.generate_private_key("ssh-ed25519").export_private_key(passphrase="x").decode()},
            "ssh_key_passphrase",
        ),
        (
            {
                "ssh_key": asyncssh.generate_private_key("ssh-ed25519").export_private_key(passphrase="x").decode(),
                "ssh_key_passphrase": "y",
            },
            'is "ssh_key_passphrase" right',
        ),
    ],
)  # fmt: skip
def test_a_login_that_fails_says_what_is_wrong_and_no_secret(server, secrets, said):
    with pytest.raises(Misconfigured, match=said) as told:
        put(opened(server, secrets))

    assert "PRIVATE KEY-----\n" not in str(told.value)
    assert not any(
        value in str(told.value) for name, value in secrets.items() if name == "password" and value != "wrong"
    )


def test_a_port_that_speaks_something_else_is_misconfigured():
    with http_servers.running() as erp:
        credentials = {
            "type": "sftp",
            "host": "127.0.0.1",
            "port": erp.port,
            "username": "u",
            "host_key": "SHA256:x",
            "timeout_s": 3,
        }
        store = open_store(credentials, {"password": "x"}, egress=LOOPBACK, folder_roots=())
        with pytest.raises((Misconfigured, Unavailable), match="does not speak SSH|ended the connection"):
            put(store)


def test_a_session_is_used_again_and_never_by_two_at_once(server):
    first = opened(server)
    first.put("a.csv", CSV, replace=False)
    session = first._session
    first.close()
    second, third = opened(server), opened(server)

    second.put("b.csv", CSV, replace=False)
    third.put("c.csv", CSV, replace=False)

    assert second._session is session
    assert third._session is not session
    second.close()
    third.close()


def test_other_credentials_never_use_the_session(server):
    put(opened(server))

    with pytest.raises(Misconfigured):
        put(opened(server, {"password": "wrong"}), "b.csv")


def test_a_session_that_died_while_idle_is_replaced(server):
    put(opened(server))
    [[idle]] = sessions._idle.values()
    idle._transport.close()

    assert put(opened(server), "b.csv").size == CSV.size


def test_the_connection_test_names_every_step(server):
    said = opened(server).check()

    assert said.startswith(f"connected to 127.0.0.1:{server.port}")
    assert (
        f"host key ssh-ed25519 {fingerprint(server)} is the pinned one; logged in as waybill; wrote, renamed, read"
        in said
    )


class Misbehaving(asyncssh.SFTPServer):
    """Cuts the connection at one request."""

    at = ""

    def _cut(self):
        self.channel.get_connection().abort()
        raise asyncssh.SFTPConnectionLost("cut")

    def mkdir(self, path, attrs):
        if Misbehaving.at == "refuse":
            raise asyncssh.SFTPPermissionDenied("no")
        super().mkdir(path, attrs)

    def write(self, file_obj, offset, data):
        if Misbehaving.at == "write":
            self._cut()
        return super().write(file_obj, offset, data)

    def rename(self, oldpath, newpath):
        at, Misbehaving.at = Misbehaving.at, ""
        if at == "before rename":
            self._cut()
        super().rename(oldpath, newpath)
        if at == "collected":
            self.remove(newpath)
        if at in {"after rename", "collected"}:
            self._cut()

    def posix_rename(self, oldpath, newpath):
        if Misbehaving.at == "old server":
            Misbehaving.at = "before rename"  # what comes next: the old file has gone by then
            raise asyncssh.SFTPOpUnsupported("no such extension")
        self.rename(oldpath, newpath)


@pytest.fixture
def shaky(tmp_path):
    with sftp.in_process(tmp_path, factory=Misbehaving) as running:
        yield running
        sessions.close_idle()
        Misbehaving.at = ""


def test_a_cut_while_writing_is_unavailable_and_leaves_no_file_under_the_name(shaky):
    Misbehaving.at = "write"

    with pytest.raises(Unavailable):
        put(opened(shaky))

    assert not (shaky.root / "in" / "a.csv").exists()


def test_a_cut_before_the_rename_is_unavailable(shaky):
    Misbehaving.at = "before rename"

    with pytest.raises(Unavailable, match="before in/a.csv was in place"):
        put(opened(shaky))

    assert list((shaky.root / "in").iterdir()) == []


def test_a_cut_after_the_rename_is_asked_about_and_proven(shaky):
    Misbehaving.at = "after rename"

    proof = put(opened(shaky))

    assert "after the connection was cut" in proof.how
    assert [path.name for path in (shaky.root / "in").iterdir()] == ["a.csv"]


def test_a_file_that_may_have_been_collected_already_is_unconfirmed(shaky):
    Misbehaving.at = "collected"

    with pytest.raises(Unconfirmed, match="may have taken it already"):
        put(opened(shaky))


def test_a_cut_after_which_nobody_answers_is_unconfirmed(shaky):
    class Gone(sessions.Session):
        def __init__(self, login):
            raise Unavailable(f"{login.shown} refused the connection.")

    store = opened(shaky)
    store.put("warm.csv", CSV, replace=False)  # so that the session is there before the server is away
    Misbehaving.at = "after rename"

    with pytest.MonkeyPatch.context() as away:
        away.setattr(sessions, "Session", Gone)
        with pytest.raises(Unconfirmed, match="while in/a.csv was put in place, and cannot be asked"):
            put(store)

    assert sorted(path.name for path in (shaky.root / "in").iterdir()) == ["a.csv"]


@pytest.mark.parametrize(("at", "kept"), [("before rename", ["a.csv"]), ("old server", [])])
def test_a_cut_while_a_file_is_replaced_leaves_no_half_and_is_made_good_by_the_next_try(shaky, at, kept):
    put(opened(shaky), blob=OLD)
    Misbehaving.at = at

    with pytest.raises(Unavailable, match="before in/a.csv was in place"):
        put(opened(shaky), replace=True)

    there = {path.name: path.read_bytes() for path in (shaky.root / "in").iterdir()}
    assert there == dict.fromkeys(kept, OLD.read())
    put(opened(shaky), replace=True)
    assert {path.name: path.read_bytes() for path in (shaky.root / "in").iterdir()} == {"a.csv": CSV.read()}


def test_a_folder_without_permission_is_misconfigured(shaky):
    Misbehaving.at = "refuse"

    with pytest.raises(Misconfigured, match="permission denied") as told:
        put(opened(shaky))

    assert f"waybill may not do that at sftp://127.0.0.1:{shaky.port}/in/a.csv" in told.value.message


def test_a_file_where_a_folder_should_be_is_told(server):
    (server.root / "in").write_bytes(b"")

    with pytest.raises((Unavailable, Misconfigured)) as told:
        put(opened(server))

    assert "in/a.csv" in told.value.message


def test_keys_of_every_length_are_read():
    keys = [asyncssh.generate_private_key("ecdsa-sha2-nistp256").export_private_key().decode() for _ in range(150)]

    assert {sessions.private_key(key, "").get_name() for key in keys} == {"ecdsa-sha2-nistp256"}
