"""Which SQL may run: one SELECT over the given tables, in a part of the language that can only read them.

The statement is read by DuckDB itself, which gives its tree as JSON (https://duckdb.org/docs/stable/data/json/sql_to_and_from_json).
What the tree may hold is listed here, and everything else is refused: so what a newer DuckDB adds is refused as well.

A locked DuckDB alone is not enough, as was tried with 2.0: texts are not counted in its memory limit (``repeat`` took
6 GB under a limit of 256 MB), what one call of a function does cannot be interrupted (14 s), nor can the planner (150 s
and 10 GB for names that double each other); and catalogs tell the paths of this computer. So no function here makes
texts or lists longer, no table function is allowed, and a statement is weighed with its names put in.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from jupyter_localllm.constrain.roomy import with_room
from jupyter_localllm.errors import UsageError, close_match

if TYPE_CHECKING:
    import duckdb

__all__ = ["LONGEST_SQL", "check_select"]

LONGEST_SQL = 8_000
"""Characters of a statement."""

_HEAVIEST = 2_000  # nodes of the tree, once names of WITH and AS stand for what they name
_DEEPEST = 120  # levels of the tree as JSON, about three for each bracket
_HINT = "One SELECT over the given tables can run, with WHERE, GROUP BY, HAVING, ORDER BY, JOIN and WITH."

_PARTS = frozenset(
    {
        *("SELECT_NODE", "SET_OPERATION_NODE", "BASE_TABLE", "SUBQUERY", "JOIN", "EMPTY", "EXPRESSION_LIST"),
        *("ORDER_MODIFIER", "LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER", "DISTINCT_MODIFIER"),
        *("ORDER_DEFAULT", "ASCENDING", "DESCENDING"),
    }
)
_EXPRESSIONS = frozenset(
    {
        *("BETWEEN", "CASE", "CAST", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "FUNCTION", "OPERATOR"),
        *("POSITIONAL_REFERENCE", "STAR", "SUBQUERY", "TYPE", "WINDOW"),
    }
)
_OPERATORS = frozenset(
    {
        *("COMPARE_IN", "COMPARE_NOT_IN", "OPERATOR_NOT", "OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL"),
        *("OPERATOR_COALESCE", "OPERATOR_NULLIF"),
    }
)
_TYPES = frozenset(
    {
        *("BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER"),
        *("UBIGINT", "FLOAT", "DOUBLE", "DECIMAL", "VARCHAR", "DATE", "TIME", "TIMESTAMP", "INTERVAL"),
    }
)
_FUNCTIONS = frozenset(
    {
        *("+", "-", "*", "/", "//", "%", "mod", "abs", "round", "floor", "ceil", "ceiling", "trunc", "sign", "sqrt"),
        *("ln", "log", "log2", "log10", "exp", "pow", "power", "greatest", "least", "nullif", "if"),
        *("lower", "upper", "trim", "ltrim", "rtrim", "length", "len", "char_length", "character_length", "strlen"),
        *("substring", "substr", "left", "right", "position", "strpos", "instr", "contains", "starts_with"),
        *("prefix", "suffix", "ends_with", "~~", "!~~", "~~*", "!~~*", "like_escape", "not_like_escape"),
        *("ilike_escape", "not_ilike_escape"),
        *("date_part", "datepart", "date_trunc", "datetrunc", "date_diff", "datediff", "date_sub", "datesub", "age"),
        *("year", "quarter", "month", "week", "weekofyear", "day", "dayofmonth", "dayofweek", "isodow", "weekday"),
        *("dayofyear", "dayname", "monthname", "hour", "minute", "second", "epoch", "last_day", "make_date"),
        *("to_years", "to_quarters", "to_months", "to_weeks", "to_days", "to_hours", "to_minutes", "to_seconds"),
        *("count", "count_star", "count_if", "countif", "sum", "avg", "mean", "min", "max", "median", "mode", "mad"),
        *("stddev", "stddev_samp", "stddev_pop", "variance", "var_samp", "var_pop", "quantile_cont"),
        *("quantile_disc", "corr", "covar_samp", "covar_pop", "regr_slope", "regr_intercept", "regr_r2", "bool_and"),
        *("bool_or", "any_value", "first", "last", "arg_min", "arg_max", "argmin", "argmax", "min_by", "max_by"),
        *("row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile", "lag", "lead"),
        *("first_value", "last_value", "nth_value"),
    }
)
_MOST_ARGUMENTS = {
    # with one argument more, these make lists
    **dict.fromkeys(("min", "max"), 1),
    **dict.fromkeys(("arg_min", "arg_max", "argmin", "argmax", "min_by", "max_by"), 2),
}


def check_select(sql: str, connection: duckdb.DuckDBPyConnection, tables: Collection[str]) -> set[str]:
    """Raise unless a text is one SELECT that may run; give the tables that it reads.

    Parameters
    ----------
    sql : str
    connection : duckdb.DuckDBPyConnection
        Used to read the text; nothing is run.
    tables : collection of str
        The names that may stand after FROM.

    Returns
    -------
    set of str
        Those that do.

    Raises
    ------
    UsageError
        It is no SELECT, more than one statement, or holds what is not allowed; says what.
    """
    _check_text(sql)
    names, error, tree = with_room(lambda: _read(sql, connection), "This SQL cannot be read")
    if error:
        raise UsageError(f"This SQL cannot be read: {error}", _HINT)
    if len(names) != 1:
        raise UsageError(f"Exactly one statement can run; here are {len(names)}.", _HINT)
    if names[0] != "SELECT":
        raise UsageError(f"Only SELECT can run here, and this is {names[0]}.", _HINT)
    try:
        statements = json.loads(tree)
    except RecursionError:
        raise UsageError("This SQL is nested too deeply.", _HINT) from None
    if statements.get("error") or len(statements.get("statements", ())) != 1:
        raise UsageError(f"This SQL cannot be taken apart: {statements.get('error_message', '')}".rstrip(": "), _HINT)
    weighing = _Weighing()
    weighing.weigh(statements["statements"], dict.fromkeys(map(str.casefold, tables), 1), 0)
    return {name for name in tables if name.casefold() in weighing.named}


def _check_text(sql: object) -> None:
    if not isinstance(sql, str):
        raise UsageError(f"The SQL is {type(sql).__name__}, not a text.", "Give a str.")
    if len(sql) > LONGEST_SQL:
        raise UsageError(f"The SQL has {len(sql):,} characters; {LONGEST_SQL:,} are possible.", "Make it shorter.")
    try:
        sql.encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"The SQL is no valid Unicode: {error.reason} at character {error.start}.") from None


def _read(sql: str, connection: duckdb.DuckDBPyConnection) -> tuple[list[str], str, str]:
    """Kinds of the statements, an error, and the tree as JSON. Called on a thread with room for deep brackets."""
    import duckdb

    try:
        names = [statement.type.name for statement in connection.extract_statements(sql)]
        if names != ["SELECT"]:
            return names, "", ""
        found = connection.execute("SELECT json_serialize_sql($1::VARCHAR)", [sql]).fetchall()
    except duckdb.Error as error:
        return [], first_line(error), ""
    return names, "", found[0][0]


def first_line(error: BaseException) -> str:
    """What DuckDB says, without the place in the text and its advice on settings."""
    return " ".join(str(error).partition("\n")[0].split())[:300]


class _Weighing:
    """One walk through a tree: refuses what is not allowed, and adds up how large it is."""

    def __init__(self) -> None:
        self.named: set[str] = set()
        """What stands after FROM, in lower case."""
        self._aliases: dict[str, int] = {}

    def weigh(self, node: Any, tables: Mapping[str, int], depth: int) -> int:
        """How many nodes this is, with names put in.

        Parameters
        ----------
        node : object
            Of the JSON.
        tables : Mapping of str to int
            What may stand after FROM here, in lower case, and how large it is.
        depth : int
        """
        if depth > _DEEPEST:
            raise UsageError("This SQL is nested too deeply.", _HINT)
        if isinstance(node, list):
            return self._within(sum(self.weigh(part, tables, depth + 1) for part in node))
        if not isinstance(node, dict):
            return 0
        weight = 1 + _check_node(node, tables)
        if node.get("class") == "COLUMN_REF":
            weight += self._aliases.get(str((node.get("column_names") or [""])[-1]).casefold(), 0)
        if node.get("type") == "BASE_TABLE":
            self.named.add(node["table_name"].casefold())
        rest = dict(node)
        if common := rest.pop("cte_map", None):
            tables = self._named(common, tables, depth)
        weight += self.weigh(rest.pop("from_table", None), tables, depth + 1)
        for selected in rest.pop("select_list", None) or ():
            weight += (one := self.weigh(selected, tables, depth + 1))
            if alias := selected.get("alias"):
                self._aliases[alias.casefold()] = max(one, self._aliases.get(alias.casefold(), 0))
        return self._within(weight + sum(self.weigh(part, tables, depth + 1) for part in rest.values()))

    def _named(self, common: Any, tables: Mapping[str, int], depth: int) -> dict[str, int]:
        """The tables, and those that WITH names, each of which knows those before it."""
        known = dict(tables)
        for entry in common.get("map") or ():
            known[entry["key"].casefold()] = self.weigh(entry["value"], known, depth + 1)
        return known

    def _within(self, weight: int) -> int:
        if weight > _HEAVIEST:
            raise UsageError("This SQL is too large, with its names put in for what they name.", _HINT)
        return weight


def _check_node(node: Mapping[str, Any], tables: Mapping[str, int]) -> int:
    """Raise if a node is not allowed. Gives how large the table is that it names, if any."""
    kind, group = node.get("type"), node.get("class")
    if group is not None:
        _check_expression(node, group)
        return 0
    if not isinstance(kind, str):
        return 0
    if kind not in _PARTS or node.get("sample") is not None:
        what = "sample" if kind in _PARTS else kind.removesuffix("_NODE").replace("_", " ").lower()
        raise UsageError(f"This SQL has a part that cannot run here: {what}{_named_function(node)}.", _HINT)
    if kind != "BASE_TABLE":
        return 0
    name = node.get("table_name", "")
    path = (node.get("qualified_name") or {}).get("path") or [name]
    if name.casefold() in tables and len(path) == 1 and not node.get("schema_name") and not node.get("catalog_name"):
        return tables[name.casefold()]
    told = ", ".join(tables) if len(tables) <= 20 else f"{len(tables)} tables"
    named = ".".join(map(str, path))
    raise UsageError(
        f"There is no table {named!r} here; there is {told or 'none'}. {close_match(name, tables)}".strip(), _HINT
    )


def _named_function(node: Mapping[str, Any]) -> str:
    function = node.get("function")
    return f" {function.get('function_name', '')}" if isinstance(function, dict) else ""


def _check_expression(node: Mapping[str, Any], group: str) -> None:
    kind = str(node.get("type"))
    if group not in _EXPRESSIONS or (group == "OPERATOR" and kind not in _OPERATORS) or node.get("columns") is True:
        what = (kind if group == "OPERATOR" else group).lower().replace("_", " ")
        raise UsageError(f"This SQL has an expression that cannot run here: {what}.", _HINT)
    if group in ("TYPE", "CAST"):
        _check_type(node.get("type_name") if group == "TYPE" else (node.get("cast_type") or {}).get("id", "VARCHAR"))
    if "function_name" not in node:
        return
    name = str(node["function_name"]).casefold()
    arguments = node.get("arguments") or node.get("children") or ()
    if name not in _FUNCTIONS or len(arguments) > _MOST_ARGUMENTS.get(name, 8):
        raise UsageError(
            f"The function {name} cannot be used here{' in this form' if name in _FUNCTIONS else ''}. "
            f"{close_match(name, _FUNCTIONS)}".strip(),
            "Functions that compute with numbers, dates and words are there; none that make texts or lists longer.",
        )


def _check_type(name: object) -> None:
    if str(name).upper() not in _TYPES:
        raise UsageError(f"Nothing can be made a {name} here.", f"Possible are {', '.join(sorted(_TYPES))}.")
