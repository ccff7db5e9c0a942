"""Answers that are JSON of a given schema."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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
        schema = json.loads(self.text)
        check_schema(schema)
        options = _options(schema)
        schema.pop("x-guidance", None)
        try:
            return self._start({"x-guidance": options, **schema}, vocabulary)
        except UsageError as error:
            rewritten = without_not(schema)
            if rewritten != schema:
                with contextlib.suppress(UsageError):
                    check_schema(rewritten)
                    return self._start({"x-guidance": options, **rewritten}, vocabulary)
            place = where(schema, lambda part: refusal({"x-guidance": options, **part}, vocabulary))
            raise UsageError(f"{error.message} (at {place})" if place else error.message, error.hint) from None

    def _start(self, schema: dict[str, Any], vocabulary: Vocabulary) -> GuidedMatcher:
        return start_guided(
            f"start: %json {json.dumps(schema, ensure_ascii=False)}", self.key, vocabulary, "JSON schema"
        )


def in_lark(schema: Mapping[str, Any]) -> str:
    """JSON of a schema, as a grammar in llguidance's Lark has it.

    Raises
    ------
    UsageError
        The schema has what would be passed over; names keyword and place.
    """
    check_schema(dict(schema))
    rest = {key: value for key, value in schema.items() if key != "x-guidance"}
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
