"""What the doctor found: one finding for each thing, with the command that mends it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from html import escape
from typing import Any, Literal

from jupyter_localllm.show.plain import clean

__all__ = ["LEVELS", "Finding", "Level", "Report"]

Level = Literal["ok", "note", "warning", "problem"]
LEVELS: tuple[Level, ...] = ("ok", "note", "warning", "problem")
_COLOURS: dict[Level, str] = {  # JupyterLab's by its theme, then VS Code's, then some for white and black
    "ok": "var(--jp-success-color1,var(--vscode-testing-iconPassed,#388e3c))",
    "note": "var(--jp-ui-font-color2,var(--vscode-descriptionForeground,#767676))",
    "warning": "var(--jp-warn-color1,var(--vscode-editorWarning-foreground,#c47f00))",
    "problem": "var(--jp-error-color1,var(--vscode-errorForeground,#d84040))",
}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Parameters
    ----------
    area : str
        ``"versions"``, ``"build"``, ``"model"``, ``"threads"``, ``"memory"``, ``"jupyter"``, ``"cache"``,
        ``"network"``, ``"settings"`` …
    level : {"ok", "note", "warning", "problem"}
        ``"note"``: good to know; ``"warning"``: it works, and not as it could; ``"problem"``: something does not work.
    text : str
        What is so, with the figures.
    mend : str
        The command that mends it, or what to do; empty where nothing needs to be done.
    """

    area: str
    level: Level
    text: str
    mend: str = ""


@dataclass(frozen=True)
class Report:
    """All findings, in the order of the checks; shows itself as a table."""

    findings: tuple[Finding, ...]

    @property
    def worst(self) -> Level:
        """The gravest level."""
        return max((finding.level for finding in self.findings), key=LEVELS.index, default="ok")

    def of(self, area: str) -> list[Finding]:
        """The findings of one area."""
        return [finding for finding in self.findings if finding.area == area]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"worst": self.worst, "findings": [asdict(finding) for finding in self.findings]}

    def summary(self) -> str:
        """In one sentence."""
        counts = {level: sum(f.level == level for f in self.findings) for level in LEVELS}
        told = [
            f"{counts[level]} {level}{'s' if counts[level] > 1 else ''}"
            for level in ("problem", "warning", "note")
            if counts[level]
        ]
        return f"{len(self.findings)} things were looked at: {', '.join(told) if told else 'all is well'}."

    def __str__(self) -> str:
        return clean("\n".join([*self._lines(), "", self.summary()]))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": self._html()}

    def _lines(self) -> Iterator[str]:
        wide = max((len(finding.area) for finding in self.findings), default=0)
        for finding in self.findings:
            head = f"{finding.level:<8}{finding.area:<{wide + 2}}"
            yield textwrap.fill(
                finding.text,
                118,
                initial_indent=head,
                subsequent_indent=" " * len(head),
                break_on_hyphens=False,
                break_long_words=False,
            )
            # a command is copied: it is not broken into lines
            yield from (f"{'':{len(head)}}-> {line}" for line in finding.mend.splitlines())

    def _html(self) -> str:
        rows = "".join(
            f'<tr><td style="color:{_COLOURS[f.level]};font-weight:600">{f.level}</td>'
            f'<td style="text-align:left">{escape(f.area)}</td><td style="text-align:left;white-space:normal">'
            f"{escape(clean(f.text))}{f'<br><code>{escape(clean(f.mend))}</code>' if f.mend else ''}</td></tr>"
            for f in self.findings
        )
        return f"<table>{rows}</table><p>{escape(self.summary())}</p>"
