"""Models in several files."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_localllm.errors import ModelFileError
from jupyter_localllm.models import describe, sha256_of
from jupyter_localllm.models.checks import check_file
from jupyter_localllm.models.identity import is_remembered
from jupyter_localllm.models.parts import part_names, parts_of
from tests.models.splitting import split
from tests.tiny_models import write_tiny_llama


@pytest.fixture
def parts(tiny_path: Path, tmp_path: Path) -> list[Path]:
    """The same model in three files."""
    return split(tiny_path, tmp_path, 3)


def test_its_names() -> None:
    """Numbers of five digits, from 1; what does not fit is a name like another."""
    assert part_names("a/m-00002-of-00003.GGUF") == tuple(f"a/m-0000{i}-of-00003.GGUF" for i in (1, 2, 3))
    for name in ("m.gguf", "m-00001-of-00001.gguf", "m-00004-of-00003.gguf", "m-1-of-2.gguf", "m-00001-of-99999.gguf"):
        assert part_names(name) == (name,)


def test_it_is_one_model(parts: list[Path], tiny_path: Path) -> None:
    """Its tensors, sizes and dimensions are those of the model in one file."""
    memo: dict[str, str] = {}
    found, whole = describe(parts[0], "m", memo), describe(tiny_path, "m", {})
    assert (found.weights_bytes, found.n_vocab, found.kind) == (whole.weights_bytes, whole.n_vocab, "chat")
    assert found.size_bytes == sum(part.stat().st_size for part in parts)
    assert parts_of(parts[1]) == tuple(parts)


def test_its_hash_is_that_of_all_parts(parts: list[Path]) -> None:
    """Another last part is another model, and none is known before all of them were read."""
    before = sha256_of(parts[0], {})
    assert before == sha256_of(parts[2], {})
    assert not is_remembered(parts[0], {})
    parts[2].write_bytes(parts[2].read_bytes()[:-1] + b"\7")
    assert sha256_of(parts[0], {}) != before


def test_a_missing_part(parts: list[Path]) -> None:
    """It is named, whichever of the others was given."""
    parts[1].unlink()
    for part in (parts[0], parts[2]):
        with pytest.raises(ModelFileError, match=r"1 of them are not beside it: tiny-00002-of-00003\.gguf") as caught:
            check_file(part)
        assert caught.value.hint


def test_a_truncated_part(parts: list[Path]) -> None:
    """The part that is not whole is the one that is named."""
    parts[2].write_bytes(parts[2].read_bytes()[:-9])
    with pytest.raises(ModelFileError, match=r"tiny-00003-of-00003\.gguf is truncated"):
        check_file(parts[0])


def test_parts_of_different_models(parts: list[Path], tmp_path: Path) -> None:
    """A part that says it is another one is refused before llama.cpp sees it."""
    parts[2].write_bytes(parts[1].read_bytes())
    with pytest.raises(ModelFileError, match="says it is part 1 of 3"):
        check_file(parts[0])
    shorter = split(write_tiny_llama(tmp_path / "other.gguf", n_layer=1), tmp_path / "o", 3)
    for part, other in zip(parts[1:], shorter[1:], strict=True):
        part.write_bytes(other.read_bytes())
    with pytest.raises(ModelFileError, match="promises"):
        check_file(parts[0])
