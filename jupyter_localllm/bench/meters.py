"""Energy and memory, as far as the machine tells them.

Sources: the kernel's ``power/powercap.rst`` for RAPL, NVIDIA's NVML reference (``nvmlDeviceGetTotalEnergyConsumption``,
``nvmlDeviceGetMemoryInfo``).
"""

from __future__ import annotations

import contextlib
import ctypes
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

__all__ = ["Energy", "EnergyMeter", "Nvml", "resident_bytes", "video_bytes"]

_POWERCAP = Path("/sys/class/powercap")


@dataclass(frozen=True)
class Energy:
    """What was used.

    Parameters
    ----------
    joules : float or None
        None if this machine does not tell.
    source : str
        Who tells, and of what; or why nobody does.
    """

    joules: float | None
    source: str


class EnergyMeter:
    """Adds up what the counters of this machine say: of whole processors and whole GPUs, whoever uses them.

    Parameters
    ----------
    powercap : Path
        Another folder for tests.
    nvml : Nvml, optional
        Another one for tests.
    """

    def __init__(self, powercap: Path = _POWERCAP, nvml: Nvml | None = None) -> None:
        zones, self._why = _packages(powercap)
        self._counters: list[_Counter] = [_Counter(_reader(zone / "energy_uj"), 1e-6, _range(zone)) for zone in zones]
        self._names = ["the processor's RAPL counters"] if zones else []
        self._nvml = Nvml.open() if nvml is None else nvml
        gpus = [counter for counter in self._gpus() if counter.readable]
        self._counters += gpus
        self._names += ["the GPUs' NVML counters"] if gpus else []

    def sample(self) -> None:
        """Look at the counters: often enough that none turns over twice, which takes minutes at full power."""
        for counter in self._counters:
            counter.sample()

    def read(self) -> Energy:
        """What was used since the meter was made."""
        self.sample()
        if not self._counters:
            return Energy(None, self._why)
        return Energy(sum(counter.total for counter in self._counters), " and ".join(self._names))

    def _gpus(self) -> list[_Counter]:
        if self._nvml is None:
            return []
        return [_Counter(partial(self._nvml.millijoules, gpu), 1e-3, 0) for gpu in range(self._nvml.count)]


class _Counter:
    """One counter of energy that only grows, and turns over at its range."""

    def __init__(self, read: Callable[[], int | None], unit: float, span: int) -> None:
        self._read, self._unit, self._span = read, unit, span
        self.total = 0.0
        self._last = read()

    @property
    def readable(self) -> bool:
        return self._last is not None

    def sample(self) -> None:
        now = self._read()
        if now is None or self._last is None:
            return
        grown = now - self._last
        self._last, grown = now, grown + self._span if grown < 0 else grown
        self.total += max(0, grown) * self._unit


def _packages(powercap: Path) -> tuple[list[Path], str]:
    """The zones of whole processors that may be read; and why there is none."""
    if sys.platform == "darwin":
        return [], "macOS tells energy to administrators only (powermetrics)"
    zones = []
    for zone in sorted(powercap.glob("intel-rapl:*")):
        with contextlib.suppress(OSError):
            if (zone / "name").read_text().startswith("package"):
                zones.append(zone)
    if not zones:
        return [], "this machine has no counters of energy, or a virtual one hides them"
    readable = [zone for zone in zones if _reader(zone / "energy_uj")() is not None]
    return readable, f"the counters of energy may be read by the administrator only: {zones[0]}/energy_uj"


def _reader(path: Path) -> Callable[[], int | None]:
    def read() -> int | None:
        try:
            return int(path.read_text())
        except (OSError, ValueError):
            return None

    return read


def _range(zone: Path) -> int:
    return _reader(zone / "max_energy_range_uj")() or 0


class _Memory(ctypes.Structure):
    _fields_ = (("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong))


class Nvml:
    """NVIDIA's management library, where its driver is.

    Parameters
    ----------
    lib : ctypes.CDLL
        Begun already.
    """

    def __init__(self, lib: Any) -> None:
        self._lib = lib
        count = ctypes.c_uint(0)
        told = lib.nvmlDeviceGetCount_v2(ctypes.byref(count)) == 0
        self.count = min(int(count.value), 64) if told else 0

    @classmethod
    def open(cls) -> Nvml | None:
        """The library; None without it or without a GPU."""
        try:
            lib = ctypes.CDLL("nvml.dll" if sys.platform == "win32" else "libnvidia-ml.so.1")
            return cls(lib) if lib.nvmlInit_v2() == 0 else None
        except (OSError, AttributeError):
            return None

    def millijoules(self, gpu: int) -> int | None:
        """Energy since the driver was loaded; None where the GPU does not count it."""
        found = ctypes.c_ulonglong(0)
        handle = self._handle(gpu)
        asked = handle is not None and self._lib.nvmlDeviceGetTotalEnergyConsumption(handle, ctypes.byref(found)) == 0
        return int(found.value) if asked else None

    def used_bytes(self) -> int:
        """Memory in use, of all GPUs together."""
        total = 0
        for gpu in range(self.count):
            handle, memory = self._handle(gpu), _Memory()
            if handle is not None and self._lib.nvmlDeviceGetMemoryInfo(handle, ctypes.byref(memory)) == 0:
                total += int(memory.used)
        return total

    def _handle(self, gpu: int) -> Any:
        handle = ctypes.c_void_p()
        return handle if self._lib.nvmlDeviceGetHandleByIndex_v2(gpu, ctypes.byref(handle)) == 0 else None


def resident_bytes(pid: int | None = None) -> int:
    """Memory that this process has in use, and that of a child; 0 for one that is gone."""
    import psutil

    total = 0
    for process in (None, pid) if pid else (None,):
        with contextlib.suppress(psutil.Error):
            total += int(psutil.Process(process).memory_info().rss)
    return total


def video_bytes(nvml: Nvml | None) -> int | None:
    """Video memory in use by everybody; None where nobody tells."""
    return nvml.used_bytes() if nvml is not None and nvml.count else None
