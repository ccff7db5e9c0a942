"""HTML as its readers see it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_localllm.sources.document.html import declared, hold_html


def _texts(text: str) -> list[str]:
    return [passage.text for passage in hold_html(text, "page").passages()]


@pytest.mark.parametrize(
    ("text", "texts"),
    [
        ("<p>one  <b>two</b>\nthree</p>", ["one two three"]),
        ("<p>a<p>b", ["a", "b"]),
        ("a &amp; b &lt;c&gt; &eacute;", ["a & b <c> é"]),
        ("<title>T</title><p>x", ["T: x"]),
        ("<head><title>T</title></head><body><p>x</p></body>", ["T: x"]),
        ("<h1>A</h1><p>x</p><h2>B</h2>y<h1>C</h1>", ["A: x", "A > B: y", "C"]),
        ("<h1>A</h1><h1>B</h1><p>x</p>", ["A", "B: x"]),
        ("<h1>A</h1><div hidden><h2>no</h2><p>no</p></div><p>x</p>", ["A: x"]),
        ("<p style='color:red; DISPLAY : none'>no</p><p>x</p>", ["x"]),
        ("<p hidden>no<p>x", ["x"]),
        ("<span aria-hidden=true>no</span>x", ["x"]),
        ("<script>if (a < b) { document.write('<p>no</p>') }</script><style>p {}</style>x", ["x"]),
        ("<template><p>no</template><noscript>no</noscript>x", ["x"]),
        ("<ul><li>one<li>two</ul>", ["one", "two"]),
        ("<pre>a\n  b\n</pre>", ["a\n  b"]),
        ("one<br>two", ["one\ntwo"]),
        ("<table><tr><th>City<th>n<tr><td>Rome<td>2</table>", ["City | n\nRome | 2"]),
        ("<table><tr><td>a<p>b</p></td><td></td><td>c</td></tr></table>after", ["a b | c", "after"]),
        ("<table><tr><td><table><tr><td>in</td></tr></table></td><td>x</td></tr></table>", ["in | x"]),
        ("", []),
        ("<p></p><!-- no -->", []),
    ],
)  # fmt: skip
def test_what_a_reader_sees(text: str, texts: list[str]) -> None:
    """Paragraphs under their headings; nothing that is hidden."""
    assert _texts(text) == texts


def test_lines_are_those_of_the_file() -> None:
    """A person finds the passage in the file; parts of one line are told apart."""
    held = hold_html("<h1>A</h1>\n<p>one\ntwo</p>\n<p>x</p><p>y</p>", "page")
    assert [(p.locator.lines, p.locator.label) for p in held.passages()] == [
        ((1, 3), "lines 1 to 3"),
        ((4, 4), "line 4"),
        ((4, 4), "line 4, part 2"),
    ]
    assert all(held.resolve(p.locator) == p for p in held.passages())


def test_later_parts_of_a_table_know_its_header() -> None:
    """A long table is cut between rows, and each part starts with the names of the columns."""
    rows = "".join(f"<tr><td>Town {n}</td><td>{n}</td></tr>" for n in range(150))
    texts = _texts(f"<table><tr><th>City</th><th>Size</th></tr>{rows}</table>")
    assert len(texts) > 2
    assert all(text.startswith("City | Size\n") for text in texts)


TAGS = (
    "<p> </p> <h1> </h1> <div> </div> <table> <tr> <td> </table> <br> "
    "<pre> </pre> <b hidden> </b> <body> <li> <title> </title> <head> </head> word &amp; <"
)


@given(st.lists(st.sampled_from(TAGS.split())).map(" ".join))
def test_anything_is_taken(text: str) -> None:
    """No tag soup is an error, and each passage is found again."""
    held = hold_html(text, "page")
    for passage in held.passages():
        assert held.resolve(passage.locator) == passage


@pytest.mark.parametrize(
    ("data", "charset"),
    [
        (b"<meta charset='iso-8859-1'>", "iso8859-1"),
        (b'<meta http-equiv="Content-Type" content="text/html; charset=windows-1252">', "cp1252"),
        (b"<meta charset=utf-8>", ""),
        (b"<meta charset=nonsense>", ""),
        (b"\xef\xbb\xbf<meta charset=iso-8859-1>", ""),
        (b"<p>charset=iso-8859-1", ""),
    ],
)
def test_a_declared_encoding_counts(data: bytes, charset: str) -> None:
    """It is said by the file and not guessed."""
    assert declared(data) == charset
