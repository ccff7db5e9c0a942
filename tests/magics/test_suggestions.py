"""What fits at the cursor."""

from __future__ import annotations

import random

import pytest

from jupyter_localllm.magics.arguments import parse_cell, parse_line
from jupyter_localllm.magics.options import OPTIONS
from jupyter_localllm.magics.suggestions import Known, Suggestions, suggest

KNOWN = Known(
    models=lambda: ["smollm2-135m-instruct", "qwen3", "my models/a.gguf"],
    chats=lambda: ["trip", "my work"],
    adapters=lambda: ["legal-lora", "my lora"],
    settings=lambda: ["n_ctx", "n_threads", "draft_model"],
)
FRAME = [{"text": "a", "unit price": 1, "unit": 2}]
VARIABLES = {"df": FRAME, "rows": [1], "note": "text", "number": 3, "_hidden": [1], "In": [], "table": {"a": 1}}


def texts(before: str) -> tuple[str, ...]:
    return suggest(before, VARIABLES, KNOWN, hidden=("In",)).texts


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("%%llm --te", ("--temperature",)),
        ("%%localllm --te", ("--temperature",)),
        ("\n\n%%llm --te", ("--temperature",)),
        ("%%llm answer << --te", ("--temperature",)),
        ("%%llm --seed 3 --to", ("--top-p", "--top-k", "--tools")),
        ("%%llm --system 'It is --x' --dry", ("--dry-run",)),
        ("%%llm --dry-run --dry", ()),
        ("%%llm --stop a --sto", ("--stop",)),
        ("%%llm --continue --ch", ()),
        ("%%llm --ci", ("--cite",)),
        ("%%llm --cite ", ("df", "note", "number", "rows", "table")),
        ("%%llm --cite n", ("note", "number")),
        ("%%llm --cite=n", ("note", "number")),
        ("%%llm --cite df n", ("note", "number")),
        ("%%llm --cite=df n", ("note", "number")),
        ("%%llm --cite df,n", ("note", "number")),
        ("%%llm --cite df, n", ("note", "number")),
        ("%%llm --cite=df,n", ("note", "number")),
        ("%%llm --cite note n", ("number",)),
        ("%%llm --cite note,n", ("number",)),
        ("%%llm --cite note --cite n", ("number",)),
        ("%%llm --cite some=n", ("note", "number")),
        ('%%llm --cite "no', ('"note"',)),
        ("%%llm --cite df[n", ()),
        ("%%llm --cite df.head(n", ()),
        ("%%llm --cite df --te", ("--temperature",)),
        ("%%llm --cite df --cache re", ("refresh", "require")),
        ("%%llm --cite df --cache=re", ("refresh", "require")),
        ("%%llm --cite df --cite=n", ("note", "number")),
        ("%%llm --cite df --cit", ("--cite",)),
        ("%%llm --cite df --ov", ()),
        ("%%llm --over df --cit", ()),
        ("%%llm --cite --te", ()),
        ("%llm --cite d", ("df",)),
        ("%llm --cite df,n", ("note", "number")),
        ("%llm --cite df n", ()),
        ("%llm --te", ("--temperature",)),
        ("x = %llm --te", ("--temperature",)),
        ("    y = %llm --te", ("--temperature",)),
        ("%llm \\\n --te", ("--temperature",)),
        ("z = 1\n%llm --te", ("--temperature",)),
        ("%%time\n%llm --te", ("--temperature",)),
        ("%%llm --cache ", ("use", "refresh", "off", "require")),
        ("%%llm --cache re", ("refresh", "require")),
        ("%%llm --cache=re", ("refresh", "require")),
        ("%%llm --format j", ("json",)),
        ("%%llm --on-error ", ("raise", "record")),
        ("%%llm --model ", ("smollm2-135m-instruct", "qwen3", '"my models/a.gguf"')),
        ("%%llm --model smo", ("smollm2-135m-instruct",)),
        ("%%llm --model=smo", ("smollm2-135m-instruct",)),
        ('%%llm --model "my', ('"my models/a.gguf"',)),
        ('%%llm --model "smo', ('"smollm2-135m-instruct"',)),
        ("%%llm --chat ", ("trip", '"my work"')),
        ("%%llm --option ", ("n_ctx", "n_threads", "draft_model")),
        ("%%llm --option draft_model ", ("smollm2-135m-instruct", "qwen3", '"my models/a.gguf"')),
        ("%%llm --option draft_model q", ("qwen3",)),
        ("%%llm --option embedding_model q", ("qwen3",)),
        ("%%llm --option adapter le", ("legal-lora",)),
        ("%llm --option draft_model q", ("qwen3",)),
        ("%%llm --option=draft_model q", ("qwen3",)),
        ("%%llm --option=n_ctx 512 --te", ("--temperature",)),
        ("%%llm --option n_ctx 1 --option draft_model q", ("qwen3",)),
        ("%%llm --option draft_model qwen3 --option n_ctx ", ()),
        ("%%llm --adapter ", ("legal-lora", '"my lora"')),
        ("%%llm --adapter=le", ("legal-lora",)),
        ("%%llm --option n_t", ("n_threads",)),
        ("%%llm --option n_ctx ", ()),
        ("%%llm --temperature ", ()),
        ("%%llm --system ", ()),
        ("%%llm --over ", ("df", "rows")),
        ("%%llm --over d", ("df",)),
        ("%%llm --over df --column ", ("text", '"unit price"', "unit")),
        ("%%llm --over df --column uni", ('"unit price"', "unit")),
        ('%%llm --over df --column "uni', ('"unit price"', '"unit"')),
        ("%%llm --over=df --column t", ("text",)),
        ("%%llm --over rows --column ", ()),
        ("%%llm --over nothing --column ", ()),
        ("%%llm --column ", ()),
        ("%llm ca", ("cache",)),
        ("%llm s", ("status",)),
        ("%llm use ", ("smollm2-135m-instruct", "qwen3", '"my models/a.gguf"')),
        ("%llm use q", ("qwen3",)),
        ("%llm use qwen3 ", ()),
        ("%llm cache ", ("show", "clear", "prune", "export", "import")),
        ("%llm cache p", ("prune",)),
        ("%llm cache prune ", ("--days",)),
        ("%llm cache prune --days ", ()),
        ("%llm config ", ("n_ctx", "n_threads", "draft_model", "--file")),
        ("%llm config n_ctx ", ("--file",)),
        ("%llm history ", ("trip", '"my work"', "--clear", "--save", "--load")),
        ("%llm history trip --s", ("--save",)),
        ("%llm history --clear ", ()),
        ("%llm status ", ()),
        ("%llm pu", ("pull",)),
        ("%llm --chat trip ca", ()),
        ("x = %llm y << ca", ()),
        ("%llm What is ca", ()),
        ("%llm What is --te", ()),
        ("%%llm\nSee {{ d", ("df",)),
        ("%%llm\nSee {{", ("df", "note", "number", "rows", "table")),
        ("%%llm\nSee {{ _", ("_hidden",)),
        ("%%llm\nSee {{ len(d", ("df",)),
        ("%%llm\n{{ df }} and {{ n", ("note", "number")),
        ("%%llm --seed 1\nline\n{{ n", ("note", "number")),
        ("%llm See {{ d", ("df",)),
        ("%%llm\nSee {{ df }} d", ()),
        ("%%llm\nWhat's {{ df.cou", ("count",)),
        ("%%llm\nSee {{ len(df.so", ("sort",)),
        ("%%llm\nSee {{ df._", ()),
        ("%%llm\nSee {{ nothing.c", ()),
        ("%%llm\nSee {{ df.copy().c", ()),
        ("%%llm\nSee {{ df.x.c", ()),
        ("%%llm\nSee {{ df | ", ()),
        ("%%llm\nSee {{ 'd", ()),
        ("%%llm\nSee {{ 3", ()),
        ("%%llm --raw\nSee {{ d", ()),
        ("%%llm\nplain d", ()),
        ("%%llm", ()),
        ("%llm", ()),
        ("%%other --te", ()),
        ("%other --te", ()),
        ("x = 10 % llm", ()),
        ("print(", ()),
        ("", ()),
    ],
)
def test_what_fits(before: str, expected: tuple[str, ...]) -> None:
    """Options, their values, subcommands and variables are offered where they fit, and nowhere else."""
    assert texts(before) == expected


def test_an_empty_line_offers_everything() -> None:
    """After ``%llm`` come subcommands, then options; after ``%%llm`` only options."""
    options = tuple(option.name for option in OPTIONS)
    line = texts("%llm ")
    assert line[:3] == ("status", "use", "models")
    assert line[-len(options) :] == options
    assert texts("%%llm ") == options


def test_cited_names_then_options() -> None:
    """On a cell's line, after one name, come the other names, and then the options."""
    found = texts("%%llm --cite df ")
    assert found[:4] == ("note", "number", "rows", "table")
    assert found[4:] == tuple(o.name for o in OPTIONS if o.name not in ("--over", "--schema"))


def test_modules_are_not_offered_to_be_cited() -> None:
    """A module cannot be cited, and a function can."""
    assert suggest("%%llm --cite ", {"random": random, "texts": texts}, KNOWN).texts == ("texts",)


def test_files_are_told() -> None:
    """Where a file's name fits, IPython's own completion of files is let through."""
    assert suggest("%%llm --option draft_model ", {}, KNOWN).files
    for before in ("%%llm --adapter ", "%%llm --model ", "%llm use ", "%llm cache export ", "%llm history --save "):
        assert suggest(before, {}, KNOWN).files, before
    assert not suggest("%%llm --cache ", {}, KNOWN).files


def test_a_foreign_magic_is_left_alone() -> None:
    """Nothing is offered for a ``%%llm`` that is not ours; the line magic is judged on its own."""
    known = Known(owned=lambda name, kind: kind == "line")
    assert suggest("%%llm --te", {}, known) == Suggestions()
    assert suggest("%llm --te", {}, known).texts == ("--temperature",)


def test_what_is_offered_is_accepted() -> None:
    """Every suggestion, put where it was offered, is understood by the parser as that text."""
    for before in (
        *("%%llm --model ", "%%llm --chat ", "%%llm --cache ", "%%llm --over df --column ", "%llm use "),
        *("%%llm --cite ", "%%llm --cite df ", "%%llm --cite df,"),
    ):
        for text in (t for t in texts(before) if not t.startswith("--")):
            line = before.partition(" ")[2] + text
            (parse_cell if before.startswith("%%") else parse_line)(line)
    assert parse_cell('--over df --column "unit price"').column == "unit price"


def test_any_text_is_safe() -> None:
    """Whatever stands before the cursor, the fragment ends it, and suggestions begin as the fragment does."""
    generator = random.Random(13)
    pieces = [
        "%%llm",
        "%llm",
        " ",
        "\n",
        "--model",
        "--over",
        "--cite",
        "df",
        ",",
        "[",
        "=",
        '"',
        "'",
        "\\",
        "{{",
        "}}",
        ".",
        "|",
        "x",
        "<<",
        "-",
    ]
    offered = 0
    for _ in range(20_000):
        before = "".join(generator.choice(pieces) for _ in range(generator.randrange(10)))
        found = suggest(before, VARIABLES, KNOWN)
        assert "\\\n" in before or before.endswith(found.fragment)
        written = found.fragment.strip("\"'")
        for text in found.texts:
            offered += 1
            assert text.strip('"').startswith(written)
    assert offered > 100
