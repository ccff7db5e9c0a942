"""Looking at oneself: ``doctor`` and ``benchmark``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_localllm.api.handle import Handle, current_shell
from jupyter_localllm.config.files import read_file
from jupyter_localllm.config.sections import placed, settings_in
from jupyter_localllm.errors import SettingsError, UsageError
from jupyter_localllm.types import Status

if TYPE_CHECKING:
    from jupyter_localllm.bench import Benchmark, Plan
    from jupyter_localllm.doctor import Report

__all__ = ["Judging"]

# Nothing is reused from one prompt to the next, nothing is asked twice, and nothing else is measured on the way.
_MEASURED_WITH = {"cache": "off", "state_cache_size": 0, "state_memory_size": 0, "schema": ""}


_OF_CACHE = ("cache", "cache_dir", "cache_size")


class Judging(Handle):
    """A handle that can be judged."""

    def doctor(self, *, quick: bool = False) -> Report:
        """Check the installation, the machine, and what these settings would do; changes and contacts nothing.

        Parameters
        ----------
        quick : bool
            Leave out the one-token check, which loads the model in a child process.

        Returns
        -------
        Report
            Of findings, each with what mends it; shows itself as a table. ``report.worst`` is the gravest level:
            ``"ok"``, ``"note"``, ``"warning"`` or ``"problem"``.
        """
        from jupyter_localllm.doctor import Subject, examine

        kernel = getattr(current_shell(), "kernel", None)
        return examine(Subject(self, self.answers, self.find, kernel, quick))

    def benchmark(
        self,
        models: str | Sequence[str] = (),
        *,
        n: int | None = None,
        warmup: int | None = None,
        max_tokens: int | None = None,
        prompts: Sequence[str] | None = None,
        quality: bool | None = None,
        file: str | os.PathLike[str] | None = None,
        out: str | os.PathLike[str] | None = None,
        each: Callable[[Benchmark], object] | None = None,
        **settings: Any,
    ) -> Benchmark:
        """Measure models, windows, quantizations and backends side by side.

        Each case has a model of its own in memory, loaded twice and warmed up. What is resident in this kernel is
        unloaded before, since it would take memory and cores; the next question loads it again. It stays where none of
        the named models is here.

        Parameters
        ----------
        models : str or sequence of str
            Names; that of this handle, if not given.
        n, warmup : int, optional
            Prompts that are measured (10), and those before them (2).
        max_tokens : int, optional
            Most tokens of each answer (64).
        prompts : sequence of str, optional
            Asked in turn; our own of some 250 tokens, if not given.
        quality : bool, optional
            Ask the small fixed set as well: cited lookups, extraction, instruction keeping.
        file : path, optional
            A file of settings: what all cases have (section ``inference``) and what to measure (section ``bench``), or
            the JSON of an earlier run. Arguments win over it.
        out : path, optional
            Where to write the result after each case: ``.json``, ``.csv`` or ``.svg``.
        each : callable, optional
            Gets the result so far after each case, also after the one in which an interrupt came.
        **settings
            Settings of all cases; a list of values makes a case for each: ``n_ctx=[2048, 8192]``.

        Returns
        -------
        Benchmark
            Shows itself as a table; ``plot()``, ``to_frame()``, ``to_json()``, ``save()``. A case that fails has its
            error in its row.

        Raises
        ------
        UsageError, SettingsError
            The plan is wrong; before anything is measured.

        Examples
        --------
        >>> LocalLLM().benchmark(n=5, n_ctx=[2048, 8192], quality=True)              # doctest: +SKIP
        """
        from jupyter_localllm.bench import Benchmark, about_here, checked_path, measure

        if out is not None:
            checked_path(out)
        if each is not None and not callable(each):
            raise UsageError(f"each cannot be {each!r}", "It is a function that gets the result so far.")
        names = _texts("models", "names", [models] if isinstance(models, str) else models)
        given = {"n": n, "warmup": warmup, "max_tokens": max_tokens, "prompts": prompts, "quality": quality}
        base, plan = self._plan(file, names, given, settings)
        result = Benchmark(plan, base, about_here())
        with self._runtime.shown() as show:
            told: Callable[[Status], object] = show
            for row in measure(plan, lambda case: self._measured({**base, **case}), told):
                result = result.with_row(row)
                if each is not None:
                    each(result)
                if out is not None:
                    result.save(out)
            told(Status("bench", "measured", 1.0))
        return result

    def _plan(
        self,
        file: str | os.PathLike[str] | None,
        models: Sequence[str],
        given: Mapping[str, Any],
        settings: Mapping[str, Any],
    ) -> tuple[dict[str, Any], Plan]:
        """What all cases have, and what is to be measured; everything is checked."""
        from jupyter_localllm.bench import Plan, plan_in

        names, base, plan = self.setting_names(), {}, Plan()
        if file is not None:
            if not isinstance(file, (str, os.PathLike)):
                raise UsageError(f"file cannot be {file!r}", "It is the path of a file of settings.")
            content = read_file(file)
            if content.get("benchmark") != "jupyter_localllm" and (more := set(content) - {"inference", "bench"}):
                raise SettingsError(f"{file}: {min(more)} is unknown", "The sections are inference and bench.")
            plan = plan_in(content.get("bench"), str(file), names)
            folder = Path(file).expanduser().absolute().parent
            beside = [{name: placed(name, value, folder) for name, value in case.items()} for case in plan.cases]
            plan = replace(plan, cases=tuple(beside))
            flat = content.get("benchmark") == "jupyter_localllm"  # our own JSON has the settings by their names
            values = content.get("inference") or {}
            base = self.checked_values(values if flat else settings_in(values, file, names), file)
        changed = {name: value for name, value in given.items() if value is not None}
        if isinstance(prompts := changed.get("prompts"), str):
            raise UsageError("prompts is a list of texts, not one text", f"prompts=[{prompts[:20]!r}, …]")
        if prompts is not None:
            changed["prompts"] = tuple(_texts("prompts", "texts", prompts))
        plan = replace(plan, **changed).with_cases(models, settings, names)
        cases = tuple({name: self.checked(name, value) for name, value in case.items()} for case in plan.cases)
        own = {name: getattr(self, name) for name in names if self.origin(name) != "default" and name not in _OF_CACHE}
        return {**own, **base}, replace(plan, cases=cases)

    def _measured(self, settings: Mapping[str, Any]) -> Any:
        """A handle for a case: with these settings and none of its engine shared.

        What is resident leaves now, once it is known that the case's model is here.
        """
        own = {**{name: getattr(self, name) for name in _OF_CACHE}, **settings, **_MEASURED_WITH}
        if self._engine is not None and own.get("model", self.model) == self.model:
            own.pop("model", None)
            handle = type(self).from_engine(self._engine, **own)
        else:
            handle = type(self)(**own)
            handle.find(handle.model)
        for engine in self._runtime.resident():
            engine.unload()
        return handle


def _texts(argument: str, what: str, given: Any) -> list[str]:
    """The texts of an argument that is a list of them.

    Raises
    ------
    UsageError
        It is no such list.
    """
    texts: list[Any] = list(given) if isinstance(given, Iterable) and not isinstance(given, bytes) else [None]
    if all(isinstance(text, str) for text in texts):
        return texts
    raise UsageError(f"{argument} cannot be {given!r}", f"It is a list of {what}.")
