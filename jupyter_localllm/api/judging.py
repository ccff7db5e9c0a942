"""Looking at oneself: ``doctor`` and ``benchmark``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_localllm.api.handle import Handle, current_shell

if TYPE_CHECKING:
    from jupyter_localllm.doctor import Report

__all__ = ["Judging"]


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
