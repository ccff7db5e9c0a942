"""The questions that the sandbox asks of each attribute, function and operator."""

from __future__ import annotations

import array
import collections
import gzip
import io
import json
import os
import pathlib
import typing
from concurrent.futures import Future
from typing import Any

import numpy as np
import pandas as pd
import pytest
from jinja2.exceptions import SecurityError

from jupyter_localllm.prompt.closed import MAX_ITEMS, changes, check_arguments, check_size, forbidden, leaves_package


class Basket(list):  # type: ignore[type-arg]
    """A subclass changes as its parent does."""


class Update:
    def update(self) -> None: ...


@pytest.mark.parametrize(
    ("value", "name", "expected"),
    [
        ([], "append", True),
        (list, "append", True),
        (Basket(), "sort", True),
        ([], "index", False),
        ((), "index", False),
        (collections.deque(), "appendleft", True),
        (array.array("i"), "append", True),
        (set(), "intersection_update", True),
        (frozenset(), "union", False),
        ({}, "update", True),
        (collections.UserDict(), "pop", True),
        ({}, "get", False),
        (pd.DataFrame(), "pop", True),
        (pd.DataFrame, "pop", True),
        (pd.DataFrame(), "head", False),
        (np.array([1]), "sort", True),
        (np.array([1]), "mean", False),
        (Update(), "update", False),
        (pathlib.Path(), "move_into", True),  # since Python 3.14
        (pathlib.Path(), "joinpath", False),
    ],
)
def test_whether_a_method_changes_its_object(value: Any, name: str, expected: bool) -> None:
    """By the kind of the object or the package of its class; a class of the notebook's own is its author's matter."""
    assert changes(value, name) is expected


@pytest.mark.parametrize(
    "value", [eval, exec, compile, getattr, setattr, open, io.open, type, object, os.system, os.getcwd]
)
def test_closed_functions(value: Any) -> None:
    """Code, introspection, files and programs are closed, under whatever name they come."""
    assert forbidden(value)


@pytest.mark.parametrize("value", [typing.get_type_hints, gzip.open, gzip.GzipFile])
def test_closed_functions_of_open_modules(value: Any) -> None:
    """Hints that are texts are run as code, and a file is opened for writing; the rest of the module is open."""
    assert forbidden(value)
    assert not forbidden(gzip.compress)
    assert not forbidden(typing.get_args)


@pytest.mark.parametrize("module", ["annotationlib", "compression.zstd", "concurrent.interpreters"])
def test_modules_of_newer_pythons_are_closed(module: str) -> None:
    """What runs code or opens files since Python 3.14 is closed under older ones, too; a future may be asked."""

    def newer() -> None: ...

    newer.__module__ = module
    assert forbidden(newer)
    assert not forbidden(Future().result)


@pytest.mark.parametrize(
    "value", [len, sum, list, str, ValueError, "a".upper, str.upper, json.dumps, np.mean, lambda: 1, 5]
)
def test_open_functions(value: Any) -> None:
    """What only computes is open, and so are the notebook's own functions."""
    assert not forbidden(value)


def test_a_module_leads_only_to_its_own() -> None:
    """`np.linalg` is numpy; `json.codecs` is not json."""
    assert not leaves_package(np, np.linalg)
    assert not leaves_package(json, json.dumps)
    assert leaves_package(json, json.codecs)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("sign", "left", "right", "fits"),
    [
        ("*", "ab", MAX_ITEMS // 2, True),
        ("*", "ab", MAX_ITEMS // 2 + 1, False),
        ("*", MAX_ITEMS + 1, [0], False),
        ("*", 10**50, 10**50, True),
        ("*", 2.5, 1e300, True),
        ("**", 2, 100_000, True),
        ("**", 2, 10_000_000, False),
        ("**", 2, -5, True),
        ("**", 2.0, 10, True),
    ],
)
def test_sizes(sign: str, left: Any, right: Any, fits: bool) -> None:
    """Numbers multiply freely; what would fill the memory does not start."""
    if fits:
        check_size(sign, left, right)
    else:
        with pytest.raises(SecurityError, match="more than"):
            check_size(sign, left, right)


def test_arguments_of_other_packages_are_their_own() -> None:
    """A method of the notebook's that is called like pandas' is not restricted by it."""

    def to_json(indent: int) -> str:
        return " " * indent

    def query(text: str) -> str:
        return text

    check_arguments(to_json, (2,), {})
    check_arguments(query, ("user@example.org",), {})
    with pytest.raises(SecurityError, match="with a file would write it"):
        check_arguments(pd.DataFrame().to_json, ("x",), {})
