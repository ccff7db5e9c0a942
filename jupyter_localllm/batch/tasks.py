"""What people ask of the texts in a column: classify, extract, summarize, translate, embed, find duplicates.

Thin functions over ``llm.map`` and ``llm.embed``, with prompts that small models follow too: what is the same for all
rows stands first and is read once, the text stands last between marks, and the answer is held to its form where it has
one. What they take and give has the shape of the data, and their options are those of ``llm.map``: ``client=``,
``on_error=``, ``dry_run=``, ``max_tokens=`` … Missing texts are not asked, and their answer is None.

Examples
--------
>>> from jupyter_localllm import tasks
>>> df["mood"] = tasks.classify(llm, df["text"], ["good", "bad"])          # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jupyter_localllm.batch.kind import Kind
from jupyter_localllm.batch.near import joined_to_earlier, vectors_of
from jupyter_localllm.batch.shape import Shape
from jupyter_localllm.batch.texts import Asks, asked, label_value, texts_of, written
from jupyter_localllm.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["classify", "dedupe", "embed", "extract", "summarize", "translate"]


def classify(
    llm: Asks,
    data: Any,
    labels: Any,
    *,
    column: str | None = None,
    about: str = "Which label fits the text best?",
    **options: Any,
) -> Any:
    """Give each text one of some labels.

    Parameters
    ----------
    llm : LocalLLM
    data : frame, series, list or Dask collection
        As for ``llm.map``.
    labels : sequence of str, Mapping of str to str, Literal or Enum
        At least two. A mapping says of each label what it means; that helps small models most.
    column : str, optional
        Of a frame or of records: the column with the texts.
    about : str, optional
        The question.
    **options
        As for ``llm.map``.

    Returns
    -------
    Series, array or list
        A category of the labels, or of numbers the numbers; None where a row failed.

    Raises
    ------
    UsageError
        There are fewer than two labels, or the column is not told.

    Examples
    --------
    >>> meanings = {"bug": "something does not work", "wish": "something is missing"}
    >>> tasks.classify(llm, tickets, meanings, column="text")               # doctest: +SKIP
    """
    from jupyter_localllm.constrain.typed import levels

    meanings = labels if isinstance(labels, Mapping) else dict.fromkeys(levels(labels) or ())
    values = {written(label): label_value(label) for label in meanings}
    if len(values) < 2:
        raise UsageError(f"there must be at least two different labels, not {len(values)}", 'Give ["yes", "no"].')
    listed = "\n".join(f"- {written(label)}" + (f": {said}" if said else "") for label, said in meanings.items())
    head = f"{about}\n\nLabels:\n{listed}\n\nAnswer with the label only."
    return asked(llm, head, data, column, options, schema=list(values.values()))


def extract(llm: Asks, data: Any, schema: Any, *, column: str | None = None, about: str = "", **options: Any) -> Any:
    """Read the fields of a type out of each text.

    Parameters
    ----------
    llm : LocalLLM
    data : frame, series, list or Dask collection
    schema : type or object
        A pydantic model, dataclass, TypedDict, JSON schema …; as for ``llm.map``. Its descriptions are told to the
        model. Let a field be None where a text may not say it: ``float | None``.
    column : str, optional
    about : str, optional
        What the texts are, and rules for doubtful cases.
    **options
        As for ``llm.map``.

    Returns
    -------
    Frame, table or list
        A column for each field, of its type.

    Examples
    --------
    >>> class Offer(pydantic.BaseModel):                                    # doctest: +SKIP
    ...     article: str
    ...     price: float | None
    >>> tasks.extract(llm, mails["text"], Offer)                            # doctest: +SKIP
    """
    head = "Read the fields out of the text. Take only what the text says; what it does not say is null."
    return asked(llm, f"{head}\n{about}".rstrip(), data, column, options, schema=schema)


def summarize(
    llm: Asks, data: Any, *, words: int = 40, language: str = "", column: str | None = None, **options: Any
) -> Any:
    """Say each text in a few words.

    Parameters
    ----------
    llm : LocalLLM
    data : frame, series, list or Dask collection
    words : int, optional
        Most words, as the model is told; ``max_tokens`` is four times as many unless it is given.
    language : str, optional
        Of the summary; the text's own if it is left out.
    column : str, optional
    **options
        As for ``llm.map``.

    Returns
    -------
    Series, array or list
        Of texts.
    """
    if words < 1:
        raise UsageError(f"a summary has at least one word, not {words}")
    into = f" Write it in {language}." if language else " Write it in the language of the text."
    head = f"Summarize the text in at most {words} words.{into} Say nothing that the text does not say."
    options.setdefault("max_tokens", 4 * words)
    return asked(llm, head, data, column, options)


def translate(
    llm: Asks,
    data: Any,
    to: str,
    *,
    glossary: Mapping[str, str] | None = None,
    column: str | None = None,
    **options: Any,
) -> Any:
    """Translate each text.

    Parameters
    ----------
    llm : LocalLLM
    data : frame, series, list or Dask collection
    to : str
        The language, in words: ``"French"``.
    glossary : Mapping of str to str, optional
        How certain words are to be translated.
    column : str, optional
    **options
        As for ``llm.map``.

    Returns
    -------
    Series, array or list
        Of texts.
    """
    if not to.strip():
        raise UsageError("there is no language to translate into", 'Name one: to="French".')
    head = f"Translate the text into {to}. Keep names, numbers and line breaks. Write the translation only."
    if glossary:
        head += "\n\nTranslate these words so:\n" + "\n".join(f"- {word}: {said}" for word, said in glossary.items())
    return asked(llm, head, data, column, options)


def embed(llm: Asks, data: Any, *, column: str | None = None) -> NDArray[np.float32]:
    """Vectors of all texts; equal texts are embedded once.

    Parameters
    ----------
    llm : LocalLLM
        Best of an embedding model.
    data : frame, series or list
    column : str, optional

    Returns
    -------
    ndarray of shape (n, dim)
        A row of length 1 for each text, in their order.

    Raises
    ------
    UsageError
        A value is no text; says in which row.
    ContextOverflow
        A text is longer than the model reads at once.
    """
    _, texts = texts_of(data, column)
    return vectors_of(llm.embed, texts)


def dedupe(
    llm: Asks,
    data: Any,
    *,
    column: str | None = None,
    threshold: float = 0.95,
    confirm: bool = False,
    **options: Any,
) -> Any:
    """Group texts that say the same.

    A text joins the group of the nearest earlier text that began one, if their vectors' cosine is at least `threshold`;
    otherwise it begins its own. Which threshold divides well depends on the model: look at some groups first.

    Parameters
    ----------
    llm : LocalLLM
        Best of an embedding model; `confirm` needs one that can be asked.
    data : frame, series or list
    column : str, optional
    threshold : float, optional
        From 0 to 1.
    confirm : bool, optional
        Ask the model of each pair that would be joined whether they say the same; a text that it denies begins a group
        of its own.
    **options
        Of these questions, as for ``llm.map``.

    Returns
    -------
    Series, array or list
        For each row the 0-based position of the row that began its group. To keep one row of each:
        ``df[~groups.duplicated()]``.

    Examples
    --------
    >>> groups = tasks.dedupe(embedder, df["title"])                        # doctest: +SKIP
    """
    if not 0.0 <= threshold <= 1.0:
        raise UsageError(f"threshold is a cosine from 0 to 1, not {threshold}")
    rows, texts = texts_of(data, column)
    first: dict[str, int] = {}
    for position, text in enumerate(texts):
        first.setdefault(text, position)
    groups = [first[text] for text in texts]
    vectors = vectors_of(llm.embed, list(first))
    said: dict[tuple[int, int], bool] = {}
    joined = joined_to_earlier(vectors, list(first.values()), threshold, said)
    # Who is denied begins a group, which later ones may be nearer to: asked until nothing is new.
    while confirm and (new := [pair for pair in joined.items() if pair not in said]):
        pairs = [{"first": texts[place], "second": texts[leader]} for place, leader in new]
        words = llm.map(_SAME, pairs, schema=["same", "different"], **options)
        said.update({pair: word == "same" for pair, word in zip(new, words, strict=True)})
        joined = joined_to_earlier(vectors, list(first.values()), threshold, said)
    return rows.like([joined.get(group, group) for group in groups], Shape({"group": Kind("whole")}))


_SAME = """Do the two texts say the same thing? Small differences of wording do not count; another number, name or \
date does. Answer same or different.

First text:
<<<
{{ first }}
>>>

Second text:
<<<
{{ second }}
>>>"""
