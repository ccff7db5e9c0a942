from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_localllm.errors import ModelMemoryError, SettingsError
from jupyter_localllm.models.memory import KV_BYTES, MemoryEstimate, estimate, plan_context, plan_layers
from jupyter_localllm.types import ModelFile

MB, MIB, GB = 10**6, 1 << 20, 10**9
SMOL = ModelFile(
    name="smol",
    path="/smol.gguf",
    sha256="0" * 64,
    size_bytes=98_362_432,
    architecture="llama",
    n_ctx_train=8192,
    weights_bytes=96_576_768,
    kv_bytes_per_token=23_040,
    n_vocab=49_152,
    n_embd=576,
    n_ff=1536,
    n_layer=30,
    n_head=9,
)
LLAMA_8B = replace(  # Llama-3.1-8B-Instruct Q4_K_M: of 32 heads, 8 with keys and values, 128 wide
    SMOL,
    name="8b",
    n_ctx_train=131_072,
    weights_bytes=4_912_898_304,
    kv_bytes_per_token=131_072,
    n_vocab=128_256,
    n_embd=4096,
    n_ff=14_336,
    n_layer=32,
    n_head=32,
)


def test_the_parts_add_up() -> None:
    """The total is the sum of weights, keys and values, and compute buffer."""
    found = estimate(SMOL, 8192, available=GB)
    assert found == MemoryEstimate(
        96_576_768, 180 * MIB, found.compute_bytes, 96_576_768 + 180 * MIB + found.compute_bytes, GB, 8192
    )
    assert found.fits
    assert not estimate(SMOL, 8192, available=found.total_bytes - 1).fits


def test_element_size_and_rounding() -> None:
    """The window is rounded up to a multiple of 256 as llama.cpp does; F32 doubles keys and values."""
    assert estimate(SMOL, 100, available=0).kv_bytes == 256 * 23_040
    assert estimate(SMOL, 257, available=0).kv_bytes == 512 * 23_040
    assert estimate(SMOL, 512, kv_element_bytes=4, available=0).kv_bytes == 2 * 512 * 23_040
    # blocks of 34 bytes for 32 numbers
    assert estimate(SMOL, 512, kv_element_bytes=KV_BYTES["q8_0"], available=0).kv_bytes == 512 * 11_520 * 34 // 32


def test_measures_what_is_free_by_itself() -> None:
    """Without a figure, the estimate holds this machine's."""
    assert estimate(SMOL, 512).available_bytes > 0


@pytest.mark.model
@pytest.mark.parametrize(
    ("n_ctx", "n_ubatch", "flash", "kv"),
    [
        (512, 512, True, "f16"),
        (2048, 512, True, "f16"),
        (8192, 512, True, "f16"),
        (8192, 64, True, "f16"),
        (2048, 512, False, "f16"),
        (8192, 512, False, "f16"),
        (2048, 512, True, "q8_0"),
        (8192, 512, True, "q8_0"),
    ],
)
def test_close_to_what_llama_cpp_allocates(
    model_file: ModelFile, n_ctx: int, n_ubatch: int, flash: bool, kv: str
) -> None:
    """Keys and values are exact; the compute buffer is at most 1 % under-estimated, at most 15 % over."""
    code = f"""if True:
        from llama_cpp import llama_cpp as L
        L.llama_backend_init()
        model = L.llama_model_load_from_file({model_file.path!r}.encode(), L.llama_model_default_params())
        params = L.llama_context_default_params()
        params.n_ctx, params.n_batch, params.n_ubatch, params.n_threads = {n_ctx}, 512, {n_ubatch}, 1
        params.flash_attn_type = {int(flash)}
        params.type_k = params.type_v = L.GGML_TYPE_{kv.upper()}
        L.llama_free(L.llama_init_from_model(model, params))"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    sizes = dict(re.findall(r"CPU (KV|compute) buffer size = +([\d.]+) MiB", done.stderr))
    found = estimate(
        model_file, n_ctx, n_ubatch=n_ubatch, kv_element_bytes=KV_BYTES[kv], flash_attention=flash, available=0
    )
    assert found.kv_bytes / MIB == pytest.approx(float(sizes["KV"]), abs=0.01)
    assert 0.99 <= found.compute_bytes / MIB / float(sizes["compute"]) <= 1.15


@pytest.mark.parametrize(
    ("model", "available", "n_ctx"),
    [
        (SMOL, 100 * GB, 8192),  # its training length
        (LLAMA_8B, 100 * GB, 16_384),  # no more than is usual
        (SMOL, 500 * MB, 3840),  # 60 % of the memory
        (SMOL, 300 * MB, 2048),  # never less, as long as it fits at all
        (LLAMA_8B, 10 * GB, 5888),
        (replace(SMOL, n_ctx_train=1000), 100 * GB, 1000),  # short training
        (replace(SMOL, n_ctx_train=1000), 250 * MB, 1000),
    ],
)
def test_chooses_a_window(model: ModelFile, available: int, n_ctx: int) -> None:
    """The window comes from training length, 16,384 and 60 % of the free memory, never below 2,048."""
    assert plan_context(model, None, available=available).n_ctx == n_ctx


def test_takes_the_given_window() -> None:
    """What was asked for is what one gets, longer than 60 % allows or than the model was trained for."""
    assert plan_context(SMOL, 8192, available=400 * MB).n_ctx == 8192
    assert plan_context(SMOL, 10_000, available=GB).n_ctx == 10_000


def test_tells_every_figure_when_it_does_not_fit() -> None:
    """The error holds need, parts and free memory, and the window that would fit; and that one does fit."""
    with pytest.raises(ModelMemoryError) as caught:
        plan_context(SMOL, 8192, available=300 * MB)
    assert "smol needs 399 MB with a window of 8,192 tokens" in caught.value.message
    assert "97 MB weights, 189 MB keys and values, 114 MB compute buffer" in caught.value.message
    assert "300 MB are free" in caught.value.message
    suggested = int(re.findall(r"n_ctx=(\d+)", caught.value.hint)[0])
    assert plan_context(SMOL, suggested, available=300 * MB).fits
    assert not estimate(SMOL, suggested + 256, available=300 * MB).fits


def test_says_when_no_window_fits() -> None:
    """A model whose weights alone are too large gets other advice."""
    for n_ctx in (None, 512):
        with pytest.raises(ModelMemoryError) as caught:
            plan_context(LLAMA_8B, n_ctx, available=4 * GB)
        assert "No window fits" in caught.value.hint
        assert "4.0 GB are free" in caught.value.message


def test_an_impossible_window_is_a_settings_error() -> None:
    """Zero and less are no windows."""
    for n_ctx in (0, -1):
        with pytest.raises(SettingsError):
            plan_context(SMOL, n_ctx, available=GB)


@given(available=st.integers(0, 40 * GB), train=st.integers(1, 200_000), flash=st.booleans())
def test_a_chosen_window_always_fits(available: int, train: int, flash: bool) -> None:
    """Whatever the memory: the choice fits and keeps within its bounds, or the error's suggestion fits."""
    model = replace(LLAMA_8B, n_ctx_train=train)
    try:
        chosen = plan_context(model, None, available=available, flash_attention=flash)
    except ModelMemoryError as error:
        assert not estimate(model, min(train, 2048), available=available, flash_attention=flash).fits
        if suggested := re.findall(r"n_ctx=(\d+)", error.hint):
            plan_context(model, int(suggested[0]), available=available, flash_attention=flash)
        return
    assert chosen.fits
    assert min(train, 2048) <= chosen.n_ctx <= min(train, 16_384)
    if chosen.n_ctx > min(train, 2048):
        assert chosen.total_bytes <= 0.6 * available


def test_a_smaller_cache_allows_a_longer_window() -> None:
    """Keys and values in q8_0 take little more than half, and the window grows accordingly."""
    plain = plan_context(LLAMA_8B, None, available=10 * GB)
    small = plan_context(LLAMA_8B, None, available=10 * GB, kv_element_bytes=KV_BYTES["q8_0"])
    assert small.n_ctx > 1.7 * plain.n_ctx
    assert small.total_bytes <= 6 * GB


@pytest.mark.parametrize(
    ("model", "n_ctx", "free", "wanted"),
    [
        (SMOL, 8192, 0, 0),
        (SMOL, 8192, 1 << 30, 0),  # the reserve takes all
        (SMOL, 8192, (1 << 30) + 400 * MB, -1),
        (LLAMA_8B, 8192, 24 * GB, -1),
        (LLAMA_8B, 8192, 8 * GB, -1),
        (LLAMA_8B, 8192, 7 * GB, 25),
        (LLAMA_8B, 8192, 4 * GB, 9),
        (LLAMA_8B, 8192, 2 * GB, 0),
        (LLAMA_8B, 65_536, 8 * GB, 14),  # long windows take their part
        (LLAMA_8B, 8192, -1, 0),
    ],
)
def test_layers_for_a_gpu(model: ModelFile, n_ctx: int, free: int, wanted: int) -> None:
    """All layers when they fit with keys, values, compute buffer and a reserve; else as many as do; else none."""
    assert plan_layers(model, n_ctx, free) == wanted


@given(
    free=st.integers(0, 24 * GB),
    n_ctx=st.integers(1, 131_072),
    more=st.integers(0, GB),
    kv=st.sampled_from([2, 34 / 32]),
)
def test_layers_keep_within_the_memory(free: int, n_ctx: int, more: int, kv: float) -> None:
    """What is chosen fits; more memory, or a smaller cache, never means fewer layers."""
    reserve = 1 << 30
    chosen = plan_layers(LLAMA_8B, n_ctx, free, kv_element_bytes=kv)
    parts = estimate(LLAMA_8B, n_ctx, kv_element_bytes=kv, available=0)
    share = 1.0 if chosen == -1 else max(0, chosen - 1) / LLAMA_8B.n_layer
    if chosen:
        assert parts.compute_bytes + share * (parts.weights_bytes + parts.kv_bytes) <= free - reserve

    def count(layers: int) -> int:
        return LLAMA_8B.n_layer + 1 if layers == -1 else layers

    assert chosen in (-1, 0) or 2 <= chosen <= LLAMA_8B.n_layer
    assert count(plan_layers(LLAMA_8B, n_ctx, free + more, kv_element_bytes=kv)) >= count(chosen)
    assert count(plan_layers(LLAMA_8B, n_ctx, free, kv_element_bytes=34 / 32)) >= count(chosen)
