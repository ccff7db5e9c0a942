"""Threads against cores, memory against limits and the model."""

from __future__ import annotations

import os
from collections.abc import Iterator

from jupyter_localllm.doctor.report import Finding
from jupyter_localllm.doctor.subject import Subject
from jupyter_localllm.engine.llama import usable_cores
from jupyter_localllm.errors import LocalLLMError
from jupyter_localllm.models import available_bytes, facts_of, locate, plan_context
from jupyter_localllm.models.figures import size_text
from jupyter_localllm.models.free_memory import cgroup_available
from jupyter_localllm.models.locate import judge
from jupyter_localllm.runtime.room import buffers

__all__ = ["check_memory", "check_model", "check_threads"]


def check_threads(subject: Subject) -> Iterator[Finding]:
    """The setting against the physical cores that this process may use."""
    import psutil

    cores, wanted = usable_cores(), int(subject.settings.n_threads)
    physical, logical = psutil.cpu_count(logical=False) or cores, psutil.cpu_count() or cores
    machine = f"{physical} physical cores ({logical} with hyperthreads)"
    if cores < physical:
        machine += f", of which affinity or a container's limit leaves {cores}"
    if wanted > cores:
        yield Finding(
            "threads",
            "warning",
            f"n_threads is {wanted} ({subject.settings.origin('n_threads')}), and there are {machine}: more threads "
            "than cores wait for each other",
            "%config LocalLLM.n_threads = 0",
        )
    else:
        yield Finding("threads", "ok", f"{wanted or 'as many as calibration finds best'} on {machine}")
    if (load := _load()) is not None and load > 0.7 * logical:
        yield Finding("threads", "note", f"the machine is busy: its load was {load:.1f} in the last minute")


def check_memory(_subject: Subject) -> Iterator[Finding]:
    """What the machine has, and what a container leaves."""
    import psutil

    memory, limited, free = psutil.virtual_memory(), cgroup_available(), available_bytes()
    text = f"{size_text(free)} free of {size_text(memory.total)}"
    if limited is not None and limited < memory.available:
        text += f"; the limit of a container or batch system leaves {size_text(limited)}"
    low = free < 1 << 30
    mend = "%llm unload, del large variables, or raise the limit of the container" if low else ""
    yield Finding("memory", "warning" if low else "ok", text, mend)


def check_model(subject: Subject) -> Iterator[Finding]:
    """The model of the settings: whether it is there, is whole, and fits."""
    settings = subject.settings
    try:
        if subject.is_served(settings.model):
            yield Finding("model", "ok", f"{settings.model}: {subject.find(settings.model)}")
            return
        name, path = locate(settings.model, model_dirs=settings.search)
        file = judge(path, name)
        facts = facts_of(path, subject.cache.memo)
        plan = plan_context(file, settings.n_ctx, **buffers(settings))
    except LocalLLMError as error:
        yield Finding("model", "problem", error.message, error.hint)
        return
    if not facts.writes:
        text = f"{name} is for {facts.kind}: it cannot answer questions"
        yield Finding("model", "problem", text, "%llm models lists those that can")
        return
    kind = " ".join(part for part in (facts.quantization, file.architecture) if part)
    yield Finding(
        "model",
        "ok",
        f"{name} ({size_text(file.size_bytes)}, {kind}) takes {size_text(plan.total_bytes)} with a window "
        f"of {plan.n_ctx:,} tokens; {path}",
    )


def _load() -> float | None:
    try:
        return os.getloadavg()[0]
    except (AttributeError, OSError):  # Windows
        return None
