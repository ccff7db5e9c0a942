"""Addresses: what is asked, what is refused, and what nobody gets to see."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jupyter_localllm.errors import LocalLLMError, PullError, UsageError
from jupyter_localllm.models.pull import Hub
from jupyter_localllm.models.pull.wanted import read
from jupyter_localllm.types import Status
from tests.models.pull.conftest import FILE, REPOSITORY, Puller
from tests.models.pull.server import FakeHub, Fault
from tests.models.splitting import split
from tests.tiny_models import write_tiny_llama


@pytest.mark.parametrize(
    "wanted",
    [
        "https://user:s3cret@example.org/x.gguf",
        "https://s3cret@example.org/x.gguf",
        "https://user:s3/cret@example.org/x.gguf",
        "https://host:abc/x.gguf?k=s3cret",
        "https://host:99999/x.gguf",
        "https://[::1/x.gguf",
        "file://[::1/x.gguf",
        "https://ho st/x.gguf",
        "https://example.org/?k=s3cret",
        "ftp://user:s3cret@example.org/x.gguf",
    ],
)
def test_addresses_that_are_none(wanted: str, fetch: Puller, told: list[Status]) -> None:
    """An error of ours at once, with what to do; no password is in it, and nothing is tried."""
    with pytest.raises(LocalLLMError) as caught:
        fetch(wanted)
    assert caught.value.hint
    assert "s3" not in str(caught.value)
    assert told == []


def test_a_hub_with_a_password_in_its_address(fetch: Puller, tmp_path: Path, told: list[Status]) -> None:
    """HF_ENDPOINT is looked at in the same way."""
    with pytest.raises(PullError, match="HF_ENDPOINT") as caught:
        fetch(REPOSITORY, hub=Hub({"HF_ENDPOINT": "http://user:s3cret@127.0.0.1:9"}, tmp_path))
    assert "s3cret" not in str(caught.value)
    assert told == []


def test_a_redirect_to_what_is_no_address(fetch: Puller, hub: FakeHub, told: list[Status]) -> None:
    """It is not tried again, and its password is not shown."""
    hub.elsewhere = "http://user:s3cret@127.0.0.1"
    with pytest.raises(PullError, match="leads to an address that is none") as caught:
        fetch(REPOSITORY)
    assert "s3cret" not in str(caught.value)
    assert not any("trying again" in status.text for status in told)


def test_an_address_with_spaces(fetch: Puller, hub: FakeHub, model_bytes: bytes) -> None:
    """It is asked for as a browser would."""
    hub.plain["/my models/ü m.gguf"] = model_bytes
    assert fetch(f"{hub.url}/my models/ü m.gguf").path.name == "ü m.gguf"


def test_a_host_that_is_a_number_of_ipv6(tmp_path: Path) -> None:
    """Its colons cannot be in a folder's name; it is an address all the same."""
    (target,) = read("http://[::1]:1/x.gguf", tmp_path).targets
    assert target.url == "http://[::1]:1/x.gguf"
    assert target.path.is_relative_to(tmp_path)


@pytest.mark.parametrize(
    ("one", "other"),
    [("/v1/model.gguf", "/v2/model.gguf"), ("/get?id=1", "/get?id=2"), ("/a", "/a.gguf"), ("/A.gguf", "/a.gguf")],
)
def test_two_addresses_are_two_files(one: str, other: str, fetch: Puller, hub: FakeHub, tmp_path: Path) -> None:
    """Whatever their ends: the second one is never "here already"; the same address is."""
    contents = [write_tiny_llama(tmp_path / f"{i}.gguf", seed=i).read_bytes() for i in range(2)]
    got = []
    for path, content in zip((one, other), contents, strict=True):
        hub.plain[path.partition("?")[0]] = content
        got.append(fetch(hub.url + path))
    assert [pulled.path.read_bytes() for pulled in got] == contents
    assert len({str(pulled.path).casefold() for pulled in got}) == 2
    assert not fetch(hub.url + other).fetched


def test_another_file_of_that_name_and_size_on_this_machine(fetch: Puller, tmp_path: Path) -> None:
    """Its content tells, not its size."""
    for i in range(2):
        (tmp_path / str(i)).mkdir()
        write_tiny_llama(tmp_path / str(i) / "m.gguf", seed=i)
    assert fetch(str(tmp_path / "0" / "m.gguf")).fetched
    assert not fetch(str(tmp_path / "0" / "m.gguf")).fetched
    with pytest.raises(PullError, match="is another file"):
        fetch(str(tmp_path / "1" / "m.gguf"))


@pytest.mark.parametrize("by", ["hub", "path"])
def test_a_split_model_is_here_already(by: str, hub: FakeHub, fetch: Puller, tmp_path: Path) -> None:
    """Each of its parts is compared with what was promised of that part."""
    parts = split(write_tiny_llama(tmp_path / "big.gguf"), tmp_path / "parts", 3)
    for part in parts:
        hub.put("owner/big", part.name, part.read_bytes())
    wanted = "owner/big" if by == "hub" else str(parts[0])
    first = fetch(wanted)
    assert first.fetched
    assert not fetch(wanted).fetched
    first.path.unlink()
    assert fetch(wanted).fetched


def test_a_file_of_another_machine(fetch: Puller, tmp_path: Path) -> None:
    """Its host is not dropped: the file of that path here is another one."""
    source = write_tiny_llama(tmp_path / "m.gguf")
    with pytest.raises(UsageError, match="on another machine") as caught:
        fetch(f"file://server{source.as_posix()}")
    assert caught.value.hint
    assert fetch(f"file://localhost{source.as_posix()}").fetched


@pytest.mark.parametrize("listing", [b"null", b"7", b'{"error": "no"}', b"[" * 100_000, b"<html>"])
def test_a_hub_that_gives_no_list(listing: bytes, fetch: Puller, hub: FakeHub) -> None:
    """Whatever it sends in its place, the error is ours."""
    hub.listing = listing
    with pytest.raises(PullError) as caught:
        fetch(REPOSITORY)
    assert caught.value.hint


def test_a_signature_is_not_written_down(fetch: Puller, hub: FakeHub, tmp_path: Path, model_bytes: bytes) -> None:
    """A part that waits for the rest says what it is of without the address."""
    hub.plain["/m.gguf"] = model_bytes
    hub.faults = [Fault(after=200_000), *[Fault(status=503)] * 3]
    with pytest.raises(PullError) as caught:
        fetch(f"{hub.url}/m.gguf?Signature=s3cret")
    (record,) = (tmp_path / "models").rglob("*.part.json")
    assert json.loads(record.read_text())
    assert "s3cret" not in record.read_text() + str(caught.value)
    assert fetch(f"{hub.url}/m.gguf?Signature=s3cret").fetched
    assert hub.bodies[-1][1]["range"] == "bytes=200000-"


@pytest.mark.parametrize(
    ("endpoint", "url", "goes"),
    [
        ("", "https://huggingface.co/x/m.gguf", True),
        ("", "https://hf.co/x/m.gguf", True),
        ("", "http://huggingface.co/x/m.gguf", False),
        ("", "https://example.org/x/m.gguf", False),
        ("", "https://huggingface.co.example.org/x/m.gguf", False),
        ("https://mirror.example.org", "https://mirror.example.org/x/m.gguf", True),
        ("https://mirror.example.org", "http://mirror.example.org/x/m.gguf", False),
        ("https://mirror.example.org", "https://mirror.example.org:8443/x/m.gguf", False),
        ("https://mirror.example.org", "https://huggingface.co/x/m.gguf", False),
        ("http://127.0.0.1:9/hub", "http://127.0.0.1:9/x/m.gguf", True),
    ],
)
def test_where_the_token_goes(endpoint: str, url: str, goes: bool, tmp_path: Path) -> None:
    """To the hub that is used, in the way that it is used, and to nobody else."""
    hub = Hub({"HF_ENDPOINT": endpoint, "HF_TOKEN": "secret"}, tmp_path)
    assert hub.token_for(url) == ("secret" if goes else "")


def test_a_page_of_the_hub_is_asked_from_the_mirror(fetch: Puller, hub: FakeHub) -> None:
    """An address that a browser shows means the file, wherever it is fetched from."""
    assert fetch(f"http://huggingface.co/{REPOSITORY}/blob/main/{FILE}").fetched
