"""MLX, by mlx-lm: Apple silicon first of all; its CPU build runs on Linux, too.

Source: https://github.com/ml-explore/mlx-lm. Only its models, its loading and its caches are used.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_localllm.engine.inprocess.network import Planner, grid_for
from jupyter_localllm.engine.inprocess.settings import FolderSettings
from jupyter_localllm.errors import DependencyMissing, EngineError, UsageError
from jupyter_localllm.types import FolderPlan, ModelFolder, Precision

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["MlxNetwork", "open_mlx"]


_STORED = Precision("stored", 0, 2)


def open_mlx(folder: ModelFolder, settings: FolderSettings, plan: Planner) -> MlxNetwork:
    """Load a folder with mlx-lm; nothing is fetched, and no code of the folder is run.

    Raises
    ------
    DependencyMissing
        mlx-lm is not installed.
    ModelMemoryError
        It does not fit.
    UsageError
        The weights cannot be quantized while they are loaded.
    """
    how = 'pip install "jupyter_localllm[mlx]"'
    with DependencyMissing.unless_imported("models of the backend mlx need mlx-lm", how):
        import mlx.core  # noqa: F401
        from mlx_lm.utils import load_model
    if settings.quantization == "4bit":
        raise UsageError(
            "MLX does not quantize weights while they are loaded",
            f"Convert the folder once: mlx_lm.convert --hf-path {folder.path} -q",
        )
    decided = plan(folder, (_STORED,), settings.n_ctx)  # the GPU's memory is the main memory
    model, config = load_model(Path(folder.path), model_config=old_rope(_config(folder)))
    return MlxNetwork(model, config, folder, decided, gpu=settings.gpu)


def old_rope(config: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of rotary positions as mlx-lm's models look for them, where a folder has them in the newer form only.

    Transformers 5 writes ``rope_parameters``. What mlx-lm does not find it takes for its own usual value, and then a
    model answers fluently and wrong.

    Examples
    --------
    >>> old_rope({"rope_parameters": {"rope_theta": 5e5, "rope_type": "default"}})
    {'rope_theta': 500000.0}
    """
    text = config.get("text_config")
    if isinstance(text, Mapping):  # models that see as well keep the settings of their texts one level down
        inner = old_rope(text)
        return {"text_config": {**text, **inner}} if inner else {}
    new = config.get("rope_parameters")
    if not isinstance(new, Mapping):
        return {}
    found: dict[str, Any] = {}
    whole, near = new.get("full_attention", new), new.get("sliding_attention", {})
    if "rope_theta" in whole:
        found["rope_theta"] = whole["rope_theta"]
    if "rope_theta" in near:
        found["rope_local_base_freq"] = near["rope_theta"]
    if whole.get("rope_type", "default") != "default":
        found["rope_scaling"] = {key: value for key, value in whole.items() if key != "rope_theta"}
    return {key: value for key, value in found.items() if config.get(key) is None}


def _config(folder: ModelFolder) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((Path(folder.path) / "config.json").read_text(encoding="utf-8"))
    return read


class MlxNetwork:
    """A model of mlx-lm; see `jupyter_localllm.engine.inprocess.network.Network`."""

    def __init__(self, model: Any, config: dict[str, Any], folder: ModelFolder, plan: FolderPlan, *, gpu: bool) -> None:
        import mlx.core as mx
        from mlx.utils import tree_flatten

        self._mx, self._model, self._folder = mx, model, folder
        self.n_ctx, self.memory_bytes = plan.n_ctx, plan.total_bytes
        self._on = mx.default_device() if gpu else mx.Device(mx.cpu)
        arrays = [array for _, array in tree_flatten(model.parameters())]
        self.weights_bytes = sum(array.nbytes for array in arrays)
        self.device = "MLX on the GPU" if self._on.type == mx.DeviceType.gpu else "MLX on the CPU"
        packed = config.get("quantization") or {}
        kinds = {str(array.dtype).rpartition(".")[2] for array in arrays}
        self.kind = f"{packed['bits']}-bit" if "bits" in packed else ", ".join(sorted(kinds))
        self.grid = grid_for(self.weights_bytes, accelerated=self._on.type == mx.DeviceType.gpu)

    def start(self) -> Any:
        """A cache of keys and values that holds nothing."""
        from mlx_lm.models.cache import make_prompt_cache

        return make_prompt_cache(self._model)

    def read(self, tokens: Sequence[int], cache: Any) -> None:
        """Read tokens; arrays are lazy, so what is not asked for (the logits) is not computed."""
        mx = self._mx
        with mx.stream(self._on):
            self._model(mx.array([list(tokens)]), cache=cache)
            mx.eval([layer.state for layer in cache])

    def logits(self, tokens: Sequence[int], cache: Any) -> NDArray[np.float32]:
        """Read tokens; what the last one says of the next."""
        import numpy as np

        mx = self._mx
        with mx.stream(self._on):
            last = self._model(mx.array([list(tokens)]), cache=cache)[0, -1].astype(mx.float32)
            mx.eval(last, [layer.state for layer in cache])
        return np.array(last)

    def cut(self, cache: Any, held: int, keep: int) -> bool:
        """Trim the cache, where all its layers can be trimmed."""
        from mlx_lm.models.cache import can_trim_prompt_cache, trim_prompt_cache

        return bool(can_trim_prompt_cache(cache) and trim_prompt_cache(cache, held - keep) == held - keep)

    def embed(self, tokens: Sequence[int]) -> NDArray[np.float32]:
        """The pooled hidden states before the logits."""
        import numpy as np

        mx = self._mx
        body = getattr(getattr(self._model, "language_model", self._model), "model", None)
        if body is None:
            raise EngineError(f"{self._folder.name} cannot embed with MLX", "Choose an embedding model as GGUF.")
        with mx.stream(self._on):
            hidden = body(mx.array([list(tokens)]))[0].astype(mx.float32)
            pooled = {"mean": lambda: hidden.mean(axis=0), "cls": lambda: hidden[0], "last": lambda: hidden[-1]}
            vector = pooled[self._folder.pooling]()
            mx.eval(vector)
        return np.array(vector)

    def free(self) -> None:
        """Give everything back."""
        self._model = None
        self._mx.clear_cache()
