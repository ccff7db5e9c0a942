"""Transformers on PyTorch: what Hugging Face's own library knows how to run.

Source: https://huggingface.co/docs/transformers. Its forward passes and caches are used; tokens are chosen by us.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import inspect
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from jupyter_localllm.engine.inprocess.network import WHOLE, Planner, grid_for
from jupyter_localllm.engine.inprocess.settings import FolderSettings
from jupyter_localllm.errors import DependencyMissing, EngineError, UsageError
from jupyter_localllm.types import FolderPlan, ModelFolder, Precision

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["TorchNetwork", "open_transformers", "precisions"]

_PASTS = ("past_key_values", "cache_params")  # what a forward pass calls its cache: attention, Mamba
_INSTALL = 'pip install "jupyter_localllm[transformers]"'

_SINGLE, _BFLOAT, _HALF = Precision("float32", 4, 4), Precision("bfloat16", 2, 2), Precision("float16", 2, 2)
# Linear layers take 0.52 bytes a weight with their scales, embeddings 2: that is 0.71 for the shapes of Llama 3.1 8B,
# and 0.83 for those of Llama 3.2 1B.
_FOUR_BITS = Precision("4-bit", 0.85, 2)


def open_transformers(folder: ModelFolder, settings: FolderSettings, plan: Planner) -> TorchNetwork:
    """Load a folder with Transformers; nothing is fetched, and no code of the folder is run.

    Raises
    ------
    DependencyMissing
        Transformers, PyTorch or bitsandbytes is not installed.
    UsageError
        4 bits were asked for, and there is no CUDA.
    ModelMemoryError
        It does not fit.
    EngineError
        Weights are missing in the folder.
    """
    with DependencyMissing.unless_imported("models of the backend transformers need it and PyTorch", _INSTALL):
        import torch
        import transformers
    if settings.n_threads:
        torch.set_num_threads(settings.n_threads)
    device = _device(torch, settings)
    half = _HALF if device == "cuda" and not torch.cuda.is_bf16_supported() else _BFLOAT
    free = torch.cuda.mem_get_info()[0] if device == "cuda" else None
    decided = plan(folder, precisions(folder, settings, device, half), settings.n_ctx, free)
    options = _options(torch, folder, decided.precision, half, device)
    kind = transformers.AutoModelForCausalLM if folder.writes else transformers.AutoModel
    with _quiet(transformers):
        model, report = kind.from_pretrained(
            folder.path,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
            **options,
        )
    missing = sorted(report.get("missing_keys", ()))
    if missing and folder.writes:  # they would be random numbers, and so would be the answers
        raise EngineError(
            f"{folder.name} lacks {len(missing)} of the tensors that {folder.architecture} has, as {missing[0]}",
            "The folder is incomplete, or of another kind of model: download it again.",
        )
    return TorchNetwork(model.eval(), folder, decided)


def precisions(
    folder: ModelFolder, settings: FolderSettings, device: str, half: Precision = _BFLOAT
) -> tuple[Precision, ...]:
    """The numbers in which a folder may be loaded, the best first.

    On a CPU 16 bits are slow without instructions for them, and on some virtual machines those fault: they are for
    models that do not fit otherwise.

    Parameters
    ----------
    device : {"cpu", "cuda", "mps"}
    half : Precision
        The 16 bits of that device.

    Raises
    ------
    UsageError
        4 bits were asked for and cannot be.
    """
    four = settings.quantization == "4bit"
    if four and folder.packed:
        raise UsageError(
            f"{folder.name} is quantized already ({folder.packed})", '%config LocalLLM.quantization = "auto"'
        )
    if device != "cuda" and (four or folder.packed == "bitsandbytes"):
        raise UsageError(
            "4 bits by bitsandbytes need a GPU with CUDA, and PyTorch sees none",
            "A GGUF file in Q4_K_M runs on the CPU in 4 bits."
            + (' Or: %config LocalLLM.quantization = "auto"' if four else ""),
        )
    if device == "cuda" and not folder.packed and settings.quantization != "none":
        return (_FOUR_BITS,) if four else (half, _FOUR_BITS)
    return (_SINGLE, half) if device == "cpu" else (half,)


def _device(torch: Any, settings: FolderSettings) -> str:
    if settings.gpu and torch.cuda.is_available():
        return "cuda"
    if settings.gpu and torch.backends.mps.is_available():
        return "mps"
    return "cpu"


def _options(torch: Any, folder: ModelFolder, precision: Precision, half: Precision, device: str) -> dict[str, Any]:
    """What `from_pretrained` is told besides the folder."""
    four = precision is _FOUR_BITS
    dtype = getattr(torch, half.name if four else precision.name)
    options: dict[str, Any] = {"dtype": "auto" if folder.packed else dtype}
    if device != "cpu":
        options["device_map"] = "auto" if device == "cuda" else device
    if four:
        options["quantization_config"] = _four_bits(dtype)
    return options


def _four_bits(compute: Any) -> Any:
    """Settings of bitsandbytes: NF4 with double quantization (QLoRA, Dettmers et al. 2023)."""
    with DependencyMissing.unless_imported("4 bits need bitsandbytes", "pip install bitsandbytes"):
        import bitsandbytes  # noqa: F401
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=compute,
    )


@contextlib.contextmanager
def _quiet(transformers: Any) -> Iterator[None]:
    """No bars and no advice of the library while it loads: they would go to whichever cell runs.

    And no kernels from the hub, which it would fetch for some models by itself where the package ``kernels`` is.
    """
    logging = transformers.utils.logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    hub: Any = importlib.import_module("transformers.integrations.hub_kernels")
    fetches = getattr(hub, "_kernels_enabled", False)  # what the variable USE_HUB_KERNELS decides at import
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    hub._kernels_enabled = False
    try:
        yield
    finally:
        hub._kernels_enabled = fetches
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


class TorchNetwork:
    """A model of Transformers; see `jupyter_localllm.engine.inprocess.network.Network`."""

    def __init__(self, model: Any, folder: ModelFolder, plan: FolderPlan) -> None:
        import torch

        self._torch, self._model, self._folder = torch, model, folder
        self.weights_bytes = int(model.get_memory_footprint())
        kind = model.device.type
        self.memory_bytes = 0 if kind == "cuda" else plan.total_bytes
        self.device = f"GPU {torch.cuda.get_device_name(model.device)}" if kind == "cuda" else kind.upper()
        self.device = f"PyTorch on the {self.device}"
        self.kind, self.n_ctx = folder.packed or plan.precision.name, plan.n_ctx
        # Passes of recurrent models go on by one token; what is longer they read as if it were the beginning.
        layers = getattr(self.start(), "layers", ())
        whole = any("Linear" in type(layer).__name__ for layer in layers)
        self.grid = WHOLE if whole else grid_for(self.weights_bytes, accelerated=kind != "cpu")
        takes = inspect.signature(model.forward).parameters
        self._last_only = {"logits_to_keep": 1} if "logits_to_keep" in takes else {}
        self._past = next((name for name in _PASTS if name in takes), "")
        if folder.writes and not self._past:  # it would forget all but the last token, and answer all the same
            raise EngineError(
                f"{folder.architecture} keeps what it has read in a way that is not known here",
                "A GGUF file of the model may run by llama.cpp.",
            )

    def start(self) -> Any:
        """A cache of keys and values that holds nothing."""
        from transformers import DynamicCache

        return DynamicCache(config=self._model.config)

    def read(self, tokens: Sequence[int], cache: Any) -> None:
        """Read tokens."""
        self._pass(tokens, cache)

    def logits(self, tokens: Sequence[int], cache: Any) -> NDArray[np.float32]:
        """Read tokens; what the last one says of the next."""
        found: NDArray[np.float32] = self._pass(tokens, cache).logits[0, -1].float().cpu().numpy()
        return found

    def cut(self, cache: Any, held: int, keep: int) -> bool:
        """Crop the cache, if no layer has forgotten what lies before."""
        sliding, linear = getattr(cache, "is_sliding", ()), getattr(cache, "is_linear", ())
        if any(sliding) or any(linear) or not getattr(cache, "is_croppable", True):
            return False
        cache.crop(keep - held)  # a negative number: so many from the end
        return True

    def embed(self, tokens: Sequence[int]) -> NDArray[np.float32]:
        """The pooled last hidden states."""
        with self._torch.inference_mode():
            hidden = self._model.base_model(self._input(tokens)).last_hidden_state[0].float()
            if self._folder.pooling == "mean":
                vector = hidden.mean(dim=0)
            else:
                vector = hidden[0 if self._folder.pooling == "cls" else -1]
            found: NDArray[np.float32] = vector.cpu().numpy()
        return found

    def free(self) -> None:
        """Give everything back."""
        self._model = None
        gc.collect()
        if self._torch.cuda.is_available():
            self._torch.cuda.empty_cache()

    def _pass(self, tokens: Sequence[int], cache: Any) -> Any:
        with self._torch.inference_mode():
            past = {self._past: cache, "use_cache": True}
            return self._model(input_ids=self._input(tokens), **past, **self._last_only)

    def _input(self, tokens: Sequence[int]) -> Any:
        return self._torch.tensor([list(tokens)], device=self._model.device)
