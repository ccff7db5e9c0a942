"""A SELECT that a model writes: under a grammar made of the live tables, so that it names nothing that is not there.

Each table, and each two tables that can be joined, have their own branch, because the columns come before FROM. What
SQL cannot bind is no part of the grammar: sums are of numbers, a column beside a sum is grouped, dates are dates.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

from jupyter_localllm.compute.sql_schema import SqlColumn, SqlTable, quoted_name, quoted_text, sql_tables
from jupyter_localllm.constrain import Grammar
from jupyter_localllm.errors import UsageError
from jupyter_localllm.sources.column_words import different
from jupyter_localllm.sources.tokens import stems
from jupyter_localllm.types import Message

if TYPE_CHECKING:
    from jupyter_localllm.sources.frame_snapshot import FrameSnapshot

__all__ = ["select_grammar", "select_question"]

_MOST_COLUMNS = 60  # of one table; of more, those that the question names come first
_MOST_VALUES = 200  # different values of a column up to which only these may be compared with
_LONGEST_VALUES = 60_000  # characters of such values together; a tenth of it for each column
_MOST_JOINED = 6  # tables of which each two may be joined
_CARD_VALUES = 5
_CARD_TEXT = 24  # characters of a value in the card
_ASKED = (
    "You write one SQL SELECT that answers a question about tables. Compute in SQL: count(*), sum, avg, median, min,"
    " max. Write nothing but the SELECT."
)

_YEAR = "([0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)"
_DAY = "(0[1-9]|[12][0-9])"
_DAYS = rf"(0[13578]|1[02])-({_DAY}|3[01])|(0[469]|11)-({_DAY}|30)|02-(0[1-9]|1[0-9]|2[0-8])"
_LEAP = "[0-9]{2}(0[48]|[2468][048]|[13579][26])|(0[48]|[2468][048]|[13579][26])00"  # and thus have a February 29

_SHARED = rf"""
cmp: " = " | " <> " | " < " | " <= " | " > " | " >= "
eq: " = " | " <> "
and_or: " AND " | " OR "
dir: " ASC" | " DESC"
limit: " LIMIT " LIMIT
LIMIT: /[1-9][0-9]{{0,2}}/
NUMBER: /-?(0|[1-9][0-9]{{0,14}})(\.[0-9]{{1,6}})?/
STRING: /'([^'\x00-\x1f\x7f]|''){{0,60}}'/
CONTAINS: /'%([^'%_\x00-\x1f\x7f]|''){{1,40}}%'/
DATE: /'({_YEAR}-({_DAYS})|({_LEAP})-02-29)'/
PERIOD: /'[0-9]{{4}}(-(0[1-9]|1[0-2])(-[0-3][0-9])?)?'/
"""


def select_grammar(snapshots: Sequence[FrameSnapshot], question: str = "") -> Grammar:
    """What SELECT a model may write over some tables.

    Columns and aggregates (count, sum, avg, median, min, max) of one table or of two that are joined; WHERE with
    comparisons of columns and literals under AND, OR and NOT; GROUP BY, HAVING, ORDER BY and LIMIT. Texts of a column
    with few different values are compared with these only.

    Parameters
    ----------
    snapshots : sequence of FrameSnapshot
    question : str
        Decides which columns of a very wide table are in it: the 60 that it names, or the first ones.

    Raises
    ------
    UsageError
        There is no table with columns.
    """
    tables = sql_tables(snapshots)
    if not tables:
        raise UsageError("There is no table to select from.", "Give a table with columns as a source.")
    rules = _Rules()
    columns = [_asked_about(table, question) for table in tables]
    starts = []
    for place, table in enumerate(tables):
        rules.table(f"t{place}", columns[place], "")
        starts.append(rules.scope(f"s{place}", [f"t{place}"], _lark(f" FROM {quoted_name(table.name)}")))
    for one, two in combinations(range(min(len(tables), _MOST_JOINED)), 2):
        for place in (one, two):
            rules.table(f"q{place}", columns[place], f"{quoted_name(tables[place].name)}.")
        if on := rules.shared(f"on{one}x{two}", f"q{one}", f"q{two}"):
            # in two parts: the lexer would take the longer of " FROM x" and " FROM x JOIN" as soon as a space follows
            first, second = (
                _lark(f" {word} {quoted_name(tables[place].name)}") for word, place in (("FROM", one), ("JOIN", two))
            )
            starts.append(rules.scope(f"j{one}x{two}", [f"q{one}", f"q{two}"], f'{first} {second} " ON " {on}'))
    return Grammar(f"start: {' | '.join(starts)}\n{rules.text()}{_SHARED}")


def _asked_about(table: SqlTable, question: str) -> list[SqlColumn]:
    """The columns that a grammar knows: of very many, those that share a word with the question come first."""
    if len(table.columns) <= _MOST_COLUMNS:
        return list(table.columns)
    asked = stems(question)
    ranked = sorted(table.columns, key=lambda column: -len(asked & stems(column.name)))
    chosen = set(ranked[:_MOST_COLUMNS])
    return [column for column in table.columns if column in chosen]


class _Rules:
    """Rules of a grammar in Lark syntax, as they are gathered; each name is there once."""

    def __init__(self) -> None:
        self._rules: dict[str, list[str]] = {}
        self._left = _LONGEST_VALUES

    def add(self, name: str, alternatives: Iterable[str]) -> None:
        """A rule; one without alternatives is none."""
        if listed := list(dict.fromkeys(alternatives)):
            self._rules[name] = listed

    def text(self) -> str:
        """All of them."""
        return "".join(f"{name}: {' | '.join(listed)}\n" for name, listed in self._rules.items())

    def table(self, name: str, columns: Sequence[SqlColumn], prefix: str) -> None:
        """The columns of a table by what can be done with them, and the comparisons of each."""
        if f"{name}_col" in self._rules:
            return
        kinds: dict[str, list[str]] = {"number": [], "date": [], "moment": [], "truth": [], "text": []}
        compared: list[str] = []
        for place, column in enumerate(columns):
            rule = f"{name}_c{place}"
            self.add(rule, [_lark(prefix + quoted_name(column.name))])
            kinds[column.kind].append(rule)
            if column.kind == "text" and column.column.kind != "moment":
                compared.append(f"{rule} eq {self._values(f'v{rule[1:]}', column)}")
            elif column.kind == "text":
                compared.append(f"{rule} cmp PERIOD")
        every = [rule for listed in kinds.values() for rule in listed]
        self.add(f"{name}_col", every)
        self.add(f"{name}_num", kinds["number"])
        self.add(f"{name}_ord", [rule for kind, listed in kinds.items() if kind != "truth" for rule in listed])
        self.add(f"{name}_txt", kinds["text"])
        self.add(f"{name}_day", kinds["date"] + kinds["moment"])
        self.add(f"{name}_yes", kinds["truth"])
        compared += [
            f"{name}_{group} {rest}"
            for group, rest in (
                ("num", "cmp NUMBER"),
                ("txt", '" ILIKE " CONTAINS'),
                ("day", "cmp DATE"),
                ("yes", '(" = true" | " = false")'),
                ("col", '(" IS NULL" | " IS NOT NULL")'),
            )
            if f"{name}_{group}" in self._rules
        ]
        self.add(f"{name}_test", compared)

    def _values(self, rule: str, column: SqlColumn) -> str:
        """What a column of texts is compared with: its values, if they are few. One rule for both ways to name it."""
        if rule in self._rules:
            return rule
        if 0 < column.column.distinct <= _MOST_VALUES:
            values = [_lark(quoted_text(text)) for text in different(column.column) if text and "\0" not in text]
            size = sum(map(len, values))
            if values and size <= min(self._left, _LONGEST_VALUES // 10):
                self._left -= size
                self.add(rule, values)
                return rule
        return "STRING"

    def shared(self, name: str, one: str, two: str) -> str:
        """By which columns two tables can be joined: those of one type; gives the rule, or ``""``."""
        families = [
            group for group in ("num", "txt", "day") if {f"{one}_{group}", f"{two}_{group}"} <= self._rules.keys()
        ]
        self.add(name, [f'{one}_{group} " = " {two}_{group}' for group in families])
        return name if families else ""

    def scope(self, name: str, parts: Sequence[str], source: str) -> str:
        """The SELECTs over one FROM; gives the rule."""
        for group in ("col", "num", "ord", "test"):
            self.add(f"{name}_{group}", [f"{part}_{group}" for part in parts if f"{part}_{group}" in self._rules])
        figures = ['"count(*)"', f'"count(" {name}_col ")"', f'"count(DISTINCT " {name}_col ")"']
        if f"{name}_num" in self._rules:
            figures.append(f'("sum(" | "avg(" | "median(" | "min(" | "max(") {name}_num ")"')
        self.add(f"{name}_fig", figures)
        least = [f'("min(" | "max(") {name}_ord ")"'] if f"{name}_ord" in self._rules else []
        self.add(f"{name}_agg", [f"{name}_fig", *least])
        self.add(f"{name}_aggs", [f'{name}_agg (", " {name}_agg){{0,2}}'])
        self.add(f"{name}_cols", [f'{name}_col (", " {name}_col){{0,3}}'])
        self.add(f"{name}_from", [source])
        within = f'"(" {name}_test (and_or {name}_test){{1,2}} ")"'
        self.add(f"{name}_cond", [f'("NOT ")? {name}_test', f'("NOT ")? {within}'])
        self.add(f"{name}_where", [f'" WHERE " {name}_cond (and_or {name}_cond){{0,3}}'])
        self.add(
            name,
            [
                f'"SELECT " ("*" | {name}_cols) {name}_from {name}_where? (" ORDER BY " {name}_col dir?)? limit?',
                f'"SELECT DISTINCT " {name}_cols {name}_from {name}_where? (" ORDER BY 1" dir?)? limit?',
                f'"SELECT " {name}_aggs {name}_from {name}_where?',
                f'"SELECT " {name}_col (", " {name}_col)? ", " {name}_aggs {name}_from {name}_where? " GROUP BY ALL"'
                f' (" HAVING " {name}_fig cmp NUMBER)? (" ORDER BY " ("1" | {name}_agg) dir?)? limit?',
            ],
        )
        return name


def _lark(text: str) -> str:
    """A text as Lark quotes it; what cannot be printed is escaped."""
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in json.dumps(text, ensure_ascii=False))


def select_question(question: str, snapshots: Sequence[FrameSnapshot]) -> tuple[tuple[Message, ...], Grammar]:
    """How a model is asked for the SELECT that answers a question.

    Parameters
    ----------
    question : str
    snapshots : sequence of FrameSnapshot

    Returns
    -------
    messages : tuple of Message
    grammar : Grammar
        What it must write, for `jupyter_localllm.compute.sql.run_select`.

    Raises
    ------
    UsageError
        There is no table with columns.
    """
    grammar = select_grammar(snapshots, question)
    cards = "\n".join(_card(table, _asked_about(table, question)) for table in sql_tables(snapshots))
    return (Message.of("system", _ASKED), Message.of("user", f"{cards}\nQuestion: {question}\nSQL:")), grammar


def _card(table: SqlTable, columns: Sequence[SqlColumn]) -> str:
    """The names, types and first values of a table, on one line for each column."""
    lines = [f"Table {quoted_name(table.name)}, {table.source.table.rows:,} rows:"]
    for column in columns:
        head = column.column.read(column.column.series.head(20))
        some = list(dict.fromkeys(text[:_CARD_TEXT] for text in head if text))[:_CARD_VALUES]
        lines.append(f"- {quoted_name(column.name)} {column.kind}: {', '.join(some)}")
    return "\n".join(lines)
