"""The sandbox: an expression reads the notebook's values, and neither changes them nor leaves them."""

from __future__ import annotations

import builtins
import collections
import copy
import functools
import inspect
import io
import json
import operator
import os
import pathlib
import pickle
import random
import string
import subprocess
import sys
import types
import typing
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from jinja2.exceptions import SecurityError

from jupyter_localllm.errors import TemplateError
from jupyter_localllm.prompt.body import render_body
from jupyter_localllm.prompt.sandbox import Missing, columns_of, evaluate
from jupyter_localllm.sources import render_for_prompt


class Thing:
    def method(self) -> int:
        return 1


def function() -> int:
    return 2


def names() -> dict[str, Any]:
    """Variables as a notebook has them, machinery and modules included."""
    return {
        "__builtins__": builtins,
        "__name__": "__main__",
        "open": io.open,
        "text": "abc",
        "xs": [3, 1, 2],
        "d": {"a": 1},
        "s": {1},
        "dq": collections.deque([1, 2]),
        "counter": collections.Counter("aa"),
        "ordered": collections.OrderedDict(a=1, b=2),
        "default": collections.defaultdict(list, a=[1]),
        "ba": bytearray(b"a"),
        "df": pd.DataFrame({"a": [2, 1], "b": ["x", "y"]}),
        "pf": pl.DataFrame({"a": [2, 1]}),
        "arr": np.array([2, 1]),
        "thing": Thing(),
        "function": function,
        "gen": (n for n in range(3)),
        "err": ValueError("v"),
        "formatter": string.Formatter(),
        "path": pathlib.Path("/nowhere/at/all"),
        **{module.__name__: module for module in MODULES},
        "np": np,
        "pd": pd,
        "pl": pl,
        "typing": typing,
    }


MODULES = (builtins, collections, inspect, io, json, operator, os, pickle, random, string, subprocess, sys, types)

ESCAPES = [
    # names of Python's own machinery
    "''.__class__",
    "text.__class__.__mro__",
    "[].__class__.__base__.__subclasses__()",
    "df.__init__.__globals__",
    "thing.method.__func__.__globals__",
    "function.__globals__",
    "function.__code__",
    "function.__closure__",
    "thing.__dict__",
    "thing._private",
    "df._mgr",
    "gen.gi_frame",
    "gen.gi_code",
    "err.__traceback__",
    "__builtins__",
    "__builtins__.eval('1')",
    "__name__",
    "self._TemplateReference__context",
    # the same, through filters and tests
    "text | attr('__class__')",
    "[text] | map(attribute='__class__') | list",
    "[text] | map('attr', '__class__') | list",
    "[function] | map(attribute='__globals__') | first",
    "[text] | groupby('__class__')",
    "[text, text] | sort(attribute='__class__')",
    "text['__class__']",
    "text['__cla' ~ 'ss__']",
    # formats that look inside
    "'{0.__class__}'.format(text)",
    "'{x.__class__}'.format(x=text)",
    "'{x.__class__}'.format_map({'x': text})",
    "'{0.__class__.__mro__[1]}'.format(text)",
    "('{0.__class__}' | escape).format(text)",
    "str.format('{0.__class__}', text)",
    "str.format_map('{x.__class__}', {'x': text})",
    "formatter.format('{0.__class__}', text)",
    "formatter.vformat('{0.__class__}', [text], {})",
    "formatter.get_field('0.__class__', [text], {})",
    "string.Formatter().format('{0.__class__}', text)",
    "['{0.__class__}'] | map('format', text) | map('upper') | list | first | attr('__class__')",
    # code, programs, files, and the ways to them
    "eval('1')",
    "exec('1')",
    "getattr(text, '__class__')",
    "open('/etc/hostname')",
    "io.open('/etc/hostname')",
    "builtins.eval('1')",
    "builtins.__import__('os')",
    "builtins.getattr(text, 'upper')",
    "xs | map('builtins.eval') | list",
    "os.system('true')",
    "os.popen('true')",
    "os.environ.copy()",
    "sys.modules['os'].system('true')",
    "sys.exit()",
    "sys._getframe()",
    "subprocess.run(['true'])",
    "subprocess.Popen(['true'])",
    "pickle.loads('x')",
    "json.codecs.builtins.eval('1')",
    "json.decoder.scanner.re.enum.sys.modules",
    "random._os.system('true')",
    "pd.io.common.os.system('true')",
    "pd.read_pickle('x')",
    "pd.read_csv('x')",
    "np.load('x')",
    "pl.read_csv('x')",
    "pl.scan_csv('x')",
    "operator.attrgetter('__class__')(text)",
    "operator.methodcaller('upper')(text)",
    "types.FunctionType",
    "inspect.currentframe()",
    "inspect.getattr_static(text, '__class__')",
    "inspect.signature(function, eval_str=true)",
    "typing.get_type_hints(typing.NamedTuple('R', [('a', '6 * 7')]))",
    "typing.ForwardRef('6 * 7').evaluate()",  # since Python 3.14
    "df.query('@pd.io.common.os.system(\"true\")')",
    "df.eval('@text.__class__')",
    "df.query('a.__class__')",
    "pd.eval('text.__class__', local_dict={'text': text})",
    "df.apply('__class__')",
    "df.apply('eval', args=['@text'])",
    "df.a.agg(['sum', 'to_pickle'])",
    "df.apply(os.system)",
    "df.a.map(builtins.eval)",
    # sizes that end a kernel
    "'x' * 10**12",
    "10**12 * [0]",
    "(10**6) ** (10**6)",
    "range(10**12) | list",
]


@pytest.mark.parametrize("expression", ESCAPES)
def test_an_escape_is_refused(expression: str) -> None:
    """Whatever climbs out of the values is an error before it has done anything."""
    with pytest.raises(TemplateError) as caught:
        render_body("{{ " + expression + " }}", names(), render_for_prompt)
    assert "`--raw`" in caught.value.hint


CHANGES = [
    "xs.append(1)",
    "xs.extend([1])",
    "xs.insert(0, 1)",
    "xs.pop()",
    "xs.remove(1)",
    "xs.clear()",
    "xs.sort()",
    "xs.reverse()",
    "xs.__setitem__(0, 1)",
    "list.append(xs, 1)",
    "list.sort(xs)",
    "xs | attr('append')",
    "[xs] | map('attr', 'sort') | list | first",
    "d.update(b=1)",
    "d.pop('a')",
    "d.popitem()",
    "d.setdefault('b', 1)",
    "d.clear()",
    "dict.update(d, b=1)",
    "s.add(2)",
    "s.discard(1)",
    "s.intersection_update([])",
    "set.add(s, 2)",
    "dq.append(1)",
    "dq.appendleft(1)",
    "dq.rotate(1)",
    "dq.popleft()",
    "collections.deque.popleft(dq)",
    "counter.subtract('a')",
    "counter.update('a')",
    "ordered.move_to_end('a')",
    "ba.append(1)",
    "df.pop('b')",
    "df.insert(0, 'c', 1)",
    "df.update(df)",
    "df.isetitem(0, 5)",
    "df.a.update(df.b)",
    "df.a.pop(0)",
    "pd.DataFrame.pop(df, 'b')",
    "df.sort_values('a', inplace=True)",
    "df.drop(columns='b', inplace=true)",
    "df.eval('c = a', inplace=True)",
    "df.apply('pop', args=['a'])",
    "df.agg('pop', 0, 'a')",
    "pf.drop_in_place('a')",
    "pf.insert_column(0, pf['a'])",
    "pf.replace_column(0, pf['a'])",
    "pf.extend(pf)",
    "pf['a'].append(pf['a'])",
    "pf['a'].sort(in_place=True)",
    "arr.sort()",
    "arr.fill(0)",
    "arr.put(0, 5)",
    "arr.resize(5)",
    "np.ndarray.sort(arr)",
    "df.a.values.sort()",
    "df.to_csv('/nowhere/x.csv')",
    "df.to_csv(path_or_buf='/nowhere/x.csv')",
    "df.to_pickle('/nowhere/x')",
    "df.to_parquet('/nowhere/x')",
    "pf.write_csv('/nowhere/x')",
    "pf.write_parquet('/nowhere/x')",
    "arr.tofile('/nowhere/x')",
    "path.unlink()",
    "path.write_text('x')",
    "path.move('/nowhere/x')",  # since Python 3.14
    "pathlib.Path.unlink(path)",
]

CHANGED = ("xs", "d", "s", "dq", "counter", "ordered", "default", "ba", "df", "pf", "arr")


@pytest.mark.parametrize("expression", CHANGES)
def test_a_change_is_refused_and_nothing_is_changed(expression: str) -> None:
    """The notebook's lists, dicts, frames, arrays and files are as they were."""
    variables = {**names(), "pathlib": pathlib}
    before = copy.deepcopy({name: variables[name] for name in CHANGED})
    with pytest.raises(TemplateError):
        render_body("{{ " + expression + " }}", variables, render_for_prompt)
    for name, value in before.items():
        assert repr(variables[name]) == repr(value)


def test_asking_a_defaultdict_does_not_change_it() -> None:
    """A key that is not there gives the default, as in Python, and is still not there."""
    variables = names()
    assert evaluate("default['zzz']", variables) == []
    assert "zzz" not in variables["default"]
    assert evaluate("default['a']", variables) == [1]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("thing.method() + function()", 3),
        ("np.mean(xs)", 2.0),
        ("np.linalg.norm([3, 4])", 5.0),
        ("pd.Series(xs).sum()", 6),
        ("json.dumps(d)", '{"a": 1}'),
        ("collections.Counter('aab').most_common(1)", [("a", 2)]),
        ("df.query('a > 1').b.iloc[0]", "x"),
        ("df.sort_values('a').a.tolist()", [1, 2]),
        ("df.to_csv()", ",a,b\n0,2,x\n1,1,y\n"),
        ("df.a.agg(['min', 'max']).tolist()", [1, 2]),
        ("df.a.map(function_of_one).tolist()", [3, 2]),
        ("pf.write_csv()", "a\n2\n1\n"),
        ("inspect.getsource(function).count('return 2')", 1),
        ("sys.version_info.major", 3),
        ("os.environ['LOCALLLM_TEST']", "here"),
        ("os.sep.join(['a', 'b'])", os.sep.join(["a", "b"])),
        ("sorted(xs)", [1, 2, 3]),
        ("xs | sort | first", 1),
        ("xs.index(1)", 1),
        ("xs.copy()", [3, 1, 2]),
        ("d.get('b', 0)", 0),
        ("d.items() | list", [("a", 1)]),
        ("partial(2)", 3),
        ("'{} {x}'.format(1, x=2)", "1 2"),
        ("'-' * 3", "---"),
        ("2 ** 10", 1024),
        ("path.name", "all"),
        ("err.args[0]", "v"),
        ("string.Template('$x').substitute(x=1)", "1"),
        ("text.upper() if text else none", "ABC"),
    ],
)
def test_reading_is_free(expression: str, value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a person would write to read, compute and word a value works, calls of own functions included."""
    monkeypatch.setenv("LOCALLLM_TEST", "here")
    more = {"function_of_one": lambda n: n + 1, "partial": functools.partial(max, 3)}
    assert evaluate(expression, {**names(), **more}) == value


def test_what_is_missing_is_remembered() -> None:
    """The error knows the name and its owner, so that a close match can be looked for."""
    with pytest.raises(Missing) as variable:
        evaluate("nope", {})
    assert (variable.value.name, variable.value.is_variable) == ("nope", True)
    with pytest.raises(Missing) as item:
        evaluate("d.nope", {"d": {"a": 1}})
    assert (item.value.name, item.value.is_variable, item.value.owner) == ("nope", False, {"a": 1})


def test_the_columns_of_any_frame() -> None:
    """Names as text, and nothing of what has no columns."""

    class Odd:
        columns = 5

    assert columns_of(pd.DataFrame([[1, 2]], columns=["a", 1])) == ["a", "1"]
    assert columns_of(pl.LazyFrame({"a": [1]})) == ["a"]
    for value in (Odd(), {}, [], pd, pd.DataFrame, 5):
        assert columns_of(value) == []


@pytest.mark.parametrize("expression", ["'x'.center(10**10)", "'x'.ljust(10**10)", "'7'.zfill(10**9)"])
def test_padding_is_bounded(expression: str) -> None:
    """A text cannot be padded until the kernel has no memory left."""
    with pytest.raises(SecurityError, match="characters"):
        evaluate(expression, {})
