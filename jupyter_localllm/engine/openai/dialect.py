"""What servers add to OpenAI's protocol, and what they leave out.

They tell who they are by ``owned_by`` in their list of models. What is not known here gets plain OpenAI.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["DIALECTS", "PLAIN", "Dialect", "dialect_of"]

# Fields of our Sampling by the names that servers give them.
_LLAMA = {"top_k": "top_k", "min_p": "min_p", "repeat_penalty": "repeat_penalty"}


@dataclass(frozen=True)
class Dialect:
    """How one kind of server differs.

    Parameters
    ----------
    name : str
        The server, for people.
    sampling : Mapping of str to str
        Fields of `Sampling` beyond OpenAI's, by the names under which they are sent.
    schema : {"json_schema", "json_object"}
        How it is told a JSON Schema: as OpenAI has it, or beside ``json_object``.
    gbnf : {"", "ours", "any"}
        Whether it takes grammars: those made here, or a person's as well (one that is wrong would end some servers).
    counting : {"", "tokenize", "extras", "vllm"}
        By which address beside the protocol's it counts tokens.
    thinking : bool
        Whether reasoning can be turned off by an argument of the template.
    tools : bool
        Whether it reads calls of tools out of what the model writes.
    at_once : int
        How many requests it takes at once; 0 for any number.
    stops : bool
        Whether it is told the stop strings. They are looked for here in any case, and the connection is closed at the
        first one; mlx_lm.server swallows a stop string that begins within a token, and goes on.
    """

    name: str = ""
    sampling: Mapping[str, str] = field(default_factory=dict)
    schema: Literal["json_schema", "json_object"] = "json_schema"
    gbnf: Literal["", "ours", "any"] = ""
    counting: Literal["", "tokenize", "extras", "vllm"] = ""
    thinking: bool = False
    tools: bool = True
    at_once: int = 0
    stops: bool = True


PLAIN = Dialect(stops=False)
DIALECTS: Mapping[str, Dialect] = {
    "llamacpp": Dialect(
        "llama-server",
        {**_LLAMA, "typical_p": "typical_p", "repeat_last_n": "repeat_last_n"},
        gbnf="any",
        counting="tokenize",
        thinking=True,
    ),
    # It answers one request at a time, and by default ends a stream when another request comes.
    "me": Dialect("llama_cpp.server", _LLAMA, "json_object", gbnf="ours", counting="extras", tools=False, at_once=1),
    "vllm": Dialect(
        "vLLM",
        {"top_k": "top_k", "min_p": "min_p", "repeat_penalty": "repetition_penalty"},
        counting="vllm",
        thinking=True,
    ),
    "organization_owner": Dialect("LM Studio", _LLAMA),
    "library": Dialect("Ollama"),
    "openai": Dialect("OpenAI"),
    "system": Dialect("OpenAI"),
}
"""By what stands in ``owned_by``."""


def dialect_of(entry: Mapping[str, Any]) -> Dialect:
    """The dialect of the server whose list has this entry.

    Examples
    --------
    >>> dialect_of({"id": "m", "owned_by": "vllm"}).name
    'vLLM'
    """
    return DIALECTS.get(str(entry.get("owned_by", "")), PLAIN)
