"""``--dry-run``: what would be asked, and what it weighs."""

from __future__ import annotations

from jupyter_localllm.pipeline import Plan
from jupyter_localllm.show.plain import clean

__all__ = ["plan_text", "show_plan"]


def show_plan(plan: Plan) -> None:
    """Print it."""
    print(plan_text(plan))


def plan_text(plan: Plan) -> str:
    """The tokens of each part, what was left out, and the rendered messages."""
    fitted, info = plan.fitted, plan.info
    rows = [(part.label, f"{part.tokens:,}", part.note) for part in plan.parts]
    rows.append(("prompt", f"{fitted.tokens:,}", f"of a window of {info.n_ctx:,}"))
    rows.append(("answer", f"{fitted.max_tokens:,}", "at most"))
    wide = max(len(label) for label, _, _ in rows)
    figures = max(len(tokens) for _, tokens, _ in rows)
    table = [f"  {label:<{wide}}  {tokens:>{figures}}  {note}".rstrip() for label, tokens, note in rows]
    cached = "the answer is in the cache" if plan.cached else "the answer is not in the cache"
    lines = [f"Dry run: nothing is generated. Model {info.name}; {cached}.", "", "Tokens", *table]
    lines += ["", *(f"Note: {note.text}" for note in fitted.notes)] if fitted.notes else []
    if fitted.prompt.pieces:
        rendered = clean("".join(fitted.prompt.pieces))
    else:
        rendered = clean("\n\n".join(f"[{m.role}]\n{m.content}" for m in fitted.prompt.messages))
    return "\n".join([*lines, "", "Messages as the model reads them", rendered])
