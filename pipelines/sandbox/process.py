"""One child process as its parent sees it: started, asked, timed, ended.

The child owes an answer within its processor seconds; on a loaded machine it may take five times as long by the clock.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from pipelines.sandbox.refusal import RefusalError
from pipelines.sandbox.wire import OK, REPLY, REQUEST, RULE_NOTE, SPENT

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE = 5
"""Clock seconds allowed for each processor second."""
STARTING = 30.0
"""Clock seconds that the first answer may take besides: Python starts and reads Jinja2."""
PIECE = 256 * 1024
"""Bytes of an answer that are read at once."""
PASSED_ON = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "VIRTUAL_ENV")
"""Environment variables that the interpreter may need. No secret of ours is in the child's environment."""

_FRAME = re.compile(r'File "<template>", line (\d+)')
_RULE = re.compile(r"rule (\d+)")


@dataclass(frozen=True)
class Limits:
    """What one call may take."""

    seconds: float = 2.0
    """Of processor time."""
    memory_bytes: int = 256 * 1024 * 1024
    """Over what the child has taken at its start."""
    output_bytes: int = 10 * 1024 * 1024


class GoneError(Exception):
    """The child ended without an answer. `said` is what it left in its error log."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said

    @property
    def python_line(self) -> int:
        """The line in the compiled template where it stood; 0 where it stood elsewhere."""
        found = _FRAME.search(self.said)
        return int(found.group(1)) if found else 0

    @property
    def place(self) -> str:
        """The extraction rule that it was at."""
        found = _RULE.match(self.said[:RULE_NOTE])
        return found.group() if found and found.group(1) != "0" else ""


class TimeUpError(GoneError):
    """The child took longer than it may, and was ended."""


class Process:
    """Used by one thread at a time; the pool sees to that."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.calls = 0
        self.spent = False
        """Set when it must not be used again."""
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `end`
        self._socket, theirs = socket.socketpair()
        environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        arguments = [str(limits.memory_bytes), str(limits.output_bytes), str(limits.seconds)]
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and our own module
                [sys.executable, "-B", "-m", "pipelines.sandbox.child", *arguments],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=self._log,
                cwd=ROOT,
                env={**environment, "PYTHONUTF8": "1"},
            )
        self._processor = 0.0

    @property
    def pid(self) -> int:
        return int(self._process.pid)

    def ask(self, packed: bytes, attachment: bytes = b"") -> bytes:
        """The body of the child's answer. Raises RefusalError, TimeUpError, or GoneError where it died.

        After anything but an answer or a refusal the process has ended."""
        seconds = self.limits.seconds
        begun = time.monotonic()
        last = begun + PATIENCE * seconds + (0 if self.calls else STARTING)
        self.calls += 1
        try:
            self._socket.settimeout(last - begun)
            self._socket.sendall(REQUEST.pack(len(packed), len(attachment)) + packed)
            if attachment:
                self._socket.sendall(attachment)
            self._socket.settimeout(seconds)
            status, processor, body = self._answer(begun, last)
        except TimeoutError:
            raise TimeUpError(self._stop()) from None
        except OSError as error:
            raise GoneError(self.end() or str(error)) from None
        except BaseException:
            self.end()  # an answer nobody waits for must not become the next caller's
            raise
        self._processor = processor
        if status == OK:
            return body
        self.spent = status == SPENT
        kind, message, line, place = json.loads(body)
        raise RefusalError(kind, message, line=line, place=place)

    def _answer(self, begun: float, last: float) -> tuple[int, float, bytes]:
        answer = bytearray()
        size = REPLY.size
        while len(answer) < size:
            try:
                piece = self._socket.recv(PIECE)
            except TimeoutError:
                self._socket.settimeout(self._more(begun, last))
                continue
            if not piece:
                message = "the child ended"
                raise ConnectionError(message)
            answer += piece
            if size == REPLY.size and len(answer) >= size:
                size += REPLY.unpack_from(answer)[2]
        status, processor, _ = REPLY.unpack_from(answer)
        return status, processor, bytes(answer[REPLY.size :])

    def _more(self, begun: float, last: float) -> float:
        """How much longer to wait; raises TimeoutError when the child has had its time."""
        now = time.monotonic()
        used = self._used()
        if used is None:
            used = now - begun
        left = self.limits.seconds - used + (0.5 if self.calls == 1 else 0)  # the first call pays for the imports
        if now >= last or left <= 0:
            raise TimeoutError
        return min(max(left, 0.02), last - now)

    def _used(self) -> float | None:
        """Processor seconds since the last answer; None where the system does not tell."""
        try:
            stat = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii", errors="replace")
            user, system = stat.rsplit(")", 1)[1].split()[11:13]
            return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK") - self._processor
        except (OSError, ValueError, IndexError):
            return None

    def _stop(self) -> str:
        """End the child, after asking where it is: it answers from a signal handler that no Python code delays."""
        with contextlib.suppress(OSError):
            before = os.fstat(self._log.fileno()).st_size
            self._process.send_signal(signal.SIGUSR1)
            deadline = time.monotonic() + 0.25
            while os.fstat(self._log.fileno()).st_size == before and time.monotonic() < deadline:
                time.sleep(0.005)
            time.sleep(0.005)
        return self.end()

    def end(self) -> str:
        """Kill it and give back its error log. May be called twice."""
        self.spent = True
        self._socket.close()
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        if self._log.closed:
            return ""
        with self._log:
            self._log.seek(0)
            return self._log.read(64 * 1024).decode("utf-8", "replace")

    def let_go(self) -> None:
        """After a fork: this copy of our end is not ours. The child goes on serving whoever started it."""
        self.spent = True
        self._socket.close()
        self._log.close()
        self._process.returncode = 0  # it is no child of this process, so there is nothing to wait for
