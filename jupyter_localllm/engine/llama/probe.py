"""Decode one token with a model: the program of the child process that dies in the kernel's stead.

``python -m jupyter_localllm.engine.llama.probe FILE [ADAPTER [N_GPU_LAYERS]]`` exits with 0 and prints ``ok`` when it
worked.
"""

from __future__ import annotations

import sys

__all__ = ["main"]


def main(path: str, adapter: str = "", n_gpu_layers: str = "0") -> int:
    """Load `path` (and a LoRA adapter), decode one token, say how it went.

    Returns 1 for an error that llama.cpp reported itself.
    """
    from jupyter_localllm.engine.children import be_the_first_to_go
    from jupyter_localllm.engine.llama.devices import accelerators, libraries
    from jupyter_localllm.engine.llama.native import open_library
    from jupyter_localllm.engine.llama.resident import Resident
    from jupyter_localllm.engine.llama.settings import LlamaSettings
    from jupyter_localllm.errors import LocalLLMError

    be_the_first_to_go()
    try:
        native = open_library()
        if n_gpu_layers == "auto":  # one layer runs all of a GPU's kernels, and fits where all may not
            n_gpu_layers = "1" if accelerators(libraries(native.lib)) else "0"
        # A window of 512 and the batch of the real engine: the same kernels run, little memory is taken.
        resident = Resident(
            native,
            path,
            LlamaSettings(n_ctx=512, n_batch=512, n_parallel=1, n_gpu_layers=int(n_gpu_layers), adapter=adapter),
            lambda _fraction: True,
        )
        # Enough tokens for the matrix kernels of a prompt, then one for those of decoding.
        tokens = (resident.vocab.tokens("The quick brown fox jumps over the lazy dog. " * 4, special=False) or [0])[:64]
        if resident.writes:
            first = resident.batch.add(tokens, 0, 0, wanted=1)
            resident.decode()
            token = int(resident.logits(first + len(tokens) - 1).argmax())
            resident.batch.clear()
            resident.batch.add((token,), len(tokens), 0, wanted=1)
            resident.decode()
        elif resident.embedder is not None:
            resident.embedder.embed([tokens[: resident.n_ctx_train]])
        resident.free()
    except LocalLLMError as error:
        told = [f"{error.message.rstrip('.')}.", error.hint]
        print(" ".join(" ".join(told).split()), file=sys.stderr)  # the last line is what is told
        return 1
    print("ok")
    return 0


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3, 4):
        sys.exit("usage: python -m jupyter_localllm.engine.llama.probe FILE [ADAPTER [N_GPU_LAYERS]]")
    sys.exit(main(*sys.argv[1:]))
