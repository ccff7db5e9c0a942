"""From whatever a person gives as `schema=` to a constraint, and from the answer's text to the Python object."""

from __future__ import annotations

import functools
import importlib.util
import json
import re
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jupyter_localllm.constrain.annotated import annotated_form
from jupyter_localllm.constrain.convert import as_constraint
from jupyter_localllm.constrain.forms import Form, Forms, Unfit, literal_form, named_type, plain_value, unescaped
from jupyter_localllm.constrain.keywords import check_says_something, check_schema
from jupyter_localllm.constrain.levels import choices_of, levels
from jupyter_localllm.constrain.listed import Choices, Numbers
from jupyter_localllm.constrain.named import ACCEPTED, resolved
from jupyter_localllm.constrain.plain import plain_form
from jupyter_localllm.constrain.records import fields_of, record_form
from jupyter_localllm.constrain.said import bare, parsed
from jupyter_localllm.constrain.schema import JsonSchema
from jupyter_localllm.engine.constraint import Constraint
from jupyter_localllm.errors import SchemaMismatch, UsageError

__all__ = ["Typed", "levels", "typed"]


@dataclass(frozen=True, eq=False)
class Typed:
    """What an answer is to be: the constraint that holds it, and the way to the Python object.

    Parameters
    ----------
    given : object
        What the person gave: a type, a schema, a list of choices, a constraint …
    name : str
        How it is called in displays.
    constraint : Constraint
        What engines take.
    schema : dict or None
        Its JSON Schema; None for regular expressions, grammars and other texts.
    columns : Mapping of str to object, or None
        Of an object with fields: each field's annotation, or its part of the schema. None where the answer is one
        value.
    """

    given: Any
    name: str
    constraint: Constraint
    schema: dict[str, Any] | None = None
    columns: Mapping[str, Any] | None = None
    _read: Callable[[str], Any] = field(default=str, repr=False)

    def __reduce__(self) -> tuple[Any, ...]:
        return typed, (self.given,)

    def value(self, text: str) -> Any:
        """The Python object that an answer's text says.

        Parameters
        ----------
        text : str
            The whole answer. A fence of Markdown around it is taken off.

        Returns
        -------
        object
            Of the type that was given; of a JSON Schema plain Python values; otherwise the text.

        Raises
        ------
        SchemaMismatch
            It is not what was asked for; its ``problems`` say what is wrong where.
        UsageError
            The form is too complex to be held, which shows only in the midst of an answer.

        Examples
        --------
        >>> typed(list[int]).value("[1, 2]")
        [1, 2]
        """
        try:
            return self._read(bare(text))
        except RecursionError:
            raise SchemaMismatch.of(self.name, text, [("#", "is nested too deeply")]) from None
        except Unfit as unfit:
            self._check_limits(text)
            raise SchemaMismatch.of(self.name, text, unfit.problems) from None

    def _check_limits(self, text: str) -> None:
        """Raise a UsageError if the answer ended early because the constraint got too complex in its midst."""
        from jupyter_localllm.constrain.validate import fits

        if importlib.util.find_spec("llguidance") is not None:
            fits(self.constraint, text)

    def check(self) -> None:
        """Try the constraint, without a model.

        Raises
        ------
        UsageError
            It cannot be honoured in full; names keyword and place.
        """
        _ = self._sound

    @functools.cached_property
    def _sound(self) -> bool:
        from jupyter_localllm.constrain.validate import BYTES

        if isinstance(self.constraint, (Choices, Numbers)) or importlib.util.find_spec("llguidance") is None:
            return True
        self.constraint.start(BYTES)
        return True

    def row(self, value: Any) -> dict[str, Any]:
        """The fields of a value under the names of `columns`; a field that is not there is None.

        Examples
        --------
        >>> from typing import NamedTuple
        >>> class Pet(NamedTuple):
        ...     name: str
        ...     age: int = 0
        >>> typed(Pet).row(Pet("Rex"))
        {'name': 'Rex', 'age': 0}
        """
        names = self.columns or {}
        if isinstance(value, Mapping):
            return {name: value.get(name) for name in names}
        return {name: getattr(value, name, None) for name in names}


def typed(schema: Any, *, namespace: Mapping[str, Any] | None = None) -> Typed:
    """What an answer is to be, from a type, a schema, choices, a regular expression, a grammar or a constraint.

    Parameters
    ----------
    schema : object
        A pydantic model, dataclass, TypedDict, NamedTuple, Enum, Literal, a plain type (``int``, ``list[str]``,
        ``datetime.date``, ``float | None`` …), ``Annotated`` with bounds or descriptions; a JSON Schema as a dict, as
        JSON text, or the path of a file; a list (or an array, a series) of choices; a compiled regular expression; a
        constraint of `jupyter_localllm.constrain`.
    namespace : Mapping, optional
        The notebook's variables. With them a text may also be an expression, such as ``"Food"`` or ``"list[Food]"``.

    Returns
    -------
    Typed

    Raises
    ------
    UsageError
        It is none of these, or no answer could be right, or a part of it could not be held; names keyword and place.

    Examples
    --------
    >>> typed(list[int]).constraint
    JsonSchema(text='{"type":"array","items":{"type":"integer"}}')
    >>> typed(["yes", "no"]).value("yes")
    'yes'
    """
    given = resolved(schema, namespace)
    if isinstance(given, Typed):
        return given
    if isinstance(given, Constraint) and not isinstance(given, type):
        return _of_constraint(given)
    if isinstance(given, Mapping):
        return _of_schema(given, given, _title(given))
    if isinstance(given, re.Pattern):
        return _of_text(given, as_constraint(given), given.pattern)
    if (choices := choices_of(given)) is not None:
        return _of_choices(given, choices)
    return _of_type(given)


def _title(schema: Mapping[str, Any]) -> str:
    title = schema.get("title")
    return title if isinstance(title, str) and title else "JSON schema"


def _of_schema(given: Any, schema: Mapping[str, Any], name: str) -> Typed:
    check_says_something(schema)
    constraint = JsonSchema(schema)
    plain: dict[str, Any] = json.loads(constraint.text)
    check_schema(dict(plain))

    def read(text: str) -> Any:
        from jupyter_localllm.constrain.validate import validator

        value = parsed(text)
        if problems := list(validator(plain).problems(value)):
            raise Unfit(*problems)
        return value

    parts = plain.get("properties") if plain.get("type") == "object" else None
    return Typed(given, name, constraint, plain, parts if isinstance(parts, dict) else None, read)


def _of_constraint(given: Constraint) -> Typed:
    if isinstance(given, JsonSchema):
        schema = json.loads(given.text)
        return _of_schema(given, schema, _title(schema))
    if isinstance(given, Choices):
        return _of_choices(given, list(given.options))
    return _of_text(given, given, type(given).__name__)


def _of_text(given: Any, constraint: Constraint, name: str) -> Typed:
    def read(text: str) -> str:
        from jupyter_localllm.constrain.validate import fits

        if not fits(constraint, text):
            raise Unfit(("#", f"is not what {type(constraint).__name__} allows"))
        return text

    return Typed(given, name, constraint, _read=read)


def _of_choices(given: Any, choices: list[Any]) -> Typed:
    if not choices:
        raise UsageError("There are no choices: no answer would be right.", "Give at least one.")
    values = [plain_value(choice, "the choices") for choice in choices]
    options = {(type(value), value): value for value in values}
    return _of_options(given, "choices", literal_form(options))


def _of_options(given: Any, name: str, form: Form) -> Typed:
    """One of a few values. Texts are written as they are, anything else as JSON."""
    values = form.schema["enum"]
    if not all(isinstance(value, str) for value in values):
        return _of_form(given, name, form, {})

    def read(text: str) -> Any:
        said = text.strip() if text not in values else text
        if said not in values and said[:1] == '"':  # servers that take only a JSON schema answer in JSON
            said = parsed(said)
        return form.read(said, "#")

    return Typed(given, name, Choices(values), {"type": "string", **form.schema}, None, read)


def _of_type(given: Any) -> Typed:
    forms = Forms(_form)
    form = forms.of(given)
    name = given.__name__ if isinstance(given, type) and not typing.get_args(given) else _type_name(given)
    if set(form.schema) == {"enum"}:
        return _of_options(given, name, form)
    columns = {one.name: one.annotation for one in fields} if (fields := fields_of(given)) is not None else None
    return _of_form(given, name, form, forms.definitions, columns)


def _type_name(given: Any) -> str:
    return re.sub(r"\b(?:typing|__main__|datetime|builtins)\.", "", str(given))


def _of_form(
    given: Any, name: str, form: Form, definitions: dict[str, Any], columns: Mapping[str, Any] | None = None
) -> Typed:
    schema = _whole(form.schema, definitions)
    constraint = JsonSchema(schema)
    check_schema(json.loads(constraint.text))
    return Typed(given, name, constraint, schema, columns, lambda text: form.read(parsed(text), "#"))


def _whole(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """A schema with its definitions; the root stands in place of a reference to it, unless it contains itself."""
    definitions = {name: part for name, part in definitions.items() if part}
    target = unescaped(str(schema.get("$ref", "")).removeprefix("#/$defs/"))
    others = {name: part for name, part in definitions.items() if name != target}
    if target in definitions and json.dumps(schema["$ref"]) not in json.dumps([*others.values(), definitions[target]]):
        beside = {key: value for key, value in schema.items() if key != "$ref"}  # a description
        schema, definitions = {**definitions[target], **beside}, others
    return {**schema, "$defs": definitions} if definitions else schema


def _form(annotation: Any, forms: Forms) -> Form:
    """The form of any annotation."""
    annotation = named_type(annotation)
    if typing.get_origin(annotation) is typing.Annotated:
        inner, *metadata = typing.get_args(annotation)
        return annotated_form(forms.of(inner), metadata)
    form = record_form(annotation, forms) or plain_form(annotation, forms)
    if form is None:
        name = f"the class {annotation.__name__}" if isinstance(annotation, type) else f"{annotation!r:.80}"
        raise UsageError(f"An answer cannot be {name}: there is no form in JSON for it.", ACCEPTED)
    return form
