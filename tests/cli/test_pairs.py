"""Parameters as people write them, of which argparse alone takes some."""

from __future__ import annotations

import pytest

from jupyter_localllm.cli.main import _readable, parser
from jupyter_localllm.cli.pairs import value_of


@pytest.mark.parametrize(
    ("words", "pairs"),
    [
        (["-p", "region", "EU"], [("region", "EU")]),
        (["-p", "region=EU"], [("region", "EU")]),
        (["-p", "rule=a=b", "-p", "rule2", "a=b"], [("rule", "a=b"), ("rule2", "a=b")]),
        (["-p", "empty="], [("empty", "")]),
        (["-p", "since", "-7d", "-p", "low", "-5", "-p", "to=-1d"], [("since", "-7d"), ("low", "-5"), ("to", "-1d")]),
        (["-p", "größe", "1", "-p", "größe2=Köln am Rhein"], [("größe", "1"), ("größe2", "Köln am Rhein")]),
        (["-p", "a", "-", "-p", "b", ""], [("a", "-"), ("b", "")]),
        (["-p", "a=--x", "-p", "b=-p", "-p", "c=--"], [("a", "--x"), ("b", "-p"), ("c", "--")]),
    ],
)
def test_pairs(words: list[str], pairs: list[tuple[str, str]]) -> None:
    """A name and a value, in one word or two; a dash, a sign of equality, blanks and any script may stand in it."""
    for line in (["in.ipynb", *words, "--code"], [*words, "in.ipynb", "--code"]):
        read = parser().parse_args(_readable(["report", *line]))
        assert [(name, value_of(value)) for name, value in read.typed] == pairs
        assert (read.notebook, read.code) == ("in.ipynb", True)


@pytest.mark.parametrize("words", [["-p", "region", "--code"], ["-p", "a", "-p", "b", "c"], ["-p"], ["-p", "region"]])
def test_a_forgotten_value_is_an_error(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """An option is not taken for a value."""
    with pytest.raises(SystemExit):
        parser().parse_args(_readable(["report", "in.ipynb", *words]))
    assert "argument -p" in capsys.readouterr().err
