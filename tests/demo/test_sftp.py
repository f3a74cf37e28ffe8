"""The demo's SFTP server, spoken to by paramiko."""

import base64
import subprocess
import sys

import paramiko
import pytest

from demo.serving import InThread
from demo.sftp import Account, host_key, public_line, starter


@pytest.fixture
def server(tmp_path):
    """A running server: its account, its host key and its port."""
    login_key = paramiko.RSAKey.generate(2048)
    keys = tmp_path / "authorized_keys"
    keys.write_text(f"{login_key.get_name()} {login_key.get_base64()}\n")
    account = Account(tmp_path / "root", authorized_keys=keys)
    key = host_key(tmp_path / "host_key")
    with InThread(starter(account, key)) as thread:
        thread.account, thread.host_key, thread.login_key = account, key, login_key
        yield thread


def connect(server, **login) -> paramiko.SSHClient:
    kind, encoded = public_line(server.host_key).split()
    client = paramiko.SSHClient()
    pinned = paramiko.Ed25519Key(data=base64.b64decode(encoded))
    client.get_host_keys().add(f"[127.0.0.1]:{server.port}", kind, pinned)
    client.connect("127.0.0.1", server.port, username="waybill", allow_agent=False, look_for_keys=False, **login)
    return client


def test_a_file_with_a_foreign_name_arrives_byte_for_byte(server):
    content = bytes(range(256)) * 5000
    with connect(server, password="pretend-password") as client, client.open_sftp() as sftp:
        sftp.mkdir("in")
        with sftp.open("in/größe.tmp", "wb") as file:
            file.write(content)
        sftp.posix_rename("in/größe.tmp", "in/größe.bin")

    assert (server.account.root / "in" / "größe.bin").read_bytes() == content
    assert not (server.account.root / "in" / "größe.tmp").exists()


def test_a_listed_key_opens_it_too(server):
    with connect(server, pkey=server.login_key) as client, client.open_sftp() as sftp:
        assert sftp.listdir(".") == []


@pytest.mark.parametrize(
    "login", [{"password": "wrong"}, {"pkey": paramiko.RSAKey.generate(2048)}], ids=["password", "key"]
)
def test_a_wrong_login_is_refused(server, login):
    with pytest.raises(paramiko.AuthenticationException):
        connect(server, **login)


def test_nobody_climbs_out_of_the_folder(server, tmp_path):
    (tmp_path / "secret.txt").write_text("outside")

    with (
        connect(server, password="pretend-password") as client,
        client.open_sftp() as sftp,
        pytest.raises(FileNotFoundError),
    ):
        sftp.stat("../secret.txt")


def test_the_host_key_outlives_a_restart(tmp_path):
    first = host_key(tmp_path / "keys" / "host")

    assert public_line(host_key(tmp_path / "keys" / "host")) == public_line(first)
    assert (tmp_path / "keys" / "host").stat().st_mode & 0o077 == 0


def test_as_a_process_it_says_where_it_is_and_which_key_it_has(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "demo", "sftp", "--root", tmp_path / "root", "--host-key", tmp_path / "key"],
        stdout=subprocess.PIPE,
        text=True,
    )
    address, key = process.stdout.readline().strip(), process.stdout.readline().strip()
    process.terminate()

    assert address.startswith("sftp://127.0.0.1:")
    assert key == public_line(host_key(tmp_path / "key"))
    assert process.wait(10) == 0
    process.stdout.close()
