"""Energy and memory: counters are read as their makers say, and where nobody tells, that is told."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import Any

import pytest

from jupyter_localllm.bench.meters import EnergyMeter, Nvml, resident_bytes, video_bytes

pytestmark = pytest.mark.skipif(os.name == "nt", reason="RAPL is Linux's")


class NoGpus(Nvml):
    def __init__(self) -> None:
        self.count = 0


def zone(folder: Path, name: str, energy: int, kind: str = "package-0") -> Path:
    made = folder / name
    made.mkdir(exist_ok=True)
    (made / "name").write_text(f"{kind}\n")
    (made / "energy_uj").write_text(f"{energy}\n")
    (made / "max_energy_range_uj").write_text("1000000\n")
    return made


def test_processors_are_added_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both packages count, their parts do not count twice, and a counter may turn over."""
    monkeypatch.setattr("sys.platform", "linux")
    zone(tmp_path, "intel-rapl:0", 900_000)
    zone(tmp_path, "intel-rapl:1", 100_000, "package-1")
    zone(tmp_path, "intel-rapl:0:0", 5, "core")
    meter = EnergyMeter(tmp_path, NoGpus())
    zone(tmp_path, "intel-rapl:0", 100_000)  # turned over: 0.2 J
    zone(tmp_path, "intel-rapl:1", 400_000, "package-1")
    meter.sample()
    zone(tmp_path, "intel-rapl:0", 600_000)
    found = meter.read()
    assert found.joules == pytest.approx(0.2 + 0.3 + 0.5)
    assert "RAPL" in found.source


def test_without_counters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None, and why: no counters, or those that only the administrator may read."""
    monkeypatch.setattr("sys.platform", "linux")
    none = EnergyMeter(tmp_path, NoGpus()).read()
    assert (none.joules, "no counters" in none.source) == (None, True)
    (zone(tmp_path, "intel-rapl:0", 1) / "energy_uj").unlink()
    hidden = EnergyMeter(tmp_path, NoGpus()).read()
    assert (hidden.joules, "administrator" in hidden.source) == (None, True)


class Library:
    """NVML as its reference describes it: functions that fill what they are given, and return 0."""

    def __init__(self) -> None:
        self.energy, self.used, self.counts = [1_000, 5_000], [10, 20], True

    def nvmlDeviceGetCount_v2(self, count: Any) -> int:
        ctypes.cast(count, ctypes.POINTER(ctypes.c_uint))[0] = 2
        return 0

    def nvmlDeviceGetHandleByIndex_v2(self, index: int, handle: Any) -> int:
        ctypes.cast(handle, ctypes.POINTER(ctypes.c_size_t))[0] = index + 1
        return 0

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: Any, found: Any) -> int:
        if not self.counts:
            return 3  # NVML_ERROR_NOT_SUPPORTED
        ctypes.cast(found, ctypes.POINTER(ctypes.c_ulonglong))[0] = self.energy[handle.value - 1]
        return 0

    def nvmlDeviceGetMemoryInfo(self, handle: Any, memory: Any) -> int:
        ctypes.cast(memory, ctypes.POINTER(ctypes.c_ulonglong))[2] = self.used[handle.value - 1]
        return 0


def test_gpus_are_added_up(tmp_path: Path) -> None:
    """Millijoules become joules, memory is that of all GPUs; one that does not count is no zero."""
    library = Library()
    nvml = Nvml(library)
    meter = EnergyMeter(tmp_path, nvml)
    library.energy = [2_500, 6_000]
    found = meter.read()
    assert found.joules == pytest.approx(2.5)
    assert "NVML" in found.source
    assert video_bytes(nvml) == 30
    assert video_bytes(None) is None
    library.counts = False
    assert EnergyMeter(tmp_path, Nvml(library)).read().joules is None


def test_memory_of_processes() -> None:
    """This one counts, a child counts, one that is gone does not."""
    own = resident_bytes()
    assert own > 1_000_000
    assert resident_bytes(os.getppid()) > own
    assert resident_bytes(2**22 + 12345) >= own // 2
