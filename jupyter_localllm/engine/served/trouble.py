"""What can go wrong with a server, in the same words for all of them."""

from __future__ import annotations

import re

from jupyter_localllm.engine.served.address import Address
from jupyter_localllm.errors import ContextOverflow, DependencyMissing, EngineError, LocalLLMError

__all__ = [
    "CONNECT_SECONDS",
    "broke_off",
    "broken_off",
    "compressed",
    "cut_short",
    "flooded",
    "hiding",
    "lost",
    "not_there",
    "of_transport",
    "refused",
    "silent",
    "strange",
    "unended",
    "unmade",
]

CONNECT_SECONDS = 1.5
"""How long a server may take to accept a connection: who waits for one that is not there is told within two seconds."""

_BROKEN = frozenset({"ReadError", "WriteError", "CloseError", "RemoteProtocolError", "ProxyError"})
_LOST = _BROKEN | {"ConnectError", "ConnectTimeout", "ConnectionError"}
_PATH = "That of OpenAI's protocol mostly ends with /v1."
_LONGEST = 600  # characters of what a server says
_WINDOW = re.compile(r"context.{0,20}(length|size|window)|maximum context|exceed.{0,40}context|n_ctx|too many tokens")


def of_transport(address: Address, error: BaseException, start: str, seconds: float) -> LocalLLMError | None:
    """What an exception of the HTTP library means; None if it is none of those that are about the connection.

    Parameters
    ----------
    address : Address
    error : Exception
        Of httpx or its successors, told apart by their names: clients differ in which of them they use.
    start : str
        How such a server is started.
    seconds : float
        The longest silence.
    """
    kind, said = type(error).__name__, str(error)
    if isinstance(error, ImportError):
        return unmade(address, error)
    if kind in ("ConnectError", "ConnectTimeout"):
        return _unsafe(address, said) if "ssl" in said.lower() else not_there(address, start, said)
    if kind.endswith("Timeout"):
        return silent(address, seconds)
    if kind in _BROKEN:
        return broke_off(address, said)
    return None


def not_there(address: Address, start: str, why: str = "") -> EngineError:
    """Nobody listens there; of another machine also why it cannot be reached."""
    reason = f": {_shortened(why)}" if why and address.remote else ""
    return EngineError(f"there is no server at {address.url}{reason}", start)


def _unsafe(address: Address, why: str) -> EngineError:
    return EngineError(
        f"{address.url} gives no secure connection: {_shortened(why)}",
        "Is it http, and not https? A certificate of your own is named by the variable SSL_CERT_FILE.",
    )


def silent(address: Address, seconds: float) -> EngineError:
    """The connection stands, and nothing comes."""
    return EngineError(
        f"{address.url} has said nothing for {seconds:g} s",
        "It may be loading a model or busy with others. Ask again, or raise server_timeout.",
    )


def broke_off(address: Address, why: str) -> EngineError:
    """The connection was cut."""
    return EngineError(
        f"{address.url} broke off: {_shortened(why) or 'the connection was closed'}",
        "Ask again. If that happens each time, see the server's log: it may have run out of memory.",
    )


def flooded(address: Address, count: int) -> EngineError:
    """It sends without end."""
    return EngineError(
        f"{address.url} sent more than {count:,} bytes where a part of an answer should be: it was left",
        "Is that the right address? The server's log may say why.",
    )


def compressed(address: Address, encoding: str) -> EngineError:
    """It sends another encoding than it was asked for; how much that is in memory, nobody knows before."""
    return EngineError(
        f"{address.url} sent its reply compressed ({_shortened(encoding)}), which nobody asked for: it was left",
        "If a proxy stands before the server, have it send replies as they are.",
    )


def unended(address: Address, pieces: int) -> EngineError:
    """The reply is over, and its end was not among it."""
    if not pieces:
        return EngineError(
            f"the reply of {address.url} ended before anything of an answer came",
            "Is that the right address? A server that cannot stream, or a page in its place, looks like that.",
        )
    return EngineError(
        f"{address.url} broke its answer off after {pieces} pieces", "Ask again; the server's log may say why."
    )


def broken_off(address: Address, reason: str) -> EngineError:
    """The server ended its answer, and says that it is not whole."""
    return EngineError(
        f"{address.url} ended its answer before it was whole: {_shortened(reason)}",
        "Ask again; the server's log may say why.",
    )


def cut_short(address: Address, tokens: int, n_ctx: int) -> ContextOverflow:
    """The server read no more of the prompt than its window holds, and may have left the rest out."""
    return ContextOverflow(
        f"{address.url} read {tokens:,} tokens of the prompt, and its window has {n_ctx:,}: the rest was left out",
        "Shorten the prompt, or set n_ctx to a larger window.",
    )


def unmade(address: Address, error: Exception) -> LocalLLMError:
    """The client itself cannot be made: most likely for a proxy that the environment names."""
    said = f"{address.url} cannot be asked: {_shortened(str(error))}"
    if isinstance(error, ImportError):
        return DependencyMissing(said, 'For a SOCKS proxy: pip install "httpx[socks]". Or unset ALL_PROXY.')
    return EngineError(said, "Look at the variables of the environment that name proxies: ALL_PROXY, HTTPS_PROXY.")


def lost(error: BaseException | None) -> bool:
    """Whether an exception means that another server, or another model, may be there the next time."""
    while error is not None:
        if type(error).__name__ in _LOST or getattr(error, "status_code", 0) == 404:
            return True
        error = error.__cause__ or error.__context__
    return False


def strange(address: Address, what: str, protocol: str) -> EngineError:
    """Something answers that does not speak the protocol."""
    return EngineError(f"{address.url} does not speak {protocol}: {_shortened(what)}", "Is that the right address?")


def refused(address: Address, status: int, message: str, key: str, path: str = _PATH) -> LocalLLMError:
    """The server's own words, with what can be done.

    Parameters
    ----------
    address : Address
    status : int
        Of HTTP; 0 where there is none, in the middle of an answer.
    message : str
        What the server says.
    key : str
        Where its key is set.
    path : str
        What an address of its kind looks like.
    """
    said = _shortened(message) or "nothing more"
    if _WINDOW.search(message.lower()):
        return ContextOverflow(
            f"prompt and answer do not fit in the window of {address.url}: {said}",
            "Shorten the prompt, lower max_tokens, or start the server with a larger window.",
        )
    if 300 <= status < 400:
        return EngineError(
            f"{address.url} sends requests on to another address ({said}), and they are not sent there by themselves",
            "Name that address, if it is the right one.",
        )
    hints = {
        401: f"It wants a key, or another one: {key}",
        403: f"It wants a key, or another one: {key}",
        404: f"Is the address right? {path}",
        429: "It has too much to do. Ask again later, or lower n_parallel.",
        503: "It may still be loading the model. Ask again in a moment.",
    }
    hint = hints.get(status, "See the server's log." if status >= 500 or not status else "")
    how = f"answered {status}" if status else "failed while it answered"
    return EngineError(f"{address.url} {how}: {said}", hint)


def hiding(error: LocalLLMError, key: str, cause: BaseException | None = None) -> LocalLLMError:
    """The same error; where it or what caused it repeats the key that a server was sent, it does not show it.

    The cause stays: a traceback shows it, and its class tells whether the server is lost.
    """
    while key and cause is not None:
        cause.args = tuple(one.replace(key, "…") if isinstance(one, str) else one for one in cause.args)
        cause = cause.__cause__ or cause.__context__
    if key and key in f"{error.message} {error.hint}":
        return type(error)(error.message.replace(key, "…"), error.hint.replace(key, "…"))
    return error


def _shortened(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST]} …"
