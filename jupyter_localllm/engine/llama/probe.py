"""Decode one token with a model: the program of the child process that dies in the kernel's stead.

``python -m jupyter_localllm.engine.llama.probe FILE [ADAPTER [N_GPU_LAYERS]]`` exits with 0 and prints ``ok`` when it
worked.
"""

from __future__ import annotations

import contextlib
import sys

__all__ = ["main"]


def main(path: str, adapter: str = "", n_gpu_layers: str = "0") -> int:
    """Load `path` (and a LoRA adapter), decode one token, say how it went.

    Returns 1 for an error that llama.cpp reported itself.
    """
    from jupyter_localllm.engine.llama.native import open_library
    from jupyter_localllm.engine.llama.resident import Resident
    from jupyter_localllm.engine.llama.sampler import Sampler
    from jupyter_localllm.engine.llama.settings import LlamaSettings
    from jupyter_localllm.errors import LocalLLMError
    from jupyter_localllm.types import Sampling

    _be_the_first_to_go()
    try:
        native = open_library()
        # A window of 512 and the batch of the real engine: the same kernels run, little memory is taken.
        resident = Resident(
            native,
            path,
            LlamaSettings(n_ctx=512, n_batch=512, n_gpu_layers=int(n_gpu_layers), adapter=adapter),
            lambda _fraction: True,
        )
        # Enough tokens for the matrix kernels of a prompt, then one for those of decoding.
        tokens = (resident.vocab.tokens("The quick brown fox jumps over the lazy dog. " * 4, special=False) or [0])[:64]
        resident.decode(tokens, 0, logits=True)
        token = Sampler(native, Sampling(), resident.vocab.size, resident.n_ctx).choose(resident.context, -1)
        resident.decode((token,), len(tokens), logits=True)
        resident.free()
    except LocalLLMError as error:
        print(error, file=sys.stderr)
        return 1
    print("ok")
    return 0


def _be_the_first_to_go() -> None:
    """If memory runs out while this child loads, the system ends the child and not the kernel (Linux)."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3, 4):
        sys.exit("usage: python -m jupyter_localllm.engine.llama.probe FILE [ADAPTER [N_GPU_LAYERS]]")
    sys.exit(main(*sys.argv[1:]))
