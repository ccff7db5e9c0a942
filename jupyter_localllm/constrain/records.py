"""The forms of types with fields: dataclasses, TypedDict, NamedTuple, pydantic models."""

from __future__ import annotations

import dataclasses
import enum
import functools
import json
import sys
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jupyter_localllm.constrain.forms import Form, Forms, Unfit, bare_type, inner_place, json_name, plain_value
from jupyter_localllm.constrain.plain import DECIMAL
from jupyter_localllm.errors import UsageError

__all__ = ["fields_of", "record_form"]


@dataclass(frozen=True)
class Field:
    """One field of a record.

    Parameters
    ----------
    name : str
    annotation : object
        Its type, resolved.
    required : bool
        Whether an answer must have it.
    """

    name: str
    annotation: Any
    required: bool


def fields_of(cls: Any) -> tuple[Field, ...] | None:
    """The fields of a class that is a record, or of a type that is one by another name; None if it is none.

    Raises
    ------
    UsageError
        The annotation of a field cannot be resolved.
    """
    cls = bare_type(cls)
    if not isinstance(cls, type):
        return None
    if _is_pydantic(cls) and hasattr(cls, "model_fields"):
        return tuple(Field(name, one.annotation, one.is_required()) for name, one in cls.model_fields.items())
    if dataclasses.is_dataclass(cls):
        hints = _hints(cls)
        missing = dataclasses.MISSING
        return tuple(
            Field(one.name, hints[one.name], one.default is missing and one.default_factory is missing)
            for one in dataclasses.fields(cls)
            if one.init
        )
    if _is_typed_dict(cls):
        return tuple(_typed_dict_field(cls, name, hint) for name, hint in _hints(cls).items())
    if issubclass(cls, tuple) and (defaults := getattr(cls, "_field_defaults", None)) is not None:
        hints = _hints(cls)
        return tuple(Field(name, hints.get(name, Any), name not in defaults) for name in getattr(cls, "_fields", ()))
    return None


def record_form(cls: Any, forms: Forms) -> Form | None:
    """The form of a class with fields; None if this is none."""
    if not isinstance(cls, type):
        return None
    if _is_pydantic(cls):
        return _pydantic_form(cls, forms)
    if fields_of(cls) is None:
        return None
    return forms.named(cls, lambda: _fields_form(cls, forms))


def _is_pydantic(cls: type) -> bool:
    return hasattr(cls, "__pydantic_validator__") and "pydantic" in sys.modules


def _is_typed_dict(cls: type) -> bool:
    return issubclass(cls, dict) and hasattr(cls, "__total__") and hasattr(cls, "__required_keys__")


def _typed_dict_field(cls: Any, name: str, hint: Any) -> Field:
    required = name in cls.__required_keys__
    while (origin := typing.get_origin(hint)) is not None:
        mark = getattr(origin, "_name", getattr(origin, "__name__", ""))
        if mark not in ("Required", "NotRequired", "ReadOnly"):
            break
        required = required if mark == "ReadOnly" else mark == "Required"
        hint = typing.get_args(hint)[0]
    return Field(name, hint, required)


def _hints(cls: Any) -> dict[str, Any]:
    try:
        return typing.get_type_hints(cls, localns={cls.__name__: cls}, include_extras=True)
    except (NameError, TypeError, AttributeError, SyntaxError) as error:
        raise UsageError(
            f"The types of {cls.__name__}'s fields cannot be resolved: {error}",
            "Define what they name in the notebook or at the top of the module, not within a function.",
        ) from None


def _fields_form(cls: Any, forms: Forms) -> Form:
    fields = fields_of(cls) or ()
    parts = {one.name: forms.of(one.annotation) for one in fields}
    required = [one.name for one in fields if one.required]
    own = {one.name: one.metadata.get("description") for one in _dataclass_fields(cls)}
    properties = {
        name: {**part.schema, "description": own[name]} if isinstance(own.get(name), str) else part.schema
        for name, part in parts.items()
    }
    schema: dict[str, Any] = {"type": "object", **_description(cls), "properties": properties}
    if required:
        schema["required"] = required
    schema["additionalProperties"] = False

    def read(value: Any, place: str) -> Any:
        if not isinstance(value, dict):
            raise Unfit((place, f"is {json_name(value)}, not an object"))
        problems = [(place, f"{name!r} is missing") for name in required if name not in value]
        problems += [(place, f"{name!r} is no field of {cls.__name__}") for name in value if name not in parts]
        read = {}
        for name, part in parts.items():
            try:
                if name in value:
                    read[name] = part.read(value[name], inner_place(place, name))
            except Unfit as unfit:
                problems.extend(unfit.problems)
        if problems:
            raise Unfit(*problems)
        try:
            return cls(**read)
        except (ValueError, TypeError, AssertionError) as error:  # what __post_init__ says
            raise Unfit((place, str(error) or type(error).__name__)) from None
        except Exception as error:
            raise Unfit((place, f"{type(error).__name__}: {error}")) from None

    return Form(schema, read)


def _dataclass_fields(cls: Any) -> tuple[Any, ...]:
    return dataclasses.fields(cls) if dataclasses.is_dataclass(cls) else ()


def _description(cls: Any) -> dict[str, str]:
    """What the class says of itself; not the signature that a dataclass gets for a docstring."""
    text = (cls.__dict__.get("__doc__") or "").strip()
    made = text.startswith(f"{cls.__name__}(") or not text
    return {} if made else {"description": text.split("\n\n")[0].replace("\n", " ")}


# What pydantic says of types whose every text is taken; llguidance knows no such formats.
_FREE_FORMATS = ("path", "password")


def _pydantic_form(cls: Any, forms: Forms) -> Form:
    """Pydantic makes the schema and validates; definitions move to those of the whole, under free names."""
    from pydantic import TypeAdapter, ValidationError
    from pydantic.errors import PydanticUserError

    adapter = TypeAdapter(cls)

    def make() -> Form:
        prefix = forms.free_name(cls.__name__)
        try:
            whole = adapter.json_schema(ref_template=f"#/$defs/{prefix}.{{model}}", schema_generator=_live_data())
        except (PydanticUserError, TypeError, ValueError) as error:  # also PydanticSerializationError
            raise UsageError(f"pydantic cannot make a JSON schema of {cls.__name__}: {error}") from None
        inner = whole.pop("$defs", {})
        for name, part in inner.items():
            forms.definitions[f"{prefix}.{name}"] = _closed(part)
        return Form(_closed(whole), read)

    def read(value: Any, place: str) -> Any:
        try:
            return adapter.validate_json(json.dumps(value), strict=True)
        except ValidationError as error:
            raise Unfit(*(_problem(one, place) for one in error.errors(include_url=False))) from None
        except Exception as error:  # a validator of the person's
            raise Unfit((place, f"{type(error).__name__}: {error}")) from None

    return forms.named(cls, make)


@functools.cache
def _live_data() -> Any:
    """Pydantic's maker of schemas, which has no JSON for a Literal over an array (numpy's scalars).

    It would let a decimal number be a number, of which pydantic keeps what a double holds, or any text.
    """
    from pydantic.json_schema import GenerateJsonSchema

    class LiveData(GenerateJsonSchema):
        def literal_schema(self, schema: Any) -> Any:
            plain = [one if isinstance(one, enum.Enum) else plain_value(one, "a Literal") for one in schema["expected"]]
            made: Any = {**schema, "expected": plain}
            return super().literal_schema(made)

        def decimal_schema(self, schema: Any) -> Any:
            return {"type": "string", "pattern": f"^{DECIMAL}$"}  # bounds are checked, not held: the text is no number

    return LiveData


def _problem(error: Mapping[str, Any], place: str) -> tuple[str, str]:
    for part in error["loc"]:
        place = inner_place(place, part)
    return place, str(error["msg"])


def _closed(schema: Any) -> Any:
    """A schema of pydantic's as an answer should have it: no properties but those named, which pydantic would drop."""
    if isinstance(schema, list):
        return [_closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {k: v for k, v in schema.items() if k != "title" or not isinstance(v, str)}
    plain.pop("uniqueItems", None)  # of sets, which drop what stands twice
    if plain.get("format") in _FREE_FORMATS and plain.get("type") == "string":
        del plain["format"]
    kept = ("const", "enum", "default", "examples", "required")
    named = ("properties", "patternProperties", "$defs")
    made = {
        key: value
        if key in kept
        else {name: _closed(part) for name, part in value.items()}
        if key in named
        else _closed(value)
        for key, value in plain.items()
    }
    if made.get("type") == "object" and "properties" in made:
        made.setdefault("additionalProperties", False)
    return made
