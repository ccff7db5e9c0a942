"""What a SELECT gave, and how it is told: as values, as texts, and as a passage that can be cited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jupyter_localllm.errors import DependencyMissing
from jupyter_localllm.sources.cells import cell_texts, escaped
from jupyter_localllm.sources.frame_snapshot import hash_of
from jupyter_localllm.sources.statistics import number_text
from jupyter_localllm.types import Locator, Note, Passage

__all__ = ["SqlOutcome", "duckdb_package", "one_line", "sql_passage", "value_text"]

_SHOWN_ROWS = 12
_LONGEST_CELL = 200  # characters of a cell in a passage


def duckdb_package() -> Any:
    """The package.

    Raises
    ------
    DependencyMissing
        It is not installed.
    """
    with DependencyMissing.unless_imported("Answering with SQL needs DuckDB", "pip install 'jupyter_localllm[sql]'"):
        import duckdb
    return duckdb


@dataclass(frozen=True)
class SqlOutcome:
    """What a SELECT gave.

    Parameters
    ----------
    columns : tuple of str
        Their names.
    rows : tuple of tuple
        The values as Python has them.
    texts : tuple of tuple of str
        The same as people read them; ``""`` for NULL.
    n : int
        How many rows they are.
    cut : bool
        Whether there were more.
    sources : tuple of str
        The sources that it read.
    notes : tuple of Note
        What people must be told: rows of totals that were left out.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    texts: tuple[tuple[str, ...], ...]
    n: int
    cut: bool = False
    sources: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()


def value_text(value: Any) -> str:
    """A value as people read it."""
    if value is None:
        return ""
    if isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, float):
        return number_text(value)
    return cell_texts([value], nan_is_missing=False)[0]


def sql_passage(sql: str, outcome: SqlOutcome, names: Sequence[str]) -> Passage:
    """What a SELECT gave, as a passage that can be cited.

    Parameters
    ----------
    sql : str
    outcome : SqlOutcome
    names : sequence of str
        The sources that it read.

    Examples
    --------
    >>> one = SqlOutcome(("avg(price)",), ((12.4,),), (("12.4",),), 1)
    >>> sql_passage('SELECT avg("price") FROM "df"', one, ["df"]).text
    'SELECT avg("price") FROM "df" = 12.4 (1 row)'
    """
    written = one_line(sql)
    texts = tuple(tuple(_cut(text) or "NULL" for text in row) for row in outcome.texts[:_SHOWN_ROWS])
    count = f"{'more than ' if outcome.cut else ''}{outcome.n:,} row{'' if outcome.n == 1 else 's'}"
    single = outcome.n == 1 and len(outcome.columns) == 1 and not outcome.cut
    if single:
        text = f"{written} = {texts[0][0]} ({count})"
    elif not outcome.n:
        text = f"{written} gives no rows"
    else:
        text = f"{written} gives {count}:\n\n{_markdown(outcome.columns, texts)}"
        text += f"\n\nThe first {len(texts)} of {count} stand here." if outcome.n > len(texts) else ""
    return Passage(
        ", ".join(names),
        "computed",
        text,
        Locator(operation=written, label=_cut(written)),
        hash_of(written, *outcome.columns, *(text for row in outcome.texts for text in row)),
        outcome.texts[0][0] if single else "",
        (outcome.columns, *texts),
    )


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_CELL else f"{text[: _LONGEST_CELL - 1]}…"


def _markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [list(map(escaped, columns)), ["---"] * len(columns), *(list(map(escaped, row)) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def one_line(sql: str) -> str:
    r"""A statement on one line, without its comments, as DuckDB takes it apart.

    Line breaks within quotes stay: they are part of a name or a text.

    Examples
    --------
    >>> one_line("SELECT a -- the first\nFROM t;")
    'SELECT a FROM t'
    """
    package = duckdb_package()
    data, found = sql.encode(), package.tokenize(sql)
    ends = [*(start for start, _ in found[1:]), len(data)]
    written = ""
    for (start, kind), end in zip(found, ends, strict=True):
        piece = data[start:end].decode()
        plain = "" if kind == package.token_type.comment else piece.rstrip()
        written += plain
        if len(plain) < len(piece) and not written.endswith(" "):
            written += " "
    return written.rstrip("; ")
