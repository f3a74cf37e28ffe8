"""Files to S3 and compatible stores, over connections that the guard made."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import shutil
import socket
import ssl
import tempfile
import threading
import uuid
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any, BinaryIO

import boto3
from botocore import exceptions
from botocore.awsrequest import AWSHTTPConnection, AWSHTTPConnectionPool, AWSHTTPSConnection, AWSHTTPSConnectionPool
from botocore.config import Config
from botocore.httpsession import URLLib3Session

from pipelines.blobs import CHUNK, Blob
from pipelines.contract import Proof
from pipelines.errors import Misconfigured, Rejected, StageError, Unavailable
from pipelines.transports.guard import Egress, connect

if TYPE_CHECKING:
    from pipelines.transports.stores import Known, S3Credentials

LARGEST = 5 * 1024**3
"""Bytes of one object put at once; S3's own limit."""
SAID = 256 * 1024
"""Bytes read of an answer that is no object: S3's own are below a thousand."""
WRONG = frozenset([
    "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "PermanentRedirect", "ExpiredToken",
    "AuthorizationHeaderMalformed", "InvalidBucketName", "IllegalLocationConstraintException",
])  # fmt: skip
"""Answers that a person mends in the credentials."""
_making = threading.Lock()


class S3Store:
    """contract.Store in a bucket. A PUT is atomic by itself: nobody sees half an object."""

    def __init__(self, credentials: S3Credentials, secrets: Known, egress: Egress) -> None:
        self._credentials = credentials
        keys = secrets.get("access_key_id"), secrets.get("secret_access_key")
        path_style = credentials.path_style if credentials.path_style is not None else bool(credentials.endpoint_url)
        with _making:  # boto3 is not made to be set up by several threads at once
            self._client = _client(
                credentials.endpoint_url, credentials.region, *keys, path_style, credentials.timeout_s, egress
            )

    def address(self, path: str) -> str:
        where = (self._credentials.endpoint_url or "").rstrip("/")
        bucket = self._credentials.bucket_name
        return f"{where}/{bucket}/{self._key(path)}" if where else f"s3://{bucket}/{self._key(path)}"

    def put(self, path: str, blob: Blob, *, replace: bool) -> Proof:
        if blob.size > LARGEST:
            raise Rejected(f"{path} has {blob.size:,} bytes; S3 takes {LARGEST:,} at once.")
        held = self._size(path)
        if held is not None:
            if self._same(path, held, blob):
                return self._proof(path, blob, "already there: size and sha256 compared by reading back")
            if not replace:
                raise self._taken(path)
        put = self._upload(path, blob, replace=replace)
        if put is None:
            again = self.find(path, blob)  # somebody else was quicker
            if again is None:
                raise self._taken(path)
            return again
        details: dict[str, Any] = {name: put[name] for name in ("ETag", "VersionId") if name in put}
        return self._proof(path, blob, "checksum compared by the store while it was written", details)

    def find(self, path: str, blob: Blob) -> Proof | None:
        held = self._size(path)
        if held is None or not self._same(path, held, blob):
            return None
        return self._proof(path, blob, "size and sha256 compared by reading back")

    def check(self) -> str:
        """Sign in, write, read and remove a small object below the base."""
        blob = Blob.of(b"Waybill tests this connection.\n")
        path = f"waybill-{uuid.uuid4().hex[:12]}.txt"
        self.put(path, blob, replace=False)
        readable = self.find(path, blob) is not None
        with self._asking(path):
            self._client.delete_object(Bucket=self._credentials.bucket_name, Key=self._key(path))
        return f"signed in, wrote, {'read' if readable else 'could not read'} and removed {self.address(path)}."

    def close(self) -> None:
        """Connections are kept for the next store of the same credentials."""

    def _key(self, path: str) -> str:
        from pipelines.transports.stores import joined

        return joined(self._credentials.base, path).lstrip("/")

    def _size(self, path: str) -> int | None:
        with self._asking(path):
            try:
                held = self._client.head_object(Bucket=self._credentials.bucket_name, Key=self._key(path))
            except exceptions.ClientError as error:
                if error.response["Error"]["Code"] in {"404", "NoSuchKey", "NotFound"}:
                    return None
                raise
        return int(held["ContentLength"])

    def _same(self, path: str, held: int, blob: Blob) -> bool:
        if held != blob.size:
            return False
        digest, left = hashlib.sha256(), held
        with self._asking(path):
            got = self._client.get_object(Bucket=self._credentials.bucket_name, Key=self._key(path))
            with contextlib.closing(got["Body"]) as body:
                for chunk in body.iter_chunks(CHUNK):
                    digest.update(chunk)
                    left -= len(chunk)
                    if left < 0:  # more than it said: another object, or one without an end
                        return False
        return digest.hexdigest() == blob.sha256

    def _upload(self, path: str, blob: Blob, *, replace: bool) -> dict[str, Any] | None:
        """The store's answer; None where an object was there already and may not be replaced."""
        condition: dict[str, Any] = {} if replace else {"IfNoneMatch": "*"}
        with self._asking(path), _seekable(blob) as body:
            try:
                answer = self._client.put_object(
                    Bucket=self._credentials.bucket_name,
                    Key=self._key(path),
                    Body=body,
                    ContentLength=blob.size,
                    ContentType=blob.media_type or "application/octet-stream",
                    ContentMD5=_md5(body),
                    **condition,
                )
            except exceptions.ClientError as error:
                if error.response["Error"]["Code"] in {"PreconditionFailed", "ConditionalRequestConflict", "412"}:
                    return None
                raise
        return dict(answer)

    @contextlib.contextmanager
    def _asking(self, path: str) -> Iterator[None]:
        """What goes wrong, told as one of the four errors. A PUT that got no answer may be made again: it writes the
        same bytes under the same key, and looks first."""
        where = self.address(path)
        try:
            yield
        except exceptions.ClientError as error:
            raise _told(error, where, self._credentials.bucket_name) from error
        except exceptions.HTTPClientError as error:
            inner = error.kwargs.get("error")
            if isinstance(inner, StageError):
                raise inner from error
            if isinstance(error, exceptions.SSLError):
                raise Misconfigured(f"No TLS connection for {where} could be agreed: {inner or error}.") from error
            raise Unavailable(f"{where} could not be reached: {inner or error}.") from error
        except exceptions.BotoCoreError as error:
            raise Misconfigured(f"{where}: {error}", place="config.credentials") from error
        except OSError as error:
            raise Unavailable(f"{where} could not be read or written: {error}.") from error

    def _taken(self, path: str) -> Rejected:
        return Rejected(
            f"{self.address(path)} exists already with other content. Name the object so that it is unique, or set "
            "filename_collision.replace to true."
        )

    def _proof(self, path: str, blob: Blob, how: str, details: dict[str, Any] | None = None) -> Proof:
        return Proof(self.address(path), blob.size, blob.sha256, how, details or {})


def _told(error: exceptions.ClientError, where: str, bucket: str) -> StageError:
    said = error.response["Error"]
    code, text = str(said.get("Code", "")), str(said.get("Message", "")).strip()
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code == "NoSuchBucket":
        return Misconfigured(f'There is no bucket "{bucket}" at {where}.', place="config.credentials.bucket_name")
    if code in WRONG or status in {301, 307, 401, 403}:
        return Misconfigured(f"{where} is refused: {text or code} ({code}).", place="config.credentials")
    if status in {408, 429} or status >= 500 or code in {"SlowDown", "RequestTimeout"}:
        return Unavailable(f"{where}: the store answered {code}. {text}".strip())
    return Rejected(f"{where}: the store answered {code}. {text}".strip())


def _md5(body: BinaryIO) -> str:
    """The checksum that every S3 compares while it writes."""
    digest = hashlib.md5(usedforsecurity=False)
    while chunk := body.read(CHUNK):
        digest.update(chunk)
    body.seek(0)
    return base64.b64encode(digest.digest()).decode()


@contextlib.contextmanager
def _seekable(blob: Blob) -> Iterator[BinaryIO]:
    """The blob as a stream that can be read twice: once for the signature, once to send."""
    with blob.open() as stream:
        if stream.seekable():
            yield stream
            return
        with tempfile.TemporaryFile() as spool:
            shutil.copyfileobj(stream, spool, CHUNK)
            spool.seek(0)
            yield spool  # type: ignore[misc]  # TemporaryFile's wrapper is a BinaryIO in all but name


@lru_cache(maxsize=64)
def _client(
    endpoint: str | None,
    region: str,
    key_id: str,
    secret: str,
    path_style: bool,  # noqa: FBT001
    timeout: float,
    egress: Egress,
) -> Any:
    """A client kept a process; safe to share between threads. Nothing of the machine's AWS settings is heard."""
    client: Any = boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path" if path_style else "auto"},
            retries={"total_max_attempts": 1, "mode": "standard"},
            request_checksum_calculation="when_required",  # compatible stores know no others
            response_checksum_validation="when_required",
            ignore_configured_endpoint_urls=True,  # type: ignore[call-arg]  # not in botocore-stubs
            user_agent="Waybill",
        ),
    )
    client._endpoint.http_session.close()  # noqa: SLF001  # botocore has no other way to bring a session of one's own
    client._endpoint.http_session = _GuardedSession(egress, timeout)  # noqa: SLF001
    return client


class _GuardedSession(URLLib3Session):
    """botocore's own session, except that its sockets come through the guard, and no proxy is heard."""

    def __init__(self, egress: Egress, timeout: float) -> None:
        verify: Any = ssl.get_default_verify_paths().cafile or True  # SSL_CERT_FILE, where it is set
        seconds: Any = (timeout, timeout)
        super().__init__(verify=verify, proxies={}, timeout=seconds, max_pool_connections=64)
        manager: Any = vars(self)["_manager"]
        manager.pool_classes_by_scheme = _pools(egress)

    def send(self, request: Any) -> Any:
        """botocore reads every answer but an object's to its end; here to SAID bytes, whatever comes."""
        wanted, request.stream_output = request.stream_output, True
        try:
            response: Any = super().send(request)
            if not (wanted and response.status_code < 300):
                response._content = response.raw.read(SAID)  # noqa: SLF001  # where its own reading keeps it
                response.raw.close()
        finally:
            request.stream_output = wanted
        return response


def _pools(egress: Egress) -> dict[str, Any]:
    """urllib3's pools whose connections ask the guard."""

    class Guarded:
        def _new_conn(self) -> socket.socket:
            timeout = self.timeout if isinstance(self.timeout, int | float) else 60.0  # type: ignore[attr-defined]
            made, _ = connect(self._dns_host, self.port, egress=egress, timeout=timeout)  # type: ignore[attr-defined]
            made.settimeout(timeout)
            return made

    class Plain(Guarded, AWSHTTPConnection): ...  # type: ignore[misc]

    class Secure(Guarded, AWSHTTPSConnection): ...  # type: ignore[misc]

    class PlainPool(AWSHTTPConnectionPool):  # type: ignore[misc]
        ConnectionCls = Plain

    class SecurePool(AWSHTTPSConnectionPool):  # type: ignore[misc]
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}
