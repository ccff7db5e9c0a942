"""The tests' own tiny models of each kind, and what llama.cpp's memory does with each.

Measured with llama-cpp-python 0.3.36 and a unified cache (``kv_unified=True``, ``n_seq_max=8``); ``MEMORY`` below
holds it as a table, and the test compares. "Right" means the logits of a context that never did anything else:
bit-equal where the cells lie in the same order without gaps, within some 1e-5 otherwise (4e-3 with flash attention).

All kinds
    A whole sequence is removed by ``seq_rm(seq, 0, -1)``, copied by ``seq_cp(src, dst, -1, -1)`` and both go on
    rightly; a full state (``LLAMA_STATE_SEQ_FLAGS_NONE``) goes into any sequence of any context of equal KV types and
    equal flash attention (``set_data`` returns 0 otherwise), also beside other sequences and over an old content,
    whatever ``n_ctx``, ``n_seq_max`` and ``swa_full``. ``seq_cp`` onto a sequence that is not empty mixes both in
    silence: empty it first.
Dense
    Tails are removed, prefixes copied, states cut to any length.
Sliding window (``llama_model_n_swa`` > 0; a token sees that many, itself included)
    ``seq_rm`` and ``seq_cp`` always succeed; what they leave is right only if ``seq_pos_min(src) <= max(0, p - n_swa
    + 1)`` for the kept length ``p``. Cells outside the window are overwritten when the cache's search for a free cell
    comes by, also with ``swa_full=True`` and an almost empty cache; never when two sequences share them. That is why
    ``swa_full=False`` fails after sharing: 400 tokens in all eight sequences fill the small cache, and
    ``llama_decode`` returns 1. A state holds the last ``n_swa`` cells only: it can be cut by one token, not by two (a
    longer cut succeeds, and the logits are wrong). A restore that failed leaves half of the state while
    ``seq_pos_min`` says -1: remove the sequence after it.
Recurrent (``llama_model_is_recurrent``)
    One cell per sequence: ``seq_pos_min == seq_pos_max``. A tail cannot be removed, not even one token (``seq_rm`` is
    False and changes nothing). ``seq_cp`` of a prefix copies the state of *all* tokens; decoding then returns -1.
    After an aborted decode (2) the sequence's positions go on as if it had been evaluated: it is lost, others are
    not.
Hybrid (``llama_model_is_hybrid``)
    As recurrent, but ``seq_cp`` of a prefix is worse: the decode succeeds and its logits are wrong (``seq_pos_min >
    seq_pos_max`` tells). Some architectures (lfm2, qwen35, nemotron_h, …) can take back up to ``n_rs_seq`` tokens,
    once after each decode.
Checkpoints
    ``LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY`` holds what cannot be cut, and only that: taken at ``p``, set later on the
    same sequence followed by ``seq_rm(seq, p, -1)``, or on a copy made by ``seq_cp(src, dst, 0, p)``, it is right for
    all kinds. (For a dense model it is the full state.)
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_localllm.models.checks import _find_library
from tests.tiny_kinds import KINDS, write_tiny_bert, write_tiny_swa

WRITERS: dict[str, Callable[..., Path]] = {
    **KINDS,
    "only swa": lambda path, **options: write_tiny_swa(path, interleaved=False, **options),
    "bert": write_tiny_bert,
}

EVERY = {
    "emptied": [-1, -1],
    "all copied: source goes on": "right",
    "all copied: copy goes on": "right",
    "state: other sequence": "right",
    "state: fresh context": "right",
    "cut state: refused": True,
    "cut state: removed": "right",
    "checkpoint: same sequence": "right",
    "checkpoint: copy": "right",
    "aborted": True,
    "aborted: other sequence": "right",
    "finite": True,
}
CUTS = {
    "span": [0, 59],
    "tail removed": True,
    "span then": [0, 39],
    "tail again": "right",
    "part copied": [0, 39],
    "part goes on": "right",
    "aborted: span": [0, 59],
    "state: back to 59": "right",
}
WHOLE = {
    "span": [59, 59],
    "tail removed": False,
    "span then": [59, 59],
    "state: span": [59, 59],
    "state: back to 59": "refused",
    "state: back to 58": "refused",
    "aborted: span": [69, 69],
    "400: span": [399, 399],
    "400: shared": 0,
}
SWA = {**CUTS, "n_swa": 16, "state: span": [44, 59], "state: back to 58": "wrong"}
MEMORY: dict[tuple[str, bool], dict[str, Any]] = {
    ("dense", True): {**CUTS, "state: span": [0, 59], "state: back to 58": "right", "400: shared": 0},
    ("swa", True): {**SWA, "400: span": [0, 399], "400: shared": 0, "cut state: without removing": "wrong"},
    ("swa", False): {**SWA, "400: span": [144, 399], "400: shared": 1, "cut state: without removing": "wrong"},
    ("only swa", True): {**SWA, "400: span": [0, 399], "400: shared": 0},
    ("only swa", False): {**SWA, "400: span": [144, 399], "400: shared": 1},
    ("recurrent", True): {**WHOLE, "part copied": [59, 59], "part goes on": "refused", "snapshots": False},
    ("hybrid", True): {**WHOLE, "part copied": [59, 39], "part goes on": "wrong", "snapshots": True},
}

EMBED = """if True:
    import sys
    from llama_cpp import llama_cpp as L
    L.llama_backend_init()
    model = L.llama_model_load_from_file(sys.argv[1].encode(), L.llama_model_default_params())
    vocab, n_embd = L.llama_model_get_vocab(model), L.llama_model_n_embd(model)
    params = L.llama_context_default_params()
    params.n_ctx = params.n_batch = params.n_ubatch = 64
    params.embeddings = True
    context = L.llama_init_from_model(model, params)
    assert L.llama_pooling_type(context) == L.LLAMA_POOLING_TYPE_MEAN
    def embed(text):
        ids = (L.llama_token * 64)()
        count = L.llama_tokenize(vocab, text.encode(), len(text.encode()), ids, 64, True, False)
        assert (ids[0], ids[count - 1]) == (2, 3) and 1 not in ids[:count], list(ids[:count])
        assert L.llama_encode(context, L.llama_batch_get_one(ids, count)) == 0
        return L.llama_get_embeddings_seq(context, 0)[:n_embd]
    vectors = [embed(text) for text in ("Hello, world 7!", "another text", "hello world 7")]
    assert n_embd == 32 and all(value == value for vector in vectors for value in vector)
    cosine = lambda a, b: sum(x * y for x, y in zip(a, b)) / (sum(x * x for x in a) * sum(y * y for y in b)) ** 0.5
    print(cosine(vectors[0], vectors[1]), cosine(vectors[0], vectors[2]))
"""


def child(*arguments: str) -> str:
    """What a child process prints; llama.cpp can end it, and not the tests."""
    if _find_library() is None:
        pytest.skip("llama-cpp-python is not installed")
    done = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=Path(__file__).parents[1],
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def right(value: object) -> object:
    return "right" if value in ("equal", "near") else value


@pytest.mark.parametrize(("kind", "swa_full"), MEMORY)
def test_the_memory_of_each_kind(tmp_path: Path, kind: str, swa_full: bool) -> None:
    """Each model is of the kind it claims, with usual logits, and llama.cpp's memory does what the table says."""
    path = WRITERS[kind](tmp_path / "m.gguf")
    facts = json.loads(child("-m", "tests.tiny_facts", str(path), str(int(swa_full))))
    expected = {**EVERY, "n_swa": 0, "recurrent": kind == "recurrent", "hybrid": kind == "hybrid"}
    expected |= MEMORY[kind, swa_full]
    assert {name: right(facts[name]) for name in expected} == expected
    assert 0.5 < facts["deviation"] < 2
    assert facts["margin"] > 0
    assert facts["moved by the tenth last token"] > 0.3


def test_the_encoder_gives_one_vector_for_a_text(tmp_path: Path) -> None:
    """The WordPiece tokenizer knows every character and adds its marks; texts that are alike have vectors alike."""
    other, alike = map(float, child("-c", EMBED, str(write_tiny_bert(tmp_path / "m.gguf"))).split())
    assert other < alike < 1


@pytest.mark.parametrize("kind", WRITERS)
def test_the_same_call_writes_the_same_bytes(tmp_path: Path, kind: str) -> None:
    """A seed decides the weights; nothing else changes."""
    first, again, other = (
        WRITERS[kind](tmp_path / f"{i}.gguf", seed=seed).read_bytes() for i, seed in enumerate((1, 1, 2))
    )
    assert first == again
    assert first != other
