"""Several models behind one name: which of them answers is decided for each question, by rules that can be read.

``"router:smollm2-135m-instruct[tokens<=400,tasks=chat+schema]|ollama:llama3.2:3b[ms<=2000]|openai:qwen3@http://…"``

The order is the preference. ``tokens`` is the size of prompt and answer together, estimated; ``tasks`` are of
``chat``, ``schema``, ``cited`` and ``tools``; ``ms`` is the time to the first token as it was lately: slower ones are
asked only if nobody else is left. One that fails is asked last for half a minute.
"""

from jupyter_localllm.engine.router.backend import BACKEND
from jupyter_localllm.engine.router.engine import Route, RouterEngine

__all__ = ["BACKEND", "Route", "RouterEngine"]
