"""The tests' own tiny models must be real ones."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_localllm.models.checks import _find_library
from jupyter_localllm.models.gguf import read_header
from tests.tiny_models import CHATML, SPECIAL, byte_alphabet, write_tiny_llama

DECODE = """if True:
    import sys
    from llama_cpp import llama_cpp as L
    L.llama_backend_init()
    model = L.llama_model_load_from_file(sys.argv[1].encode(), L.llama_model_default_params())
    vocab = L.llama_model_get_vocab(model)
    params = L.llama_context_default_params()
    params.n_ctx = params.n_batch = 256
    context = L.llama_init_from_model(model, params)
    text, ids = "<|im_start|>user\\nHello the Paris é<|im_end|>".encode(), (L.llama_token * 100)()
    n_ids = L.llama_tokenize(vocab, text, len(text), ids, 100, False, True)
    assert n_ids > 2 and (ids[0], ids[n_ids - 1]) == (1, 2), list(ids[:n_ids])
    back = (L.ctypes.c_char * 200)()
    n_back = L.llama_detokenize(vocab, ids, n_ids, back, 200, False, True)
    assert back.raw[:n_back] == text, back.raw[:n_back]
    assert L.llama_decode(context, L.llama_batch_get_one(ids, n_ids)) == 0
    assert L.llama_decode(context, L.llama_batch_get_one((L.llama_token * 1)(77), 1)) == 0
    logits = L.llama_get_logits_ith(context, -1)[: L.llama_vocab_n_tokens(vocab)]
    assert len(set(logits)) > 100 and all(value == value for value in logits)
    assert [L.llama_vocab_is_eog(vocab, i) for i in range(5)] == [True, False, True, False, False]
    print((L.llama_model_chat_template(model, None) or b"").decode())
"""


@pytest.mark.parametrize("options", [{}, {"n_vocab": 1500, "n_layer": 1, "chat_template": None}])
def test_llama_cpp_loads_and_decodes_them(tmp_path: Path, options: dict[str, object]) -> None:
    """llama.cpp tokenizes with them, there and back, decodes, and reads the template."""
    if _find_library() is None:
        pytest.skip("llama-cpp-python is not installed")
    path = write_tiny_llama(tmp_path / "m.gguf", **options)  # type: ignore[arg-type]
    done = subprocess.run(
        [sys.executable, "-c", DECODE, str(path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip() == options.get("chat_template", CHATML) or not options.get("chat_template", CHATML)


def test_the_same_call_writes_the_same_bytes(tmp_path: Path) -> None:
    """A seed decides the weights; nothing else changes."""
    first, again, other = (
        write_tiny_llama(tmp_path / f"{i}.gguf", seed=seed).read_bytes() for i, seed in enumerate((1, 1, 2))
    )
    assert first == again
    assert first != other


def test_the_vocabulary_has_every_byte(tmp_path: Path) -> None:
    """All 256 bytes have a token each, so that any text can be tokenized; fewer tokens than that are refused."""
    assert len(set(byte_alphabet())) == 256
    least = len(SPECIAL) + 256
    header = read_header(write_tiny_llama(tmp_path / "m.gguf", n_vocab=least))
    assert header.metadata["tokenizer.ggml.tokens"] == (*SPECIAL, *byte_alphabet())
    with pytest.raises(ValueError, match="n_vocab"):
        write_tiny_llama(tmp_path / "m.gguf", n_vocab=least - 1)
