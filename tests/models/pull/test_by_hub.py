"""Pulling over huggingface_hub, where it is installed: the same promises."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from jupyter_localllm.errors import PullError
from jupyter_localllm.models.catalog import CatalogEntry, CatalogFile
from jupyter_localllm.models.pull import Hub
from jupyter_localllm.types import Status
from tests.models.pull.conftest import FILE, REPOSITORY, Puller
from tests.models.pull.server import FakeHub, Fault

pytest.importorskip("huggingface_hub")


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its own settings of this machine stay out, and it tries a broken connection once."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True, raising=False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", True, raising=False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "none"), raising=False)


@pytest.fixture
def by_hub(fetch: Puller) -> Puller:
    """Pull over huggingface_hub."""
    return lambda wanted, **options: fetch(wanted, by_huggingface_hub=True, **options)


def test_a_model_is_fetched(
    by_hub: Puller, hub: FakeHub, tmp_path: Path, model_bytes: bytes, told: list[Status]
) -> None:
    """It comes from the mirror that was named, is checked, and nothing else is left in its folder or asked for."""
    got = by_hub(REPOSITORY)
    assert got.path.read_bytes() == model_bytes
    assert got.promised
    assert [path.name for path in got.path.parent.iterdir()] == [FILE]
    known = (f"/api/models/{REPOSITORY}/", f"/{REPOSITORY}/resolve/", f"/cdn/{REPOSITORY}/")
    assert all(path.startswith(known) for _method, path, _headers in hub.asked)


def test_a_wrong_file(by_hub: Puller, hub: FakeHub, tmp_path: Path, model_bytes: bytes) -> None:
    """What it brings is checked by us, too."""
    hub.faults = [Fault(content=model_bytes[:-1] + bytes([model_bytes[-1] ^ 1]))]
    with pytest.raises(PullError, match="is not what was promised"):
        by_hub(REPOSITORY)
    assert not list((tmp_path / "models").rglob("*.gguf"))


def test_a_gated_model(by_hub: Puller, hub: FakeHub, tmp_path: Path) -> None:
    """The token that we found is the one it uses; its refusals are ours."""
    assert by_hub(REPOSITORY).fetched
    hub.gated = "secret"
    with_token = Hub({"HF_ENDPOINT": hub.url, "HF_TOKEN": "secret"}, tmp_path)
    assert by_hub(REPOSITORY, hub=with_token, force=True).fetched
    hub.gated = "other"
    with pytest.raises(PullError, match=r"not for everybody|cannot be fetched"):
        by_hub(REPOSITORY, hub=with_token, force=True)


def test_a_mirror_that_it_does_not_understand(
    by_hub: Puller, hub: FakeHub, model_bytes: bytes, told: list[Status]
) -> None:
    """Where huggingface_hub fails for reasons of its own, plain HTTP brings the file, and it is said."""
    hub.commits = False
    got = by_hub(REPOSITORY)
    assert got.path.read_bytes() == model_bytes
    assert [path.name for path in got.path.parent.iterdir()] == [FILE]
    assert any("Trying plain HTTPS" in status.text for status in told)


def test_no_server_has_answered(
    by_hub: Puller, monkeypatch: pytest.MonkeyPatch, model_bytes: bytes, told: list[Status]
) -> None:
    """An error without an answer (older versions have one) is no refusal; plain HTTP is tried."""
    import huggingface_hub
    from huggingface_hub.errors import HfHubHTTPError

    class OfAnOlderVersion(HfHubHTTPError):
        def __init__(self, message: str) -> None:
            Exception.__init__(self, message)
            self.response = None  # type: ignore[assignment]

    def download(*_: Any, tqdm_class: object = None, **__: Any) -> str:
        raise OfAnOlderVersion("An error happened. GET https://u:s3cret@cdn.example.org/x?Signature=s3cret failed")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    assert by_hub(REPOSITORY).path.read_bytes() == model_bytes
    said = " ".join(status.text for status in told)
    assert "Trying plain HTTPS" in said
    assert "s3cret" not in said


@pytest.mark.parametrize("over_hub", [True, False])
def test_a_file_that_is_no_longer_what_the_catalog_noted(
    over_hub: bool, fetch: Puller, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused before gigabytes of it are read, with the way to fetch it as it is now."""
    noted = CatalogFile(FILE, "Q4_K_M", REPOSITORY, sha256="a" * 64)
    entry = CatalogEntry("noted", "o/n", "MIT", (noted,))
    monkeypatch.setattr("jupyter_localllm.models.catalog.catalog", lambda: (entry,))
    with pytest.raises(PullError, match="is another file now") as caught:
        fetch("noted", by_huggingface_hub=over_hub)
    assert "OWNER/REPOSITORY" in caught.value.hint
    assert len([path for path, _headers in hub.bodies if path.startswith("/cdn")]) == 1


def test_nobody_waits_for_a_hub_that_was_never_there(
    by_hub: Puller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model of the catalog without a network: huggingface_hub would try for half a minute, so it is not asked."""
    import huggingface_hub

    asked: list[Any] = []
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", lambda *args, **_: asked.append(args))
    with pytest.raises(PullError, match="cannot be fetched"):
        by_hub("qwen3-0.6b", hub=Hub({"HF_ENDPOINT": "http://127.0.0.1:9"}, tmp_path))
    assert asked == []


def test_a_broken_install_of_it(
    by_hub: Puller, model_bytes: bytes, told: list[Status], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no reason to fail."""
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    assert by_hub(REPOSITORY).path.read_bytes() == model_bytes
    assert any("Trying plain HTTPS" in status.text for status in told)
