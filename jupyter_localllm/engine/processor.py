"""What this machine's processor can do, in ggml's words.

Sources: proc(5) and the kernel's ``cpufeatures.h`` and ``hwcap.h`` for the names in ``/proc/cpuinfo``; sysctl(3) of
macOS for ``hw.optional``; the constants ``PF_*`` of winnt.h.
"""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

__all__ = ["FLAGS", "cpu_identity", "has_nvidia", "has_rocm", "model_name", "processor_features"]

FLAGS = {
    # x86, as /proc/cpuinfo has them under "flags"
    "SSE3": "pni",
    "SSSE3": "ssse3",
    "AVX": "avx",
    "AVX_VNNI": "avx_vnni",
    "AVX2": "avx2",
    "F16C": "f16c",
    "FMA": "fma",
    "BMI2": "bmi2",
    "AVX512": "avx512f",
    "AVX512_VBMI": "avx512vbmi",
    "AVX512_VNNI": "avx512_vnni",
    "AVX512_BF16": "avx512_bf16",
    "AMX_INT8": "amx_int8",
    # ARM, under "Features"
    "NEON": "asimd",
    "DOTPROD": "asimddp",
    "MATMUL_INT8": "i8mm",
    "SVE": "sve",
    "SME": "sme",
}
"""ggml's name of a feature, and Linux's."""

_SYSCTL = {
    "AVX2": "hw.optional.avx2_0",
    "AVX512": "hw.optional.avx512f",
    "FMA": "hw.optional.fma",
    "NEON": "hw.optional.neon",
    "DOTPROD": "hw.optional.arm.FEAT_DotProd",
    "MATMUL_INT8": "hw.optional.arm.FEAT_I8MM",
    "SME": "hw.optional.arm.FEAT_SME",
}
_WINDOWS = {"SSE3": 13, "SSSE3": 36, "AVX": 39, "AVX2": 40, "AVX512": 41, "NEON": 19, "DOTPROD": 43}


def processor_features(cpuinfo: Path = Path("/proc/cpuinfo")) -> frozenset[str] | None:
    """What the processor offers, in ggml's words; None where the system does not tell.

    Where only some can be asked for (macOS, Windows), only those are in it: see `known_here`.
    """
    if sys.platform == "darwin":
        return frozenset(name for name, key in _SYSCTL.items() if _sysctl(key) == "1")
    if sys.platform == "win32":
        import ctypes

        asked = ctypes.windll.kernel32.IsProcessorFeaturePresent
        return frozenset(name for name, number in _WINDOWS.items() if asked(number))
    words = _words(cpuinfo, ("flags", "Features"))
    return frozenset(name for name, flag in FLAGS.items() if flag in words) if words else None


def known_here() -> frozenset[str]:
    """The features that this system can be asked for."""
    return frozenset(_SYSCTL if sys.platform == "darwin" else _WINDOWS if sys.platform == "win32" else FLAGS)


def model_name(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """What the processor is sold as, as far as the system tells."""
    if sys.platform == "darwin":
        return _sysctl("machdep.cpu.brand_string") or platform.machine()
    return " ".join(_words(cpuinfo, ("model name",))) or platform.processor() or platform.machine()


def cpu_identity() -> str:
    """What this machine's processor is and can do, as one text: what was tried on one like it holds here."""
    try:
        with open("/proc/cpuinfo") as file:
            return "".join(sorted({line for line in file if line.startswith(("model name", "flags", "Features"))}))
    except OSError:
        return platform.processor()


def has_nvidia() -> bool:
    """Whether the driver of an NVIDIA GPU runs here; nothing is started to find out."""
    if sys.platform == "win32":
        import shutil

        return shutil.which("nvidia-smi") is not None
    return Path("/proc/driver/nvidia/version").exists() or Path("/dev/nvidia0").exists()


def has_rocm() -> bool:
    """Whether the driver of an AMD GPU for computing runs here."""
    return Path("/dev/kfd").exists()


def _words(file: Path, keys: Iterable[str]) -> list[str]:
    """The words behind the first line of each key."""
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip() in keys:
            return value.split()
    return []


def _sysctl(key: str) -> str:
    try:
        done = subprocess.run(["sysctl", "-n", key], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()
