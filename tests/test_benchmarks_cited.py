"""The parts of the benchmark of cited answers: matching, oracle, scores, generators. No model is asked."""

# ruff: noqa: RUF001 (kinds of dashes are what some of this is about)

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from benchmarks.cited import of_questions, of_tables, of_texts, overall
from benchmarks.cited.__main__ import ROWS, informational, main
from benchmarks.cited.asking import Ask, Run, looked_up, oracle_of
from benchmarks.cited.figures import gold_of, sample_figures
from benchmarks.cited.injections import ORDERS, poisoned
from benchmarks.cited.lookups import in_languages, removable, reworded, sample
from benchmarks.cited.matching import as_items, denotes, numbers, same_number, stands_in, target_items
from benchmarks.cited.operations import evaluate
from benchmarks.cited.prose import CORPUS, FACTS, line_of
from benchmarks.cited.scores import alce, faithful_numbers, share, statements, valid_marks
from benchmarks.cited.shapes import SHAPES
from benchmarks.cited.standin import standin
from benchmarks.cited.tables import Question, Table, categories, key_columns, read_tables
from benchmarks.cited.texts_later import LATER
from benchmarks.cited.texts_seen import SEEN
from benchmarks.cited.texts_unseen import UNSEEN
from benchmarks.cited.told import Told
from benchmarks.cited.usual import usual
from benchmarks.cited.wording import LANGUAGES, PARAPHRASES
from jupyter_localllm.types import Answer, Citation, Locator, Passage, Result

TOWNS = """Name,Founded,"Area
(km²)",Land
Aldmoor,1204,"1,512.5",Norland
Bexley,1377,860.25,Norland
Corvin,1899,77,Sorland
Dunmere,1450,41,Sorland
Elmsby,1466,,Norland
Farrow,1333,12.5,Vestland
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "csv").mkdir()
    (tmp_path / "csv" / "1.csv").write_text(TOWNS, encoding="utf-8")
    (tmp_path / "questions.tsv").write_text(
        "id\tutterance\tcontext\ttargetValue\nq-1\tWhat is the founded of Corvin?\tcsv/1.csv\t1899\n", encoding="utf-8"
    )
    return tmp_path


@pytest.fixture
def table(folder: Path) -> Table:
    (read,) = read_tables(folder)
    return read


def cited(text: str, claim: str, *places: Locator, status: Any = "supported") -> Answer:
    """An answer with one claim that cites these places of ``df``."""
    passages = tuple(Passage("df", "cell", "?", place) for place in places)
    start = text.index(claim)
    span = (start, start + len(claim))
    citations = (Citation(i, "df", p, "?", *span, status) for i, p in enumerate(places, 1))
    return Answer(text, tuple(citations), passages)


def cell(row: int, column: str) -> Locator:
    return Locator(rows=(row,), columns=(column,))


def honest(question: str, sources: Mapping[str, Any], **options: Any) -> Answer:
    """Reads lookups in the plain wording, and is always right."""
    frame = sources["df"]
    for row, key in enumerate(frame["Name"]):
        for column in frame.columns:
            if question == f"What is the {' '.join(column.split())} of {key}?":
                value = frame[column].iloc[row]
                claim = f"{' '.join(column.split())} of {key}: {value}"
                return cited(f"{claim} [1].", claim, cell(row, column))
    return Answer("Not in the sources.", abstained=True)


@pytest.mark.parametrize(
    ("gold", "told", "same"),
    [
        ("Reds", '"reds"', True),
        ("Café (1989)[2]", "cafe", True),
        ("67,400", "67400", True),
        ("3", "3.0", True),
        ("September 6, 2007", "2007-09-06", True),
        ("6 September 2007", "September 7, 2007", False),
        ("10 years", "10", False),
        ("1", "2", False),
    ],
)
def test_answers_are_compared_by_the_benchmarks_rules(gold: str, told: str, same: bool) -> None:
    """Strings without quotes, notes and accents; numbers by value; dates by parts."""
    assert denotes([gold], [told]) is same


def test_lists_are_sets() -> None:
    assert denotes(["a", "b"], ["B", "a", "a"])
    assert not denotes(["a", "b"], ["a"])
    assert not denotes(["a"], ["a", "b"])
    assert not denotes(["a"], [])
    assert target_items(r"a|b\pc\\n") == ["a", r"b|c\n"]


def test_values_of_python_are_items() -> None:
    assert as_items([1.0, True, None, float("nan"), "x"]) == ["1", "yes", "x"]
    assert as_items(pd.Series([3, 4])) == ["3", "4"]
    assert as_items({"a": 2.5}) == ["2.5"]
    assert as_items(pd.Timestamp("2020-02-03")) == ["2020-02-03"]
    assert as_items(pd.NaT) == []


@pytest.mark.parametrize(
    ("gold", "text", "told"),
    [
        ("1,887", "Years of Kane: 1887 [1].", True),
        ("18", "Years of Kane: 1887 [1].", False),
        ("1", "Nothing is known [1].", False),
        ("L 41 – 10", "It was L 41 - 10 [2].", True),
        ("0–7 : 1–11", "Result: 0–7 : 1–11 [1].", True),
        ("Ann", "Annabel was it.", False),
        ("上海", "答案是上海。", True),
        (".706", "Pct. of him: 0.706", True),
        ("A*B", r"It is A\*B.", True),
    ],
)
def test_a_value_is_told_as_a_phrase_or_a_number(gold: str, text: str, told: bool) -> None:
    """No part of a longer word or number counts, and no mark."""
    assert stands_in(gold, text) is told


def test_numbers_are_equal_as_far_as_they_are_shown() -> None:
    (shown,) = numbers("12.4")
    assert same_number(12.35001, shown)
    assert not same_number(12.46, shown)
    (whole,) = numbers("12")
    assert not same_number(12.4, whole)
    assert not same_number(13.0, whole)
    assert [n.value for n in numbers("41-10, 1,512.5, .5")] == [41, 10, 1512.5, 0.5]


def test_columns_of_numbers_are_read_as_such(table: Table) -> None:
    """Their blanks are missing; the texts stay as they were, and so do the names."""
    assert [str(t) for t in table.frame.dtypes[:3]] == ["str", "Int64", "Float64"]
    assert table.frame.columns[2] == "Area\n(km²)"
    assert table.frame["Area\n(km²)"].isna().sum() == 1
    assert table.text["Area\n(km²)"].iloc[0] == "1,512.5"
    assert key_columns(table) == ["Name"]
    assert key_columns(table, words=False)[:1] == ["Founded"]
    assert categories(table) == [("Land", "Norland"), ("Land", "Sorland")]


def test_lookups_are_known_cells_and_repeat_by_seed(table: Table) -> None:
    lookups = sample([table], 12, 1)
    assert [x.question for x in lookups] == [x.question for x in sample([table], 12, 1)]
    assert len({x.question for x in lookups}) == 12
    for lookup in lookups:
        assert table.text[lookup.column].iloc[lookup.row] == lookup.gold != ""
        assert lookup.question == f"What is the {' '.join(lookup.column.split())} of {lookup.key}?"


def test_wordings_go_round(table: Table) -> None:
    """Every wording and language is used, none has "of" throughout, and a typo is one."""
    lookups = sample([table], 12, 1) * 2
    said = reworded(lookups, 1)
    assert [x.wording for x in said[:20]] == list(PARAPHRASES)
    assert sum(" of " not in x.question for x in said[:20]) >= 10
    typo = next(x for x in said if x.wording == "typo")
    assert typo.key not in typo.question
    assert {x.wording for x in in_languages(lookups, 1)} == set(LANGUAGES)
    assert len(PARAPHRASES) >= 12
    assert len(LANGUAGES) >= 9


def test_what_is_removed_is_gone(table: Table) -> None:
    lookup = next(x for x in sample([table], 12, 1) if x.column == "Founded")
    assert removable(lookup) == (True, True)
    assert lookup.key not in table.without(row=lookup.row).to_csv()
    assert "Founded" not in table.without(column="Founded").columns
    assert lookup.key in table.frame.to_csv()


@pytest.mark.parametrize(
    ("operation", "values"),
    [
        ("mean(Founded) where Land == 'Sorland'", ("1674.5",)),
        ("count(rows) where Land == 'Norland' and Founded > 1300", ("2",)),
        ("count(rows) where Name == 'Corvin' or Name == 'Farrow'", ("2",)),
        ("distinct(Land)", ("3",)),
        ("Founded where Name == 'Corvin'", ("1899",)),
        ("Name with max(Founded)", ("Corvin",)),
        ("Name with min(row)", ("Aldmoor",)),
        ("Land with max(count(rows))", ("Norland",)),
        ("count(rows) by Land", ("Norland", "3", "Sorland", "2", "Vestland", "1")),
        ("range(Area (km²))", ("1500",)),
        ("after(Name) where Founded == '1899'", ("Dunmere",)),
        ("before(Name) where Founded == '1899'", ("Bexley",)),
        ("difference(Founded) where Name == 'Corvin' and Name == 'Bexley'", ("522",)),
        ("Name where Founded > Founded where Name == 'Elmsby'", ("Corvin",)),
        ("count(rows) where Land == 'Norland' and Founded < Founded where Name == 'Corvin'", ("3",)),
        ("count(rows) where Founded in '1899'", ("1",)),
        ("count(rows) where Land has 'nor'", ("0",)),
        ("count(rows) where Land has 'norlands'", ("3",)),
    ],
)
def test_operations_are_done_again(table: Table, operation: str, values: tuple[str, ...]) -> None:
    done = evaluate(table.frame, operation)
    assert done is not None
    assert done.values == values


@pytest.mark.parametrize(
    "operation", ["mean(Nothing)", "Name where Land > Land where Name == 'x'", "walk(Name)", "", "mean(Name)"]
)
def test_operations_that_cannot_be_read_are_not_judged(table: Table, operation: str) -> None:
    assert evaluate(table.frame, operation) is None


def test_the_oracle_of_cells(table: Table) -> None:
    """The value, its row's name and no other number: then the cell entails the claim."""
    entails = oracle_of(table).entails

    def says(claim: str, *places: Locator) -> bool | None:
        return entails(claim, cited(claim, claim, *places).citations)

    assert says("Founded of Corvin: 1899", cell(2, "Founded"))
    assert says("It was 1899", cell(2, "Founded"))
    assert says("Corvin has 77 and was founded in 1899", cell(2, "Founded"), cell(2, "Area (km²)"))
    assert not says("Founded of Bexley: 1899", cell(2, "Founded"))
    assert not says("Founded of Corvin: 1898", cell(2, "Founded"))
    assert not says("Corvin is old", cell(2, "Founded"))
    assert not says("Corvin was founded in 1899 by 12 men", cell(2, "Founded"))
    assert not says("Corvin lies in Norland", Locator(rows=(2,)))
    assert says("Corvin lies in Sorland", Locator(rows=(2,)))
    assert not says("1899", Locator(rows=(99,), columns=("Founded",)))
    assert not entails("1899", [])


def test_the_oracle_of_computations(table: Table) -> None:
    """The result is told, the filter is the operation's own; what cannot be read is None."""
    entails = oracle_of(table).entails

    def says(claim: str, operation: str) -> bool | None:
        return entails(claim, cited(claim, claim, Locator(rows=(2, 3), operation=operation)).citations)

    mean = "mean(Founded) where Land == 'Sorland'"
    assert says("Mean of Founded where Land is Sorland: 1674.5 (n = 2)", mean)
    assert says("The mean is 1,674.5", mean)
    assert says("The mean is about 1675", mean)
    assert not says("The mean for Norland is 1674.5", mean)
    assert not says("The mean is 1676", mean)
    assert not says("The mean is high", mean)
    assert says("whatever", "walk(Name)") is None


def test_citation_precision_and_recall_are_those_of_alce(table: Table) -> None:
    """A needless citation costs precision, an uncited statement recall; without citations both are 0."""
    entails = oracle_of(table).entails
    claim = "Founded of Corvin: 1899"
    good, other = cell(2, "Founded"), cell(1, "Founded")
    assert alce(cited(f"{claim} [1].", claim, good), entails) == (1.0, 1.0)
    assert alce(cited(f"{claim} [1][2].", claim, good, other), entails) == (0.5, 1.0)
    assert alce(cited(f"{claim} [1].", claim, other), entails) == (0.0, 0.0)
    assert alce(cited(f"{claim} [1]. And it is a nice town.", claim, good), entails) == (1.0, 0.5)
    assert alce(Answer("Founded of Corvin: 1899."), entails) == (0.0, 0.0)
    assert alce(Answer(""), entails) == (0.0, 0.0)


def test_marks_are_valid_where_their_passage_and_citation_are() -> None:
    answer = cited("It is 3 [1]. Or 4 [7], or 5 [1, 2].", "It is 3", cell(0, "a"))
    assert valid_marks(answer) == (2, 4)
    moved = Answer(answer.text, answer.citations, (Passage("df", "cell", "?", cell(1, "a")),))
    assert valid_marks(moved) == (0, 4)


def test_numbers_of_supported_claims_stand_in_what_they_cite() -> None:
    """Rounded ones do, derived ones where a reason is given; claims not called supported do not count."""

    def answer(claim: str, *quotes: str, status: Any = "supported", reason: str = "") -> Answer:
        citations = (
            Citation(i, "t", Locator(), quote, 0, len(claim), status, reason) for i, quote in enumerate(quotes, 1)
        )
        passages = (Passage("t", "text", quote) for quote in quotes)
        return Answer(claim, tuple(citations), tuple(passages))

    assert faithful_numbers(answer("12.3 or 99", "a: 12.345")) == (1, 2)
    assert faithful_numbers(answer("99", "a: 12", status="unsupported")) == (0, 0)
    assert faithful_numbers(answer("7 more", "a: 12", "b: 5")) == (0, 1)
    assert faithful_numbers(answer("7 more", "a: 12", "b: 5", reason="12 - 5 = 7")) == (1, 1)


def test_statements_are_claims_and_what_is_left() -> None:
    answer = cited("So it is 3 [1]. I know it well.", "it is 3", cell(0, "a"))
    assert [s.text for s in statements(answer)] == ["it is 3", "[1]. I know it well."]


def test_a_share_has_an_interval_that_repeats() -> None:
    """Answers are drawn again, so claims of one answer stay together."""
    values = [True] * 90 + [False] * 10
    assert share(values, seed=3) == share(values, seed=3)
    figure = share(values)
    assert figure["low"] < figure["share"] == 0.9 < figure["high"]
    assert share([(3, 4), (0, 0)]) | {"low": 0, "high": 0} == {"share": 0.75, "low": 0, "high": 0, "n": 4, "answers": 1}
    assert share([]) == {"share": None, "n": 0}


def test_what_is_compared_with_has_no_bars() -> None:
    """Nor places of passages where these are not ranked."""
    figures = {"a": {"share": 1.0, "gate": {}}, "retrieval recall@1": {"share": 1.0}, "errors": 0}
    assert informational(figures, ranked=False) == {"a": {"share": 1.0}, "errors": 0}
    assert "retrieval recall@1" in informational(figures, ranked=True)


def test_figures_are_what_pandas_gives(table: Table) -> None:
    assert gold_of(table.frame, "mean", "Founded", "Land", "Sorland") == 1674.5
    assert gold_of(table.frame, "count", "Founded") == 6
    assert gold_of(table.frame, "distinct", "Land") == 3
    made = sample_figures([table], 28, 1)
    assert {f.kind for f in made} >= {"mean", "max", "min", "sum", "count", "distinct", "most"}
    assert any(f.by for f in made)
    assert any(f.language != "English" for f in made)
    for figure in made:
        if isinstance(figure.gold, float):
            assert gold_of(table.frame, figure.kind, figure.column, figure.by, figure.value) == figure.gold


def test_the_corpus_holds_its_facts() -> None:
    lines = CORPUS.splitlines()
    for fact in FACTS:
        assert fact.gold.lower() in lines[line_of(fact) - 1].lower()
    assert 20 <= CORPUS.count("\n\n") + 1 <= 30


@pytest.mark.parametrize("told", [*SEEN, *LATER, *UNSEEN], ids=lambda told: f"{told.language}, {told.text[:20]}")
def test_the_texts_hold_their_answers(told: Told) -> None:
    """Each question on a text has its answer in it, in words of its own, and none is asked twice."""
    for question, gold in told.answered:
        assert gold in told.text
        assert gold not in question
    asked = [question for question, _ in told.answered] + list(told.absent)
    assert len(set(asked)) == len(asked) == 2 * len(told.absent)


def test_the_row_on_texts_tells_both_sides() -> None:
    """Whoever always answers refuses nothing, and whoever never answers gets nothing right."""

    def whole(question: str, sources: Mapping[str, Any]) -> Answer:
        text = sources["notes"]
        return cited(text, text, Locator(lines=(1, 1)))

    eager = of_texts.texts(Run(whole, (), limit=4))["not looked at"]
    shy = of_texts.texts(Run(lambda question, sources: Answer("", abstained=True), (), limit=4))["not looked at"]
    for told, right, refused in ((eager, 1.0, 0.0), (shy, 0.0, 1.0)):
        assert told["answer right"]["share"] == right
        assert told["abstained where it is not in the text"]["share"] == refused


def test_what_the_corpus_says() -> None:
    assert of_questions.said_by("The lighthouse of Varnholm was built in 1862.", [(1, 1)])
    assert not of_questions.said_by("The lighthouse of Varnholm was built in 1863.", [(1, 1)])
    assert not of_questions.said_by("The lighthouse of Hebbing was built in 1862.", [(1, 1)])
    assert not of_questions.said_by("It was built in 1862.", [(2, 2)])
    assert not of_questions.said_by("It was built in 1862.", [])
    assert of_questions.said_by("The Quillon bridge has 7 arches.", [(5, 5)])
    assert not of_questions.said_by("The Quillon bridge has 8 arches.", [(5, 5)])


def test_orders_stand_in_other_cells(table: Table) -> None:
    lookup = next(x for x in sample([table], 12, 1) if x.column == "Founded")
    frame = poisoned(lookup, ORDERS[0], random.Random(1))
    assert frame is not None
    assert ORDERS[0].text in [str(value) for value in frame.iloc[lookup.row]]
    assert frame["Founded"].equals(table.frame["Founded"])
    assert ORDERS[0].text not in table.frame.to_csv()


def test_an_honest_answerer_gets_every_lookup_and_refuses(table: Table) -> None:
    run = Run(honest, [table], limit=8)
    told = of_tables.lookups(run)
    assert told["answered and cited right"]["share"] == told["citation precision"]["share"] == 1.0
    assert told["retrieval recall@1"]["share"] == 1.0
    assert told["answered and cited right"]["gate"]["kept"]
    refused = of_tables.refusals(run)
    assert refused["row removed"]["abstained"]["share"] == refused["column removed"]["abstained"]["share"] == 1.0
    assert of_tables.injected(run)["orders followed"]["share"] == 0.0
    summed = overall.claims(run)
    assert summed["valid marks"]["share"] == summed["supported claims that are entailed"]["share"] == 1.0


def test_a_liar_gets_none(table: Table) -> None:
    """It cites the right cell for another value, and follows orders."""

    def liar(question: str, sources: Mapping[str, Any], **options: Any) -> Answer:
        claim = "It is 424242"
        return cited(f"{claim} [1].", claim, cell(0, "Founded"))

    run = Run(liar, [table], limit=8)
    told = of_tables.lookups(run)
    assert told["answer right"]["share"] == told["answered and cited right"]["share"] == 0.0
    assert told["citation recall"]["share"] == 0.0
    refused = of_tables.refusals(run)
    assert refused["row removed"]["something told as supported"]["share"] == 1.0
    assert of_tables.injected(run)["orders followed"]["share"] > 0
    assert overall.claims(run)["supported claims that are entailed"]["share"] == 0.0


def test_a_right_value_with_a_wrong_place_is_answered_and_not_cited(table: Table) -> None:
    def misplaced(question: str, sources: Mapping[str, Any], **options: Any) -> Answer:
        answer = honest(question, sources)
        return cited(answer.text, answer.text.removesuffix(" [1]."), cell(5, "Name"))

    run = Run(misplaced, [table])
    asked = looked_up(run, "lookups", sample([table], 1, 1)[0])
    assert asked.right
    assert not asked.scores["cited"]
    assert not asked.scores["both"]


def test_an_error_is_a_wrong_answer_and_is_told(table: Table) -> None:
    def broken(question: str, sources: Mapping[str, Any], **options: Any) -> Answer:
        raise ValueError("no")

    run = Run(broken, [table], limit=2)
    told = of_tables.lookups(run)
    assert told["errors"] == 2
    assert told["answer right"]["share"] == 0.0
    assert run.asked["lookups"][0].error == "ValueError: no"


@pytest.mark.parametrize(
    ("answer", "right", "forced"),
    [
        (Answer("1899 [1].", value=1899), 1.0, 1.0),
        (Answer("Perhaps 1899.", value=1899, abstained=True), 0.0, 1.0),
        (Answer("1899"), 1.0, 1.0),
        (Answer("It was in 1899."), 0.0, 0.0),
        (Answer("1899", value=[1899, 1450]), 0.0, 0.0),
    ],
)
def test_real_questions_are_right_by_value(table: Table, answer: Answer, right: float, forced: float) -> None:
    """The value counts, else the whole text; a sentence around it is told apart."""
    ask: Ask = lambda question, sources, **options: answer  # noqa: E731
    run = Run(ask, [table])
    told = of_questions.questions(run, [Question("q", "When was Corvin founded?", table.name, "1899")])
    assert (told["right"]["share"], told["right if forced"]["share"]) == (right, forced)


def test_the_usual_recipe_removes_numbers_that_do_not_exist(table: Table) -> None:
    """Its marks cite for the words before them."""
    prompts = []

    def generate(prompt: str, **options: Any) -> Result:
        prompts.append(prompt)
        return Result("Corvin was founded in 1899 [3][99].\nSo [98] there.")

    answer = usual(generate)("When?", sources={"df": table.frame})
    assert "[3] Name: Corvin; Founded: 1899; Area (km²): 77.0; Land: Sorland" in prompts[0]
    assert answer.text == "Corvin was founded in 1899 [3].\nSo  there."
    (citation,) = answer.citations
    assert answer.text[citation.start : citation.end] == "Corvin was founded in 1899 "
    assert citation.locator.rows == (2,)
    assert oracle_of(table).entails(answer.text[: citation.end], [citation])


def test_shapes_can_be_made_and_asked(table: Table) -> None:
    """There are at least 40, each of its own; what raises is told as failed."""
    assert len({shape.name for shape in SHAPES}) == len(SHAPES) >= 40
    run = Run(standin, [table], limit=3)
    assert of_questions.shapes(run)["answer right"]["n"] == 3
    for shape in SHAPES:
        if shape.name not in ("polars", "polars, statistic", "pyarrow", "DuckDB"):
            shape.make()


def test_the_whole_of_it_runs_without_a_model(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every row that asks is in the report, and every question in the records."""
    out, records = tmp_path / "out.json", tmp_path / "records.jsonl"
    only = [x for name in ROWS if name not in ("time", "ranking", "usual", "shapes") for x in ("--only", name)]
    main(["--tables", str(folder), "--standin", "--limit", "3", "--out", str(out), "--records", str(records), *only])
    report = json.loads(out.read_text(encoding="utf-8"))
    assert json.loads(capsys.readouterr().out) == report
    assert set(only[1::2]) <= set(report["results"])
    lines = [json.loads(line) for line in records.read_text(encoding="utf-8").splitlines()]
    assert {line["row"] for line in lines} >= {"lookups", "questions", "statistics", "prose"}
