"""Broken files in the isolated engine: each is an error of our tree or an answer, and this process goes on.

The files are not checked before: what is tried here is what gets past the checks.
"""

from __future__ import annotations

import math
import random
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from jupyter_localllm.engine.children import command
from jupyter_localllm.engine.llama import LlamaSettings
from jupyter_localllm.engine.owner import cancel_scope
from jupyter_localllm.engine.process import ProcessEngine
from jupyter_localllm.errors import LocalLLMError
from jupyter_localllm.models.gguf import read_header
from jupyter_localllm.types import Done, Job, Prompt
from tests.contracts import wait_for
from tests.engine.process.conftest import alive, file_of
from tests.models.test_mutations import MUTATIONS
from tests.tiny_models import write_tiny_llama

SAMPLE, WHOLE = 20, 2_000
SECONDS = 60.0  # after which a child that computes for ever is let be
JOB = Job(Prompt((), ("Hello <|im_end|> you.",)), max_tokens=2)
SHAPE: dict[str, int] = {"n_vocab": 262, "n_embd": 32, "n_layer": 1, "n_head": 2, "n_head_kv": 1, "n_ff": 32}
TENSORS = (b"token_embd.weight", b"output_norm.weight", b"attn_norm.weight", b"attn_q.weight", b"attn_k.weight")
TENSORS += (b"attn_v.weight", b"attn_output.weight", b"ffn_norm.weight", b"ffn_gate.weight", b"ffn_down.weight")
NUMBERS = (0, 1, 2, 3, 7, 16, 31, 33, 64, 255, 261, 262, 1000, 65_536, 2**31 - 1, 2**31, 2**32 - 1)
FLOATS = (0.0, -1.0, 1e-30, 1e30, math.inf, math.nan)
COUNTS = ("context_length", "embedding_length", "block_count", "feed_forward_length", "attention.head_count")
COUNTS += ("attention.head_count_kv", "rope.dimension_count", "attention.key_length", "attention.value_length")
COUNTS += (
    "expert_count",
    "expert_used_count",
    "vocab_size",
    "attention.sliding_window",
    "rope.scaling.original_context",
)
CLAIMS: dict[str, tuple[Any, ...]] = {
    **{f"llama.{key}": NUMBERS for key in COUNTS},
    **{f"tokenizer.ggml.{name}_token_id": NUMBERS for name in ("bos", "eos", "padding", "eot", "eom", "unknown")},
    "llama.attention.layer_norm_rms_epsilon": FLOATS,
    "llama.rope.freq_base": FLOATS,
    "llama.rope.scaling.factor": FLOATS,
    "llama.rope.scaling.type": ("none", "linear", "yarn", "longrope", ""),
    "llama.attention.causal": (False, True),
    "general.architecture": ("gpt2", "qwen2", "gemma2", "mamba", "bert", "t5", "phi3", "rwkv6", "llama4", ""),
    "general.alignment": NUMBERS,
    "tokenizer.ggml.model": ("llama", "bert", "t5", "rwkv", "none", "gpt2", ""),
    "tokenizer.ggml.pre": ("default", "llama-bpe", "qwen2", "no such", ""),
    "tokenizer.ggml.tokens": (["a"], [""] * 262, ["a"] * 262, [str(i) for i in range(262)], ["\x00"] * 300),
    "tokenizer.ggml.token_type": ([1], [3] * 262, [6] * 262, [0] * 262, [2**31 - 1] * 262, [1] * 300),
    "tokenizer.ggml.scores": ([0.0], [math.nan] * 262),
    "tokenizer.ggml.merges": ([""], ["a"], ["a b c"], [" "] * 9, ["a b"] * 1000),
    "tokenizer.ggml.add_bos_token": (True,),
    "tokenizer.ggml.add_space_prefix": (True,),
    "tokenizer.chat_template": ("", "{{", "{% for %}", "a" * 100_000),
}
# A file may ask for any amount of memory: the child of the campaign gets no more than this.
LIMITS = (
    "import resource; resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))\n" if sys.platform == "linux" else ""
)
ARGV = [*command("jupyter_localllm.engine.process.child")]
ARGV[2] = LIMITS + ARGV[2]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, int]:
    """A model of 20 kB and the length of its header."""
    path = tmp_path_factory.mktemp("small") / "small.gguf"
    write_tiny_llama(path, **SHAPE)
    return path.read_bytes(), read_header(path).data_offset


def bytes_anywhere(rng: random.Random, small: tuple[bytes, int]) -> bytes:
    """The changes by which the reader of headers is tried; llama.cpp's own reader refuses most of them."""
    content = bytearray(small[0])
    rng.choice(MUTATIONS)(rng, content, small[1])
    return bytes(content)


def tensor_table(rng: random.Random, small: tuple[bytes, int]) -> bytes:
    """Single numbers of the table of tensors: dimensions, types, offsets."""
    content, header = bytearray(small[0]), small[1]
    for _ in range(rng.choice((1, 1, 2))):
        name = rng.choice(TENSORS)
        at = content.index(name, content.index(TENSORS[0])) + len(name)  # then: n (4), n dimensions (8), type, offset
        dimensions = int.from_bytes(content[at : at + 4], "little")
        if not 0 < dimensions < 5 or at + 8 * dimensions + 16 > header:
            continue
        offset, width = rng.choice(((0, 4), (4, 8), (4 + 8 * dimensions, 4), (8 + 8 * dimensions, 8)))
        old = int.from_bytes(content[at + offset : at + offset + width], "little")
        new = rng.choice((0, 1, 2, 3, 8, 14, 30, 32, old + 1, old * 2, old // 2, old + 32, 2**31, 2**62))
        content[at + offset : at + offset + width] = (new % 2 ** (8 * width)).to_bytes(width, "little")
    return bytes(content)


def metadata(rng: random.Random, path: Path) -> bytes:
    """A file whose form is right and whose claims are wrong: what gets furthest into llama.cpp."""
    claims = {}
    for _ in range(rng.choice((1, 1, 1, 2))):
        key = rng.choice(list(CLAIMS))
        claims[key] = rng.choice(CLAIMS[key])
    architecture = str(claims.pop("general.architecture", "llama"))
    shape = {**SHAPE, **({"n_layer": 2, "n_ff": 32} if rng.random() < 0.1 else {})}
    write_tiny_llama(path, architecture=architecture, metadata=claims, **shape)
    return path.read_bytes()


def mutated(path: Path, small: tuple[bytes, int], seed: int) -> bytes:
    rng = random.Random(seed)
    kind = rng.random()
    if kind < 0.25:
        return bytes_anywhere(rng, small)
    return tensor_table(rng, small) if kind < 0.6 else metadata(rng, path)


def outcome(path: Path) -> str:
    """What comes of loading a file and asking for two tokens."""
    engine = ProcessEngine(file_of(path), LlamaSettings(n_ctx=64, n_threads=1), argv=ARGV)
    released = threading.Event()
    timer = threading.Timer(SECONDS, released.set)
    timer.start()
    token = cancel_scope.set(released)
    try:
        *_, last = [*engine.load(), *engine.generate(JOB)]
        found = "answered" if isinstance(last, Done) else "endless"
    except LocalLLMError as error:
        found = "died" if "untouched" in error.message else "refused"
    finally:
        cancel_scope.reset(token)
        timer.cancel()
        pid = engine.pid
        engine.close()
    wait_for(lambda: not alive(pid))
    return found


def campaign(path: Path, small: tuple[bytes, int], seeds: range) -> Counter[str]:
    outcomes: Counter[str] = Counter()
    for seed in seeds:
        path.write_bytes(mutated(path, small, seed))
        outcomes[outcome(path)] += 1
    return outcomes


def test_broken_files_in_the_child(small: tuple[bytes, int], tmp_path: Path) -> None:
    """Twenty seeded mutations are each an answer or an error; the parent neither dies nor waits for ever."""
    outcomes = campaign(tmp_path / "m.gguf", small, range(SAMPLE))
    assert outcomes["refused"] > 0
    assert outcomes["answered"] > 0
    assert outcomes["endless"] == 0


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_broken_files_in_the_child_the_whole_campaign(small: tuple[bytes, int], tmp_path: Path) -> None:
    """2,000 seeded mutations are each an answer or an error; the parent neither dies nor waits for ever."""
    outcomes = campaign(tmp_path / "m.gguf", small, range(SAMPLE, SAMPLE + WHOLE))
    print(dict(outcomes))
    assert outcomes["died"] > 0  # what the isolation is for does happen
    assert outcomes["endless"] == 0
