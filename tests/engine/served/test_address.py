"""Where a server is, and whether it may be asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_localllm import LocalLLM
from jupyter_localllm.engine.served.address import Address, address_of, at
from jupyter_localllm.errors import UsageError
from jupyter_localllm.show.bundle import bundle, summary
from jupyter_localllm.show.view import View
from jupyter_localllm.types import Provenance, Result


@pytest.mark.parametrize(
    ("url", "remote"),
    [
        ("http://localhost:8000/v1", False),
        ("http://LOCALHOST", False),
        ("http://127.0.0.1:1", False),
        ("http://127.8.9.1", False),
        ("http://[::1]:8080", False),
        ("http://[::ffff:127.0.0.1]", False),
        ("http://0.0.0.0:1", True),
        ("http://10.0.0.5", True),
        ("http://192.168.1.2:11434", True),
        ("https://example.org/v1", True),
        ("http://localhost.example.org", True),
        ("http://127.0.0.1.example.org", True),
        ("http://[fe80::1%25eth0]", True),
        ("http://[::1%25x.evil.example]", True),
        ("http://2130706433", True),  # some programs read this as 127.0.0.1, and some do not
    ],
)
def test_what_is_remote(url: str, remote: bool) -> None:
    """Everything but the names and numbers of this machine's own loopback."""
    address = address_of(url)
    assert address.remote is remote
    if remote:
        with pytest.raises(UsageError, match="is not on this machine"):
            address.permit(False)
    assert address.permit(True) is address
    assert address.told == (address.url if remote else "")


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "http://",
        "ftp://localhost",
        "http://user:secret@localhost",
        "http://user:secret@local host",
        "http://user:my secret@localhost",
        "http://user:secret/1@localhost",
        "http://user:secret#1@localhost:x",
        "ftp://user:secret@localhost",
        "user:secret@a b",
        "http://localhost:x?key=secret",
        "http://[::1#secret",
        "http://localhost?key=1",
        "http://a b",
        "http://localhost#x",
        "http://127.0.0.1%x.evil.example/v1",
        "http://127.0.0.1%25x.evil.example/v1",
        "http://localhost%2eevil.example",
        "http://localhost:99999",
        "http://[::1",
        "a b",
    ],
)
def test_what_is_no_address(text: str) -> None:
    """An address that cannot be one, or that holds a secret, is an error that does not repeat the secret."""
    with pytest.raises(UsageError) as caught:
        address_of(text)
    assert caught.value.hint
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("localhost", "http://localhost:5"),
        ("localhost:7", "http://localhost:7"),
        ("::1", None),
        ("[::1]", "http://[::1]:5"),
        ("http://localhost", "http://localhost"),
        ("localhost/a/", "http://localhost:5/a"),
    ],
)
def test_a_port_is_filled_in(text: str, url: str | None) -> None:
    """Where none stands in it, and no scheme either."""
    if url is None:
        with pytest.raises(UsageError):
            address_of(text, port=5)
    else:
        assert address_of(text, port=5) == Address(url)


@pytest.mark.parametrize("password", ["secret", "my secret", "secret/1", "secret#1", "secret@1"])
def test_a_password_behind_a_name_is_not_repeated(password: str) -> None:
    """Whatever stands in it, it is no part of the model's name, and no error tells it."""
    with pytest.raises(UsageError) as caught:
        LocalLLM().find(f"openai:m@http://user:{password}@localhost:8000/v1")
    assert "secret" not in str(caught.value)


def test_a_zone_is_no_part_of_a_number() -> None:
    """What stands behind a percent sign may lead a resolver to another machine: never taken for loopback."""
    assert Address("http://127.0.0.1%x.evil.example/v1").remote
    assert Address("http://127.0.0.1%25x.evil.example/v1").remote


def test_a_name_with_its_address() -> None:
    """What stands behind the last @ with http is the address; other @ belong to the name."""
    assert at("a@b@https://c.org/v1") == ("a@b", "https://c.org/v1")
    assert at("a@b") == ("a@b", "")


@pytest.mark.parametrize("scheme", ["ftp", "ws", "file", "git+ssh"])
@pytest.mark.parametrize("backend", ["openai", "ollama"])
def test_another_scheme_is_no_part_of_a_name(backend: str, scheme: str) -> None:
    """It is an error that says which are read, and repeats no password."""
    for host in ("localhost", "user:secret@localhost:21/x"):
        with pytest.raises(UsageError, match="http:// or https://") as caught:
            LocalLLM().find(f"{backend}:m@{scheme}://{host}")
        assert "localhost" in str(caught.value)
        assert "secret" not in str(caught.value)


def test_capitals_in_a_scheme() -> None:
    """They do not matter, as in any address."""
    assert at("m@HTTP://localhost:1") == ("m", "HTTP://localhost:1")


@pytest.mark.parametrize("model", ["openai:m@http://10.255.255.1:8000/v1", "ollama:m@https://example.org"])
def test_remote_is_off_until_it_is_allowed(model: str, tmp_path: Path) -> None:
    """Asking, and naming the model for later, is refused without leave; with it, naming is no contact."""
    with pytest.raises(UsageError, match="would leave it"):
        LocalLLM(model=model, cache_dir=str(tmp_path)).generate("hello?")
    with pytest.raises(UsageError, match="would leave it"):
        LocalLLM().find(model)
    assert "m " in LocalLLM(allow_remote=True).find(model)


def test_an_answer_from_elsewhere_says_so() -> None:
    """In every form of the answer, above its text, also when it comes out of the cache; and in its metadata."""
    address = "https://example.org/v1"
    result = Result("It is **Tokyo**.", provenance=Provenance(remote=address), cached=True)
    data, metadata = bundle(View(text=result.text, model="openai:m", result=result))
    words = f"answered with {address}, which is not on this machine"
    assert data["text/plain"].startswith(f"[{words}]")
    assert data["text/html"].index(words) < data["text/html"].index("Tokyo")
    assert data["text/markdown"].index("answered with") < data["text/markdown"].index("Tokyo")
    assert metadata["jupyter_localllm"]["remote"] == address
    assert words in summary(View(text="x", result=result))
    here, metadata = bundle(View(text="x", result=Result("x")))
    assert "answered with" not in str(here)
    assert "remote" not in metadata["jupyter_localllm"]
