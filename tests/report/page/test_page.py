"""A notebook as a page: all of it is there, it is safe, and it holds together."""

from __future__ import annotations

import base64
import re
from html import unescape
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from jupyter_localllm.report.page import html
from jupyter_localllm.show.view import view_of
from jupyter_localllm.types import Answer, Citation, Locator, Passage, Result
from tests.report.page.places import everywhere
from tests.report.page.reading import read
from tests.report.samples import CITED, notebook, shown
from tests.show.hostile import HOST, MARKDOWN

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="  # one pixel


def page(*cells: Any, **options: Any) -> str:
    return html(new_notebook(cells=list(cells)), **options)


def showing(data: dict[str, Any], **cell: Any) -> Any:
    return new_code_cell("x", outputs=[new_output("display_data", data=data)], **cell)


def words(text: str) -> str:
    """The text of a page, blanks made one."""
    return " ".join(read(text).text.split())


# ---------------------------------------------------------------------------------------------------------------------
# What stands in it


def test_all_of_a_notebook() -> None:
    """Text, tables, pictures and what was printed are there; code is not."""
    made = page(
        new_markdown_cell("# Sales\n\nOf *May*."),
        new_code_cell("secret = 1", outputs=[new_output("stream", name="stdout", text="printed")]),
        showing({"text/html": "<table class='dataframe'><tr><th>n</th></tr><tr><td>7</td></tr></table>"}),
        showing({"image/png": PIXEL, "text/plain": "<Figure>"}),
        showing({"text/markdown": "**bold**"}),
        showing({"text/plain": "plain"}),
    )
    told = words(made)
    for part in ("Sales", "Of May.", "printed", "7", "bold", "plain"):
        assert part in told
    assert "secret" not in told
    assert "<Figure>" not in told
    assert f"data:image/png;base64,{PIXEL}" in made
    assert '<td class="num">7</td>' in made


def test_with_code() -> None:
    """With code it is folded in where it is long, and errors show where they came from."""
    short, long = new_code_cell("a = 1"), new_code_cell("\n".join(f"b{n} = {n}" for n in range(40)))
    failed = new_code_cell(
        "1/0", outputs=[new_output("error", ename="ZeroDivisionError", evalue="by zero", traceback=["\x1b[31mframe"])]
    )
    quiet = new_code_cell("w()", outputs=[new_output("stream", name="stderr", text="warned")])
    made = page(short, long, failed, quiet, code=True)
    assert made.count('<details class="code" open>') == 3
    assert "Code, 40 lines" in made
    assert "frame" in words(made)
    assert "warned" in words(made)
    without = words(page(short, long, failed, quiet))
    assert "ZeroDivisionError: by zero" in without
    assert "frame" not in without
    assert "warned" not in without


def test_tags() -> None:
    """Cells, their code and their outputs are left out where a tag says so."""
    cells = [
        new_code_cell(f"code_{tag.replace('-', '_')}", metadata={"tags": [tag]}, outputs=[
            new_output("stream", name="stdout", text=f"output {tag}")])
        for tag in ("remove-cell", "remove-input", "remove-output")
    ]  # fmt: skip
    told = words(page(*cells, code=True))
    assert "code_remove_cell" not in told
    assert "output remove-cell" not in told
    assert "code_remove_input" not in told
    assert "output remove-input" in told
    assert "code_remove_output" in told
    assert "output remove-output" not in told


@pytest.mark.parametrize(
    ("options", "metadata", "first", "expected", "headings"),
    [
        ({}, {}, "# Sales\n\nMay", "Sales", 1),
        ({"title": "Mine"}, {}, "# Sales", "Mine", 2),
        ({}, {"title": "Theirs"}, "May", "Theirs", 1),
        ({"title": "Sales"}, {}, "# Sales", "Sales", 1),
        ({}, {}, "May", "Report", 1),
        ({}, {}, "## Sales\n\nMay", "Sales", 1),
        ({}, {"papermill": {"input_path": "/night/monthly.ipynb"}}, "May\n\n## Sales", "monthly", 1),
        ({}, {"papermill": {"input_path": "/night/monthly.ipynb"}}, "May\n\n# Sales", "Sales", 2),
        ({}, {"papermill": {"input_path": 3}}, "May\n\n## Sales", "Sales", 1),
    ],
)
def test_title(options: dict[str, Any], metadata: dict[str, Any], first: str, expected: str, headings: int) -> None:
    """The title is the one that is given, the notebook's, or its heading, which then stands there once; or its name."""
    made = html(new_notebook(cells=[new_markdown_cell(first)], metadata=metadata), **options)
    assert f"<title>{expected}</title>" in made
    assert made.count("<h1") == headings


def test_title_of_a_file(tmp_path: Path) -> None:
    """A notebook that has no heading is called as its file."""
    path = tmp_path / "monthly.ipynb"
    nbformat.write(new_notebook(cells=[new_markdown_cell("x")]), path)
    assert "<title>monthly</title>" in html(path)


def test_a_run_that_ended_early_is_said_first() -> None:
    """A reader must not take a part for the whole: where the run ended stands under the title, with a link."""
    failed = new_code_cell("1 / 0", metadata={"papermill": {"status": "failed"}})
    failed.outputs = [new_output("error", ename="ZeroDivisionError", evalue="", traceback=[])]
    later = new_code_cell("2", metadata={"papermill": {"status": "pending"}})
    made = html(new_notebook(cells=[new_markdown_cell("# Sales"), failed, later]))
    told = 'The run ended in <a href="#cell-2">cell 2 of 3</a> (ZeroDivisionError). What comes after it has not run.'
    assert told in made
    assert made.index("This report is not complete.") < made.index("<main>")
    assert "<strong>ZeroDivisionError</strong>" in made  # and no colon without a message
    failed.metadata.tags = ["remove-cell"]
    assert "The run ended in cell 2 of 3 (ZeroDivisionError)." in html(
        new_notebook(cells=[new_markdown_cell("x"), failed, later])
    )
    assert "The notebook has not run." in html(new_notebook(cells=[later]))
    assert "not complete" not in html(new_notebook(cells=[new_code_cell("2")]))


def test_contents() -> None:
    """Headings of Markdown cells, of Markdown and of HTML that cells show are in the contents, in their order."""
    made = page(
        new_markdown_cell("# All\n\n## One"),
        showing({"text/markdown": "## Two `x`"}),
        showing({"text/html": "<h3>Three &amp; a half</h3>"}),
    )
    contents = made.partition("<nav")[2].partition("</nav>")[0]
    assert words("<nav" + contents) == "Contents One Two x Three & a half"
    assert "All" not in words(contents)
    assert 'class="depth-1"' in contents


def test_what_the_run_was_given() -> None:
    """Parameters and the day of the run stand under the title."""
    ran = {"parameters": {"region": "EU", "n": 3, "db_password": "s3cr3t"}, "end_time": "2026-11-21T10:00:00"}
    told = words(html(new_notebook(cells=[new_markdown_cell("x")], metadata={"papermill": ran})))
    assert "region EU n 3 db_password … run on 2026-11-21" in told


# ---------------------------------------------------------------------------------------------------------------------
# Answers


def test_every_kind_of_answer() -> None:
    """Each has its place, its line in the table, and the table tells model, seed, cache and citations."""
    made = html(notebook())
    for number in range(1, 14):
        assert made.count(f'id="answer-{number}"') == 1
        assert made.count(f'id="row-{number}"') == 1
    table = words(made.rpartition('<table class="answers">')[2])
    assert "capital: What is the capital of France? smollm2-135m-instruct 1 asked the model" in table
    assert "✓ 3 supported, ? 1 unsupported, ⟳ 1 stale" in table
    assert "the model was not asked" in table
    assert "2 of 3 rows from the cache" in table
    assert "large (router)" in table
    assert "failed" in table
    assert f"sha256 {'ab' * 32}" in table


def test_every_link_leads_somewhere() -> None:
    """Each link within the page has its place, and no place has a name twice."""
    made = read(html(notebook(), code=True))
    ids = made.values("id")
    assert len(ids) == len(set(ids))
    inner = [value.removeprefix("#") for value in made.values("href") if value.startswith("#")]
    assert len(inner) > 30
    assert set(inner) <= set(ids)


def test_sources_are_footnotes() -> None:
    """The sources of all answers are numbered through; the same passage has one number, and links back to each."""
    passage = CITED.passages[0]
    same = Citation(1, "cities", passage.locator, passage.text, 0, 15, "supported")
    again = Answer(f"So it is {passage.value} [1].", (same,), (passage,), Result("x"))
    slow = Passage("notes", "text", "Slow growth.", Locator(lines=(2, 2), label="line 2"), "cd" * 32)
    other = Citation(1, "notes", slow.locator, slow.text, 0, 4, "supported")
    third = Answer("Slow [1].", (other,), (slow,), Result("x"))
    cells = [new_code_cell("%%llm\nq", outputs=shown(view_of(one))) for one in (again, third, again)]
    made = page(*cells)
    assert made.count('<li id="note-') == 2
    first = made.partition('<li id="note-1">')[2].partition("</li>")[0]
    assert words(first).count("answer 1") == words(first).count("answer 3") == 1
    assert 'href="#note-2"' in made
    assert 'href="#ref-1"' in first
    assert "line 2" in words(made)


def test_calls_of_tools() -> None:
    """What was called, and what came of it, stands above the answer."""
    assert 'tool: price("tea") = 12' in words(html(notebook("tool")))


def test_short_questions_stand_above() -> None:
    """A short question is there for the reader, a prompt of many lines is not; with code it stands in the code."""
    long = new_code_cell(
        "%%llm\nFacts: 3.\nSentence:", outputs=shown(view_of(Result("So."), question="Facts: 3.\nSay:"))
    )
    made = html(new_notebook(cells=[*notebook("plain").cells, long]))
    assert made.count('<p class="asked"') == 1
    assert '<p class="asked" dir="auto">What is the capital of France?</p>' in made
    assert '<p class="asked"' not in html(notebook("plain"), code=True)


def test_what_is_not_carried() -> None:
    """A claim that no source carries is marked in the text, told among the sources, and counted at the top."""
    made = html(notebook("cited"))
    assert '<span class="doubt"' in made
    assert "not in the sources" in words(made)
    assert "no passage holds Europe" in words(made)
    header = made.partition("<header>")[2].partition("</header>")[0]
    assert "1 claim unsupported" in words(header)
    assert 'class="warns"' in header


def test_an_answer_that_is_shown_again() -> None:
    """It is listed again, and its claims are counted once, as the gates do."""
    made = notebook("cited")
    again = new_code_cell("x", outputs=made.cells[1].outputs)
    told = words(html(new_notebook(cells=[*made.cells, again])).partition("<header>")[2].partition("</header>")[0])
    assert "2 answers" in told
    assert "1 claim unsupported" in told


def test_no_answers() -> None:
    """A notebook without answers has no empty lists of them."""
    made = page(new_markdown_cell("# x"))
    assert "<footer>" not in made
    assert "<nav" not in made


def test_an_answer_is_made_anew() -> None:
    """What a file says an answer's HTML is, is not believed."""
    made = notebook("plain")
    output = made.cells[1].outputs[0]
    output.data["text/html"] = "<p>It is London.</p>"
    output.data["text/markdown"] = "It is London."
    assert "London" not in words(html(made))
    assert "Paris" in words(html(made))


def test_an_answer_that_is_not_ours() -> None:
    """JSON that we did not write is shown as its text."""
    made = notebook("plain")
    made.cells[1].outputs[0].data["application/vnd.jupyter-localllm.answer+json"] = {"text": "<b>hm</b>", "notes": 4}
    assert "<b>hm</b>" in words(html(made))


# ---------------------------------------------------------------------------------------------------------------------
# Safe

_TAGS = """
html head meta title style body header h1 h2 h3 h4 h5 h6 dl dt dd div p a nav ul ol li main section article details
summary pre code figure img span sup sub table thead tbody tfoot tr th td q mark footer strong em b i u s del ins hr br
blockquote small caption kbd samp var cite abbr dfn col colgroup figcaption strike tt
"""


@pytest.mark.parametrize("name", MARKDOWN)
def test_hostile(name: str) -> None:
    """Wherever hostile text stands, there is no script, no address that is fetched, and no element that acts."""
    made = read(html(everywhere(MARKDOWN[name]), code=True))
    assert made.tags <= set(_TAGS.split())
    for tag, attribute, value in made.attributes:
        assert not attribute.startswith("on")
        if attribute == "src":
            assert (tag, value.startswith("data:image/")) == ("img", True)
        if attribute == "href":
            assert tag == "a"
            assert value.startswith(("#", "http://", "https://", "mailto:")), value
        if attribute == "style":
            assert "url" not in value.lower()
            assert "position" not in value.lower()
        if tag == "meta":
            assert "refresh" not in value
        assert attribute not in ("action", "formaction", "srcdoc", "srcset", "poster", "background", "data")


def test_the_policy() -> None:
    """The page itself forbids scripts and all that would be fetched, before anything of the notebook stands in it."""
    made = page(new_markdown_cell("x"))
    head = made.partition("<title>")[0]
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in head
    style = made.partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style
    assert HOST not in style


def test_drawings_cannot_act() -> None:
    """SVG stands in the page as a picture, in which neither scripts nor fetches work."""
    drawn = '<svg xmlns="http://www.w3.org/2000/svg" onload="x()"><script>x()</script></svg>'
    made = page(showing({"image/svg+xml": drawn}))
    assert base64.b64encode(drawn.encode()).decode() in made
    assert "<svg" not in made


def test_what_is_interactive() -> None:
    """An output that lives by its script alone is told, not dropped; a picture beside it is shown in its place."""
    script = "<div><script>draw()</script></div>"
    assert "this page runs no scripts" in words(page(showing({"text/html": script})))
    both = page(showing({"text/html": script, "image/png": PIXEL}))
    assert "no scripts." not in words(both)
    assert PIXEL in both
    for kind in ("vegalite.v5", "jupyter.widget-view"):
        told = words(page(showing({f"application/vnd.{kind}+json": {}, "text/plain": "<HBox 5 object>"})))
        assert "this page runs no scripts" in told
        assert "HBox" not in told


def test_no_hidden_direction() -> None:
    """Nothing turns the direction of a line, also not where it is written as an entity."""
    made = page(showing({"text/html": '<b title="&#8238;x">a&#x202e;b&#x202Ec &amp;#x202e; &lt;i&gt;</b>'}))
    assert re.search("[\u202a-\u202e\u2066-\u2069]", unescape(made)) is None
    assert "&lt;i&gt;" in made


def test_answers_that_are_not_shown() -> None:
    """An answer in a cell that is left out is in the table of all answers, and counted once everywhere."""
    made = notebook("cited", "cached")
    made.cells[1].metadata["tags"] = ["remove-cell"]
    told = html(made)
    assert "2 answers" in words(told)
    assert "1 of 2 from the cache" in words(told)
    assert told.count('<tr id="row-') == 2
    page_read = read(told)
    inner = {value.removeprefix("#") for value in page_read.values("href") if value.startswith("#")}
    assert inner <= set(page_read.values("id"))
    assert 'id="answer-1"' not in told
    assert 'id="sources"' not in told


def test_attached_pictures() -> None:
    """Pictures that are attached to a Markdown cell stand in the page; others are told by their words."""
    cell = new_markdown_cell("![logo](attachment:l.png) ![far](https://x.example/a.png) ![gone](attachment:no.png)")
    cell["attachments"] = {"l.png": {"image/png": PIXEL}}
    made = page(cell)
    assert f'src="data:image/png;base64,{PIXEL}"' in made
    assert made.count("<img") == 1
    assert "far" in words(made)
    assert "gone" in words(made)


@pytest.mark.parametrize(
    "text", ["`" * 1_000_000, "<div>" * 50_000, "[" * 100_000, "x" * 10_000_000, "<table><tr><td>" * 10_000]
)
@pytest.mark.timeout(60)
def test_without_measure(text: str) -> None:
    """A text of a million signs, or nested a thousandfold, is shown as it is, cut, and in time."""
    made = page(new_markdown_cell(text), showing({"text/html": text}), showing({"text/plain": text}))
    assert len(made) < 3_000_000


def test_a_cell_of_blanks_does_not_hang() -> None:
    """Whether a table's cell is a number is seen at once, however many blanks lie in it."""
    told = "<table><tr><td>1" + " " * 20_000 + "x</td></tr></table>"
    cell = new_code_cell("df", outputs=[new_output("display_data", data={"text/html": told, "text/plain": "df"})])
    assert 'class="num"' not in html(new_notebook(cells=[cell])).partition("<main")[2]
