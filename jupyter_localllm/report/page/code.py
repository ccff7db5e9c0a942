"""Code with its words told apart by colour."""

from __future__ import annotations

from html import escape

from markupsafe import Markup

from jupyter_localllm.show.plain import clean

__all__ = ["highlighted", "lines_of"]

_LONGEST = 100_000


def lines_of(source: str) -> int:
    r"""How many lines there are.

    Examples
    --------
    >>> lines_of("a\nb\\n")
    2
    """
    return len(source.strip("\n").split("\n"))


def highlighted(source: str) -> Markup:
    r"""The source as HTML; as it is where Pygments is not installed, where it is very long, or where it is no Python.

    Examples
    --------
    >>> highlighted("%%llm\n<b>")
    Markup('<pre><code>%%llm\n&lt;b&gt;</code></pre>')
    """
    words = clean(source).strip("\n")
    inside = escape(words, quote=False)
    if len(words) <= _LONGEST and not words.lstrip().startswith("%%"):
        try:
            from pygments import highlight
            from pygments.formatters import HtmlFormatter
            from pygments.lexers import PythonLexer

            inside = str(highlight(words, PythonLexer(), HtmlFormatter(nowrap=True))).rstrip("\n")
        except ImportError:
            pass
    return Markup(f"<pre><code>{inside}</code></pre>")
