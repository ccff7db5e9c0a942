"""A network mount that hangs holds up what lies on it, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.faults.conftest import Campaign
from tests.faults.machine import HANGING, mounted, needs_silence, told_by
from tests.kernel_client import Kernel
from tests.models.splitting import split

pytestmark = needs_silence()

# What every program here begins with: a mount that hangs, and a person with little patience.
BEGIN = f"""{HANGING}
import json, sys
from pathlib import Path
import jupyter_localllm as jl
from jupyter_localllm import runtime
from jupyter_localllm.config import reach
from jupyter_localllm.engine.scripted import ScriptedEngine
from jupyter_localllm.errors import LocalLLMError
reach.PATIENCE = 0.5
silent, tiny = Path(sys.argv[1]), Path(sys.argv[2])
silent.mkdir()
told = []
runtime.current().on_notice = told.append
def error_of(action):
    try:
        action()
    except LocalLLMError as error:
        return [type(error).__name__, error.message, error.hint]
def end(**found):
    print(json.dumps({{**found, "told": told}}), flush=True)
    os._exit(0)
"""

CACHE = """
let_hang(silent)
llm = jl.LocalLLM.from_engine(ScriptedEngine("Paris."), cache_dir=str(silent))
texts = [llm.generate(f"{i}?").text for i in range(3)]
end(texts=texts, stats=llm.answers.stats().entries, mapped=llm.map("{{ value }}", ["a", "b"]))
"""

MIDDLE = """
llm = jl.LocalLLM.from_engine(ScriptedEngine("Paris."), cache_dir=str(silent))
first = llm.generate("first?").text
let_hang(silent)
reach.forget()  # a second later
texts = [llm.generate(f"{i}?").text for i in range(3)]
end(texts=[first, *texts], entries=llm.answers.stats().entries)
"""

# In the second after a look, nobody looks again.
SECOND = """
import signal, subprocess, time
llm = jl.LocalLLM.from_engine(ScriptedEngine("Paris."), cache_dir=str(silent))
first = llm.generate("first?").text
let_hang(silent)
def waits():
    # in the system, and not for a moment only, as for a disk
    for _ in range(20):
        if open(f"/proc/self/task/{os.getpid()}/stat").read().rsplit(")", 1)[1].split()[0] != "D":
            return False
        time.sleep(0.01)
    return True
waited = []
def free():
    deadline = time.monotonic() + 15
    while not waits() and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)
    waited.append(waits())
    subprocess.run(["umount", "-f", str(silent)], capture_output=True)  # says that it is busy
reach._good.update(dict.fromkeys(reach._good, float("inf")))
freeing = threading.Thread(target=free)
freeing.start()
try:
    ended = llm.generate("second?").text
except KeyboardInterrupt:
    ended = "interrupted"
freeing.join()
end(first=first, ended=ended, waited=waited, after=llm.generate("third?").text)
"""

MODEL = """
let_hang(silent)
end(error=error_of(lambda: jl.LocalLLM(model=str(silent / "m.gguf")).generate("Hi")))
"""

PARTS = """
for part in (tiny.parent / "parts").iterdir():
    (silent / part.name).write_bytes(part.read_bytes())
llm = jl.LocalLLM(model=str(silent / "tiny-00001-of-00002.gguf"), calibrate=False, max_tokens=4)
first = llm.generate("Hi", cache="off").usage.completion_tokens
let_hang(silent)
reach.forget()  # a second later
end(first=first, error=error_of(lambda: llm.generate("Hi", cache="off")))
"""

ADAPTER = """
let_hang(silent)
llm = jl.LocalLLM(model=str(tiny), adapter=str(silent / "a.gguf"), calibrate=False)
end(error=error_of(lambda: llm.generate("Hi", cache="off")))
"""

FOLDERS = """
let_hang(silent)
llm = jl.LocalLLM(model=tiny.stem, model_dirs=[str(silent), str(tiny.parent)], calibrate=False, max_tokens=4)
end(tokens=llm.generate("Hi", cache="off").usage.completion_tokens,
    missing=error_of(lambda: jl.LocalLLM(model="nowhere", model_dirs=[str(silent)]).generate("Hi")))
"""

PULL = """
let_hang(silent)
end(error=error_of(lambda: __import__("jupyter_localllm.models.pull").models.pull.pull(
    "http://127.0.0.1:9/m.gguf", silent, {})))
"""


def told_of_it_once(told: object) -> None:
    """Once for the answers, and once for the memo beside them."""
    assert isinstance(told, list)
    assert len(told) == len({*told}) <= 2
    assert all("does not answer" in text for text in told)
    assert any("Answers are not kept" in text for text in told)


def run(program: str, tmp_path: Path, tiny: Path) -> dict[str, object]:
    found = told_by(BEGIN + program, tmp_path / "silent", tiny, home=tmp_path / "home", prefix=mounted("true"))
    assert isinstance(found, dict)
    return found


def test_the_cache(tmp_path: Path, tiny: Path, campaign: Campaign) -> None:
    """Answers come without it, and the person is told once."""
    next(campaign(1))
    found = run(CACHE, tmp_path, tiny)
    assert found["texts"] == ["Paris."] * 3
    assert found["mapped"] == ["Paris."] * 2
    assert found["stats"] == 0
    told_of_it_once(found["told"])


def test_the_cache_in_the_middle(tmp_path: Path, tiny: Path, campaign: Campaign) -> None:
    """One that hangs after it was used is left, too."""
    next(campaign(1))
    found = run(MIDDLE, tmp_path, tiny)
    assert found["texts"] == ["Paris."] * 4
    assert found["entries"] == 0
    told_of_it_once(found["told"])


def test_in_the_second_in_which_it_begins(tmp_path: Path, tiny: Path, campaign: Campaign) -> None:
    """Who uses it then waits, out of reach of Ctrl-C; ``umount -f`` frees the kernel, and cells go on without it."""
    next(campaign(1))
    found = run(SECOND, tmp_path, tiny)
    assert (found["first"], found["waited"]) == ("Paris.", [True])
    assert found["ended"] == "interrupted"
    assert found["after"] == "Paris."
    told = found["told"]
    assert isinstance(told, list)
    assert told
    assert all("cannot be used" in text for text in told)


def is_said_not_to_answer(found: dict[str, object]) -> None:
    kind, message, hint = found["error"]  # type: ignore[misc]
    assert kind == "ModelFileError"
    assert "does not answer" in message
    assert hint


def test_a_model(tmp_path: Path, tiny: Path, campaign: Campaign) -> None:
    """A model's path is an error with a hint."""
    next(campaign(1))
    is_said_not_to_answer(run(MODEL, tmp_path, tiny))


def test_a_model_in_parts(tmp_path: Path, tiny: Path, campaign: Campaign) -> None:
    """One that hangs after it was used is an error, too."""
    next(campaign(1))
    split(tiny, tmp_path / "parts", 2)
    found = run(PARTS, tmp_path, tmp_path / "tiny.gguf")
    assert found["first"] == 4
    is_said_not_to_answer(found)


def test_an_adapter(tmp_path: Path, tiny: Path, campaign: Campaign) -> None:
    """An adapter's path is an error with a hint."""
    next(campaign(1))
    is_said_not_to_answer(run(ADAPTER, tmp_path, tiny))


def test_a_folder_of_models(tmp_path: Path, tiny: Path, campaign: Campaign) -> None:
    """Models of other folders are found, and of one that is not found the error says which folder does not answer."""
    next(campaign(1))
    found = run(FOLDERS, tmp_path, tiny)
    assert found["tokens"] == 4
    kind, message, hint = found["missing"]  # type: ignore[misc]
    assert kind == "ModelNotFound"
    assert "does not answer" in message + hint


def test_where_a_model_is_pulled_to(tmp_path: Path, tiny: Path, campaign: Campaign) -> None:
    """Nothing is fetched for a folder that does not answer."""
    next(campaign(1))
    kind, message, _ = run(PULL, tmp_path, tiny)["error"]  # type: ignore[misc]
    assert kind == "PullError"
    assert "does not answer" in message


def test_a_kernel(home: Path, new_kernel: Callable[..., Kernel], campaign: Campaign) -> None:
    """A cache that hangs between two cells costs the cache: the cells after it are answered."""
    next(campaign(1))
    kernel = new_kernel(prefix=mounted("true"))
    first = kernel.good("%llm Hello", "a").text
    kernel.good(f"{HANGING}\nlet_hang({str(home / 'cache')!r})\nkept = 42")
    kernel.good("from jupyter_localllm.config import reach; reach.PATIENCE = 0.3; reach.forget()")
    cell = kernel.good("%llm Hello", "b")
    assert cell.text == first
    assert kernel.good("print(kept)").stdout == "42\n"
    assert kernel.good("%llm Hello again", "c").text
