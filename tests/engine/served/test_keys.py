"""Keys of servers: whom they go to, and that nobody reads them in an error."""

from __future__ import annotations

import pytest

from jupyter_localllm.engine.served.address import Address
from jupyter_localllm.engine.served.keys import key_for
from jupyter_localllm.engine.served.trouble import hiding
from jupyter_localllm.errors import EngineError, UsageError

MAKERS = "https://api.example.org/v1"


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USUAL", "sk-usual")
    monkeypatch.setenv("MINE", "sk-mine")
    monkeypatch.setenv("OTHER", "sk-other")


def key(url: str, named: str = "", endpoint: str = "") -> str:
    return key_for(Address(url), named, endpoint, "USUAL", [MAKERS])


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        (MAKERS, "sk-usual"),
        ("https://API.example.org:443/v2", "sk-usual"),
        ("http://api.example.org/v1", ""),  # in clear
        ("https://api.example.org:8443/v1", ""),
        ("https://api.example.org.evil.example/v1", ""),
        ("http://localhost:8000/v1", ""),
    ],
)
def test_the_usual_key(url: str, sent: str) -> None:
    """It goes to the scheme, host and port that it was made for, and nowhere else."""
    assert key(url) == sent


@pytest.mark.parametrize(
    ("url", "named", "sent"),
    [
        ("https://a.example/v1", "a.example=MINE", "sk-mine"),
        ("https://a.example:8443/v1", "a.example=MINE", "sk-mine"),
        ("https://a.example/v1", "b.example=OTHER, a.example=MINE", "sk-mine"),
        ("https://a.example:8443/v1", "a.example:8443=MINE", "sk-mine"),
        ("https://a.example:9000/v1", "a.example:8443=MINE", ""),
        ("https://b.example/v1", "a.example=MINE", ""),
        ("http://a.example/v1", "a.example=MINE", ""),  # in clear
        ("http://a.example/v1", "http://a.example=MINE", "sk-mine"),  # in clear, as it was said
        ("http://localhost:8000/v1", "localhost=MINE", "sk-mine"),
        (MAKERS, "a.example=MINE", "sk-usual"),
        (MAKERS, "api.example.org=MINE", "sk-mine"),
    ],
)
def test_a_key_with_its_host(url: str, named: str, sent: str) -> None:
    """Each goes to its own host, over a secure connection unless another one is named; others keep the usual rule."""
    assert key(url, named) == sent


def test_a_key_alone_is_for_the_endpoint() -> None:
    """A variable without a host belongs to the server in `endpoint`: no other model gets it by chance."""
    assert key("https://a.example/v1", "MINE", "https://a.example/v1") == "sk-mine"
    assert key("http://localhost:8000/v1", "MINE", "https://a.example/v1") == ""
    with pytest.raises(UsageError, match="does not say for which server") as caught:
        key("https://a.example/v1", "MINE")
    assert "a.example=MINE" in caught.value.hint


@pytest.mark.parametrize("value", ["sk-a\r\nX: y", "sk a", "sk-ä", "sk-\x00"])
@pytest.mark.parametrize("named", ["", "api.example.org=USUAL"])
def test_what_is_no_key(monkeypatch: pytest.MonkeyPatch, value: str, named: str) -> None:
    """What no header can hold is refused by the name of its variable, and not repeated; blanks around it are cut."""
    if "\x00" not in value:  # no environment holds it
        monkeypatch.setenv("USUAL", value)
        with pytest.raises(UsageError, match="USUAL") as caught:
            key(MAKERS, named)
        assert "sk" not in str(caught.value)
    monkeypatch.setenv("USUAL", " sk-usual\r\n")
    assert key(MAKERS, named) == "sk-usual"


@pytest.mark.parametrize("named", ["a.example=", "=MINE", "a.example=NOT_THERE", "a b=MINE"])
def test_what_cannot_be_meant(named: str) -> None:
    """A host without its variable, a variable that is not set: an error that says so."""
    with pytest.raises(UsageError) as caught:
        key("https://a.example/v1", named)
    assert caught.value.hint


def test_errors_do_not_tell_keys() -> None:
    """A server that repeats the key it got does not bring it into a notebook."""
    error = hiding(EngineError("wrong key sk-mine!", "look at sk-mine"), "sk-mine")
    assert (error.message, error.hint) == ("wrong key …!", "look at …")
    assert hiding(EngineError("x"), "").message == "x"
