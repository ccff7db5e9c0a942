r"""Markdown that stays harmless wherever it is rendered.

Front ends that take ``text/markdown`` render it with parsers of their own: raw HTML and images switched on, diagrams
drawn, mathematics typeset, attributes and shortcodes obeyed (pandoc, Quarto). They do not agree where a code fence or
a code span ends, so nothing here rests on where *we* think it ends:

- Fences and indented code at the top level are written anew, in the one form all parsers agree on: backticks at
  column 0, longer than any run inside, a plain language name, blank lines around, always closed.
- Everything else goes through rules on characters that hold in any context: a tag cannot open, an image cannot begin,
  a link has a plain address or none, a definition defines nothing, a live TeX command is cut from its backslash.
- Code keeps its ``<`` and its ``](`` only where no parser we know could see anything but code. In doubt a space or an
  entity is put in, and a person sees it.

Ordinary Markdown comes out as it went in.
"""

from __future__ import annotations

import functools
import re
from itertools import groupby
from typing import TYPE_CHECKING

from jupyter_localllm.show.html import LONGEST
from jupyter_localllm.show.math import INLINE_MATH
from jupyter_localllm.show.parser import TooDeep, language, make_parser
from jupyter_localllm.show.plain import clean
from jupyter_localllm.show.tex import LIVE_COMMANDS, draws_only

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

__all__ = ["fenced", "neutralise"]

_LIVE = "|".join(sorted(LIVE_COMMANDS, key=len, reverse=True))
_LINE_START = r"(?m:^)[ \t>*+\-\d.)]*"
_FENCE_MARKS = rf"{_LINE_START}(?:`{{3,}}|~{{3,}})"
_FENCE_OPENING = re.compile(rf"({_FENCE_MARKS})([^\n]*)\Z")
_ATTRIBUTE = r"\s*(?:[.#=:]|[\w-]+\s*=)"

# What may be alive, by the character that must be broken. A lookahead keeps the rest for the other rules.
_RULES = {
    "fence": rf"{_FENCE_MARKS}(?=[ \t]*\S)",
    "colons": rf"{_LINE_START}:{{3,}}",
    "definition": rf"{_LINE_START}\[(?:[^\[\]\\]|\\.){{1,999}}\]:",
    "image": r"!(?=\[)",
    "link": r"\]\(",
    "shortcode": r"\{(?=\{<)",
    "tag": r"<(?=[A-Za-z/!?])",
    "entity": r"&(?=#|[A-Za-z][A-Za-z0-9]*;)",
    "attributes": rf"(?<=[\])`])\{{(?={_ATTRIBUTE}[^{{}}]{{0,500}}\}})",
    "tex": rf"\\(?=(?:begin|{_LIVE})(?![A-Za-z]))",
}
# How it is broken: in prose by an escape or an entity, which nobody sees; in code and in TeX, where these would be seen
# or would be wrong, by a space.
_IN_PROSE = {"colons": "\\:::", "definition": "\\", "image": "!\\", "link": "]\\(", "tag": "&lt;", "entity": "&amp;"}
_IN_PROSE |= {"attributes": "\\{", "tex": "\\ ", "shortcode": "{ "}
_IN_CODE = {"colons": ": ::", "definition": " ", "image": "! ", "link": "] (", "tag": "< ", "entity": "& "}
_IN_CODE |= {"attributes": " {", "tex": "\\ ", "shortcode": "{ "}

_IN_VETTED_TEX = {kind: broken for kind, broken in _IN_CODE.items() if kind != "tex"}

_CODE_SPAN = r"(?P<code>`[^`\n]+`)"
# What MathJax takes for mathematics beyond what our parser does: dollars with spaces inside.
_MATH = rf"(?P<math>{INLINE_MATH.pattern}|\$(?=[^$\\]{{0,999}}\\)[^$]{{1,1000}}\$)"

_ENTITY = re.compile(r"(?:amp|lt|gt|quot|apos|nbsp|copy|reg|deg|times|hellip|mdash|ndash|rarr|larr|euro|middot);")
# After the parenthesis of a link: a plain absolute address, or one that no decoding can turn into a scheme.
_PLAIN_ADDRESS = re.compile(r"\s*(?:https?://|mailto:|(?!\s)[^\s:&\\<>`()]*[)/?#\s])", re.IGNORECASE)

_RISKY = re.compile(
    rf"{'|'.join(_RULES[kind] for kind in _RULES if kind != 'fence')}|{_FENCE_MARKS}[ \t]*\S", re.DOTALL
)
# What could end a construct that only some parsers know, and so put code outside its fence.
_ENDS_SOMETHING = re.compile(rf"\$\$|\\[\])]|\\end\b|{_FENCE_MARKS}|{_LINE_START}:{{3}}")
# What some parsers read before they look for code spans: links and bare addresses, table cells, mathematics.
_BEFORE_CODE = re.compile(r"\]\(|\]:|[$|@]|\\[(\[]|\\begin|://|www\.|mailto:")


def neutralise(markdown: str) -> str:
    r"""Make Markdown harmless in front ends that allow raw HTML, images and diagrams.

    Parameters
    ----------
    markdown : str
        Anything, hostile or not.

    Returns
    -------
    str
        Markdown that reads the same.

    Examples
    --------
    >>> neutralise("A *list*:\n\n- `a < b`\n- $x^2$")
    'A *list*:\n\n- `a < b`\n- $x^2$'
    >>> neutralise("<script>x</script> ![logo](http://example.org/x.png)")
    '&lt;script>x&lt;/script> !\\[logo](http://example.org/x.png)'
    """
    text = clean(markdown).replace("\u2028", " ").replace("\u2029", " ")
    if len(text) > LONGEST:
        return fenced(text)
    try:
        tokens = _parser().parse(text)
    except (TooDeep, RecursionError):
        return fenced(text)
    lines = text.split("\n")
    nested = _nested_fences(tokens)
    parts: list[str] = []
    done = 0
    for token in tokens:
        if not token.level and token.map and token.type in ("fence", "code_block", "math_block", "hr"):
            parts += [_prose(lines, range(done, token.map[0]), nested), _block(token)]
            done = token.map[1]
    parts.append(_prose(lines, range(done, len(lines)), nested))
    return "\n\n".join(stripped for part in parts if (stripped := _trim(part)))


def fenced(code: str, info: str = "") -> str:
    """Code as a fence that every parser reads alike.

    Parameters
    ----------
    code : str
        Anything.
    info : str
        The language as the model named it.

    Returns
    -------
    str
        The fence, without a line break at its end.

    Examples
    --------
    >>> print(fenced("print(1)", "python"))
    ```python
    print(1)
    ```
    """
    code = clean(code).strip("\n")
    if _RISKY.search(code) and _ENDS_SOMETHING.search(code):
        code = _spaced(code)
    longest = max(map(len, re.findall("`+", code)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language(info)}\n{code}\n{fence}"


def _block(token: Token) -> str:
    """One top-level block that is written anew."""
    if token.type == "hr":
        return "***"  # dashes could open a block of metadata
    if token.type == "math_block":
        drawn = draws_only(token.content) and "`" not in token.content and "~~~" not in token.content
        return _spaced(token.content, _IN_VETTED_TEX) if drawn else fenced(token.content)
    return fenced(token.content, token.info)


def _nested_fences(tokens: list[Token]) -> dict[int, str]:
    """The lines of fences in lists and quotes: their opening and what lies inside."""
    lines: dict[int, str] = {}
    for token in tokens:
        if token.level and token.type == "fence" and token.map:
            first, after = token.map
            lines |= {first: "opening", **dict.fromkeys(range(first + 1, after), "code")}
    return lines


def _prose(lines: list[str], span: range, nested: dict[int, str]) -> str:
    """Everything that is not top-level code: rules on characters, paragraph by paragraph."""
    out: list[str] = []
    for blank, numbers in groupby(span, key=lambda number: not lines[number].strip()):
        paragraph = list(numbers)
        whole = "\n".join(lines[number] for number in paragraph)
        if blank:
            out.append(whole)
            continue
        for kind, group in groupby(paragraph, key=nested.get):
            text = "\n".join(lines[number] for number in group)
            opening = _FENCE_OPENING.match(text) if kind == "opening" else None
            if opening:
                out.append(opening[1] + language(opening[2]))
            else:
                out.append(_spaced(text) if kind == "code" else _harmless(text, whole))
    return "\n".join(out)


def _harmless(text: str, paragraph: str) -> str:
    """Prose with everything broken that may be alive, and code spans kept if no parser can see them otherwise."""
    paired = "``" not in paragraph and r"\`" not in paragraph
    paired = paired and all(line.count("`") % 2 == 0 for line in paragraph.split("\n"))
    agreed = paired and not _BEFORE_CODE.search(paragraph)

    def replace(match: re.Match[str]) -> str:
        kind, found = match.lastgroup, match[0]
        if kind == "code":
            return found if agreed or not _RISKY.search(found) else _spaced(found)
        if kind == "math":
            return _math(found)
        return _broken(match, _IN_PROSE)

    return (_rules(_CODE_SPAN, _MATH) if paired else _rules(_MATH)).sub(replace, text)


def _spaced(code: str, how: dict[str, str] = _IN_CODE) -> str:
    """Break what may be alive with spaces, which both code and TeX survive and a reader sees."""
    return _rules().sub(lambda match: _broken(match, how), code)


def _broken(match: re.Match[str], how: dict[str, str]) -> str:
    """What stands instead of a construct that may be alive."""
    kind, found = match.lastgroup or "", match[0]
    if _is_plain(kind, match):
        return found
    if kind == "fence":
        return re.sub(r"(?=[`~])", r"\\", found, count=1)
    if kind not in how:
        # Vetted, as a command. After a backslash it is a line break and letters, which Markdown may make a command.
        backslashes = match.start() - len(match.string[: match.start()].rstrip("\\"))
        return found + " " if backslashes % 2 else found
    if kind == "definition":
        return found[:-1] + how[kind] + ":"
    return found.replace(":::", how[kind], 1) if kind == "colons" else how[kind]


def _is_plain(kind: str, match: re.Match[str]) -> bool:
    """Whether what follows makes it harmless: a plain address, a plain language, an entity of a plain character."""
    text, behind = match.string, match.end()
    if kind == "fence":
        end = text.find("\n", behind)
        info = text[behind : end if end >= 0 else None].strip()
        return language(info) == info
    plain = {"link": _PLAIN_ADDRESS, "entity": _ENTITY}.get(kind)
    return plain is not None and plain.match(text, behind) is not None


def _math(tex: str) -> str:
    """Mathematics in a line: as it is, or with all its commands put out of action."""
    if draws_only(tex) and "`" not in tex:
        return _spaced(tex, _IN_VETTED_TEX)
    return _spaced(re.sub(r"\\(?=[A-Za-z\\])", r"\\ ", tex).replace("^^", "^ ^"))


def _trim(part: str) -> str:
    """Without blank lines around; the indent of the first line stays."""
    return re.sub(r"\A(?:[ \t]*\n)+", "", part.rstrip())


@functools.lru_cache(maxsize=4)
def _rules(*first: str) -> re.Pattern[str]:
    return re.compile("|".join([*first, *(f"(?P<{kind}>{pattern})" for kind, pattern in _RULES.items())]), re.DOTALL)


@functools.lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    return make_parser()
