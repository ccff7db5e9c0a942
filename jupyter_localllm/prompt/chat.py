"""Messages to the text a model was trained to read, by the chat template in its file.

The template is a Jinja2 program that came with the model, so it runs in Jinja2's sandbox. What it writes itself may
become control tokens; what stands in a message may not, even if it looks like one. Rendering the two apart would change
how they are tokenized together, so instead the look-alikes in messages are cut in two with a character that no text
may contain, and the rendered prompt is tokenized in pieces, split there: a control token is then one only where the
template wrote it, and every other prompt is tokenized just as it was in training.
"""

from __future__ import annotations

import datetime
import functools
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from jupyter_localllm.engine.text import prefilled_reasoning
from jupyter_localllm.errors import ChatTemplateError
from jupyter_localllm.types import Message, ModelInfo, Prompt

__all__ = ["TEMPLATE_VERSION", "pieces_of", "plain_text", "render_chat"]

# Part of every cache key: raise it when the same messages come to be rendered in another way.
TEMPLATE_VERSION = "1"

# Unicode's noncharacters: "should never be interchanged", so what a message holds of them can be dropped.
_CUT = "\ufdd0"
_NONCHARACTERS = re.compile("[\ufdd0-\ufdef]")
_LONGEST_WORDS = 300  # of a template's own error


def render_chat(messages: Sequence[Message], info: ModelInfo, tools: Sequence[Mapping[str, Any]] = ()) -> Prompt:
    """Render `messages` for a model.

    A model whose template knows no system role gets the system message at the head of the first question. A model
    without a template gets the bare text, to be continued.

    Parameters
    ----------
    messages : sequence of Message
        Those with calls, and those of tools, are for templates that take tools.
    info : ModelInfo
    tools : sequence of Mapping
        What the template gets as ``tools``.

    Raises
    ------
    ChatTemplateError
        The template cannot be compiled, fails, or refuses these messages.

    Examples
    --------
    >>> info = ModelInfo("m", 512, chat_template="{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}",
    ...                  control=("<|user|>",))
    >>> render_chat([Message.of("user", "Say <|user|>.")], info).pieces
    ('<|user|>Say <', '|user|>.')
    """
    kept = tuple(messages)
    if info.renders:
        return Prompt(kept)
    plain = _told(kept, info)
    if not info.chat_template:
        text = "\n\n".join(m["content"] for m in plain if m["role"] != "system")
    else:
        text = _render(plain, info, [_plain_values(tool, info) for tool in tools])
    pieces = pieces_of(text)
    pins = _pins("".join(pieces), kept)
    return Prompt(kept, pieces, prefilled_reasoning(pieces[-1] if pieces else ""), pins)


def _told(messages: Sequence[Message], info: ModelInfo) -> list[dict[str, Any]]:
    """Messages as templates have them, in the form of OpenAI's API, which they have in common.

    A call has nine characters for its id: some templates want just that.
    """
    told: list[dict[str, Any]] = []
    calls = outcomes = 0
    for message in messages:
        text = message.said if message.role == "tool" or message.calls else message.content
        made: dict[str, Any] = {"role": message.role, "content": plain_text(text, info)}
        if message.role == "tool":
            (call,) = message.calls
            made |= {"name": call.name, "tool_call_id": f"call{outcomes:05}"}
            outcomes += 1
        elif message.calls:
            made["tool_calls"] = [
                {
                    "id": f"call{number:05}",
                    "type": "function",
                    "function": {"name": call.name, "arguments": _plain_values(call.arguments, info)},
                }
                for number, call in enumerate(message.calls, calls)
            ]
            calls += len(message.calls)
        told.append(made)
    return told


def _plain_values(value: Any, info: ModelInfo) -> Any:
    """JSON values, all texts in them marked as data."""
    if isinstance(value, str):
        return plain_text(value, info)
    if isinstance(value, Mapping):
        return {plain_text(key, info): _plain_values(item, info) for key, item in value.items()}
    return [_plain_values(item, info) for item in value] if isinstance(value, (list, tuple)) else value


def plain_text(text: str, info: ModelInfo) -> str:
    """Data, marked so that `pieces_of` cuts each look-alike of a control token in two."""
    marked: str = _cutter(info.control)(_NONCHARACTERS.sub("", text))
    return marked


def pieces_of(text: str) -> tuple[str, ...]:
    """A prompt as an engine reads it."""
    return tuple(piece for piece in text.split(_CUT) if piece)


def _pins(text: str, messages: Sequence[Message]) -> tuple[int, ...]:
    """Where in the rendered text what may come again ends.

    That is the beginning of the last message (system message and turns stand before it); in it, the text before its
    first value (the head of a map's template), and the end of its last value (the sources, if the question follows).
    """
    if not messages:
        return ()
    parts = messages[-1].parts
    content = _NONCHARACTERS.sub("", messages[-1].content)
    start = text.rfind(content.strip()) - (len(content) - len(content.lstrip()))
    values = [i for i, part in enumerate(parts) if part.label != "text"]
    if start < 0 or not content.strip():
        return ()
    ends = {0, *(len("".join(part.text for part in parts[:i])) for i in (values[:1] + [v + 1 for v in values[-1:]]))}
    return tuple(sorted(start + end for end in ends if 0 < start + end < len(text)))


def _cutter(control: tuple[str, ...]) -> Any:
    """A function that puts the cut behind the first character of each look-alike, overlapping ones included."""
    texts = sorted((text for text in control if len(text) > 1), key=len, reverse=True)
    if not texts:
        return lambda text: text
    pattern = re.compile(f"(?=(?:{'|'.join(map(re.escape, texts))}))(.)", re.DOTALL)
    return functools.partial(pattern.sub, rf"\1{_CUT}")


def _render(messages: list[dict[str, Any]], info: ModelInfo, tools: list[Any]) -> str:
    from jupyter_localllm.prompt.bounded import TooMuch, bounded

    template = _template(info)
    failure: Exception | None = None
    for attempt in (messages, _system_in_question(messages)):
        try:
            more = {**info.special, **({"tools": tools} if tools else {})}
            return bounded(template, attempt, add_generation_prompt=True, **more)
        except TooMuch as error:  # it would be again
            what = f"the chat template of {info.name} was stopped: {_said(error)}"
            raise ChatTemplateError(what, "Take another copy of the model: this template does not end.") from error
        except Exception as error:  # the template is a program of somebody else: it can raise anything
            failure = failure or error
    raise ChatTemplateError(
        f"the chat template of {info.name} refuses these messages: {_said(failure)}",
        "Some models want questions and answers in turn, beginning with a question.",
    ) from failure


def _template(info: ModelInfo) -> Any:
    """The compiled template.

    Raises
    ------
    ChatTemplateError
        It is none, or too long or too deep to be one.
    """
    from jinja2.exceptions import TemplateError

    from jupyter_localllm.prompt.bounded import LONGEST_SOURCE

    size = len(info.chat_template)
    if size > LONGEST_SOURCE:
        raise ChatTemplateError(f"the chat template of {info.name} has {size:,} characters: no model needs that")
    try:
        return _compiled(info.chat_template)
    except (TemplateError, RecursionError, MemoryError, SyntaxError, ValueError) as error:
        raise ChatTemplateError(f"the chat template of {info.name} cannot be compiled: {_said(error)}") from error


def _said(error: BaseException | None) -> str:
    """What an error says, which may be the template's own words: one line, of bearable length."""
    words = "".join(letter for letter in " ".join(str(error).split()) if letter.isprintable())
    return (words if len(words) <= _LONGEST_WORDS else f"{words[:_LONGEST_WORDS]} …") or type(error).__name__


def _system_in_question(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if len(messages) < 2 or messages[0]["role"] != "system" or messages[1]["role"] != "user":
        return messages
    system, question, *rest = messages
    return [{"role": "user", "content": f"{system['content']}\n\n{question['content']}"}, *rest]


@functools.lru_cache(maxsize=16)
def _compiled(source: str) -> Any:
    """The template's render function, in the environment that transformers gives to chat templates."""
    from jinja2.exceptions import TemplateError

    from jupyter_localllm.prompt.bounded import BoundedEnvironment

    def raise_exception(message: str) -> None:
        raise TemplateError(message)

    def tojson(value: Any, indent: int | None = None, **_: Any) -> str:
        return json.dumps(value, ensure_ascii=False, indent=indent)

    # Lenient about undefined names: templates ask for `tools` or `enable_thinking`, which need not be there.
    environment = BoundedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"], filters={"tojson": tojson}
    )
    environment.globals["raise_exception"] = raise_exception

    # Llama 3.1 and others write today's date into the prompt. The same notebook must give the same prompt tomorrow, so
    # they get the date that these templates themselves fall back on when they are told none.
    def strftime_now(form: str) -> str:
        if len(str(form)) > 100 or re.search(r"\d{3}", str(form)):  # the system's own would pad to any width
            raise TemplateError("a date of more than a few words")
        return datetime.date(2024, 7, 26).strftime(str(form))

    environment.globals["strftime_now"] = strftime_now
    return environment.from_string(source).render
