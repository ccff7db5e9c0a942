"""What is in a model folder, and whether it can be run: read from its JSON files and the headers of its weights."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from jupyter_localllm.errors import ModelFileError
from jupyter_localllm.models.folders.weights import read_weights
from jupyter_localllm.models.found.huggingface import kept_under
from jupyter_localllm.types import ModelFolder

__all__ = ["describe_folder"]

_LONGEST_JSON = 64_000_000  # bytes
_WRITERS = ("ForCausalLM", "LMHeadModel", "ForConditionalGeneration")
_OTHERS = {
    "ForSequenceClassification": "a classifier or reranker",
    "ForTokenClassification": "a classifier of tokens",
    "ForSpeechSeq2Seq": "a model for speech",
    "ForImageClassification": "a model for images",
}
_IMPLEMENTATIONS = ("attn_implementation", "_attn_implementation", "experts_implementation", "_experts_implementation")
_CONTEXTS = ("max_position_embeddings", "n_positions", "max_seq_len", "max_sequence_length", "seq_length", "n_ctx")
_AGAIN = "Download the folder again."


def describe_folder(
    path: str | os.PathLike[str], name: str, backend: str, sha256_of: Callable[[Path], str]
) -> ModelFolder:
    """Read and judge a model folder.

    Parameters
    ----------
    path : path
        The folder.
    name : str
        What people call it.
    backend : {"transformers", "mlx"}
        What is to run it.
    sha256_of : callable
        The hash of a file, remembered (`jupyter_localllm.models.sha256_of`). Not called for weights that Hugging Face's
        tools keep under their hash.

    Raises
    ------
    ModelFileError
        It is no usable model; the hint says what to do.
    """
    folder = Path(path)
    config = _config(folder)
    text = {**config, **_mapping(config.get("text_config"))}
    _judge(folder, config, backend)
    weights = read_weights(folder)
    _tokenizer(folder)
    settings = _json(folder / "tokenizer_config.json")
    generation = _json(folder / "generation_config.json")
    heads = _number(text, "num_attention_heads", "n_head")
    width = _number(text, "hidden_size", "n_embd", "d_model")
    layers = _number(text, "num_hidden_layers", "n_layer", "num_layers")
    each = _number(text, "head_dim") or (width // heads if heads else 0)
    architecture = _architecture(config)
    return ModelFolder(
        name=name,
        path=str(folder.absolute()),
        sha256=_fingerprint(folder, weights.files, sha256_of),
        size_bytes=weights.size_bytes,
        n_weights=weights.numbers,
        architecture=architecture,
        n_ctx_train=_number(text, *_CONTEXTS) or 2048,
        n_embd=width,
        kv_numbers_per_token=2 * layers * (_number(text, "num_key_value_heads") or heads) * each,
        writes=architecture.endswith(_WRITERS) and not (folder / "modules.json").exists(),
        packed=_packed(config),
        pooling=_pooling(folder),
        chat_template=_chat_template(folder, settings),
        special=_special(settings, _json(folder / "special_tokens_map.json")),
        ends=_ends(generation.get("eos_token_id"), text.get("eos_token_id")),
    )


def _config(folder: Path) -> dict[str, Any]:
    if (folder / "config.json").exists():
        config = _json(folder / "config.json")
        if not config:
            raise ModelFileError(f"The config.json of {folder} is empty.", _AGAIN)
        return config
    if (folder / "adapter_config.json").exists():
        base = _json(folder / "adapter_config.json").get("base_model_name_or_path", "its base model")
        raise ModelFileError(
            f"{folder} holds a LoRA adapter of {base}, no model.",
            "Merge it into its base model (peft's merge_and_unload), and name the result.",
        )
    read_weights(folder)  # says more where there are none
    raise ModelFileError(f"{folder} is no model folder: it has no config.json.", _AGAIN)


def _judge(folder: Path, config: Mapping[str, Any], backend: str) -> None:
    """Refuse what cannot run, or would run code of the folder."""
    architecture, packed = _architecture(config), _packed(config)
    for ending, what in _OTHERS.items():
        if architecture.endswith(ending):
            raise ModelFileError(f"{folder} ({architecture}) is {what}: it cannot write.", "Name a chat model.")
    if config.get("is_encoder_decoder"):
        raise ModelFileError(
            f"{folder} ({architecture}) has an encoder and a decoder, which the backend {backend} does not run.",
            "Name a model that only has a decoder, as nearly all chat models do.",
        )
    if config.get("model_file"):  # of mlx-lm; that of Transformers is not needed where the library has its own
        raise ModelFileError(
            f"{folder} brings Python code of its own, which is never run.",
            "Newer versions of many models need none: name one, or a GGUF file of this model.",
        )
    if "/" in "".join(str(config.get(key, "")) for key in _IMPLEMENTATIONS):  # a repository of compiled code
        raise ModelFileError(
            f"{folder} names kernels to be fetched from a hub, which is never done.",
            f"Take these out of its config.json: {', '.join(key for key in _IMPLEMENTATIONS if key in config)}",
        )
    if packed == "mlx" and backend != "mlx":
        raise ModelFileError(f"{folder} was quantized for MLX.", f"Write mlx:{folder}, or name the original model.")
    if packed == "bitsandbytes" and backend == "mlx":
        raise ModelFileError(
            f"{folder} was quantized by bitsandbytes, which needs CUDA.", "Name the original model, or one for MLX."
        )


def _architecture(config: Mapping[str, Any]) -> str:
    named = config.get("architectures")
    first = named[0] if isinstance(named, list) and named else named
    return first if isinstance(first, str) else str(config.get("model_type", "unknown"))


def _packed(config: Mapping[str, Any]) -> str:
    made = _mapping(config.get("quantization_config"))
    if "group_size" in _mapping(config.get("quantization")):
        return "mlx"
    method = made.get("quant_method")
    return str(method) if method else "quantized" if made else ""


def _tokenizer(folder: Path) -> None:
    if not (folder / "tokenizer.json").is_file():
        raise ModelFileError(
            f"{folder} has no tokenizer.json.",
            "Make one, where Transformers is installed: "
            f"python -c \"from transformers import AutoTokenizer as A; A.from_pretrained(r'{folder}')"
            f".save_pretrained(r'{folder}')\"",
        )


def _chat_template(folder: Path, settings: Mapping[str, Any]) -> str:
    """The template for messages, from a file of its own or the tokenizer's settings; of several the default one."""
    try:
        return (folder / "chat_template.jinja").read_text(encoding="utf-8")
    except OSError:
        pass
    found = settings.get("chat_template") or _json(folder / "chat_template.json").get("chat_template")
    if isinstance(found, list):
        named = {entry.get("name"): entry.get("template") for entry in found if isinstance(entry, dict)}
        found = named.get("default") or next(iter(named.values()), "")
    return found if isinstance(found, str) else ""


def _special(*settings: Mapping[str, Any]) -> dict[str, str]:
    """Texts of the tokens that templates ask for by name."""
    found: dict[str, str] = {}
    for name in ("bos_token", "eos_token", "unk_token", "pad_token"):
        for given in settings:
            value = given.get(name)
            value = value.get("content") if isinstance(value, dict) else value
            if isinstance(value, str) and name not in found:
                found[name] = value
    return found


def _ends(*given: Any) -> tuple[int, ...]:
    """Numbers of tokens, of one or of a list."""
    tokens = [token for one in given for token in (one if isinstance(one, list) else [one])]
    return tuple(sorted({token for token in tokens if isinstance(token, int) and token >= 0}))


def _pooling(folder: Path) -> Literal["mean", "cls", "last"]:
    """How sentence-transformers makes one vector of a text's."""
    config = _json(folder / "1_Pooling" / "config.json")
    mode = config.get("pooling_mode")
    if config.get("pooling_mode_cls_token") or mode == "cls":
        return "cls"
    return "last" if config.get("pooling_mode_lasttoken") or mode == "lasttoken" else "mean"


def _fingerprint(folder: Path, weights: tuple[Path, ...], sha256_of: Callable[[Path], str]) -> str:
    """A hash of names and contents: of the weights, and of all settings beside them."""
    settings = [path for ending in ("*.json", "*.jinja") for path in folder.glob(ending)]
    settings += (folder / "1_Pooling").glob("*.json")
    files = {path.relative_to(folder).as_posix(): path for path in (*weights, *settings) if path.is_file()}
    lines = [f"{name} {kept_under(path) or sha256_of(path)}\n" for name, path in sorted(files.items())]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _json(path: Path) -> dict[str, Any]:
    """A JSON object; empty if there is no such file."""
    try:
        if path.stat().st_size > _LONGEST_JSON:
            raise ModelFileError(f"{path} is too large for what it is called.", _AGAIN)
        read = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise ModelFileError(f"{path} cannot be read: {error}", _AGAIN) from None
    if not isinstance(read, dict):
        raise ModelFileError(f"{path} is not what it is called: it holds no JSON object.", _AGAIN)
    return read


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _number(config: Mapping[str, Any], *names: str) -> int:
    """The first of some settings that is a number; 0 if none is."""
    found = (config.get(name) for name in names)
    return next((value for value in found if isinstance(value, int) and not isinstance(value, bool)), 0)
