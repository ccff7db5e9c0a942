from __future__ import annotations

import hashlib
import os
from collections.abc import MutableMapping
from pathlib import Path

import pytest

from jupyter_localllm.errors import ModelFileError
from jupyter_localllm.models import identity
from jupyter_localllm.models.identity import sha256_of

OLD = 1_600_000_000


def written(path: Path, content: bytes, when: int = OLD) -> Path:
    path.write_bytes(content)
    os.utime(path, (when, when))
    return path


@pytest.mark.parametrize("size", [1, 4096, (4 << 20) - 1, 4 << 20, (4 << 20) + 1])
def test_is_the_sha256_of_the_bytes(tmp_path: Path, size: int) -> None:
    """The hash is the usual one, whatever the chunks."""
    content = os.urandom(size)
    assert sha256_of(written(tmp_path / "f", content), {}) == hashlib.sha256(content).hexdigest()


def test_is_computed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second time, the file is not read: not by its name, not by a link to it."""
    path, memo = written(tmp_path / "f", b"one"), dict[str, str]()
    first = sha256_of(path, memo)
    monkeypatch.setattr(identity, "hash_file", lambda _: pytest.fail("it was read again"))
    assert sha256_of(path, memo) == first
    monkeypatch.chdir(tmp_path)
    assert sha256_of("f", memo) == first
    if hasattr(os, "symlink"):
        os.symlink(path, tmp_path / "link")
        assert sha256_of(tmp_path / "link", memo) == first
    assert list(memo.values()) == [first]


def test_a_change_is_seen(tmp_path: Path) -> None:
    """Other bytes of the same size, or the same time with another size, are hashed again."""
    memo: MutableMapping[str, str] = {}
    hashes = [
        sha256_of(written(tmp_path / "f", content, when), memo)
        for content, when in [(b"one", OLD), (b"two", OLD + 1), (b"three", OLD + 1)]
    ]
    assert hashes == [hashlib.sha256(content).hexdigest() for content in (b"one", b"two", b"three")]


def test_a_fresh_file_is_not_trusted(tmp_path: Path) -> None:
    """Within the tick of a coarse file system, a second change would not be seen: nothing is remembered yet."""
    memo: MutableMapping[str, str] = {}
    (tmp_path / "f").write_bytes(b"one")
    sha256_of(tmp_path / "f", memo)
    assert not memo


def test_a_file_that_changes_meanwhile_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hash of half the old and half the new bytes is never given out."""
    path, memo = written(tmp_path / "f", b"one"), dict[str, str]()
    real = identity.hash_file

    def hash_and_append(target: str) -> str:
        digest = real(target)
        written(path, b"one and more")
        return digest

    monkeypatch.setattr(identity, "hash_file", hash_and_append)
    with pytest.raises(ModelFileError, match="changes while it is read"):
        sha256_of(path, memo)
    assert not memo


def test_what_cannot_be_read(tmp_path: Path) -> None:
    """A missing file, a directory and an impossible name are errors about the model file."""
    for path in (tmp_path / "none", tmp_path, "a\0b"):
        with pytest.raises(ModelFileError):
            sha256_of(path, {})
