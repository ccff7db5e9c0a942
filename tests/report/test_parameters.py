"""Parameters of reports: what words, files and rows say, and whether the notebook has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from papermill.cli import _resolve_type

from jupyter_localllm.errors import UsageError
from jupyter_localllm.report.parameters import (
    Declared,
    Word,
    checked,
    declared,
    from_file,
    from_rows,
    from_words,
    settled,
    tellable,
    typed,
)

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of papermill


def notebook(source: str, *, tag: str = "parameters", language: str = "python") -> Any:
    made = nbformat.v4.new_notebook(
        metadata={"language_info": {"name": language}, "kernelspec": {"name": "python3", "display_name": "Python 3"}}
    )
    made.cells = [nbformat.v4.new_code_cell(source, metadata={"tags": [tag] if tag else []})]
    return made


@settings(deadline=None)
@given(
    st.one_of(
        st.sampled_from(["True", "true", "None", "1_000", "-5", "1e3", "nan", "inf", "0x10", "", " 7 ", "٣", "EU"]),
        st.text(max_size=8),
    )
)
def test_words_are_typed_as_papermill_types_them(text: str) -> None:
    """What `papermill -p` makes of a word is what `-p` makes of it."""
    ours, theirs = typed(text), _resolve_type(text)
    assert (type(ours), repr(ours)) == (type(theirs), repr(theirs))


def test_words() -> None:
    """-r keeps a text, and nothing is given twice."""
    known = declared(notebook("a = b = c = None"))
    made = settled(from_words([("a", "007"), ("b", "x")], [("c", "007")]), known)
    assert made == {"a": 7, "b": "x", "c": "007"}
    assert {type(value) for value in made.values()} == {int, str}
    with pytest.raises(UsageError, match="the parameter a is given twice"):
        from_words([("a", "1")], [("a", "1")])


def test_files(tmp_path: Path) -> None:
    """YAML and JSON are read, dates stay texts, and what is no mapping, no YAML or no file is said."""
    file = tmp_path / "p.yaml"
    file.write_text("month: 2024-10-01\nn: 3\nnames: [a, b]\n")
    assert from_file(file) == {"month": "2024-10-01", "n": 3, "names": ["a", "b"]}
    file.write_text('{"x": null}')
    assert from_file(file) == {"x": None}
    file.write_text("")
    assert from_file(file) == {}
    for text, said in (
        ("- a", "holds no parameters"),
        ("on: 1", r"p\.yaml: True is no name of a parameter"),
        ("a: [", "is no YAML"),
        ("!!python/object/apply:os.getcwd []", "YAML"),
    ):
        file.write_text(text)
        with pytest.raises(UsageError, match=said):
            from_file(file)
    with pytest.raises(UsageError, match=r"none\.yaml cannot be read: No such file"):
        from_file(tmp_path / "none.yaml")


def test_rows(tmp_path: Path) -> None:
    """Each row is a run; an empty field is no value; Excel's mark, quotes and line breaks in fields are no matter."""
    file = tmp_path / "r.csv"
    file.write_bytes('\ufeffregion, n\r\nEU,1\r\n\r\n"A\nB\u2028C",\r\n'.encode())
    assert from_rows(file) == [{"region": "EU", "n": "1"}, {"region": "A\nB\u2028C"}]
    file.write_text('region, name\nEU, "Europe, all"\n,\n , \n')
    assert from_rows(file) == [{"region": "EU", "name": "Europe, all"}]


@pytest.mark.parametrize(
    "text", ["region;rate\nEU, all;0,5\n", "region\trate\nEU, all\t0,5\n", 'region,rate\n"EU, all","0,5"']
)
def test_rows_of_other_separators(text: str, tmp_path: Path) -> None:
    """Where numbers have commas, spreadsheets write semicolons: what stands in the heading counts."""
    file = tmp_path / "r.csv"
    file.write_text(text)
    assert from_rows(file) == [{"region": "EU, all", "rate": "0,5"}]
    file.write_text("region\nEU;all\n")
    assert from_rows(file) == [{"region": "EU;all"}]


def test_rows_in_another_encoding(tmp_path: Path) -> None:
    """What to do is said."""
    (tmp_path / "r.csv").write_bytes("region\nKöln\n".encode("latin-1"))
    with pytest.raises(UsageError, match=r"r\.csv cannot be read: it is not in UTF-8") as caught:
        from_rows(tmp_path / "r.csv")
    assert "CSV UTF-8" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it is empty"),
        ("a,b\n", "a heading and no row"),
        ("a,b\n1\n", "row 1: 1 fields under 2 names"),
        ("a,a\n1,2\n", "one twice"),
        ("a,\n1,2\n", "an empty name"),
        ('a\n"1\n', "unexpected end of data"),
    ],
)
def test_rows_that_are_none(text: str, said: str, tmp_path: Path) -> None:
    """A table that is not one is said before anything runs."""
    (tmp_path / "r.csv").write_text(text)
    with pytest.raises(UsageError, match=said):
        from_rows(tmp_path / "r.csv")


def test_declared() -> None:
    """Names of the tagged cell count, however they are assigned; with magics in it papermill's reading does."""
    source = "region = 'EU'\nn: int = 3\nlow, high = 1, 2\nitems = [\n 1,\n]\nthere = open\nif True:\n    inner = 1\n"
    known = declared(notebook(f"bad = {{[]: 1}}\n{source}"))
    assert known.cell
    assert known.defaults == {
        "region": "EU",
        "n": 3,
        "low": None,
        "high": None,
        "items": [1],
        "there": None,
        "bad": None,
    }
    assert list(declared(notebook("%matplotlib inline\nregion = 'EU'")).defaults) == ["region"]
    assert not declared(notebook(source, tag="")).cell


def test_other_languages_are_not_judged() -> None:
    """What another language assigns is not known, so nothing is refused but a notebook without the cell."""
    known = declared(notebook('region <- "EU"'), "R")
    assert checked({"region": 1}, known) == ()
    with pytest.raises(UsageError, match="would change nothing"):
        checked({"region": 1}, declared(notebook("", tag=""), "R"))


def test_unknown_parameters_are_errors() -> None:
    """A parameter that the notebook lacks is named with the nearest that it has; so is a notebook without any."""
    known = declared(notebook("region = 'EU'"))
    assert checked({"region": "US"}, known) == ()
    with pytest.raises(UsageError, match="no parameter 'regoin'") as caught:
        checked({"regoin": "US"}, known)
    assert caught.value.hint == "Did you mean region?"
    with pytest.raises(UsageError, match="no parameter 'zzz'") as caught:
        checked({"zzz": 1}, known)
    assert caught.value.hint == "Its cell of parameters sets region."
    with pytest.raises(UsageError, match=r"no cell with the tag 'parameters': region would change nothing"):
        checked({"region": "US"}, declared(notebook("region = 'EU'", tag="")))
    assert checked({}, declared(notebook("x = 1", tag=""))) == ()


def test_words_are_of_the_kind_that_the_notebook_has() -> None:
    """007 beside a text stays what was typed; beside a number it is one; false beside True is no true text."""
    known = declared(notebook("code = '001'\nmonth = '2015-12'\nn = 3\nrate = 0.5\nall_ = True\nlimit = None"))
    given = [("code", "007"), ("month", "2015.10"), ("n", "12"), ("rate", "1e-3"), ("all_", "false"), ("limit", "5")]
    made = settled(from_words(given), known)
    assert made == {"code": "007", "month": "2015.10", "n": 12, "rate": 0.001, "all_": False, "limit": 5}
    assert checked(made, known) == ()
    with pytest.raises(UsageError, match="all_ is True or False in the notebook, and 'no' is neither") as caught:
        settled(from_words([("all_", "no")]), known)
    assert caught.value.hint == "-p all_ True"


@pytest.mark.parametrize(
    ("value", "default", "said"),
    [
        (7, "'001'", "p is a text in the notebook ('001'), and 7 is none; in a file, \"…\" keeps a text"),
        ("0,5", "0.5", "p is a number in the notebook (0.5), and '0,5' is a text"),
        ("[1, 2]", "[3]", "p is a list in the notebook, and '[1, 2]' is a text; --parameters FILE can give a list"),
        ([1, 2], "[3]", ""),
        ("2025-01-01", "None", ""),
        (5, "0.5", ""),
    ],
)
def test_another_kind_is_said(value: Any, default: str, said: str) -> None:
    """A value that is of another kind than the notebook's is given, and said."""
    assert checked({"p": value}, declared(notebook(f"p = {default}"))) == ((said,) if said else ())


def test_values_whose_name_speaks_of_a_secret() -> None:
    """They go to the notebook, and are told nowhere; where they stand all the same is said."""
    given = {"db_password": 12345, "region": "EU"}
    assert tellable(given) == {"db_password": "…", "region": "EU"}
    notes = checked(given, Declared(True, {"db_password": "x", "region": "DE"}))
    assert len(notes) == 2
    assert not any("12345" in note or "'x'" in note for note in notes)
    with pytest.raises(UsageError, match=r"'…' is neither") as caught:
        settled({"password": Word("x1")}, Declared(True, {"password": True}))
    assert "x1" not in str(caught.value)
    assert "the executed notebook" in notes[-1]
    assert checked({"token_count": 5}, Declared(True, {"token_count": 1})) == ()
