"""A ``%%llm`` that belongs to someone else."""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics

from jupyter_localllm.magics import foreign
from tests.magics.conftest import RecordingMagics
from tests.shells import new_shell

SOURCE = """
from IPython.core.magic import Magics, cell_magic, line_cell_magic, magics_class

@magics_class
class TheirMagics(Magics):
    @line_cell_magic
    def llm(self, line, cell=None):
        return "theirs"

@magics_class
class KeptMagics(Magics):
    @cell_magic
    def localllm(self, line, cell):
        return "theirs"

def plain(line, cell=None):
    return "plain"
"""


@pytest.fixture
def other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A package that owns ``%%llm``, installed as the distribution Other-Mage 1.2."""
    site = tmp_path / "site"
    package = site / "othermage"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(SOURCE)
    info = site / "other_mage-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: Other-Mage\nVersion: 1.2\n")
    (info / "top_level.txt").write_text("othermage\n")
    monkeypatch.syspath_prepend(str(site))
    import othermage  # type: ignore[import-not-found]

    yield othermage
    del sys.modules["othermage"]


def test_nobody_is_told_of_nobody(shell: InteractiveShell, ours: RecordingMagics) -> None:
    """In a shell of its own, taking the names says nothing, and all four are ours."""
    assert foreign.owner(shell, "llm", "cell") == ""
    assert not foreign.owned(shell, "llm")
    assert foreign.take(shell, ours) == ()
    for name in ("llm", "localllm"):
        assert foreign.owned(shell, name, "line")
        assert foreign.owned(shell, name, "cell")
    assert not foreign.owned(shell, "time")
    assert foreign.lost(shell) is None


def test_the_other_owner_is_named(shell: InteractiveShell, ours: RecordingMagics, other: Any) -> None:
    """Taking a foreign ``%%llm`` names its owner, how to reach us always, and how to give it back."""
    shell.register_magics(other.TheirMagics)
    assert foreign.owner(shell, "llm", "cell") == "Other-Mage 1.2 (othermage)"
    (notice,) = foreign.take(shell, ours)
    assert notice == (
        "%%llm and %llm belonged to Other-Mage 1.2 (othermage), and now to jupyter_localllm. "
        "%%localllm and %localllm always reach us. %unload_ext jupyter_localllm gives the name back."
    )
    assert shell.run_cell_magic("llm", "", "hello") == "answer"
    assert shell.run_cell_magic("localllm", "", "hello") == "answer"


def test_it_is_given_back(shell: InteractiveShell, ours: RecordingMagics, other: Any) -> None:
    """After `release` the foreign magic works as before, and nothing of ours is left in the shell."""
    shell.register_magics(other.TheirMagics)
    foreign.take(shell, ours)
    foreign.release(shell)
    assert shell.run_cell_magic("llm", "", "hello") == "theirs"
    assert shell.run_line_magic("llm", "hello") == "theirs"
    assert shell.find_cell_magic("localllm") is None
    assert "RecordingMagics" not in shell.magics_manager.registry
    assert not any(item is ours for item in shell.configurables)
    assert not foreign.owned(shell, "llm")
    foreign.release(shell)


def test_who_comes_after_us_is_named_and_keeps_it(shell: InteractiveShell, ours: RecordingMagics, other: Any) -> None:
    """A foreign ``%%llm`` loaded later is noticed; unloading us does not take it away."""
    foreign.take(shell, ours)
    shell.register_magics(other.TheirMagics)
    assert not foreign.owned(shell, "llm")
    assert foreign.owned(shell, "localllm")
    assert foreign.lost(shell) == (
        "%%llm and %llm now belong to Other-Mage 1.2 (othermage). %%localllm and %localllm always reach us. "
        "%reload_ext jupyter_localllm takes the name back."
    )
    foreign.release(shell)
    assert shell.run_cell_magic("llm", "", "hello") == "theirs"
    assert shell.find_line_magic("localllm") is None


def test_taking_again_takes_it_back(shell: InteractiveShell, other: Any) -> None:
    """A reload after a foreign one came takes the name back and remembers whose it was."""
    foreign.take(shell, RecordingMagics(shell))
    shell.register_magics(other.TheirMagics)
    (notice,) = foreign.take(shell, RecordingMagics(shell))
    assert "Other-Mage 1.2" in notice
    assert foreign.lost(shell) is None
    assert foreign.take(shell, RecordingMagics(shell)) == (notice,)
    foreign.release(shell)
    assert shell.run_cell_magic("llm", "", "hello") == "theirs"
    assert sum(isinstance(item, RecordingMagics) for item in shell.configurables) == 0


def test_only_what_was_taken_is_told(shell: InteractiveShell, ours: RecordingMagics, other: Any) -> None:
    """If even ``%%localllm`` goes, it is not praised as the way to reach us."""
    foreign.take(shell, ours)
    shell.register_magics(other.KeptMagics)
    told = foreign.lost(shell)
    assert told is not None
    assert told.startswith("%%localllm now belongs to Other-Mage 1.2 (othermage). %localllm always reaches us.")


def test_every_kind_of_owner_has_a_name(shell: InteractiveShell, other: Any) -> None:
    """Functions, partials, callables, aliases, lazy and notebook magics are named, none of them called."""
    register = shell.magics_manager.register_function
    cases = {
        "plain": (other.plain, "Other-Mage 1.2 (othermage)"),
        "part": (functools.partial(other.plain, cell=""), "Other-Mage 1.2 (othermage)"),
    }
    for name, (function, expected) in cases.items():
        register(function, "line_cell", name)
        assert foreign.owner(shell, name, "cell") == expected

    def mine(line: str) -> None:
        raise AssertionError("called")

    mine.__module__ = "__main__"
    register(mine, "line", "mine")
    assert foreign.owner(shell, "mine", "line") == "a magic defined in this notebook"
    assert foreign.owner(shell, "mine", "cell") == ""
    unknown = types.FunctionType(mine.__code__, {"__name__": "no_such_module"})
    register(unknown, "line", "unknown")
    assert foreign.owner(shell, "unknown", "line") == "the module no_such_module"
    shell.run_line_magic("alias_magic", "--line tick timeit")
    assert foreign.owner(shell, "tick", "line") == "an alias of %timeit"


def test_a_lazy_owner_is_named_and_not_imported(shell: InteractiveShell, ours: RecordingMagics, other: Any) -> None:
    """A ``%%llm`` declared in IPython's configuration is named by its declaration, and waits again afterwards."""
    shell.magics_manager.register_lazy("llm", "no_such_extension")
    assert foreign.owner(shell, "llm", "line") == "no_such_extension"
    (notice,) = foreign.take(shell, ours)
    assert "belonged to no_such_extension" in notice
    assert shell.run_line_magic("llm", "hello") == "answer"
    foreign.release(shell)
    assert foreign.owner(shell, "llm", "line") == "no_such_extension"


def test_two_shells_do_not_mix(shell: InteractiveShell, ours: RecordingMagics, tmp_path: Path) -> None:
    """What is ours in one shell says nothing about another."""
    with new_shell(tmp_path / "second") as second:
        foreign.take(shell, ours)
        assert not foreign.owned(second, "llm")
        foreign.release(second)
        assert foreign.owned(shell, "llm")


def test_ours_is_a_magics_object() -> None:
    """The double of these tests registers as the real one does: by the decorators of IPython."""
    assert issubclass(RecordingMagics, Magics)
    assert set(RecordingMagics.magics["cell"]) == {"llm", "localllm"}
