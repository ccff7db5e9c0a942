"""Answers that are JSON of a given schema."""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_localllm.constrain.dates import exact_dates
from jupyter_localllm.constrain.grammar import check_text
from jupyter_localllm.constrain.guided import refusal, start_guided
from jupyter_localllm.constrain.keywords import check_schema
from jupyter_localllm.constrain.modern import modern
from jupyter_localllm.constrain.opposite import without_not
from jupyter_localllm.constrain.roomy import LARGEST_TEXT
from jupyter_localllm.constrain.where import where
from jupyter_localllm.errors import UsageError

if TYPE_CHECKING:
    from jupyter_localllm.constrain.guided import GuidedMatcher
    from jupyter_localllm.engine.constraint import Vocabulary

__all__ = ["JsonSchema", "in_lark"]

# Between two tokens of JSON: nothing, a space, or a new line with its indentation. Small models that may write any
# white space write it for ever.
_WHITE_SPACE = " |\\n[ \\t]{0,40}"
# These two would let through answers that the schema forbids.
_STRICT = {"lenient": False, "coerce_one_of": False}


@dataclass(frozen=True, init=False)
class JsonSchema:
    """The answer is JSON that a schema validates.

    Objects are written with their properties in the order of the schema. What llguidance cannot honour in full is
    refused at `start`, never loosened.

    Parameters
    ----------
    schema : mapping
        A JSON Schema, draft 2020-12 (https://json-schema.org/draft/2020-12), as Python values; keywords of old drafts
        are written anew (`modern`). As JSON it has at most 131,072 characters.

    Attributes
    ----------
    text : str
        The schema as JSON, without white space, its keys in the order given: it is that of the answer.

    Raises
    ------
    UsageError
        It is no JSON object, or too large.

    Examples
    --------
    >>> JsonSchema({"type": "integer", "minimum": 1}).text
    '{"type":"integer","minimum":1}'
    """

    text: str

    def __init__(self, schema: Mapping[str, Any]) -> None:
        if not isinstance(schema, Mapping):
            raise UsageError(f"A JSON schema is an object, not {type(schema).__name__}.", "Give a dict.")
        try:
            text = json.dumps(modern(_plain(schema)), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        except (TypeError, ValueError, RecursionError) as error:
            raise UsageError(
                f"This schema is no JSON: {error}", "Use dicts, lists, str, numbers, bool, None."
            ) from None
        check_text(text, "JSON schema", LARGEST_TEXT)
        object.__setattr__(self, "text", text)

    @property
    def key(self) -> str:
        """Canonical text."""
        return "json-schema:" + self.text

    def start(self, vocabulary: Vocabulary) -> GuidedMatcher:
        """A matcher; see `Constraint.start`."""
        lark = _lark(self.text)
        try:
            return start_guided(lark, self.key, vocabulary, "JSON schema")
        except UsageError as error:
            with contextlib.suppress(UsageError):
                return start_guided(_lark_anew(self.text), self.key, vocabulary, "JSON schema")
            schema = json.loads(self.text)
            options = _options(schema)
            schema.pop("x-guidance", None)
            place = where(schema, lambda part: refusal({"x-guidance": options, **part}, vocabulary))
            raise UsageError(f"{error.message} (at {place})" if place else error.message, error.hint) from None


@functools.lru_cache(maxsize=64)  # each row of a map starts its schema
def _lark(text: str) -> str:
    """The grammar of a schema, checked."""
    return f"start: {in_lark(json.loads(text))}"


def _lark_anew(text: str) -> str:
    """The grammar of a schema in which what llguidance does not know is written anew.

    Raises
    ------
    UsageError
        There is nothing of that kind, or it is too large then.
    """
    schema = json.loads(text)
    told = {"x-guidance": schema.pop("x-guidance")} if "x-guidance" in schema else {}
    rewritten = without_not(schema)
    if rewritten == schema:
        raise UsageError("There is nothing to write anew.")
    check_text(json.dumps(rewritten, ensure_ascii=False), "JSON schema", LARGEST_TEXT)
    return f"start: {in_lark({**told, **rewritten})}"


def in_lark(schema: Mapping[str, Any]) -> str:
    """JSON of a schema, as a grammar in llguidance's Lark has it.

    Raises
    ------
    UsageError
        The schema has what would be passed over; names keyword and place.
    """
    check_schema(dict(schema))
    rest = exact_dates({key: value for key, value in schema.items() if key != "x-guidance"})
    return f"%json {json.dumps({'x-guidance': _options(schema), **rest}, ensure_ascii=False)}"


def _options(schema: Mapping[str, Any]) -> dict[str, Any]:
    """What llguidance is told besides."""
    return {"whitespace_pattern": _WHITE_SPACE, **schema.get("x-guidance", {}), **_STRICT}


def _plain(value: Any) -> Any:
    # json.dumps would take numbers for keys, and does not know mappings other than dict.
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"the key {key!r} is no text")
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
