"""A map over a server that speaks OpenAI's protocol: vLLM, or llama-server behind a balancer.

    python -m examples.endpoint qwen2.5-7b-instruct http://localhost:8000/v1

Streams, cache, schemas, tools and cited answers are the same as with a model in the kernel. See docs/backends.md.
"""

from __future__ import annotations

import sys

from jupyter_localllm import LocalLLM

TEXTS = ["Lovely, I would come again!", "The tea was cold, and so was the waiter.", "It was a restaurant."]


def endpoint(model: str, url: str, *, at_once: int = 64) -> LocalLLM:
    """A handle on a model of a server.

    Parameters
    ----------
    model : str
        As the server calls it; for llama.cpp's servers the file's name is enough.
    url : str
        Up to ``/v1``. On another machine it needs ``allow_remote=True``.
    at_once : int, optional
        Requests that are open at a time: what the server decodes together, times the machines behind it.
    """
    return LocalLLM(model=f"openai:{model}@{url}", n_parallel=at_once)


def main(model: str, url: str) -> None:
    llm = endpoint(model, url)
    moods = llm.map("Is the guest happy? {{ value }}", TEXTS, schema=["happy", "unhappy", "neither"])
    for text, mood in zip(TEXTS, moods, strict=True):
        print(f"{mood:8} {text}")
    llm.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
