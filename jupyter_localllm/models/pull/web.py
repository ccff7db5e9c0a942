"""Plain HTTP and HTTPS with what Python brings: proxies of the environment, redirects, ranges, a limit for silence.

A token goes to the host it is for, and to no other that this one redirects to; nothing goes from HTTPS to HTTP.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPMessage
from typing import IO, Any
from urllib.parse import urlsplit

from jupyter_localllm._version import __version__
from jupyter_localllm.config.masked import masked
from jupyter_localllm.errors import PullError
from jupyter_localllm.models.pull.trouble import Broken, of_status

__all__ = ["Response", "get", "get_json", "shown", "size_of"]

_SILENCE_S = 30.0  # after so many seconds without a byte the way counts as broken
_MOST_JSON_BYTES = 16 << 20
_TRY_AGAIN = (408, 425, 429, 500, 502, 503, 504)


@dataclass
class Response:
    """An answer whose body is still to be read.

    Parameters
    ----------
    status : int
    headers : Mapping
        Of the last answer.
    first : dict
        Of the answers before it that only redirected: a hub tells there what the file is.
    body : file
    url : str
        Where the last answer came from.
    """

    status: int
    headers: Message
    first: dict[str, str]
    body: Any
    url: str

    def text(self, name: str) -> str:
        """Read a header."""
        return (self.headers.get(name) or "").strip()

    def told(self, name: str) -> str:
        """Read a header, first from the answers that redirected."""
        return self.first.get(name.lower(), "").strip() or self.text(name)

    def read(self, count: int) -> bytes:
        """Read the next bytes of the body, as soon as some are there; none at its end.

        Raises
        ------
        Broken
            The connection broke, or nothing came for too long.
        """
        try:
            data: bytes = self.body.read1(count)
            return data
        except (OSError, http.client.HTTPException) as error:
            raise Broken(_said(error)) from None


@contextlib.contextmanager
def get(
    url: str,
    headers: Mapping[str, str] | None = None,
    *,
    token: str = "",
    silence_s: float = _SILENCE_S,
    method: str = "GET",
) -> Iterator[Response]:
    """Ask for a file.

    Parameters
    ----------
    url : str
        ``http:`` or ``https:``.
    headers : Mapping, optional
    token : str, optional
        For the host of `url` only.
    silence_s : float
        Seconds without a byte after which the way counts as broken.
    method : {"GET", "HEAD"}

    Raises
    ------
    Broken
        The server cannot be reached, or is in trouble that may pass.
    PullError
        It refuses.
    """
    redirects = _Redirects()
    opener = urllib.request.build_opener(redirects)
    request = urllib.request.Request(
        url,
        headers={"User-Agent": f"jupyter_localllm/{__version__}", "Accept-Encoding": "identity", **(headers or {})},
        method=method,
    )
    if token:
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    try:
        body = opener.open(request, timeout=silence_s)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 416:  # nothing is left to send
                yield Response(416, error.headers, redirects.seen, _Empty(), error.url or url)
                return
            if error.code in _TRY_AGAIN:
                wait = error.headers.get("Retry-After", "") if error.headers else ""
                seconds = float(wait) if re.fullmatch(r"[0-9]{1,6}", wait) else None
                raise Broken(f"the server answers {error.code}", seconds) from None
            raise of_status(shown(url), error.code, token=bool(token)) from None
    except http.client.InvalidURL:
        raise _astray(url) from None
    except (OSError, http.client.HTTPException) as error:
        raise _unreachable(url, error) from None
    except ValueError:
        raise _astray(url) from None
    with body:
        yield Response(body.status, body.headers, redirects.seen, body, body.url)


def get_json(url: str, *, token: str = "", silence_s: float = _SILENCE_S) -> tuple[Any, str]:
    """Ask for JSON, and for the address of the next page, ``""`` if this is the last."""
    with get(url, {"Accept": "application/json"}, token=token, silence_s=silence_s) as answer:
        text = b""
        while len(text) <= _MOST_JSON_BYTES and (piece := answer.read(1 << 16)):
            text += piece
        following = re.search(r'<([^<>]+)>;\s*rel="next"', answer.text("Link"))
        try:
            return json.loads(text), following[1] if following else ""
        except (ValueError, RecursionError):
            what = "is no JSON" if len(text) <= _MOST_JSON_BYTES else "is too long"
            raise PullError(
                f"The answer of {shown(url)} {what}.", "It may be a page that wants a login: open it in a browser."
            ) from None


def size_of(url: str, *, token: str = "", silence_s: float = _SILENCE_S) -> int:
    """Ask how many bytes a file has; 0 if the server does not tell."""
    with get(url, token=token, silence_s=silence_s, method="HEAD") as answer:
        length = answer.text("Content-Length")
        return int(length) if re.fullmatch(r"[0-9]{1,18}", length) else 0


def shown(url: str) -> str:
    """Write an address for people: without a password or a signature in it."""
    return str(masked(url))


class _Empty:
    def read1(self, _count: int) -> bytes:
        return b""


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follow redirects, and keep what the answers on the way told."""

    max_redirections = 10
    http_error_308 = urllib.request.HTTPRedirectHandler.http_error_302  # Python 3.10 does not know it

    def __init__(self) -> None:
        self.seen: dict[str, str] = {}

    def redirect_request(  # noqa: PLR0917  (the signature is urllib's)
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        before, after = urlsplit(req.full_url), urlsplit(newurl)
        if after.scheme not in ("http", "https") or (before.scheme, after.scheme) == ("https", "http"):
            raise PullError(
                f"{shown(req.full_url)} redirects to {after.scheme}:, which is not followed.",
                "Give the address of the file itself.",
            )
        for name, value in headers.items():
            self.seen.setdefault(name.lower(), value)
        made = super().redirect_request(req, fp, code, msg, headers, newurl)
        if made is not None:
            made.method = req.get_method()
        if made is not None and before[:2] == after[:2]:
            authorization = req.unredirected_hdrs.get("Authorization")
            if authorization:
                made.add_unredirected_header("Authorization", authorization)
        return made


def _astray(url: str) -> PullError:
    """Of a redirect, for ours was looked at; the words of its error may hold a password."""
    return PullError(f"{shown(url)} leads to an address that is none.", "Give the address of the file itself.")


def _unreachable(url: str, error: Exception) -> Broken | PullError:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, PullError):
        return reason
    if isinstance(reason, ssl.SSLCertVerificationError):
        return PullError(
            f"The certificate of {urlsplit(url).hostname} is not trusted: {reason.verify_message}.",
            "Behind a company's proxy: name its certificates with SSL_CERT_FILE.",
        )
    if "unknown url type" in str(reason):
        return PullError(f"{shown(url)} is no address that can be fetched.", "It must begin with https:// or http://.")
    return Broken(_said(reason), absent=isinstance(reason, (ConnectionRefusedError, socket.gaierror)))


def _said(error: object) -> str:
    if isinstance(error, TimeoutError):
        return "nothing came for too long"
    return str(masked(str(error))) or type(error).__name__
