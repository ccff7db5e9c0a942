"""``--dry-run``: what would be asked, and what it weighs."""

from __future__ import annotations

from jupyter_localllm.api.from_sources import SourcesPlan
from jupyter_localllm.pipeline import Plan
from jupyter_localllm.show.plain import clean
from jupyter_localllm.types import Passage

__all__ = ["plan_text", "show_plan", "show_sources_plan", "sources_text"]

_CUT = 20  # passages left out that are listed


def show_plan(plan: Plan) -> None:
    """Print it, without what controls a terminal: it holds names and values of anybody's data."""
    print(clean(plan_text(plan)))


def plan_text(plan: Plan, generated: str = "nothing is generated") -> str:
    """The tokens of each part, what was left out, and the rendered messages."""
    fitted, info = plan.fitted, plan.info
    rows = [(part.label, f"{part.tokens:,}", part.note) for part in plan.parts]
    rows.append(("prompt", f"{fitted.tokens:,}", f"of a window of {info.n_ctx:,}"))
    rows.append(("answer", f"{fitted.max_tokens:,}", "at most"))
    wide = max(len(label) for label, _, _ in rows)
    figures = max(len(tokens) for _, tokens, _ in rows)
    table = [f"  {label:<{wide}}  {tokens:>{figures}}  {note}".rstrip() for label, tokens, note in rows]
    cached = "the answer is in the cache" if plan.cached else "the answer is not in the cache"
    lines = [f"Dry run: {generated}. Model {info.name}; {cached}.", "", "Tokens", *table]
    lines += ["", *(f"Note: {note.text}" for note in fitted.notes)] if fitted.notes else []
    if fitted.prompt.pieces:
        rendered = clean("".join(fitted.prompt.pieces))
    else:
        rendered = clean("\n\n".join(f"[{m.role}]\n{m.content}" for m in fitted.prompt.messages))
    return "\n".join([*lines, "", "Messages as the model reads them", rendered])


def show_sources_plan(plan: SourcesPlan) -> None:
    """Print what a question with sources would rest on."""
    print(clean(sources_text(plan)))


def sources_text(plan: SourcesPlan) -> str:
    """How the question is read, what was chosen and what was cut, with the tokens of each, and what would be asked."""
    from jupyter_localllm.answering import estimated_tokens

    evidence = plan.evidence
    lines = []
    if evidence.reading is not None:
        lines += [f"Read as: {evidence.reading.words} (certainty {evidence.reading.certainty:.2f})"]
        lines += [f"Computed: {evidence.reading.code} = {', '.join(evidence.reading.outcome.texts[:5])}"]
    for reading in evidence.possible:
        lines.append(f"Perhaps: {reading.words} (certainty {reading.certainty:.2f}, too little)")
    lines += ["", "Chosen"]
    costs = estimated_tokens([passage.text for passage in evidence.passages])
    for number, (passage, tokens) in enumerate(zip(evidence.passages, costs, strict=True), 1):
        lines.append(f"  [{number}] about {tokens:>5,} tokens  {_line(passage)}")
    lines += ["  nothing"] if not evidence.passages else []
    cut = evidence.choice.cut if evidence.choice is not None else ()
    lines += ["", "Cut"] if cut else []
    for one in cut[:_CUT]:
        lines.append(f"  about {one.tokens:>9,} tokens  {_line(one.passage)}: {one.reason}")
    lines += [f"  and {len(cut) - _CUT:,} more"] if len(cut) > _CUT else []
    lines += ["", *(f"Note: {note.text}" for note in evidence.notes)] if evidence.notes else []
    if plan.plan is None:
        return "\n".join(["Dry run: nothing is generated. The model would not be asked.", "", *lines])
    return "\n".join([*lines, "", plan_text(plan.plan)])


def _line(passage: Passage) -> str:
    text = " ".join(clean(passage.text).split())
    return f"{passage.source}, {passage.locator.label}: {text[:80]}{'…' if len(text) > 80 else ''}"
