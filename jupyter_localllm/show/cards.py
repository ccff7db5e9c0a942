"""Marks, cards and the list of sources as HTML that can do nothing but be read.

There is no script. A mark can be hovered and focused; its card is written by a style sheet of our own from an
attribute, so that a front end which removes styles (GitHub, a notebook nobody trusted) shows the mark alone and no
card in the middle of a sentence. The list of sources, a ``<details>``, holds everything and needs no style. JupyterLab
with our extension takes neither: it has a style sheet of its own, and makes a card, with the table, from the entry in
the list.

A status is told by a sign, a word and a colour. Texts of sources are always escaped, isolated in their reading
direction, and clipped with their size told.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from jupyter_localllm.show.listing import (
    SIGNS,
    Entry,
    claim_of,
    clipped,
    entries,
    looked_at,
    one_line,
    reading,
    totals,
)
from jupyter_localllm.show.marks import Link, Spot
from jupyter_localllm.show.plain import clean
from jupyter_localllm.types import Answer, Citation

__all__ = ["STYLE", "CardWriter", "below"]

_LONGEST_CARD = 280
_LONGEST_CLAIM = 200
_LONGEST_CELL = 400
_LONGEST_EXCERPT = 20_000
_MOST_ROWS = 50
_MOST_COLUMNS = 30
_CARD_ROWS = 6

_QUIET = "color:var(--jp-ui-font-color2,var(--vscode-descriptionForeground,#767676));font-size:.9em"

# JupyterLab's variables first, VS Code's second, then colours of our own for light and dark pages. The card is opaque
# and has its own colour of text, so that it can be read on any page. It is fixed, so that no output area cuts it off:
# without offsets it stands where it would stand in the text, below the line; browsers that can anchor it turn it round
# at the edge of the window.
STYLE = """
.jp-LocalLLM-answer{--jll-ink:var(--jp-ui-font-color1,var(--vscode-editorHoverWidget-foreground,#212121));
--jll-paper:var(--jp-layout-color1,var(--vscode-editorHoverWidget-background,#fff));
--jll-edge:var(--jp-border-color1,var(--vscode-editorHoverWidget-border,#bdbdbd));
--jll-link:var(--jp-content-link-color,var(--vscode-textLink-foreground,#2474d2));
--jll-doubt:#b05f00;--jll-good:#2f8a3a;
--jll-cited:rgba(255,193,7,.35)}
@media (prefers-color-scheme:dark){.jp-LocalLLM-answer{
--jll-ink:var(--jp-ui-font-color1,var(--vscode-editorHoverWidget-foreground,#e6e6e6));
--jll-paper:var(--jp-layout-color1,var(--vscode-editorHoverWidget-background,#24292e));
--jll-edge:var(--jp-border-color1,var(--vscode-editorHoverWidget-border,#5c6370))}}
[data-jp-theme-light=false] .jp-LocalLLM-answer{--jll-doubt:#ffb84d;--jll-good:#7fd18c}
.jp-LocalLLM-cites{font-size:.8em;line-height:0;white-space:nowrap}
sup.jp-LocalLLM-cites a.jp-LocalLLM-cite{color:var(--jll-link);cursor:help;text-decoration:none;border-radius:2px}
sup.jp-LocalLLM-cites a.jp-LocalLLM-is-unsupported.jp-LocalLLM-cite,
sup.jp-LocalLLM-cites a.jp-LocalLLM-is-stale.jp-LocalLLM-cite{color:var(--jll-doubt)}
.jp-LocalLLM-cite:focus-visible{outline:2px solid var(--jll-link);outline-offset:1px}
.jp-LocalLLM-cite[data-jll-card]:is(:hover,:focus)::after{content:attr(data-jll-card);display:block;position:fixed;z-index:99;
box-sizing:border-box;width:max-content;max-width:min(28rem,85vw);margin-top:.3em;padding:.6em .8em;
background:var(--jll-paper);color:var(--jll-ink);border:1px solid var(--jll-edge);border-left:4px solid var(--jll-link);
border-radius:3px;box-shadow:0 2px 10px rgba(0,0,0,.3);
font:400 13px/1.45 var(--jp-ui-font-family,system-ui,sans-serif);text-align:start;
white-space:pre-wrap;overflow-wrap:anywhere;unicode-bidi:plaintext;pointer-events:none}
.jp-LocalLLM-cites .jp-LocalLLM-cite.jp-LocalLLM-is-supported:is(:hover,:focus)::after{
border-left-color:var(--jll-good)}
.jp-LocalLLM-cites .jp-LocalLLM-cite:is(.jp-LocalLLM-is-unsupported,.jp-LocalLLM-is-stale):is(:hover,:focus)::after{
border-left-color:var(--jll-doubt)}
@supports (position-try-fallbacks:flip-block){.jp-LocalLLM-cite:is(:hover,:focus){anchor-name:--jll-mark}
.jp-LocalLLM-cite:hover{anchor-name:--jll-hover}
.jp-LocalLLM-cite:is(:hover,:focus)::after{position-anchor:--jll-mark;inset:auto;top:anchor(bottom);left:anchor(left);
margin:.5em 0;position-try-fallbacks:flip-block,flip-inline,flip-block flip-inline}
.jp-LocalLLM-cite:hover::after{position-anchor:--jll-hover}}
.jp-LocalLLM-unsupported{text-decoration:underline dashed 1px var(--jll-doubt);text-underline-offset:.2em}
.jp-LocalLLM-sources{margin-top:.5em}
.jp-LocalLLM-sources summary{cursor:pointer;width:fit-content}
.jp-LocalLLM-sources ul{margin:.5em 0 0;padding:0;list-style:none}
.jp-LocalLLM-sources li{padding:0 0 0 .8em;border-left:3px solid var(--jll-edge);margin:0 0 .7em;overflow-wrap:anywhere}
.jp-LocalLLM-answer .jp-LocalLLM-verdict.jp-LocalLLM-is-supported .jp-LocalLLM-sign{color:var(--jll-good)}
.jp-LocalLLM-answer .jp-LocalLLM-verdict.jp-LocalLLM-is-unsupported .jp-LocalLLM-sign,
.jp-LocalLLM-answer .jp-LocalLLM-verdict.jp-LocalLLM-is-stale .jp-LocalLLM-sign{color:var(--jll-doubt)}
.jp-LocalLLM-answer .jp-LocalLLM-excerpt{max-height:14em;overflow:auto;white-space:pre-wrap}
.jp-LocalLLM-answer .jp-LocalLLM-shown{border-collapse:collapse;margin:.3em 0;font-size:.92em}
.jp-LocalLLM-answer .jp-LocalLLM-shown :is(th,td){border:1px solid var(--jll-edge);padding:.15em .5em;text-align:start;
vertical-align:top;max-width:24em;overflow-wrap:anywhere}
.jp-LocalLLM-answer .jp-LocalLLM-cited{background:var(--jll-cited);color:inherit;font-weight:600;
outline:2px solid var(--jll-doubt);outline-offset:1px}
@media print{.jp-LocalLLM-sources::details-content{content-visibility:visible;display:block;block-size:auto}
.jp-LocalLLM-excerpt{max-height:none}}
""".strip()


class CardWriter:
    """Writes marks and underlined claims into the HTML of an answer's text.

    Parameters
    ----------
    answer : Answer
    """

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._entry_of = {index: entry for entry in entries(answer) for index in entry.citations}

    def mark(self, spot: Spot) -> str:
        """A mark: each of its numbers can be hovered, focused and, with our extension, clicked."""
        return f'<sup class="jp-LocalLLM-cites">{"".join(map(self._link, spot.links))}</sup>'

    def claim(self, html: str, citation: int) -> str:
        """A piece of a claim that is not supported: underlined, and why in its title."""
        cited = self._answer.citations[citation]
        title = escape(clipped(": ".join(_verdict_words(cited)), _LONGEST_CLAIM))
        return f'<span class="jp-LocalLLM-unsupported" title="{title}">{html}</span>'

    def _link(self, link: Link) -> str:
        cited, entry = self._answer.citations[link.citation], self._entry_of[link.citation]
        name = f"source {link.number}" if link.number else "no source"
        label = ": ".join(part for part in (name, _place(entry), *_verdict_words(cited)) if part)
        sign = f'<span class="jp-LocalLLM-sign">{SIGNS[cited.status]}</span>' if cited.status == "stale" else ""
        doubtful = cited.status == "unsupported" and link.number
        inside = f"{link.number or '?'}{'?' if doubtful else ''}{sign}"
        return (
            f'<a class="jp-LocalLLM-cite jp-LocalLLM-is-{cited.status} jp-LocalLLM-of-{link.citation}" tabindex="0" '
            f'role="doc-noteref" aria-label="{escape(clipped(label, _LONGEST_CARD))}" '
            f'data-jll-card="{escape(_card(entry, cited))}">[{inside}]</a>'
        )


def below(answer: Answer) -> str:
    """What stands under the text: how the question was read, and the list of sources.

    Parameters
    ----------
    answer : Answer

    Returns
    -------
    str
        HTML; the style sheet first.
    """
    parts = [f"<style>\n{STYLE}\n</style>\n"]
    if words := reading(answer):
        parts.append(f'<div class="jp-LocalLLM-reading" dir="auto" style="{_QUIET}">{escape(words)}</div>\n')
    listed = entries(answer)
    if listed:
        body = "".join(_entry(answer, entry) for entry in listed)
        parts.append(_folded(_summary(answer, listed), f"<ul>\n{body}</ul>"))
    elif places := looked_at(answer):
        body = "".join(f'<li dir="auto">{escape(words)}</li>' for words in places)
        parts.append(_folded(f"Looked at ({len(answer.passages):,})", f"<ul>{body}</ul>"))
    return "".join(parts)


def _folded(summary: str, body: str) -> str:
    return f'<details class="jp-LocalLLM-sources"><summary>{summary}</summary>\n{body}</details>\n'


def _summary(answer: Answer, listed: Sequence[Entry]) -> str:
    count = sum(entry.number > 0 for entry in listed)
    told = [f"{SIGNS[status]} {number:,} {status}" for status, number in totals(answer)]
    return escape(" · ".join([f"Sources ({count:,})", *told]))


def _entry(answer: Answer, entry: Entry) -> str:
    head = f"[{entry.number or '?'}]"
    name = f' <code class="jp-LocalLLM-name" dir="auto">{escape(entry.source)}</code>' if entry.source else ""
    where = f', <span dir="auto">{escape(entry.place)}</span>' if entry.place else ""
    several = len(entry.citations) > 1 or not entry.number
    verdicts = "".join(_verdict(answer, index, several) for index in entry.citations)
    term = f'<div class="jp-LocalLLM-place"><strong>{head}{name}{where}</strong></div>'
    return f'<li class="jp-LocalLLM-entry">{term}\n{verdicts}{_excerpt(entry)}</li>\n'


def _verdict(answer: Answer, index: int, with_claim: bool) -> str:
    cited = answer.citations[index]
    claim = clipped(claim_of(answer, cited), _LONGEST_CLAIM) if with_claim else ""
    said = f' <q dir="auto">{escape(claim)}</q>' if claim else ""
    status, *reason = _verdict_words(cited)
    why = f" ({escape(clipped(reason[0], _LONGEST_CLAIM))})" if reason else ""
    return (
        f'<div class="jp-LocalLLM-verdict jp-LocalLLM-is-{cited.status} jp-LocalLLM-of-{index}">'
        f'<span class="jp-LocalLLM-sign" aria-hidden="true">{SIGNS[cited.status]}</span> <strong>{status}</strong>'
        f'{said}<span dir="auto">{why}</span></div>'
    )


def _verdict_words(cited: Citation) -> list[str]:
    words = "not in the sources" if cited.status == "unsupported" and not cited.number else cited.status
    return [words, one_line(cited.reason)] if cited.reason else [words]


def _place(entry: Entry) -> str:
    return ", ".join(part for part in (entry.source, entry.place) if part)


# ---------------------------------------------------------------------------------------------------------------------
# What a source says


def _excerpt(entry: Entry) -> str:
    if entry.passage is not None and entry.passage.shown:
        told = _table(entry)
        computed = entry.passage.kind in ("computed", "statistic")
        return (_text(entry.text) + told) if computed else told
    return _text(entry.text)


def _text(text: str) -> str:
    if not text:
        return ""
    return f'<div class="jp-LocalLLM-excerpt" dir="auto">{escape(_bounded(text, _LONGEST_EXCERPT))}</div>'


def _table(entry: Entry) -> str:
    assert entry.passage is not None
    head, *body = entry.passage.shown
    rows = [_row(head, "th", 0, entry), *(_row(row, "td", n, entry) for n, row in enumerate(body[:_MOST_ROWS], 1))]
    more = len(body) - _MOST_ROWS
    left = f"<div>and {more:,} more rows</div>" if more > 0 else ""
    return (
        f'<div class="jp-LocalLLM-excerpt"><table class="jp-LocalLLM-shown"><thead>{rows[0]}</thead>'
        f"<tbody>{''.join(rows[1:])}</tbody></table>{left}</div>"
    )


def _row(cells: Sequence[str], tag: str, number: int, entry: Entry) -> str:
    out = []
    for column, cell in enumerate(cells[:_MOST_COLUMNS]):
        words = escape(_bounded(clean(cell), _LONGEST_CELL))
        if (number, column) in entry.cells:
            words = f'<mark class="jp-LocalLLM-cited">{words}</mark>'
        out.append(f'<{tag} dir="auto">{words}</{tag}>')
    if len(cells) > _MOST_COLUMNS:
        out.append(f"<{tag}>and {len(cells) - _MOST_COLUMNS:,} more</{tag}>")
    return f"<tr>{''.join(out)}</tr>"


def _bounded(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]} … ({len(text):,} characters)"


def _card(entry: Entry, cited: Citation) -> str:
    """The card as text: status, place, and what stands there; the cited cell of a row is pointed at."""
    lines = [f"{SIGNS[cited.status]} {': '.join(_verdict_words(cited))}", _place(entry), *_said(entry)]
    return "\n".join(clipped(line, _LONGEST_CARD) for line in lines if line)


def _said(entry: Entry) -> list[str]:
    shown = entry.passage.shown if entry.passage is not None else ()
    if len(shown) != 2 or entry.passage is None or entry.passage.kind in ("computed", "statistic"):
        return [clipped(entry.text, _LONGEST_CARD)]
    pairs = list(zip(shown[0], shown[1], strict=False))
    near = [index for index in range(len(pairs)) if (1, index) in entry.cells or index < _CARD_ROWS][: _CARD_ROWS + 2]
    lines = [
        f"{'▸ ' if (1, index) in entry.cells else '   '}{one_line(pairs[index][0])}: "
        f"{clipped(one_line(pairs[index][1]), 80)}"
        for index in near
    ]
    return [*lines, "   …"] if len(near) < len(pairs) else lines
