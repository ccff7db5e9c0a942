"""One question for each row: ``map``, here or on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from jupyter_localllm.api.from_sources import FromSources
from jupyter_localllm.api.handle import drive
from jupyter_localllm.cache import Grouped
from jupyter_localllm.engine.asynchronous import iterate, stopped
from jupyter_localllm.errors import ModelNotFound, UsageError
from jupyter_localllm.pipeline import Request, ask, keep, plan, recall
from jupyter_localllm.types import Part, Result, Token

if TYPE_CHECKING:
    from jupyter_localllm.batch import Estimate, OnError, Progress, Weight
    from jupyter_localllm.batch.cluster import Work
    from jupyter_localllm.batch.cluster.rows import Files
    from jupyter_localllm.batch.run import Ask, Runner

__all__ = ["OverRows", "ask_on_worker"]

_ROW_MS = 250.0  # nobody reads the text of a row while it is written
_READY = 4  # rows of a map that wait with their prompts made, so that no place in the batch is empty

# How a machine runs the model, and where it keeps things. Each worker has its own, unless a person set it in code.
_OF_THE_MACHINE = (
    *("cache_dir", "cache_size", "state_cache_size", "state_memory_size", "calibrate", "isolation"),
    *("model_dirs", "model_places", "pull_dir", "max_models"),
    *("n_threads", "n_batch", "n_ubatch", "n_gpu_layers"),
)
_IN_CODE = ("argument", "set in this session")


class OverRows(FromSources):
    """A handle that asks for each row."""

    def map(
        self,
        template: str,
        data: Any,
        *,
        column: str | None = None,
        variables: Mapping[str, Any] | None = None,
        schema: Any = None,
        client: Any = None,
        on_error: OnError = "raise",
        progress: Callable[[Progress], object] | Literal[False] | None = None,
        first_line: int = 1,
        dry_run: bool = False,
        missing: Literal["ask", "skip"] = "ask",
        **options: Any,
    ) -> Any:
        """Ask once for each row, and give the answers in the shape of the data.

        Every finished row is in the cache: after an interrupt or an error, a rerun goes on where it stopped. Rows whose
        prompts are the same are asked once. Conversations are not touched.

        Parameters
        ----------
        template : str
            The prompt, as the body of a ``%%llm`` cell: ``{{ expression }}`` stands for a value. A frame's columns and
            a record's keys are names in it (``row`` is the whole row, for ``{{ row["unit price"] }}``); the one value
            of a series or of a list of plain values is ``value``. Missing cells read as Python prints them: ``nan``,
            ``None``, ``NaT``, ``<NA>``; ``{{ text or "nothing" }}`` says it otherwise for ``None``.
        data : frame, series, list, tuple or iterator
            Of pandas, polars or pyarrow (or of what behaves like pandas); lists and iterators of records (mappings) or
            of plain values. An iterator is used up.
        column : str, optional
            The column or key that is ``value`` in the template.
        variables : Mapping, optional
            More names for the template; the row's own come first.
        schema : object, optional
            What each answer must be: a pydantic model, a dataclass, ``Literal``, a plain type, a JSON schema, choices …
            (see ``docs/constraints.md``). The answers are its values, in columns of their types.
        client : dask.distributed.Client, optional
            The rows are asked by the workers of this cluster, each with a model of its own; see ``docs/scaling.md``.
            Needs the extra ``dask``.
        on_error : {"raise", "record"} or callable
            What to do with a row that fails (an expression that fails on it, a prompt too long for the window, a miss
            under ``cache="require"`` …). ``"raise"``: stop there with an error that names the row. ``"record"``: its
            answer is None, and the other rows go on; of pandas data, ``answers.attrs["errors"]`` lists row, label,
            error and message, of other data a warning names the first ones. A function is called with each
            `jupyter_localllm.batch.RowError` instead: ``failed = []; llm.map(…, on_error=failed.append)``. What holds
            for all rows alike (no such model, no memory for it) is always raised.
        progress : callable or False, optional
            Gets a `jupyter_localllm.batch.Progress`, at most four times a second and at the end. If it is left out, a
            bar shows it where the extension is loaded and somebody looks on; False shows nothing.
        first_line : int, optional
            Number of the template's first line in its cell, for messages.
        dry_run : bool, optional
            Only judge, by up to eight rows spread over all, what the map would take: gives an
            `jupyter_localllm.batch.Estimate` of its tokens and its time. These rows are asked (for 20 s at most), and
            their answers are in the cache.
        missing : {"ask", "skip"}, optional
            Under ``"skip"``, rows are not asked where a value that the template names is missing; their answer is None.
        **options
            As for `stream`, but without ``chat``.

        Returns
        -------
        Series, Array or list; Frame or Table under a schema with fields
            The answers, in the order of the rows: for pandas a Series named ``answer`` with the same index (of objects,
            None where a row failed), for polars a Series of strings, for pyarrow an array (chunked where the data was a
            table or chunked), otherwise a list. Under a `schema` with fields a frame or table of a column for each,
            under any other a series of its type; ``Literal``, ``Enum`` and choices of texts are categories. Of no rows,
            an empty one; the model is not loaded then. Of Dask collections, `jupyter_localllm.batch.cluster`.

        Raises
        ------
        TemplateError
            The template is wrong, or uses a name that neither the rows nor `variables` have; before anything is asked.
        UsageError
            The template uses nothing of a row; the data has no rows; an option is wrong.
        LocalLLMError
            A row failed, and ``on_error`` is ``"raise"``.

        Examples
        --------
        >>> llm.map("Positive or negative? {{ value }}", ["Lovely!", "Awful."])    # doctest: +SKIP
        ['Positive', 'Negative']
        """
        from jupyter_localllm.batch import map_rows
        from jupyter_localllm.batch.cluster import client_for, is_collection
        from jupyter_localllm.batch.shape import Shape

        if "chat" in options or "place" in options:
            raise UsageError("a map asks each row on its own, outside of conversations", "Leave chat out.")
        if "tools" in options:
            raise UsageError("tools do not go with a map", "Call them on the rows, and map over what they gave.")
        if missing not in ("ask", "skip"):
            raise UsageError(f"missing cannot be {missing!r}", 'Choose "ask" or "skip".')
        skips = missing == "skip"
        # a wrong option is an error before any row
        typed = self._request("?", {**options, "schema": schema}, usual=True).form
        options["schema"] = typed
        client = client_for(client, data, offline=bool(self.offline))
        if dry_run:
            return self._estimate(template, data, options, client, column=column, variables=variables, skips=skips)
        asked: dict[str, Any] = {"column": column, "variables": variables, "on_error": on_error, "skips": skips}
        with self._runtime.shown() if progress is None else nullcontext(progress or None) as show:
            asked.update(first_line=first_line, progress=show, model=self._model().name)
            if is_collection(data):
                from jupyter_localllm.batch.cluster.partitions import map_collection

                return map_collection(template, data, client, self._work(client, options), typed=typed, **asked)
            asked.update(shape=Shape.of(typed), resumes=options.get("cache", self.cache) == "use")
            if client is not None:
                with self._on_cluster(client, options) as runner:
                    return map_rows(template, data, runner, **asked)
            with self.asking_rows(options) as row:
                return map_rows(template, data, row, width=self._width, **asked)

    async def amap(self, template: str, data: Any, **options: Any) -> Any:
        """`map` for ``await``; cancelling the task cancels the rows in flight, and keeps those that are finished."""

        def run() -> Generator[Any, None, None]:
            yield self.map(template, data, **options)

        async for made in iterate(run):
            return made
        raise stopped("map")

    def _estimate(
        self,
        template: str,
        data: Any,
        options: dict[str, Any],
        client: Any,
        *,
        column: str | None,
        variables: Mapping[str, Any] | None,
        skips: bool,
    ) -> Estimate:
        from jupyter_localllm.batch import Estimate, estimate, fitted, open_data, refuse_single_use, runner_for
        from jupyter_localllm.batch.cluster import is_collection

        if is_collection(data):
            raise UsageError(
                "the rows of a Dask collection are not counted before they are computed",
                "Judge by some of them: llm.map(…, data.head(100), dry_run=True).",
            )
        rows = open_data(data, column)
        refuse_single_use(rows)
        fitting = fitted(template, rows, variables or {}, skips=skips)
        model = self._model()
        if fitting is None:
            return Estimate(0, 0, 0.0, 0, None, 0, None, model=model.name)
        workers = 1 if client is None else max(1, len(client.nthreads()))
        engine = drive(self._ready())
        with self.asking_rows(options) as row:
            return estimate(
                fitting,
                rows,
                None if options.get("cache", self.cache) == "require" else runner_for(row, self._width),
                lambda parts: self._weight(parts, options),
                count=lambda text: engine.count([text])[0],
                share=1 / workers,
                model=model.name,
            )

    def _weight(self, parts: tuple[Part, ...], options: Mapping[str, Any]) -> Weight:
        from jupyter_localllm.batch import Weight

        made = drive(plan(self._row_request(options, parts), self._model(), self.answers))
        prompt = made.fitted.prompt
        text = "".join(prompt.pieces) or "\n".join(message.content for message in prompt.messages)
        return Weight(text, made.fitted.tokens, made.fitted.max_tokens, made.cached)

    @contextmanager
    def asking_rows(self, options: Mapping[str, Any]) -> Iterator[Ask]:
        """How a row is asked with these options: from the parts of its prompt to the events of its answer.

        A context: finished rows are in the cache a second later, or at its end.
        """
        model = self._model()
        with Grouped(self.answers) as cache:
            yield lambda parts: ask(self._row_request(options, parts), model, cache)

    @property
    def _width(self) -> int:
        return self.n_parallel + _READY if self.n_parallel > 1 else 1

    def _row_request(self, options: Mapping[str, Any], parts: tuple[Part, ...]) -> Request:
        return replace(self._request(parts, dict(options)), pieces_ms=_ROW_MS)

    # -- on a cluster --------------------------------------------------------------------------------------------------

    @contextmanager
    def _on_cluster(self, client: Any, options: Mapping[str, Any]) -> Iterator[Runner]:
        from jupyter_localllm.batch.cluster.rows import OnCluster

        # What the cache of this machine has is found here; the workers need not keep it as well.
        work = self._work(client, {**options, "cache": "off"})
        self._know_the_model(client, work)
        with Grouped(self.answers) as cache:
            yield OnCluster(client, work, self._files(options, cache))

    def _work(self, client: Any, options: Mapping[str, Any]) -> Work:
        from jupyter_localllm.batch.cluster import Work, neighbours

        if not self.from_file:
            raise UsageError(
                "this handle holds an engine that was made here, which cannot be sent to a cluster",
                "Make one by the model's name: LocalLLM(model=…).",
            )
        settings = {
            name: getattr(self, name)
            for name in self.setting_names()
            if name not in _OF_THE_MACHINE or self.origin(name) in _IN_CODE
        }
        return Work(
            type(self), settings, ask_on_worker, options, self._width, self.adapter_sha256(), neighbours(client)
        )

    def _know_the_model(self, client: Any, work: Work) -> None:
        """Learn from a worker which model it is, where its file is not on this machine."""
        try:
            self.model_sha256()
        except ModelNotFound:
            from jupyter_localllm.batch.cluster.rows import sha256_there

            self.answers.remember_model(self._model().known_as, sha256_there(client, work))

    def _files(self, options: Mapping[str, Any], cache: Grouped) -> Files:
        from jupyter_localllm.batch.cluster.rows import Files

        model = self._model()
        drive(model.identify())

        def found(parts: tuple[Part, ...]) -> Result | None:
            return recall(self._row_request(options, parts), model, cache)

        def kept(parts: tuple[Part, ...], result: Result) -> Result:
            if result.provenance.model_sha256 != model.sha256():
                raise UsageError(
                    f"a worker has another file under the name {model.name} than this machine, so its answers would"
                    " not be those of one model",
                    "Put the same file everywhere, or name it by a path that is the same on all machines.",
                )
            if any(note.code == "retried" for note in result.notes):
                return result  # no answer to this question alone: the attempts before it are not here
            request = self._row_request(options, parts)
            said = (Token(result.reasoning, "reasoning"), Token(result.text))
            told = tuple(token for token in said if token.text)
            return keep(request, model, cache, said=told, result=result)

        return Files(found, kept)


def ask_on_worker(handle: OverRows, options: Mapping[str, Any]) -> AbstractContextManager[Ask]:
    """`OverRows.asking_rows`, as it is sent to a cluster: by its name."""
    return handle.asking_rows(options)
