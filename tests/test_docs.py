"""What the pages say is true of the code: tables, snippets, links, names."""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import json
import pkgutil
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import jinja2
import pytest

import jupyter_localllm
from jupyter_localllm import LocalLLM
from jupyter_localllm.answering import Limits
from jupyter_localllm.answering.evidence import COVERED
from jupyter_localllm.bench import Row, plan_in
from jupyter_localllm.bench.quality import KINDS as KINDS_OF_QUALITY
from jupyter_localllm.bench.quality import questions
from jupyter_localllm.cli.main import COMMANDS
from jupyter_localllm.compute.operation import Function
from jupyter_localllm.compute.reading import CERTAIN
from jupyter_localllm.config.files import read_file
from jupyter_localllm.config.sections import SECTIONS, section_of
from jupyter_localllm.doctor import CHECKS
from jupyter_localllm.engine.backends import GROUP
from jupyter_localllm.engine.scripted import ScriptedEngine
from jupyter_localllm.magics.arguments import Prompt, Subcommand, parse_cell, parse_line
from jupyter_localllm.magics.options import OPTIONS, find_option
from jupyter_localllm.magics.subcommands import FORMS
from jupyter_localllm.prompt.sandbox import BUILTINS
from jupyter_localllm.runtime import EngineModel
from jupyter_localllm.sources import KINDS, MAX_BYTES, MAX_CELLS
from jupyter_localllm.sources.base import ENTRY_POINTS
from jupyter_localllm.sources.document import MAX_FILE_BYTES
from jupyter_localllm.sources.freezing import MAX_VALUES
from jupyter_localllm.sources.passages_array import MAX_ARRAY_VALUES
from jupyter_localllm.sources.select import Bounds
from jupyter_localllm.types import Answer, Citation, CitationStatus, Locator

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "jupyter_localllm"
EXTENSION = ROOT / "labextension"
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(
    (ROOT / "docs").glob("*.md")
)
LANGUAGES = {"bash", "ipython", "python", "text", "toml", "yaml"}
# Options of other programs that the pages name.
FOREIGN = {
    "--build-reference",
    "--own-library",
    "--only",
    "--gpu",
    *("--interrupt_requests", "--enable-auto-tool-choice", "--tool-call-parser", "--jinja"),
    *("--no-cache-dir", "--force-reinstall", "--no-deps", "--no-binary", "--log-output", "--merge", "--execute"),
    *("--out", "--rounds", "--questions", "--strict", "--to", "--json"),
}


@dataclass(frozen=True)
class Fence:
    page: Path
    line: int
    language: str
    text: str

    @property
    def where(self) -> str:
        return f"{self.page.name}:{self.line}"


def fences(page: Path) -> list[Fence]:
    text = page.read_text(encoding="utf-8")
    found = re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [Fence(page, text.count("\n", 0, match.start()) + 2, match[1], match[2]) for match in found]


def prose(page: Path) -> str:
    """The page without its fences."""
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def code_spans(text: str) -> list[str]:
    return re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text)


def rows(page: Path, first_heading: str) -> list[list[tuple[str, ...]]]:
    """The cells of each table whose first column is called `first_heading`."""
    tables: list[list[tuple[str, ...]]] = []
    for block in re.findall(r"(?:^\|.*\|\n)+", page.read_text(encoding="utf-8"), re.MULTILINE):
        lines = [_cells(line) for line in block.splitlines()]
        if lines[0][0] == first_heading:
            tables.append(lines[2:])
    return tables


def _cells(line: str) -> tuple[str, ...]:
    cells = re.split(r"(?<!\\)\|", line.strip()[1:-1])
    return tuple(cell.strip().replace("\\|", "|").strip("`") for cell in cells)


def of_language(language: str) -> list[Any]:
    return [
        pytest.param(fence, id=fence.where) for page in PAGES for fence in fences(page) if fence.language == language
    ]


# ---------------------------------------------------------------------------------------------------------------------
# Tables


def test_options_are_all_described() -> None:
    """The tables of options are the parser's, in its order."""
    (now,) = rows(ROOT / "docs" / "magics.md", "Option")
    assert now == [(option.usage, option.help) for option in OPTIONS]


def test_subcommands_are_all_described() -> None:
    """The tables of subcommands are the parser's, in its order."""
    (now,) = rows(ROOT / "docs" / "magics.md", "Subcommand")
    assert now == [(form.usage, form.help) for form in FORMS]


def test_settings_are_all_described() -> None:
    """Each setting stands in the table, with its default and its meaning."""
    (table,) = rows(ROOT / "docs" / "settings.md", "Setting")
    traits = LocalLLM.class_traits()
    # The defaults of these folders depend on the platform.
    told = {"cache_dir": "the platform's folder for caches", "pull_dir": "the platform's folder for data"}
    assert table == [
        (name, told.get(name, repr(traits[name].default())), str(traits[name].help))
        for name in LocalLLM.setting_names()
    ]


def test_settings_of_a_question() -> None:
    """The page lists just those settings that a question may change."""
    section = prose(ROOT / "docs" / "settings.md").split("## Which may change with a question")[1]
    listed = section.split(":", 1)[1].split("\n\n", 1)[0]
    assert sorted(code_spans(listed)) == sorted(LocalLLM.request_options())


def test_checks_of_the_doctor_are_all_described() -> None:
    """The table has each check, in the order of the code."""
    (table,) = rows(ROOT / "docs" / "doctor.md", "Check")
    assert [cells[0] for cells in table] == list(CHECKS)


def test_figures_of_the_bench_are_all_described() -> None:
    """The table has each figure, and the table of quality the size of the set."""
    page = ROOT / "docs" / "bench.md"
    (table,) = rows(page, "Figure")
    told = {name for cells in table for name in cells[0].replace("`", "").split(", ")}
    about = {"case", "model", "quantization", "backend", "n_ctx", "n", "error"}
    figures = {re.sub(r"_p\d+$", "", name) for name in Row("").figures()} - about
    assert told == figures
    (kinds,) = rows(page, "Kind")
    assert [cells[0] for cells in kinds] == list(KINDS_OF_QUALITY)
    sizes = [int(re.match(r"\d+", cells[1])[0]) for cells in kinds]  # type: ignore[index]
    assert sizes == [len(questions()[kind]["items"]) for kind in KINDS_OF_QUALITY]
    fields = sum(len(item["right"]) for item in questions()["extraction"]["items"])
    assert f"{fields} fields" in kinds[1][1]


def test_cache_modes() -> None:
    """The table of cache modes has them all."""
    (table,) = rows(ROOT / "docs" / "cache.md", "Mode")
    assert [cells[0] for cells in table] == LocalLLM.class_traits()["cache"].values


def test_names_and_bounds_of_templates() -> None:
    """The builtins of templates, and the bounds of what may be put into a prompt, are those of the code."""
    text = prose(ROOT / "docs" / "variables.md")
    listed = text.split("after them these of Python:")[1].split(". ", 1)[0]
    assert code_spans(listed) == sorted(BUILTINS)
    assert f"{MAX_CELLS:,} cells or values, and {MAX_BYTES / 1e6:.0f} MB of text" in text


def test_bounds_of_sources() -> None:
    """What is read of a source at most, and from when on a reading or a text is taken, are those of the code."""
    text = prose(ROOT / "docs" / "citations.md")
    assert f"A file of at most {MAX_FILE_BYTES / 1e9:g} GB" in text
    assert f"of nested data the first {MAX_VALUES:,} values; of an array the first {MAX_ARRAY_VALUES:,}" in text
    assert f"at most {Bounds().passages:,} passages are indexed, for at most {Bounds().seconds:g} seconds" in text
    assert f"The best {Limits().passages} passages at most" in text
    assert f"`source_tokens` ({LocalLLM.class_traits()['source_tokens'].default():,}) tokens" in text
    assert f"From {CERTAIN} on, a reading is taken" in text
    assert COVERED == 0.5
    assert "If no passage holds half of what the question asks about" in text


def test_fields_of_answers_are_all_described() -> None:
    """The tables of fields and statuses have them all, in the order of the code."""
    page = ROOT / "docs" / "citations.md"
    for kind in (Answer, Citation, Locator):
        (table,) = rows(page, f"Field of `{kind.__name__}")
        told = [name for cells in table for name in cells[0].replace("`", "").split(", ")]
        assert told == [field.name for field in dataclasses.fields(kind) if field.name != "checker"]
    (table,) = rows(page, "Status")
    assert [cells[0] for cells in table] == list(get_args(CitationStatus))


def test_operations_are_read_as_told(scripted: None) -> None:
    """Each question of the table is read as the operation beside it, and cites just that; no operation is missing."""
    page = ROOT / "docs" / "citations.md"
    namespace: dict[str, Any] = {}
    exec(next(fence.text for fence in fences(page) if fence.language == "python"), namespace)
    (table,) = rows(page, "Question")
    for question, place, _ in table:
        answer = namespace["llm"].ask(question, {"apiaries": namespace["apiaries"]})
        told = [citation.locator.label for citation in answer.citations]
        assert (told, answer.abstained) == ([place], False), question
    assert [operation for _, _, operation in table] == [name for name in get_args(Function) if name != "range"]


def test_rooms_are_all_named() -> None:
    """The map of the rooms has each room that there is, and no other."""
    page = ROOT / "docs" / "architecture.md"
    (table,) = rows(page, "Room")
    named = {name.strip(" `/").removesuffix(".py") for cells in table for name in cells[0].split("·")}
    there = {module.name for module in pkgutil.iter_modules(jupyter_localllm.__path__)} - {"_version"}
    assert named == there


def test_the_sidebars_settings_are_all_described() -> None:
    """Names, titles, defaults and words of the schema, in its order."""
    schema = json.loads((EXTENSION / "schema" / "plugin.json").read_text(encoding="utf-8"))
    (table,) = rows(ROOT / "docs" / "sidebar.md", "Setting")
    assert table == [
        (name, one["title"], json.dumps(one["default"]), one["description"])
        for name, one in schema["properties"].items()
    ]


def test_the_sidebars_commands_are_all_described() -> None:
    """Ids, labels and shortcuts, as the palette shows them, and what is typed after a `/`."""
    page, code = ROOT / "docs" / "sidebar.md", (EXTENSION / "src" / "panel" / "commands.ts").read_text(encoding="utf-8")
    schema = json.loads((EXTENSION / "schema" / "plugin.json").read_text(encoding="utf-8"))
    keys = {one["command"]: one["keys"][0] for one in schema["jupyter.lab.shortcuts"]}
    ids = dict(re.findall(r"(\w+): '(jupyter-localllm:[\w-]+)'", code))
    labels = re.findall(r"COMMAND\.(\w+), (?:\{\s*label: )?trans\.__\('([^']+)'\)", code)
    (commands,) = rows(page, "Command")
    assert commands == [
        (ids[name], label, keys.get(ids[name], "").replace("Accel", "Ctrl").replace(" ", "+")) for name, label in labels
    ]
    assert len(commands) == len(ids)
    (typed,) = rows(page, "Typed")
    completion = (EXTENSION / "src" / "chat" / "completion.ts").read_text(encoding="utf-8")
    listed = re.search(r"COMMANDS = \[(.*?)\]", completion)
    assert listed is not None
    assert [row[0] for row in typed] == [f"/{name}" for name in re.findall(r"'(\w+)'", listed[1])]


# ---------------------------------------------------------------------------------------------------------------------
# Snippets


def test_fences_have_a_language() -> None:
    """Every snippet says what it is, so that none escapes these tests."""
    strange = [fence.where for page in PAGES for fence in fences(page) if fence.language not in LANGUAGES]
    assert strange == []
    assert all(page.read_text(encoding="utf-8").count("```") == 2 * len(fences(page)) for page in PAGES)


REAL = {"engine.md", "map.md", "scaling.md", "typed.md"}
"""Pages whose snippets need a model, not a script."""


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Handles without an engine of their own answer from a script; what a page registers is gone after it."""
    engine = ScriptedEngine("This is an answer.", name="docs")

    def model(handle: LocalLLM) -> EngineModel:
        return EngineModel(handle._engine or engine)

    monkeypatch.setattr(LocalLLM, "_model", model)
    monkeypatch.setattr(KINDS, "_kinds", list(KINDS._kinds))


@pytest.mark.filterwarnings("ignore:.*cut off, at max_tokens")  # the script says more than a page's max_tokens
@pytest.mark.parametrize("page", [pytest.param(p, id=p.name) for p in PAGES if "```python" in p.read_text("utf-8")])
def test_python_runs(page: Path, request: pytest.FixtureRequest) -> None:
    """The Python of a page runs from its first snippet to its last, as one program."""
    if page.name not in REAL:
        request.getfixturevalue("scripted")
    namespace: dict[str, Any] = {"__name__": page.stem}
    for fence in fences(page):
        if fence.language == "python":
            text = "\n" * (fence.line - 1) + fence.text
            exec(compile(text, str(page), "exec", dont_inherit=True), namespace)  # not this file's annotations


@pytest.mark.parametrize("fence", of_language("ipython"))
def test_cells_parse(fence: Fence) -> None:
    """Each cell means what it seems to mean: options are known, subcommands are no prompts, settings take the value."""
    first, _, body = fence.text.partition("\n")
    if first.startswith("%%llm"):
        arguments = parse_cell(first.removeprefix("%%llm"), settings=LocalLLM.setting_names())
        assert not arguments.help
        assert body.strip()
        for expression in re.findall(r"\{\{(.*?)\}\}", body):
            jinja2.Environment().compile_expression(expression.strip())
        return
    for line in fence.text.splitlines():
        _check_line(line)


def _check_line(line: str) -> None:
    setting = re.fullmatch(r"%config LocalLLM\.(\w+) = (.*)", line)
    magic = re.fullmatch(r"(?:\w+ = )?%llm (.*)", line)
    if setting:
        LocalLLM().checked(setting[1], eval(setting[2]))
    elif magic:
        parsed = parse_line(magic[1], settings=LocalLLM.setting_names())
        known = {form.name for form in FORMS}
        if not isinstance(parsed, Subcommand):
            assert isinstance(parsed, Prompt)
            assert not parsed.near
            assert parsed.text.split()[0] not in known, f"{line} looks like a subcommand and is a prompt"
    else:
        assert line == "%load_ext jupyter_localllm"


@pytest.mark.parametrize("fence", of_language("bash"))
def test_make_targets_exist(fence: Fence) -> None:
    """What the pages tell to make can be made."""
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"^make ([\w-]+)", fence.text, re.MULTILINE)) <= targets


@pytest.mark.parametrize("fence", of_language("toml"))
def test_toml_is_of_settings(fence: Fence) -> None:
    """A table of settings in a page could stand in a pyproject.toml, and entry points are those that are looked for."""
    tomllib = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    tables = tomllib.loads(fence.text)
    assert tables.keys() <= {"tool", "project"}
    for name, value in tables.get("tool", {}).get("jupyter_localllm", {}).items():
        LocalLLM().checked(name.replace("-", "_"), value)
    assert tables.get("project", {}).get("entry-points", {}).keys() <= {ENTRY_POINTS, GROUP}


@pytest.mark.parametrize("fence", of_language("yaml"))
def test_files_of_settings_can_be_read(fence: Fence, tmp_path: Path) -> None:
    """A file of settings in a page could be given to `%llm config --file`."""
    path = tmp_path / "page.yaml"
    path.write_text(fence.text, encoding="utf-8")
    assert LocalLLM().apply_file(path)
    assert plan_in(read_file(path).get("bench"), "page", LocalLLM.setting_names()).cases


def test_sections_of_settings_are_all_described() -> None:
    """The table of sections has each setting where the code has it."""
    (table,) = rows(ROOT / "docs" / "settings.md", "Section")
    assert [cells[0] for cells in table] == list(SECTIONS)
    for section, told in table:
        named = [name for name in re.findall(r"\w+", told) if name in LocalLLM.setting_names()]
        assert {section_of(name) for name in named} <= {section}, section
        if section != "runtime":
            assert {name for name in LocalLLM.setting_names() if section_of(name) == section} <= {*named, "model"}


# ---------------------------------------------------------------------------------------------------------------------
# Names and links


def options_of_commands(*names: str) -> Iterator[str]:
    """The options of `jupyter localllm …`, of all commands or of one."""
    for command in COMMANDS:
        if command.name in (names or [command.name]):
            parser = argparse.ArgumentParser()
            command.arguments(parser)
            yield from (option for action in parser._actions for option in action.option_strings)


def test_options_of_reports_are_all_described() -> None:
    """Each option of `jupyter localllm report` stands in one of the page's tables, and no other."""
    told = [row[0].split()[0] for table in rows(ROOT / "docs" / "reports.md", "Option") for row in table]
    assert sorted(set(told)) == sorted(set(options_of_commands("report")) - {"-h", "--help"})


@pytest.mark.parametrize("page", [pytest.param(page, id=page.name) for page in PAGES])
def test_options_named_in_prose_exist(page: Path) -> None:
    """An option that a page names is one of ours, or of a program it speaks of."""
    flags = {flag.name for form in FORMS for flag in form.flags} | set(options_of_commands())
    named = {option for span in code_spans(prose(page)) for option in re.findall(r"(?<![\w-])--[a-z][\w-]*", span)}
    assert {o for o in named if find_option(o) is None} <= flags | FOREIGN


@pytest.mark.parametrize("page", [pytest.param(page, id=page.name) for page in PAGES])
def test_files_named_in_prose_exist(page: Path) -> None:
    """A file of ours that a page names in its prose is there."""
    ours = ("jupyter_localllm/", "tests/", "docs/", "scripts/", "labextension/", "benchmarks/", "examples/")
    inner = tuple(f"{path.name}/" for path in PACKAGE.iterdir() if path.is_dir())
    for span in set(code_spans(prose(page))):
        if re.fullmatch(r"[\w./-]+", span) and span.startswith((*ours, *inner)):
            assert (ROOT / span).exists() or (PACKAGE / span).exists(), span


def links(page: Path) -> Iterator[str]:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if not target.startswith(("https://", "http://")):
            yield target


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [pytest.param(page, id=page.name) for page in PAGES])
def test_links_lead_somewhere(page: Path) -> None:
    """Every link between pages leads to a file, and to a heading in it."""
    for target in links(page):
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.is_file(), f"{page.name}: {target}"
        assert not anchor or anchor in anchors(file), f"{page.name}: {target}"


def test_every_page_is_in_the_index() -> None:
    """A page that nobody can find is no page."""
    index = ROOT / "docs" / "index.md"
    assert {page.name for page in (ROOT / "docs").glob("*.md")} - {"index.md"} <= set(links(index))
