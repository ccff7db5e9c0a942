"""Tables: the same cells as HTML and as text."""

from __future__ import annotations

from jupyter_localllm.show.tables import Page, Table, table


def test_columns_of_text() -> None:
    """Each is as wide as its widest cell, on its side; an empty one takes no room, and no line ends in blanks."""
    rows = [("a", "1", ""), ("long", "200", "")]
    assert table(rows, ("name", "n", "")).splitlines() == ["name  n", "a     1", "long  200"]
    assert table(rows, align="right").splitlines() == ["a       1", "long  200"]


def test_a_page_in_both_forms() -> None:
    """Text for terminals, HTML for notebooks; what files and people named is never markup, nor mathematics."""
    page = Page(("<b>first</b>\nsecond", Table([("<i>", "$a$")], ("x", "y"), title="a & b:")))
    made = page._repr_mimebundle_()
    assert made["text/plain"] == str(page) == "<b>first</b>\nsecond\n\na & b:\nx    y\n<i>  $a$"
    html = made["text/html"]
    assert html.startswith('<div class="mathjax_ignore tex2jax_ignore"><p>&lt;b&gt;first&lt;/b&gt;<br>second</p>')
    assert "<p>a &amp; b:</p><table" in html
    assert "&lt;i&gt;</td>" in html
    assert "<i>" not in html


def test_long_cells_are_broken_and_short_ones_are_not() -> None:
    """So a table with a path in it is no wider than its cell, and a name or a figure stays in one piece."""
    html = Table([("mistral-7b-instruct-v0.3", "about 386 MB", "/a/very/long/path/to/a/model.gguf")]).html()
    name, figure, path = html.split("<td ")[1:]
    assert "white-space:nowrap" in name
    assert "white-space:nowrap" in figure
    assert "white-space:normal;overflow-wrap:anywhere" in path


def test_a_head_obeys_no_terminal() -> None:
    """What controls a terminal is not written, in the head neither: names of files stand there."""
    assert "\x1b" not in str(Table([["a"]], head=["\x1b[2J"]))
