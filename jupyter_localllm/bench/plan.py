"""What is to be measured: so many prompts, on so many cases, each a set of settings."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from jupyter_localllm.config.files import table_in
from jupyter_localllm.config.masked import masked
from jupyter_localllm.errors import SettingsError, UsageError, close_match

__all__ = ["Plan", "plan_in"]

_MOST_CASES = 200
_MOST_COMBINATIONS = 10_000  # before those that are the same are taken together
_LISTS = ("stop", "model_dirs")  # settings that are lists themselves: of these, lists of lists vary
Case = Mapping[str, Any]


@dataclass(frozen=True)
class Plan:
    """A run of the bench. All of it stands in the JSON of its result, so that it can be run again.

    Parameters
    ----------
    n : int
        Prompts that are measured in each case, 1 to 100,000.
    warmup : int
        Prompts before that, which are not counted.
    max_tokens : int
        Most tokens of each answer.
    prompts : tuple of str
        Asked in turn, each with its number before it, so that no two are the same; empty for our own of some 250
        tokens.
    quality : bool
        Whether the fixed questions are asked as well.
    cases : tuple of Mapping
        Settings by the names of the traits, for each case; what is not said is as in the handle that is measured.
    """

    n: int = 10
    warmup: int = 2
    max_tokens: int = 64
    prompts: tuple[str, ...] = ()
    quality: bool = False
    cases: tuple[Case, ...] = field(default=({},))

    def __post_init__(self) -> None:
        for name, least, most in (("n", 1, 100_000), ("warmup", 0, 1_000), ("max_tokens", 1, 100_000)):
            value = getattr(self, name)
            if type(value) is not int or not least <= value <= most:
                raise UsageError(f"{name} cannot be {value!r}", f"It is a whole number from {least:,} to {most:,}.")
        if type(self.quality) is not bool:
            raise UsageError(f"quality cannot be {self.quality!r}", "It is true or false.")
        if not all(isinstance(prompt, str) and prompt.strip() for prompt in self.prompts):
            raise UsageError("a prompt of the bench is a text that is not empty")
        if not self.cases or len(self.cases) > _MOST_CASES:
            raise UsageError(f"there are {len(self.cases):,} cases to measure", f"Name 1 to {_MOST_CASES}.")

    def with_cases(self, models: Sequence[str], vary: Mapping[str, Any], known: Iterable[str]) -> Plan:
        """The same with each of its cases for each model and each combination of what varies.

        Parameters
        ----------
        models : sequence of str
            Names; empty for that of each case.
        vary : Mapping of str to object
            A list of values for a setting makes a case for each; another value is the same in all.
        known : iterable of str
            The names of all settings.

        Raises
        ------
        SettingsError
            A setting is unknown.
        UsageError
            There are too many cases.

        Examples
        --------
        >>> Plan().with_cases(["a", "b"], {"n_ctx": [512, 1024], "seed": 3}, ["n_ctx", "seed"]).cases[1]
        {'model': 'a', 'n_ctx': 1024, 'seed': 3}
        """
        names = list(known)
        for name in {name for case in (*self.cases, vary) for name in case}:
            if name not in names:
                told = close_match(name, [*names, *(f.name for f in fields(Plan))]) or "%llm config lists all settings."
                raise SettingsError(f"the bench cannot vary {name!r}: there is no such setting", told)
        listed = {"model": list(models)} if models else {}
        whole = [{**case, **listed, **vary} for case in self.cases]
        if (count := sum(math.prod(map(len, _choices(case))) for case in whole)) > _MOST_COMBINATIONS:
            raise UsageError(f"there are {count:,} cases to measure", f"Name 1 to {_MOST_CASES}.")
        cases = [made for case in whole for made in _product(case)]
        return replace(self, cases=tuple({repr(case): case for case in cases}.values()))

    def to_dict(self) -> dict[str, Any]:
        """For JSON, as the section ``bench`` of a file; addresses are masked, for it may be passed on."""
        return {**asdict(self), "prompts": list(self.prompts), "cases": [masked(dict(case)) for case in self.cases]}


def _product(case: Case) -> list[Case]:
    """A case for each combination of its lists."""
    return [dict(zip(case, values, strict=True)) for values in itertools.product(*_choices(case))]


def _choices(case: Case) -> list[Sequence[Any]]:
    """The values of each setting."""
    return [
        value if isinstance(value, (list, tuple)) and (name not in _LISTS or _nested(value)) else [value]
        for name, value in case.items()
    ]


def _nested(value: Sequence[Any]) -> bool:
    return bool(value) and all(isinstance(one, (list, tuple)) for one in value)


def plan_in(table: Any, path: str, known: Iterable[str]) -> Plan:
    """The plan of a file's section ``bench``.

    Its keys are those of `Plan`, ``models`` (a list of names) and ``vary`` (a table of lists).

    Raises
    ------
    UsageError, SettingsError
        A key is unknown, or a value is no such thing.
    """
    values = dict(table_in(table, f"bench in {path}"))
    own = {f.name for f in fields(Plan)}
    for key in values:
        if key not in own | {"models", "vary"}:
            told = close_match(key, [*own, "models", "vary"]) or "See docs/bench.md."
            raise SettingsError(f"bench.{key} in {path} is unknown", told)
    models, vary = values.pop("models", None) or [], table_in(values.pop("vary", None), f"bench.vary in {path}")
    models = [models] if isinstance(models, str) else models
    cases = values.pop("cases", None) or [{}]
    if not isinstance(models, list) or not all(isinstance(model, str) for model in models):
        raise SettingsError(f"bench.models in {path} is a list of names")
    if not isinstance(cases, list):
        raise SettingsError(f"bench.cases in {path} is a list of tables")
    cases = [table_in(case, f"a case of bench.cases in {path}") for case in cases]
    prompts = values.pop("prompts", None) or []
    if not isinstance(prompts, list):
        raise SettingsError(f"bench.prompts in {path} is a list of texts")
    given = {name: value for name, value in values.items() if value is not None}
    try:
        return Plan(**given, prompts=tuple(prompts), cases=tuple(cases)).with_cases(models, vary, known)
    except UsageError as error:
        raise type(error)(f"bench in {path}: {error.message}", error.hint) from None
