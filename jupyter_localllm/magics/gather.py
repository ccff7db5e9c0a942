"""Reading options off a line, by the table in `options`; every way to get one wrong has its sentence here."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from jupyter_localllm.errors import UsageError, close_match
from jupyter_localllm.magics.options import OPTIONS, Option, find_option, is_option, literal, option_for
from jupyter_localllm.magics.words import Word, next_word

__all__ = ["Gathered"]


class Gathered:
    """The options read so far.

    Parameters
    ----------
    settings : collection of str or None
        The names ``--option`` may take; `None`: any.
    spaced : bool
        Whether options that take several values take them with spaces between: on the line of a cell, where no prompt
        follows.

    Attributes
    ----------
    fields, options : dict
        Values for the fields and for the ``options`` of `CellArguments`.
    """

    def __init__(self, settings: Collection[str] | None, *, spaced: bool = False) -> None:
        self.settings = settings
        self.spaced = spaced
        self.fields: dict[str, Any] = {}
        self.options: dict[str, Any] = {}
        self._given: dict[str, str] = {}

    def read(self, line: str, word: Word) -> int:
        """Read one option and its values; return where they end.

        Raises
        ------
        UsageError
            The option is unknown, given twice, or its value is missing or bad.
        """
        option = find_option(word.text)
        if option is None:
            raise _unknown(word.text)
        _, equals, inline = word.text.partition("=")
        if equals and not option.values:
            raise UsageError(f"{option.name} takes no value.", f"Write {option.name} alone.")
        values: list[Word] = []
        end = word
        if equals:
            # A value after = counts as quoted: its being there is no accident, even if it begins with a dash.
            quoted = word.quoted or not option.spaced  # of names, commas are between them, unless quotes say otherwise
            values.append(Word(inline, word.start, word.end, quoted=quoted, closed=word.closed))
        while len(values) < len(option.values):
            following = next_word(line, end.end)
            if following is None or _ends_values(line[following.start : following.end]):
                raise _missing(option, len(values))
            values.append(following)
            end = following
        while option.spaced and self.spaced and (following := next_word(line, end.end)) is not None:
            if _ends_values(line[following.start : following.end]):
                break
            values.append(following)
            end = following
        for value in values:
            if not value.closed:
                raise _unclosed(option, value)
        self._take(option, values)
        return end.end

    def _take(self, option: Option, values: list[Word]) -> None:
        if option.dest == "option":
            self._setting(values[0].text, values[1])
        elif not option.values:
            self._store(option, option.flag)
        elif option.spaced:
            for value in values:
                for text in [value.text] if value.quoted else _at_commas(value.text):
                    self._store(option, _value(option, text))
        else:
            self._store(option, _value(option, values[0].text))

    def _setting(self, key: str, value: Word) -> None:
        """Take ``--option KEY VALUE``; a key that has an option of its own is read as that option."""
        key = key.replace("-", "_")
        option = option_for(key)
        if option is not None and not (option.values and option.dest != "option"):
            raise UsageError(f"{key} is an option of its own.", f"Write {option.name}.")
        if option is not None:
            self._store(option, _value(option, value.text))
        elif not key.isidentifier() or (self.settings is not None and key not in self.settings):
            known = (*(self.settings or ()), *(o.dest for o in OPTIONS if o.setting))
            raise UsageError(f"There is no setting {key}.", close_match(key, known) or "%llm config lists them.")
        else:
            self._once(key, f"--option {key}", "")
            self.options[key] = value.text if value.quoted else literal(value.text)

    def _store(self, option: Option, value: object) -> None:
        target = self.options if option.setting else self.fields
        if option.many:
            target[option.dest] = (*target.get(option.dest, ()), value)
            return
        self._once(option.dest, option.name, option.group)
        target[option.dest] = value

    def _once(self, dest: str, name: str, group: str) -> None:
        if dest in self._given:
            raise UsageError(f"{name} is given twice.", "Leave one of them out.")
        other = next((given for given, of in self._given.items() if of and of == group), None)
        if other is not None:
            raise UsageError("--continue and --chat exclude each other.", "--chat NAME alone goes on with that chat.")
        self._given[dest] = group


def _at_commas(text: str) -> list[str]:
    """Split at the commas that stand in no bracket and no quote: ``"df,In[3],f(a, b)"``."""
    parts, depth, quote = [""], 0, ""
    for character in text.strip(","):
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        else:
            depth += (character in "([{") - (character in ")]}")
        if character == "," and depth <= 0 and not quote:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _ends_values(raw: str) -> bool:
    return raw == "--" or is_option(raw)


def _value(option: Option, text: str) -> object:
    if option.choices and text not in option.choices:
        known = f"One of {', '.join(option.choices)}."
        raise UsageError(
            f"{option.name} {text or repr(text)} is unknown.", f"{known} {close_match(text, option.choices)}".rstrip()
        )
    try:
        return option.read(text)
    except ValueError as error:
        raise UsageError(f"{option.name} {text or repr(text)}: {error}.", f"{option.usage}: {option.help}.") from None


def _unknown(text: str) -> UsageError:
    name = text.partition("=")[0]
    close = close_match(name.replace("_", "-"), [option.name for option in OPTIONS])
    if not close and len(name) == 2:
        # One dash and a letter, as other tools have it: the first option that begins so.
        first = next((option.name for option in OPTIONS if option.name.startswith(f"-{name}")), "")
        close = f"Did you mean {first}?" if first else ""
    hint = (
        f"{close or '%llm? lists the options.'} A prompt that begins with a dash comes after --, as in: %llm -- {name}"
    )
    return UsageError(f"Unknown option {name}.", hint)


def _missing(option: Option, have: int) -> UsageError:
    hint = f"{option.usage}: {option.help}."
    if not have:
        hint += f' A value that begins with a dash is written {option.name}="-x".'
    return UsageError(f"{option.name} needs {option.values[have]}.", hint)


def _unclosed(option: Option, value: Word) -> UsageError:
    hint = f"""A word that begins with an apostrophe goes into double quotes: {option.name} "'tis"."""
    return UsageError(f"The quote that opens at {option.name} {value.text} does not close.", hint)
