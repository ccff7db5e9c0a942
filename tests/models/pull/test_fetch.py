"""Pulling over plain HTTP, from a server that misbehaves."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import sys
import threading
import time
from collections import namedtuple
from pathlib import Path

import pytest

from jupyter_localllm.errors import ModelError, PullError
from jupyter_localllm.models import available, locate
from jupyter_localllm.models.identity import is_remembered
from jupyter_localllm.models.pull import Hub, Patience, pull, web
from jupyter_localllm.models.pull.partial import Partial
from jupyter_localllm.models.pull.trouble import Broken
from jupyter_localllm.types import Status
from tests.models.pull.conftest import FILE, REPOSITORY, Puller
from tests.models.pull.server import FakeHub, Fault, serving

HALF = 200_000


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where the model goes."""
    return tmp_path / "models" / "owner" / "tiny-GGUF" / FILE


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_model_is_fetched_whole(
    fetch: Puller, hub: FakeHub, place: Path, model_bytes: bytes, told: list[Status]
) -> None:
    """It is in its place, its hash is the one that the hub promised, and is remembered; progress was told."""
    memo: dict[str, str] = {}
    got = fetch(REPOSITORY, memo=memo)
    assert (got.path, got.path.read_bytes(), got.fetched, got.promised, got.kind) == (
        place,
        model_bytes,
        True,
        True,
        "chat",
    )
    assert got.sha256 == hashlib.sha256(model_bytes).hexdigest()
    assert is_remembered(place, memo)
    assert leftovers(place.parent) == [FILE]
    assert {status.stage for status in told} == {"pulling"}
    assert 1.0 in [status.fraction for status in told]
    assert locate("tiny-Q4_K_M", [place.parents[2]])[1] == place


def test_what_is_here_is_not_fetched_again(fetch: Puller, hub: FakeHub) -> None:
    """A second call asks the hub what there is, and reads nothing."""
    fetch(REPOSITORY)
    before = len(hub.bodies)
    assert not fetch(REPOSITORY).fetched
    assert len(hub.bodies) == before


@pytest.mark.parametrize("told_sha256", [True, False])
@pytest.mark.parametrize("again", ["at once", "later"])
def test_a_cut_connection_is_gone_on_with(  # noqa: PLR0917
    fetch: Puller, hub: FakeHub, place: Path, model_bytes: bytes, told_sha256: bool, again: str
) -> None:
    """Only what is missing is asked for, within a call and in a later one."""
    hub.told_sha256 = told_sha256
    url = f"{hub.url}/plain/{FILE}"
    hub.plain[f"/plain/{FILE}"] = model_bytes
    wanted = REPOSITORY if told_sha256 else url
    hub.faults = [Fault(after=HALF)] + [Fault(status=503)] * (3 if again == "later" else 0)
    if again == "later":
        with pytest.raises(PullError, match="200 kB have come, and are kept"):
            fetch(wanted)
    got = fetch(wanted)
    assert got.path.read_bytes() == model_bytes
    asked = [headers.get("range") for path, headers in hub.bodies if path.startswith(("/cdn", "/plain"))]
    assert asked[0] is None
    assert asked[-1] == f"bytes={HALF}-"
    assert leftovers(got.path.parent) == [FILE]


def test_a_half_file_never_looks_like_a_model(fetch: Puller, hub: FakeHub, place: Path) -> None:
    """Nothing that ends in .gguf is there before all of it was checked."""
    hub.faults = [Fault(after=HALF), *[Fault(status=503)] * 3]
    with pytest.raises(PullError):
        fetch(REPOSITORY)
    assert not place.exists()
    assert "tiny-Q4_K_M" not in [entry.name for entry in available([place.parents[2]])]


def test_a_stall_counts_as_broken(fetch: Puller, hub: FakeHub, model_bytes: bytes, told: list[Status]) -> None:
    """A server that falls silent is asked again for the rest."""
    hub.faults = [Fault(after=HALF, stall=True)]
    assert fetch(REPOSITORY, silence_s=0.3).path.read_bytes() == model_bytes
    assert any("nothing came for too long; trying again" in status.text for status in told)


def test_a_server_that_is_always_in_trouble(fetch: Puller, hub: FakeHub) -> None:
    """It is given up after some tries, and the error says how to go on."""
    hub.faults = [Fault(status=503)] * 3
    with pytest.raises(PullError, match="the server answers 503") as caught:
        fetch(REPOSITORY)
    assert "same line again" in caught.value.hint or "Check the connection" in caught.value.hint


@pytest.mark.parametrize(
    "fault",
    [Fault(status=503, retry_after="\xb2"), Fault(status=503, retry_after="9" * 400)]
    + [Fault(whole_range=f"bytes 0-1/{size}") for size in ("9" * 5000, "\xb2", "-1")],
)
def test_headers_that_hold_no_number(
    fault: Fault, fetch: Puller, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A header that cannot be meant is as good as none, or an error of ours."""
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    hub.plain["/m.gguf"] = hub.files[REPOSITORY][FILE]
    hub.faults = [fault] * 3
    with pytest.raises(PullError):
        fetch(f"{hub.url}/m.gguf")


def test_progress_earns_new_tries(fetch: Puller, hub: FakeHub, model_bytes: bytes) -> None:
    """Many breaks are no reason to give up as long as something comes between them."""
    hub.faults = [Fault(after=50_000) for _ in range(7)]
    assert fetch(REPOSITORY).path.read_bytes() == model_bytes


def test_a_server_without_ranges(fetch: Puller, hub: FakeHub, model_bytes: bytes) -> None:
    """It sends all again, and that is what is kept."""
    hub.ranges = False
    hub.faults = [Fault(after=HALF)]
    assert fetch(REPOSITORY).path.read_bytes() == model_bytes


@pytest.mark.parametrize("etags", [True, False])
def test_a_file_that_changed_meanwhile(fetch: Puller, hub: FakeHub, model_bytes: bytes, etags: bool) -> None:
    """The beginning of one state of a file is never put before the end of another one."""
    hub.etags = etags
    hub.plain["/m.gguf"] = bytes(model_bytes[:-1]) + b"\1"
    hub.faults = [Fault(after=HALF), *[Fault(status=500)] * 3]
    with pytest.raises(PullError):
        fetch(f"{hub.url}/m.gguf")
    hub.plain["/m.gguf"] = model_bytes
    assert fetch(f"{hub.url}/m.gguf").path.read_bytes() == model_bytes


@pytest.mark.parametrize("lie", [1000, -1000])
def test_a_lie_about_the_length(fetch: Puller, hub: FakeHub, tmp_path: Path, lie: int) -> None:
    """Where the hub said how long a file is, a server that says otherwise is refused before anything is read."""
    hub.faults = [Fault(lie=lie)]
    with pytest.raises(PullError, match="were promised") as caught:
        fetch(REPOSITORY)
    assert caught.value.hint
    assert leftovers(tmp_path / "models") == []


def test_a_lie_that_nobody_can_check(fetch: Puller, hub: FakeHub, tmp_path: Path, model_bytes: bytes) -> None:
    """Too short is told by the header; too long by the server itself, when it is asked for the rest."""
    hub.plain["/m.gguf"] = model_bytes
    hub.faults = [Fault(lie=-1000)]
    with pytest.raises(PullError, match="is truncated"):
        fetch(f"{hub.url}/m.gguf")
    assert leftovers(tmp_path / "models") == []
    hub.faults = [Fault(lie=1000)]
    assert fetch(f"{hub.url}/m.gguf").path.read_bytes() == model_bytes


def test_a_wrong_file_of_the_right_size(fetch: Puller, hub: FakeHub, place: Path, model_bytes: bytes) -> None:
    """The hash tells; the wrong file is deleted, and the next call gets the right one."""
    hub.faults = [Fault(content=model_bytes[:-1] + bytes([model_bytes[-1] ^ 1]))]
    with pytest.raises(PullError, match="is not what was promised: its sha256"):
        fetch(REPOSITORY)
    assert leftovers(place.parent) == []
    assert fetch(REPOSITORY).path.read_bytes() == model_bytes


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<!DOCTYPE html><html>Please log in" + b" " * 9000, "is a web page, not a model"),
        (b'{"error": "quota"}', "is JSON, not a model"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 4000000000\n", "is a Git LFS pointer"),
        (b"GG", "is not a GGUF file"),
        (b"GGUF\3\0\0\0" + b"\0" * 16, "holds no tensors"),
    ],
)
def test_what_is_no_model(fetch: Puller, hub: FakeHub, tmp_path: Path, content: bytes, words: str) -> None:
    """A page that wants a login, a message or a pointer is recognised at its first bytes, and is not kept."""
    hub.plain["/m.gguf"] = content
    with pytest.raises(PullError, match=words):
        fetch(f"{hub.url}/m.gguf")
    assert leftovers(tmp_path / "models") == []


def test_a_truncated_file_at_the_source(fetch: Puller, hub: FakeHub, tmp_path: Path, model_bytes: bytes) -> None:
    """A file that is not whole on the server either is refused by its header."""
    hub.plain["/m.gguf"] = model_bytes[:-5000]
    with pytest.raises(PullError, match="is truncated"):
        fetch(f"{hub.url}/m.gguf")
    assert leftovers(tmp_path / "models") == []


def test_chunks_without_a_length(fetch: Puller, hub: FakeHub, model_bytes: bytes) -> None:
    """A server that tells no length is believed at its end, not at a break."""
    hub.plain["/m.gguf"] = model_bytes
    hub.faults = [Fault(chunked=True, after=HALF), Fault(chunked=True)]
    assert fetch(f"{hub.url}/m.gguf").path.read_bytes() == model_bytes


def test_a_token_stays_with_its_host(fetch: Puller, hub: FakeHub, tmp_path: Path) -> None:
    """A gated model needs the token of its usual place; where the hub redirects to does not get it."""
    hub.gated = "secret"
    with pytest.raises(PullError, match="or it is not for everybody") as caught:
        fetch(REPOSITORY)
    assert "HF_TOKEN" in caught.value.hint
    home = tmp_path / "home"
    (home / ".cache" / "huggingface").mkdir(parents=True)
    (home / ".cache" / "huggingface" / "token").write_text("secret\n")
    with serving() as cdn:
        hub.elsewhere = cdn.url
        cdn.files = hub.files
        assert fetch(REPOSITORY).fetched
        assert all("authorization" not in headers for _method, _path, headers in cdn.asked)
    assert hub.asked[-1][2]["authorization"] == "Bearer secret"
    hub.plain["/m.gguf"] = hub.files[REPOSITORY][FILE]
    hub.faults = [Fault(status=403)]
    with pytest.raises(PullError, match="the token may not read it"):
        fetch(f"{hub.url}/m.gguf", hub=Hub({"HF_ENDPOINT": hub.url, "HF_TOKEN": "wrong"}, home))


def test_a_redirect_out_of_the_web(fetch: Puller, hub: FakeHub) -> None:
    """A redirect to a file of this machine is not followed."""
    hub.elsewhere = "file:///etc"
    with pytest.raises(PullError, match="redirects to an address that is not followed"):
        fetch(REPOSITORY)


def test_no_room(fetch: Puller, hub: FakeHub, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not fit on the disk is not begun; both figures are told."""
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda _path: usage(10, 10, 1_000_000))
    with pytest.raises(PullError, match=r"needs \d+ kB, and 1.0 MB are free") as caught:
        fetch(REPOSITORY)
    assert "pull_dir" in caught.value.hint
    assert not [path for path, _ in hub.bodies if path.startswith("/cdn")]


def test_the_disk_fills_up_meanwhile(fetch: Puller, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says so, and what has come is kept."""

    def full(self: Partial, data: bytes) -> None:
        with self.trouble():
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(Partial, "write", full)
    with pytest.raises(PullError, match="no room left"):
        fetch(REPOSITORY)


@pytest.mark.skipif(os.name == "nt" or os.getuid() == 0, reason="permissions bind neither root nor Windows")
def test_a_folder_that_may_not_be_written(fetch: Puller, tmp_path: Path) -> None:
    """The error names the setting."""
    (tmp_path / "models").mkdir(mode=0o500)
    with pytest.raises(PullError, match="may not be written"):
        fetch(REPOSITORY)


def test_a_file_in_the_way_of_the_folder(fetch: Puller, tmp_path: Path) -> None:
    """The disk's own error is ours, with a hint."""
    (tmp_path / "models").write_text("")
    with pytest.raises(ModelError, match="cannot be written") as caught:
        fetch(REPOSITORY)
    assert caught.value.hint


def test_two_at_the_same_time(fetch: Puller, hub: FakeHub, place: Path, model_bytes: bytes) -> None:
    """The second one is told so, and the first is not disturbed."""
    hub.faults = [Fault(after=HALF, stall=True)]
    failed: list[BaseException] = []
    thread = threading.Thread(target=lambda: fetch(REPOSITORY))
    thread.start()
    while not hub.bodies:
        pass
    try:
        fetch(REPOSITORY)
    except PullError as error:
        failed.append(error)
    hub.released.set()
    thread.join()
    assert "by another process" in str(failed[0])
    assert place.read_bytes() == model_bytes


def _hold(path: Path, taken: multiprocessing.synchronize.Event) -> None:
    with Partial(path):
        taken.set()
        threading.Event().wait(60)


def test_a_process_that_was_killed_holds_nobody_off(tmp_path: Path) -> None:
    """The system gives its lock back."""
    context = multiprocessing.get_context("spawn")
    taken = context.Event()
    process = context.Process(target=_hold, args=(tmp_path / "m.gguf", taken))
    process.start()
    assert taken.wait(30)
    with pytest.raises(PullError), Partial(tmp_path / "m.gguf"):
        pass
    process.kill()
    process.join()
    with Partial(tmp_path / "m.gguf"):
        pass


def test_another_file_of_that_name(fetch: Puller, place: Path, model_bytes: bytes) -> None:
    """It is not written over, unless a person says so."""
    place.parent.mkdir(parents=True)
    place.write_bytes(b"mine")
    with pytest.raises(PullError, match="is another file") as caught:
        fetch(REPOSITORY)
    assert "--force" in caught.value.hint
    assert place.read_bytes() == b"mine"
    assert fetch(REPOSITORY, force=True).path.read_bytes() == model_bytes


def test_nothing_is_fetched_where_the_hub_is_forbidden(fetch: Puller, hub: FakeHub, tmp_path: Path) -> None:
    """HF_HUB_OFFLINE holds here, too."""
    with pytest.raises(PullError, match="HF_HUB_OFFLINE"):
        fetch(REPOSITORY, hub=Hub({"HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "1"}, tmp_path))
    assert hub.asked == []


def test_a_server_that_is_not_there(tmp_path: Path, here: Hub, fetch: Puller) -> None:
    """The error says that it cannot be reached, and what to look at."""
    with pytest.raises(PullError, match="cannot be reached") as caught:
        fetch(REPOSITORY, hub=Hub({"HF_ENDPOINT": "http://127.0.0.1:9"}, tmp_path))
    assert "HF_ENDPOINT" in caught.value.hint


@pytest.mark.parametrize("wanted", [REPOSITORY, "http://127.0.0.1:9/m.gguf"])
def test_nobody_waits_for_who_was_never_there(
    wanted: str, tmp_path: Path, fetch: Puller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that refuses the connection from the start is asked twice within two seconds, and not for a quarter of
    a minute; what to look at is told."""
    slept: list[float] = []
    rest = time.sleep

    def sleep(seconds: float) -> None:
        """Those below a tenth wait for a look at the folder, in another thread: they must last."""
        rest(seconds) if seconds < 0.1 else slept.append(seconds)

    monkeypatch.setattr("time.sleep", sleep)
    with pytest.raises(PullError, match="cannot be") as caught:
        fetch(wanted, hub=Hub({"HF_ENDPOINT": "http://127.0.0.1:9"}, tmp_path), patience=Patience())
    assert 0 < sum(slept) <= 1.5
    assert "HTTPS_PROXY" in caught.value.hint


def test_a_server_that_was_there_is_waited_for(fetch: Puller, hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that is lost in the middle may come back: that nobody answers for a moment is no reason to stop."""
    hub.plain["/m.gguf"] = hub.files[REPOSITORY][FILE]
    hub.faults = [Fault(after=HALF)]
    real, refusals = web.get, iter([False, True, True, True, False])

    def now_and_then(*args: object, **options: object) -> object:
        if next(refusals, False):
            raise Broken("Connection refused", absent=True)
        return real(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(sys.modules["jupyter_localllm.models.pull.fetch"], "get", now_and_then)
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    assert fetch(f"{hub.url}/m.gguf", patience=Patience()).fetched


def test_a_proxy_of_the_environment(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fetch: Puller
) -> None:
    """A request goes through the proxy that the environment names, as a whole address."""
    hub.plain["/m.gguf"] = hub.files[REPOSITORY][FILE]
    monkeypatch.setenv("http_proxy", hub.url)
    for name in ("no_proxy", "NO_PROXY", "REQUEST_METHOD"):
        monkeypatch.delenv(name, raising=False)
    assert fetch("http://models.invalid/m.gguf").fetched


def test_an_interrupt_keeps_what_has_come(
    fetch: Puller, hub: FakeHub, place: Path, model_bytes: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an interrupt the next call goes on."""
    hub.faults = [Fault(after=HALF)]

    def interrupt(status: Status) -> None:
        if "trying again" in status.text:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(REPOSITORY, tell=interrupt)
    assert place.with_name(FILE + ".part").stat().st_size == HALF
    assert fetch(REPOSITORY).path.read_bytes() == model_bytes
    assert hub.bodies[-1][1]["range"] == f"bytes={HALF}-"


def test_the_folder_may_be_written_with_a_tilde(here: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The home is meant by it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    got = pull(REPOSITORY, "~/m", {}, hub=here, by_huggingface_hub=False)
    assert got.path.is_relative_to(tmp_path / "m")
