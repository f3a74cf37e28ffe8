"""What lets a requests session send through `tools.call`: guarded, paced and recorded like everything else."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from pipelines.blobs import Blob
from pipelines.contract import Tools
from pipelines.transports.http import Reply, Request

if TYPE_CHECKING:
    from pipelines.transports.oauth import Auth

ALIAS = "https://token.invalid/"
"""What oauthlib is told the token endpoint is. It refuses plain http outright; here the settings decide where the
call goes, and the guard whether it may."""

_SESSIONS_OWN = frozenset({"content-length", "connection", "user-agent", "accept-encoding"})
"""Headers that requests adds by itself and that our own client writes as they are true."""


class ToolsAdapter(BaseAdapter):
    """Sends one token call to `auth.url`, whatever address the session believes in."""

    def __init__(self, auth: Auth, tools: Tools, judge: Callable[[Reply, Tools], None]) -> None:
        super().__init__()
        self._auth = auth
        self._tools = tools
        self._judge = judge

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: ARG002, FBT001, FBT002  # requests' own signature
        timeout: Any = None,  # noqa: ARG002
        verify: Any = True,  # noqa: ARG002, FBT002
        cert: Any = None,  # noqa: ARG002
        proxies: Mapping[str, str] | None = None,  # noqa: ARG002
    ) -> requests.Response:
        content = request.body or b""
        body = Blob.of(content.encode() if isinstance(content, str) else content, media_type="")
        headers = {
            str(name): str(value) for name, value in request.headers.items() if name.lower() not in _SESSIONS_OWN
        }
        auth = self._auth
        reply = self._tools.call(Request(auth.method, auth.url, headers, body, timeout=auth.timeout), purpose="auth")
        self._judge(reply, self._tools)
        response = requests.Response()
        response.status_code = reply.status
        response.headers = CaseInsensitiveDict(reply.headers)
        response.raw = io.BytesIO(reply.body)
        response.url = str(request.url)
        response.request = request
        return response

    def close(self) -> None:
        """Nothing of its own is open."""
