"""Every setting, as a trait."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from traitlets import Bool, Enum, Int, List, TraitError, TraitType, Unicode
from traitlets.config import Config, Configurable

from jupyter_localllm.config.kinds import Finite, VariableNames
from jupyter_localllm.config.layers import (
    default_cache_dir,
    default_pull_dir,
    environment_settings,
    pyproject_settings,
    working_directory,
)
from jupyter_localllm.config.telling import reason
from jupyter_localllm.errors import SettingsError, close_match
from jupyter_localllm.types import Sampling

__all__ = ["DEFAULT_MODEL", "MODEL_PLACES", "Settings"]

DEFAULT_MODEL = "smollm2-135m-instruct"
MODEL_PLACES = ("huggingface", "lmstudio", "llama.cpp", "gpt4all", "ollama")
_DEFAULTS = Sampling()
_PATHS = ("model_dirs", "model_places")  # lists that the environment writes as PATH
_RESERVED = ("config", "parent", "log")


class Settings(Configurable):
    """The traits of `jupyter_localllm.LocalLLM`, and where the value of each comes from."""

    model = Unicode(DEFAULT_MODEL, help="Catalog name, path of a GGUF file, or backend:name.").tag(config=True)
    model_dirs = List(Unicode(), help="Folders in which models are found by their file names.").tag(config=True)
    model_places = List(
        Enum(MODEL_PLACES), list(MODEL_PLACES), help="Programs whose folders are searched for models, too; read only."
    ).tag(config=True)
    pull_dir = Unicode(help="Folder into which %llm pull fetches models.").tag(config=True)
    max_models = Int(
        4, min=1, help="Most models in memory at the same time; the one that was not used for longest makes room."
    ).tag(config=True)
    adapter = Unicode("", help="LoRA adapter (GGUF) to apply, a path or a name in the folders; empty for none.").tag(
        config=True
    )
    n_ctx = Int(
        None, allow_none=True, min=64, help="Window in tokens; None: what the model was trained with and memory allows."
    ).tag(config=True)
    n_threads = Int(
        0, min=0, max=512, help="Threads that decode; 0: what calibration finds, or the physical cores."
    ).tag(config=True)
    n_batch = Int(512, min=1, max=65536, help="Most tokens in one native call.").tag(config=True)
    n_ubatch = Int(
        0, min=0, max=65536, help="Most tokens in one pass through the model; 0: what calibration finds, or 512."
    ).tag(config=True)
    n_parallel = Int(32, min=1, max=256, help="Most answers that are written at the same time.").tag(config=True)
    n_gpu_layers = Int(
        None,
        allow_none=True,
        min=-1,
        max=10_000,
        help="Layers on the GPU, -1 for all; None: what its memory holds, if the build supports it.",
    ).tag(config=True)
    flash_attn = Enum(["auto", "on", "off"], "auto", help="Flash attention.").tag(config=True)
    kv_cache_type = Enum(["f16", "q8_0"], "f16", help="Numbers of the KV cache; q8_0 takes half the memory.").tag(
        config=True
    )
    speculation = Bool(True, help="Guess tokens ahead where the text repeats itself, and verify them together.").tag(
        config=True
    )
    draft_model = Unicode("", help="A small model of the same vocabulary that guesses ahead; empty for none.").tag(
        config=True
    )
    calibrate = Bool(
        True, help="Measure once, in a child process, which threads and batch sizes are fastest here."
    ).tag(config=True)
    embedding_model = Unicode(
        "", help="An embedding model that helps to choose passages of texts to cite; empty: by words alone."
    ).tag(config=True)
    reader = Enum(
        ["words", "model", "sql"],
        "words",
        help="Who decides what a question means where its words leave it uncertain: nobody, the model, or its SELECT.",
    ).tag(config=True)
    source_tokens = Int(
        1500, min=100, max=1_000_000, help="Most tokens of the passages that a question with sources brings along."
    ).tag(config=True)
    isolation = Enum(["kernel", "process"], "kernel", help="Where the model runs: in the kernel, or in a child.").tag(
        config=True
    )
    offline = Bool(
        None,
        allow_none=True,
        help="None: only what you name is contacted; True: nor is that; False: no guard in this process.",
    ).tag(config=True)
    endpoint = Unicode("", help="Address of the server of a backend's model; empty for the backend's usual one.").tag(
        config=True
    )
    allow_remote = Bool(False, help="Whether a server on another machine may be asked: prompts leave this one.").tag(
        config=True
    )
    api_key_env = VariableNames(
        "",
        help="Variables with servers' keys: host=VARIABLE, or one alone for endpoint; empty: the makers' own.",
    ).tag(config=True)
    server_timeout = Finite(600.0, min=0.1, help="Longest silence of a server that is answering, in seconds.").tag(
        config=True
    )
    keep_alive = Unicode("", help="How long Ollama keeps a model after a request, as 5m; empty: its own rule.").tag(
        config=True
    )
    quantization = Enum(
        ["auto", "4bit", "none"],
        "auto",
        help="Of a folder's weights while Transformers loads them: 4 bits where CUDA is; auto: if 16 do not fit.",
    ).tag(config=True)
    state_cache_size = Int(
        1 << 29, min=0, help="Most bytes of read prompts kept on disk, so that sources are not read again; 0: none."
    ).tag(config=True)
    state_memory_size = Int(1 << 28, min=0, help="Most bytes of read prompts kept in memory beside the window.").tag(
        config=True
    )

    system = Unicode("You are a helpful assistant.", help="System message; empty for none.").tag(config=True)
    temperature = Finite(_DEFAULTS.temperature, min=0.0, max=100.0, help="0: the most likely token, always.").tag(
        config=True
    )
    top_k = Int(_DEFAULTS.top_k, min=0, help="Choose among the k most likely tokens; 0: all.").tag(config=True)
    top_p = Finite(_DEFAULTS.top_p, min=0.0, max=1.0, help="Choose among the tokens that make up this share.").tag(
        config=True
    )
    min_p = Finite(_DEFAULTS.min_p, min=0.0, max=1.0, help="Drop tokens less likely than this share of the best.").tag(
        config=True
    )
    typical_p = Finite(_DEFAULTS.typical_p, min=0.0, max=1.0, help="Locally typical sampling; 1: off.").tag(config=True)
    repeat_penalty = Finite(_DEFAULTS.repeat_penalty, min=0.01, max=10.0, help="Against repetition; 1: off.").tag(
        config=True
    )
    repeat_last_n = Int(
        _DEFAULTS.repeat_last_n, min=-1, max=1 << 20, help="Tokens the penalties look back; -1: all."
    ).tag(config=True)
    frequency_penalty = Finite(_DEFAULTS.frequency_penalty, min=-2.0, max=2.0, help="By count; 0: off.").tag(
        config=True
    )
    presence_penalty = Finite(_DEFAULTS.presence_penalty, min=-2.0, max=2.0, help="If present; 0: off.").tag(
        config=True
    )
    seed = Int(_DEFAULTS.seed, min=-1, max=2**32 - 2, help="Of the random choice; -1: a new one each time.").tag(
        config=True
    )
    max_tokens = Int(None, allow_none=True, min=1, help="Longest answer; None: to its end, 1,024 tokens at most.").tag(
        config=True
    )
    reasoning_budget = Int(
        None, allow_none=True, min=0, help="Most tokens of a model's reasoning; then the answer begins. None: no limit."
    ).tag(config=True)
    tool_rounds = Int(
        8, min=1, max=1000, help="Most rounds in which the model may call tools; then it must answer."
    ).tag(config=True)
    must_call = Bool(
        False, help="Whether an answer with tools begins with a call: small models write calls better than they decide."
    ).tag(config=True)
    schema = Unicode(
        "", help="What plain answers must be: a JSON Schema, or a file (.json, .gbnf, .lark); empty: free text."
    ).tag(config=True)
    stop = List(Unicode(), help="The answer ends before the first of these strings.").tag(config=True)

    verbose = Bool(False, help="Show on stderr what llama.cpp logs while it works.").tag(config=True)
    cache = Enum(["use", "refresh", "off", "require"], "use", help="What to do with the answer cache.").tag(config=True)
    cache_dir = Unicode(help="Directory of the cache.").tag(config=True)
    cache_size = Int(1 << 30, min=1 << 20, help="Most bytes of the cache on disk.").tag(config=True)

    format = Enum(["markdown", "text", "json", "code"], "markdown", help="How answers are shown.").tag(config=True)
    streaming = Bool(True, help="Show the answer while it is written.").tag(config=True)
    on_error = Enum(["raise", "record"], "raise", help="record: show the error and let the notebook go on.").tag(
        config=True
    )

    def __init__(self, **settings: Any) -> None:
        self._origins: dict[str, str] = {}
        self._layer = "argument"
        names = self.setting_names()
        for name in settings:
            if name not in names and name not in _RESERVED:
                raise SettingsError(f"unknown setting {name!r}", close_match(name, names) or "%llm config lists all.")
        framework = {name: settings.pop(name) for name in _RESERVED if name in settings}
        self._layer = "configuration file"
        super().__init__(**framework)
        project, path = pyproject_settings(working_directory(), names)
        self._apply(project, str(path))
        for name, text in environment_settings(os.environ, names).items():
            self._apply({name: self._from_text(name, text)}, "environment")
        self._apply(settings, "argument")
        self._layer = "set in this session"

    @classmethod
    def setting_names(cls) -> list[str]:
        """Names of all settings."""
        return sorted(cls.class_traits(config=True))

    @property
    def search(self) -> tuple[str, ...]:
        """Where models are found by name: the folders of the settings, our own, and other programs' places."""
        return (*self.model_dirs, self.pull_dir, *(f"@{place}" for place in self.model_places))

    def sampling(self, options: Mapping[str, Any]) -> Sampling:
        """The sampling value, with `options` in place of the traits.

        A seed of -1 is drawn here, so that provenance tells it and the cache does not replay what should be random.
        """
        sampling = Sampling(**{f.name: options.get(f.name, getattr(self, f.name)) for f in fields(Sampling)})
        if sampling.seed < 0 and not sampling.greedy:
            return replace(sampling, seed=secrets.randbelow(2**32 - 1))
        return sampling

    def origin(self, name: str) -> str:
        """Where the value of a setting comes from."""
        return self._origins.get(name, "default")

    def checked(self, name: str, value: Any) -> Any:
        """`value` as the trait `name` would hold it.

        Raises
        ------
        SettingsError
            No such setting, or a value that it cannot have.
        """
        names = self.setting_names()
        if name not in names:
            raise SettingsError(f"unknown setting {name!r}", close_match(name, names) or "%llm config lists all.")
        trait = self.traits()[name]
        if isinstance(trait, (List,)) and isinstance(value, str):
            value = [value]
        if isinstance(value, tuple):
            value = list(value)
        try:
            return trait._validate(self, value)
        except TraitError as error:
            raise SettingsError(f"{name} cannot be {value!r}: {reason(trait, error)}", str(trait.help)) from error

    def _from_text(self, name: str, text: str) -> Any:
        trait = self.traits()[name]
        try:
            if isinstance(trait, List):
                return [part for part in text.split(os.pathsep) if part] if name in _PATHS else [text]
            return trait.from_string(text)
        except (ValueError, TraitError) as error:
            raise SettingsError(f"{name} cannot be {text!r}: {error}", str(trait.help)) from error

    def _apply(self, values: Mapping[str, Any], layer: str) -> None:
        self._layer = layer
        for name, value in values.items():
            setattr(self, name, self.checked(name, value))
            self._origins[name] = layer

    def _notify_trait(self, name: str, old_value: Any, new_value: Any) -> None:
        if name in self.class_traits(config=True):
            self._origins[name] = self._layer
        super()._notify_trait(name, old_value, new_value)

    def _load_config(
        self, cfg: Config, section_names: Any = None, traits: dict[str, TraitType[Any, Any]] | None = None
    ) -> None:
        """Refuse unknown names, where traitlets only warns."""
        names = self.setting_names()
        for name in self._find_my_config(cfg):
            if name not in names and not name[:1].isupper():  # a capital begins another class's section
                raise SettingsError(
                    f"unknown setting {name!r} in the configuration of LocalLLM",
                    close_match(name, names) or "%llm config lists all.",
                )
        with _clear_errors():
            super()._load_config(cfg, section_names, traits)

    def _cache_dir_default(self) -> str:
        return str(default_cache_dir())

    def _pull_dir_default(self) -> str:
        return str(default_pull_dir())


@contextlib.contextmanager
def _clear_errors() -> Any:
    try:
        yield
    except TraitError as error:
        raise SettingsError(f"a setting in the configuration of LocalLLM is wrong: {error}") from error
