"""The build of llama.cpp against this machine, and the one-token check."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator

from jupyter_localllm.doctor.report import Finding
from jupyter_localllm.doctor.subject import Subject, pip
from jupyter_localllm.engine.llama import BuildFlags, build_flags, check_in_child
from jupyter_localllm.engine.processor import has_nvidia, has_rocm, known_here, model_name, processor_features
from jupyter_localllm.errors import LocalLLMError
from jupyter_localllm.models import locate, locate_adapter

__all__ = ["check_build", "check_one_token", "judge"]

_NEEDED = ("AVX2", "FMA", "F16C", "NEON", "DOTPROD")  # without them everything takes several times as long
_USUAL = ("AVX", "AVX2", "FMA", "F16C", "BMI2")
_MORE = ("AVX512", "AVX512_VNNI", "AVX512_BF16", "AVX_VNNI", "AMX_INT8", "MATMUL_INT8", "SVE", "SME")
_LIBRARY = "llama-cpp-python"


def check_build(_subject: Subject) -> Iterator[Finding]:
    """What the installed build uses, what the processor has, and whether it reaches the GPU."""
    try:
        flags = build_flags()
    except LocalLLMError as error:
        yield Finding("build", "problem", error.message, error.hint)
        return
    yield from judge(flags, processor_features(), nvidia=has_nvidia(), rocm=has_rocm())


def judge(flags: BuildFlags, offered: frozenset[str] | None, *, nvidia: bool, rocm: bool) -> Iterator[Finding]:
    """The findings about a build.

    Parameters
    ----------
    flags : BuildFlags
    offered : frozenset of str or None
        What the processor has, in ggml's words; None if that is not known.
    nvidia, rocm : bool
        Whether the driver of such a GPU runs.
    """
    used = ", ".join(sorted(flags.features & {*_NEEDED, *_MORE})) or "nothing special of the processor"
    yield Finding("build", "ok", f"{_LIBRARY} {flags.version} on {model_name()}; the build uses {used}")
    if offered is None:
        yield Finding(
            "build", "note", "this system does not tell what its processor can do: the one-token check counts"
        )
    else:
        yield from _processor(flags.features, offered)
    yield from _graphics(flags, nvidia=nvidia, rocm=rocm)


def _processor(used: frozenset[str], offered: frozenset[str]) -> Iterator[Finding]:
    rebuild = pip(_LIBRARY, cmake="-DGGML_NATIVE=OFF", again=True)
    # Without GGML_NATIVE llama.cpp is built for any processor with these.
    off = [f"-DGGML_{name}=OFF" for name in _USUAL if name not in offered and "NEON" not in offered]
    if beyond := sorted((used & known_here()) - offered):
        yield Finding(
            "build",
            "problem",
            f"the build uses {', '.join(beyond)}, which this processor does not have: it would kill the process",
            pip(_LIBRARY, cmake=" ".join(["-DGGML_NATIVE=OFF", *off]), again=True),
        )
    if lacking := [name for name in _NEEDED if name in offered and name not in used]:
        text = f"the processor has {', '.join(lacking)} and the build does not use it: answers take far longer"
        yield Finding("build", "warning", text, rebuild)
    if more := [name for name in _MORE if name in offered and name not in used]:
        yield Finding(
            "build",
            "note",
            f"the processor also has {', '.join(more)}, which the build leaves alone; long prompts may be read faster "
            "with it, and some virtual machines die of it: the one-token check tells",
            pip(_LIBRARY, cmake="-DGGML_NATIVE=ON", again=True),
        )


def _graphics(flags: BuildFlags, *, nvidia: bool, rocm: bool) -> Iterator[Finding]:
    apple = sys.platform == "darwin" and platform.machine() == "arm64"
    if flags.offloads:
        seen = ", ".join(flags.devices)
        text = f"the build can use a GPU, and sees {seen}" if seen else "the build can use a GPU, and sees none"
        yield Finding("gpu", "ok" if seen else "note", text)
        return
    for there, name, argument in (
        (nvidia, "an NVIDIA GPU", "-DGGML_CUDA=ON"),
        (rocm, "an AMD GPU", "-DGGML_HIP=ON"),
        (apple, "Apple's GPU", "-DGGML_METAL=ON"),
    ):
        if there:
            text = f"there is {name}, and the build of llama.cpp cannot use it"
            yield Finding("gpu", "warning", text, pip(_LIBRARY, cmake=argument, again=True))
            return
    yield Finding("gpu", "ok", "no GPU was found, and the build is for the processor")


def check_one_token(subject: Subject) -> Iterator[Finding]:
    """Decode one token with the model of the settings, in a child process."""
    settings = subject.settings
    if subject.quick or subject.is_served(settings.model):
        return
    try:
        name, path = locate(settings.model, model_dirs=settings.search)
    except LocalLLMError:  # told by the check of the model
        return
    try:
        adapter = str(locate_adapter(settings.adapter, settings.search)[1]) if settings.adapter else ""
        for _ in check_in_child(str(path), adapter, n_gpu_layers=settings.n_gpu_layers):
            pass
    except LocalLLMError as error:
        yield Finding("model", "problem", f"the one-token check: {error.message}", error.hint)
    else:
        yield Finding("model", "ok", f"{name}: a child process loaded it and decoded a token with this build")
