"""`jupyter localllm cache`: the words of `%llm cache`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jupyter_localllm.cache import AnswerCache
from jupyter_localllm.cli import main
from jupyter_localllm.magics.subcommands import FORMS
from tests.cache.samples import entry, key


@pytest.fixture(autouse=True)
def kept() -> None:
    """Two answers in the cache of these tests."""
    cache = AnswerCache(Path(os.environ["JUPYTER_LOCALLLM_CACHE_DIR"]))
    for question in ("One?", "Two?"):
        cache.put(key(question), entry(key(question), "An answer."))
    cache.close()


def said(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> str:
    assert main(["cache", *words]) == status
    out, err = capsys.readouterr()
    return err if status else out


@pytest.mark.parametrize("words", [(), ("show",), ("stats",)])
def test_what_is_there(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """Where it is, how many answers, how large, and the mode."""
    told = said(capsys, *words)
    assert f"directory  {os.environ['JUPYTER_LOCALLLM_CACHE_DIR']}" in told
    assert "answers    2" in told
    assert "mode       use (default)" in told


def test_out_and_in_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is exported can be forgotten and read again; a file that is none is an error."""
    file = str(tmp_path / "a.jsonl")
    assert said(capsys, "export", file).startswith(f"2 answers written to {file} (")
    assert said(capsys, "clear") == "2 answers deleted\n"
    assert said(capsys, "import", file) == "2 answers read, 0 were there already\n"
    assert said(capsys, "import", file) == "0 answers read, 2 were there already\n"
    assert "There is no file" in said(capsys, "import", f"{file}.none", status=1)


def test_old_ones(capsys: pytest.CaptureFixture[str]) -> None:
    """30 days unless told otherwise; what is no number of days is a wrong line."""
    assert said(capsys, "prune") == "0 answers deleted that were not used for 30 days\n"
    assert said(capsys, "prune", "--days", "0") == "2 answers deleted that were not used for 0 days\n"
    for days in ("-1", "soon", "inf"):
        with pytest.raises(SystemExit):
            main(["cache", "prune", "--days", days])
        assert "--days" in capsys.readouterr().err


def test_the_words_are_those_of_the_magic(capsys: pytest.CaptureFixture[str]) -> None:
    """Each action of `%llm cache` is one here."""
    with pytest.raises(SystemExit):
        main(["cache", "--help"])
    told = capsys.readouterr().out
    assert all(form.action in told for form in FORMS if form.name == "cache")
