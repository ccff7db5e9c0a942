from __future__ import annotations

import json
import os
import random
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from jupyter_localllm.cache import AnswerCache, Entry, ImportCounts, export, import_
from jupyter_localllm.errors import CacheError
from jupyter_localllm.types import Result, Timings, Token
from tests.cache.samples import entry, key

QUESTIONS = [f"Question {number}?" for number in range(30)]


def fill(cache: AnswerCache, seed: int) -> None:
    """The same answers in another order, at other times, at other speeds."""
    randomly = random.Random(seed)
    for question in randomly.sample(QUESTIONS, len(QUESTIONS)):
        made = entry(key(question), f"Answer to {question} é \u2028 \U0001f600")
        timings = Timings(*(randomly.random() for _ in range(5)))
        cache.put(key(question), replace(made, created=randomly.random(), result=replace(made.result, timings=timings)))
    cache.remember_model("smollm2", "ab" * 32)
    cache.remember_model(f"other {seed}", "cd" * 32)


@pytest.fixture
def exported(cache: AnswerCache, tmp_path: Path) -> Path:
    fill(cache, 1)
    assert export(cache, tmp_path / "answers.jsonl") == len(QUESTIONS)
    return tmp_path / "answers.jsonl"


def test_the_file_depends_on_the_answers_only(
    exported: Path, open_cache: Callable[..., AnswerCache], tmp_path: Path
) -> None:
    """Two runs with the same answers export the same bytes, whatever the order and the speed."""
    other = open_cache(tmp_path / "other")
    fill(other, 2)
    export(other, tmp_path / "other.jsonl")
    assert (tmp_path / "other.jsonl").read_bytes() == exported.read_bytes()


def test_export_import_export(exported: Path, open_cache: Callable[..., AnswerCache], tmp_path: Path) -> None:
    """A fresh cache that took the file in gives the file again, byte for byte, and answers without the model's file."""
    fresh = open_cache(tmp_path / "fresh")
    assert import_(fresh, exported) == ImportCounts(added=30, models=1)
    export(fresh, tmp_path / "again.jsonl")
    assert (tmp_path / "again.jsonl").read_bytes() == exported.read_bytes()
    assert fresh.model_sha256("smollm2") == "ab" * 32
    assert fresh.model_sha256("other 1") is None
    found = fresh.get(key(QUESTIONS[3]))
    assert found is not None
    assert found.tokens == entry(key(QUESTIONS[3]), f"Answer to {QUESTIONS[3]} é \u2028 \U0001f600").tokens
    assert import_(fresh, exported) == ImportCounts(same=30)


def test_the_file_can_be_committed(exported: Path) -> None:
    """UTF-8 text with one answer in each line, in order, that a diff can show."""
    lines = exported.read_bytes().decode("utf-8").split("\n")
    assert lines.pop() == ""
    header, *answers = map(json.loads, lines)
    assert header == {
        "format": "jupyter_localllm answers",
        "version": 1,
        "models": {"smollm2": "ab" * 32},
    }
    digests = [answer["digest"] for answer in answers]
    assert digests == sorted(digests)
    assert len(digests) == 30
    if os.name == "posix":
        mask = os.umask(0)
        os.umask(mask)
        assert stat.S_IMODE(exported.stat().st_mode) == 0o666 & ~mask


def test_a_file_merged_by_git_is_taken(exported: Path, open_cache: Callable[..., AnswerCache], tmp_path: Path) -> None:
    """Other line ends, another order and repeated lines do no harm."""
    head, *lines = exported.read_bytes().splitlines(keepends=True)
    exported.write_bytes(b"".join([head, *reversed(lines), lines[0]]).replace(b"\n", b"\r\n"))
    assert import_(open_cache(tmp_path / "fresh"), exported) == ImportCounts(added=30, same=1, models=1)


def test_what_is_there_stays_unless_asked(
    exported: Path, open_cache: Callable[..., AnswerCache], tmp_path: Path
) -> None:
    """Another answer to the same question is counted, and only replaced on demand; a known model keeps its hash."""
    mine = open_cache(tmp_path / "mine")
    mine.put(key(QUESTIONS[0]), entry(key(QUESTIONS[0]), "My own answer."))
    mine.remember_model("smollm2", "00" * 32)
    assert import_(mine, exported) == ImportCounts(added=29, kept=1)
    kept = mine.get(key(QUESTIONS[0]))
    assert kept is not None
    assert kept.result.text == "My own answer."
    assert import_(mine, exported, replace=True) == ImportCounts(same=29, replaced=1)
    assert mine.model_sha256("smollm2") == "00" * 32


def change(exported: Path, line: int, old: bytes, new: bytes) -> None:
    lines = exported.read_bytes().split(b"\n")
    assert old in lines[line]
    lines[line] = lines[line].replace(old, new, 1)
    exported.write_bytes(b"\n".join(lines))


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        ((0, b'"version":1', b'"version":2'), "line 1: The export has version 2"),
        ((0, b'"version":1', b'"version":"1"'), "line 1: The export has version 1"),
        ((0, b"jupyter_localllm answers", b"something else"), "not an export"),
        ((0, b'"models":{', b'"surprise":1,"models":{'), "surprise"),
        ((0, b'"smollm2"', b'"' + b"x" * 300 + b'"'), "longer than"),
        ((3, b'"max_tokens":128', b'"max_tokens":129'), "line 4: The digest does not belong"),
        ((3, b'"digest":"', b'"digest":"0'), "line 4: The digest"),
        ((3, b'"text":"', b'"text":["'), "line 4: This is not JSON"),
        ((3, b'"finish_reason":"stop"', b'"finish_reason":"interrupted"'), "interrupted"),
        ((3, b'"finish_reason":"stop"', b'"finish_reason":"exploded"'), "finish_reason"),
        ((3, b'"created":0.0', b'"created":NaN'), "NaN"),
        ((3, b'"created":0.0', b'"created":1e999'), "created"),
        ((3, b'"created":0.0', b'"created":' + b"9" * 5_000), "line 4"),
        ((3, b'"notes":[]', b'"notes":' + b"[" * 100_000), "line 4: This is not JSON"),
        ((3, b'"notes":[]', b'"notes":' + b"[" * 500 + b"]" * 500), "notes"),
        ((3, b"{", b"\xff{"), "line 4: This is not JSON"),
        ((3, b"{", b"<<<<<<< HEAD\n{"), "line 4: This is not JSON"),
        ((4, b"{", b"\n{"), "line 5"),
        ((3, b"{", b"x" * (17 << 20) + b"{"), "larger"),
    ],
    ids=lambda value: value[2][:30] if isinstance(value, tuple) else "",
)
def test_a_bad_file_is_refused_whole(
    exported: Path, open_cache: Callable[..., AnswerCache], tmp_path: Path, edit: tuple[int, bytes, bytes], words: str
) -> None:
    """A changed, cut, merged or hostile line is named, and nothing of the file is taken in."""
    change(exported, *edit)
    fresh = open_cache(tmp_path / "fresh")
    with pytest.raises(CacheError, match=words) as refused:
        import_(fresh, exported)
    assert str(exported) in refused.value.message
    assert refused.value.hint
    assert not (tmp_path / "fresh").exists()


def test_no_prefix_of_a_file_is_taken_for_junk(
    exported: Path, open_cache: Callable[..., AnswerCache], tmp_path: Path
) -> None:
    """A file cut at any byte imports the whole answers before the cut or says which line is broken."""
    data = exported.read_bytes()
    fresh = open_cache(tmp_path / "fresh")
    for length in random.Random(3).sample(range(len(data)), 60):
        exported.write_bytes(data[:length])
        lines = data[:length].count(b"\n") + (data[length : length + 1] == b"\n")
        try:
            counts = import_(fresh, exported)
        except CacheError:
            continue
        assert counts.added + counts.same == lines - 1


def test_what_is_volatile_in_a_file_is_dropped(
    exported: Path, open_cache: Callable[..., AnswerCache], tmp_path: Path
) -> None:
    """A file that was made by other means cannot bring in times that an export would not hold."""
    before = exported.read_bytes()
    change(exported, 3, b'"ttft_ms":0.0', b'"ttft_ms":5.0')
    fresh = open_cache(tmp_path / "fresh")
    import_(fresh, exported)
    assert {item.result.timings for _, item in fresh.entries()} == {Timings()}
    assert import_(fresh, exported) == ImportCounts(same=30)
    export(fresh, tmp_path / "again.jsonl")
    assert (tmp_path / "again.jsonl").read_bytes() == before


@pytest.mark.parametrize("kind", ["missing", "directory", "empty", "pipe"])
def test_what_is_no_file_is_an_error(cache: AnswerCache, tmp_path: Path, kind: str) -> None:
    """The error comes at once, also for a pipe that nobody writes to."""
    path = tmp_path / "file"
    if kind == "pipe":
        if not hasattr(os, "mkfifo"):
            pytest.skip("no pipes with names here")
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    elif kind == "empty":
        path.touch()
    with pytest.raises(CacheError):
        import_(cache, path)


def test_a_file_too_large_is_refused(cache: AnswerCache, tmp_path: Path) -> None:
    """A hole of a gigabyte is not read."""
    with open(tmp_path / "file", "wb") as stream:
        stream.truncate((1 << 30) + 1)
    with pytest.raises(CacheError, match="bytes"):
        import_(cache, tmp_path / "file")


def test_a_failed_export_leaves_the_old_file(
    exported: Path, cache: AnswerCache, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The file is replaced when the new one is complete, or not at all; nothing else is left behind."""
    before = exported.read_bytes()
    names = sorted(os.listdir(tmp_path))

    def break_down(entry: Entry) -> Entry:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Entry, "durable", break_down)
    with pytest.raises(CacheError, match="No space left"):
        export(cache, exported)
    assert exported.read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == names


def test_export_says_when_it_cannot(cache: AnswerCache, open_cache: Callable[..., AnswerCache], tmp_path: Path) -> None:
    """No directory to write to, or no cache to read from, is an error and not an empty file."""
    with pytest.raises(CacheError, match="could not be written"):
        export(cache, tmp_path / "nowhere" / "file.jsonl")
    (tmp_path / "file").touch()
    with pytest.raises(CacheError, match="cannot be used"):
        export(open_cache(tmp_path / "file" / "cache"), tmp_path / "export.jsonl")
    assert not (tmp_path / "export.jsonl").exists()


def test_import_says_when_it_cannot(exported: Path, open_cache: Callable[..., AnswerCache], tmp_path: Path) -> None:
    """Answers that could not be written are not counted as taken in."""
    (tmp_path / "file").touch()
    with pytest.raises(CacheError, match="could not be written"):
        import_(open_cache(tmp_path / "file" / "cache"), exported)


def test_an_empty_cache_has_an_export(cache: AnswerCache, tmp_path: Path) -> None:
    """No answers is a header and nothing else."""
    assert export(cache, tmp_path / "file") == 0
    assert import_(cache, tmp_path / "file") == ImportCounts()


def test_reasoning_and_empty_answers_travel(
    cache: AnswerCache, open_cache: Callable[..., AnswerCache], tmp_path: Path
) -> None:
    """Channels, and an answer without tokens, survive the way through the file."""
    tokens = (Token("hm", "reasoning"), Token(" ", "reasoning"), Token("yes"))
    cache.put(key("a"), Entry.of(tokens, Result("yes", reasoning="hm "), key("a")))
    cache.put(key("b"), Entry.of((), Result(""), key("b")))
    export(cache, tmp_path / "file")
    fresh = open_cache(tmp_path / "fresh")
    import_(fresh, tmp_path / "file")
    found = [fresh.get(key(name)) for name in "ab"]
    assert [item and item.tokens for item in found] == [tokens, ()]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_export_replaces_files_only(tmp_path: Path) -> None:
    """A pipe, a device or a directory is refused and stays what it is; a link is followed."""
    cache = AnswerCache(tmp_path / "cache")
    pipe, folder, link, real = (tmp_path / name for name in ("pipe", "folder", "link", "real"))
    os.mkfifo(pipe)
    folder.mkdir()
    link.symlink_to(real)
    for target in (pipe, folder, tmp_path / "a\0b"):
        with pytest.raises(CacheError):
            export(cache, target)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    export(cache, link)
    assert link.is_symlink()
    assert real.is_file()
