"""The offline promise: our own work contacts nobody, a person's code is left alone, what is named can be refused."""

from __future__ import annotations

import _socket
import contextlib
import functools
import inspect
import os
import pickle
import socket
import subprocess
import sys
import threading
import types
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_localllm import LocalLLM, offline
from jupyter_localllm.batch.cluster import client_for
from jupyter_localllm.doctor import Subject
from jupyter_localllm.doctor.places import check_network
from jupyter_localllm.engine.children import command
from jupyter_localllm.errors import EngineError, OfflineError, PullError, UsageError
from jupyter_localllm.magics.models import fetched
from jupyter_localllm.models.pull import Hub, pull
from jupyter_localllm.offline import guard as guard_room
from jupyter_localllm.offline import work
from tests.tiny_models import write_tiny_llama

OURS = "jupyter_localllm.engine.llama.made_up"
LIBRARY = str(Path(os.__file__).parent / "made_up.py")
Call = Callable[..., Any]


@pytest.fixture(autouse=True)
def guard() -> Iterator[None]:
    """It stands, and forgets what these tests let it refuse."""
    offline.stand()
    watch = guard_room._watch
    named = work._named
    count, refused, opened = watch.count, list(watch.refused), named.packages
    yield
    watch.count, named.packages = count, opened
    watch.refused.clear()
    watch.refused.extend(refused)


@pytest.fixture
def listener() -> Iterator[tuple[str, int]]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()


def code_of(module: str, filename: str = LIBRARY) -> Call:
    """A function that calls another one, as code of some module would."""
    space: dict[str, Any] = {"__name__": module}
    exec(
        compile("def call(function, *given, **named):\n    return function(*given, **named)\n", filename, "exec"), space
    )
    made: Call = space["call"]
    return made


def as_library(function: Call) -> Call:
    """The same function, as if it stood in an installed library: these tests are a person's code."""
    code = function.__code__.replace(co_filename=LIBRARY)
    return types.FunctionType(code, function.__globals__, closure=function.__closure__)


@as_library
def connect(address: tuple[str, int]) -> bool:
    with socket.create_connection(address):
        return True


# ---------------------------------------------------------------------------------------------------------------------
# Whose work it is


def test_our_own_work_contacts_nobody(listener: tuple[str, int]) -> None:
    """A connection is refused, loopback or not, with the address and the module; it is no way for libraries either."""
    ours = code_of(OURS)
    with pytest.raises(OfflineError, match=rf"{OURS} was about to contact 127\.0\.0\.1:{listener[1]}"):
        ours(socket.create_connection, listener)
    with pytest.raises(OSError, match="refused"):
        ours(socket.create_connection, ("192.0.2.1", 80), timeout=5)
    assert offline.state().refused[-1] == offline.Refusal("192.0.2.1:80", OURS)


@pytest.mark.parametrize(
    "contact",
    [
        lambda: socket.getaddrinfo("example.org", 443),
        lambda: socket.gethostbyname("example.org"),
        lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("192.0.2.1", 53)),
        lambda: urllib.request.urlopen("http://192.0.2.1/", timeout=5),
        lambda: socket.create_server(("0.0.0.0", 0)),
    ],
)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_names_datagrams_pages_and_listeners(contact: Call) -> None:
    """Nor are names looked up, datagrams sent, pages asked for, or ports opened to others."""
    before = offline.state().count
    with pytest.raises(OSError, match=r"refused|attempting to bind"):
        code_of(OURS)(as_library(contact))
    assert offline.state().count > before


def test_a_persons_code_is_left_alone(listener: tuple[str, int]) -> None:
    """A cell connects as it likes: also beside a stream of ours that is half read, and as a function that we call."""

    def stream() -> Iterator[int]:
        yield 1
        yield 2

    ours = types.FunctionType(stream.__code__.replace(co_filename=LIBRARY), {"__name__": OURS})()
    next(ours)
    assert connect(listener)
    assert code_of(OURS)(lambda: connect(listener))
    assert code_of(OURS)(code_of("__main__", "/tmp/ipykernel_7/8.py"), connect, listener)
    assert code_of(OURS)(code_of("__main__", "<eval>"), connect, listener)
    next(ours)


def test_threads_inherit(listener: tuple[str, int]) -> None:
    """A thread that our work starts is our work, whatever runs in it; one of a person's is not."""
    failed: list[BaseException] = []

    def quietly() -> None:
        try:
            connect(listener)
        except OSError as error:
            failed.append(error)

    def start(thread: threading.Thread) -> None:
        thread.start()

    def start_by_class(thread: threading.Thread) -> None:
        threading.Thread.start(thread)

    for way in map(as_library, (start, start_by_class)):
        for whose in (code_of(OURS), code_of("some.library")):
            thread = threading.Thread(target=as_library(quietly))
            whose(way, thread)
            thread.join()
    assert [type(error) for error in failed] == [OfflineError] * 2
    pool = ThreadPoolExecutor(1)
    with pytest.raises(OfflineError):
        code_of(OURS)(pool.submit, socket.create_connection, listener).result()
    pool.shutdown()


def test_who_looks_at_a_thread_does_not_start_it() -> None:
    """A person's thread stays theirs when our work shows what it is, down to each attribute."""
    thread = threading.Thread(target=print)
    code_of(OURS)(inspect.getmembers, thread)
    assert vars(thread).keys() == vars(threading.Thread()).keys()


@pytest.mark.parametrize("door", [*offline.DOORS, f"{offline.DOORS[0]}.web"])
def test_doors(door: str, listener: tuple[str, int]) -> None:
    """What fetches or asks what a person named, or runs what is a person's, may connect."""
    assert code_of(OURS)(code_of(door), connect, listener)
    with pytest.raises(OfflineError):
        code_of(door)(code_of(OURS), connect, listener)


@pytest.mark.parametrize("module", ["jupyter_localllm.sources.document.pdf", "jupyter_localllm.modelspull"])
def test_no_doors(module: str, listener: tuple[str, int]) -> None:
    """A document is read without a connection, and a name that only begins like a door is none."""
    with pytest.raises(OfflineError):
        code_of(module)(connect, listener)


def test_backends_of_others(listener: tuple[str, int]) -> None:
    """The package of a backend that a person named may ask its server."""
    theirs = code_of("acme_models.client")
    with pytest.raises(OfflineError):
        code_of(OURS)(theirs, connect, listener)
    offline.open_for("acme_models:BACKEND".partition(":")[0])
    assert code_of(OURS)(theirs, connect, listener)


@pytest.mark.model
def test_what_a_person_hands_over_is_read(tmp_path: Path, listener: tuple[str, int]) -> None:
    """Rows, texts, frames and a function for progress may be a library's: a stream of a hub, a cursor, a chat."""
    space: dict[str, Any] = {"__name__": "some.library", "connect": connect, "address": listener, "told": []}
    space["DataFrame"] = pandas.DataFrame
    text = (
        "def texts():\n    connect(address)\n    yield 'one'\n    connect(address)\n    yield 'two'\n"
        "def tell(progress):\n    told.append(connect(address))\n"
        "class Frame(DataFrame):\n    @property\n    def iloc(self):\n        connect(address)\n"
        "        return super().iloc\n"
    )
    exec(compile(text, LIBRARY, "exec"), space)
    llm = LocalLLM(model=str(write_tiny_llama(tmp_path / "tiny.gguf")), cache_dir=str(tmp_path), calibrate=False)
    before = offline.state().count
    with pytest.warns(RuntimeWarning, match="cut off"):
        assert len(llm.map("Say {{ value }}", space["texts"](), progress=space["tell"], max_tokens=2)) == 2
    assert space["told"]
    with pytest.warns(RuntimeWarning, match="cut off"):
        assert len(llm.map("Say {{ value }}", space["Frame"]({"value": ["one"]}), max_tokens=2)) == 1
    with contextlib.suppress(UsageError, EngineError):  # some models make no vectors
        llm.embed(space["texts"]())
    assert offline.state().count == before
    llm.unload()


KINDS = {
    "ours": code_of(OURS),
    "door": code_of("jupyter_localllm.engine.served.loop"),
    "library": code_of("some.library"),
    "generated": code_of("some.library", "<template>"),
    "person": code_of("my_module", "/home/me/my_module.py"),
    "cell": code_of("__main__", "/tmp/ipykernel_1/2.py"),
}


@given(stack=st.lists(st.sampled_from(sorted(KINDS)), max_size=6))
def test_what_stands_nearest_decides(stack: list[str]) -> None:
    """However libraries, persons and we call each other: who is nearest to the socket answers for it."""

    def run() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            library = as_library(lambda: one.connect(("127.0.0.1", 9)))  # sends nothing
            for kind in reversed(stack):
                library = _then(KINDS[kind], library)
            library()

    nearest = next((kind for kind in reversed(stack) if kind not in ("library", "generated")), "person")
    if nearest == "ours":
        with pytest.raises(OfflineError):
            run()
    else:
        run()


def _then(call: Call, inner: Call) -> Call:
    """`call(inner)`, without a frame of these tests between."""
    partial: Call = __import__("functools").partial(call, inner)
    return partial


def test_a_pair_of_sockets_is_no_contact() -> None:
    """Where a system has none of its own, Python makes one by connecting to itself: any event loop on Windows does."""
    space: dict[str, Any] = {"__name__": "socket"}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        for name in ("socketpair", "_fallback_socketpair", "another"):
            exec(compile(f"def {name}(one, address):\n    one.connect(address)\n", socket.__file__, "exec"), space)
        for name in ("socketpair", "_fallback_socketpair"):
            code_of(OURS)(space[name], one, ("127.0.0.1", 49152))
            with pytest.raises(OfflineError):
                code_of(OURS)(space[name], one, ("192.0.2.7", 80))
        with pytest.raises(OfflineError):
            code_of(OURS)(space["another"], one, ("127.0.0.1", 49152))


# ---------------------------------------------------------------------------------------------------------------------
# What a person sees of it


def test_a_persons_calls_are_pythons_own() -> None:
    """What a cell calls is the method of the socket itself, and no traceback has a frame of this package."""
    with socket.socket() as one:
        assert type(one.connect) is types.BuiltinMethodType
        assert socket.socket.connect is super(socket.socket, socket.socket).connect
    for call in (lambda: connect(("127.0.0.1", 9)), lambda: socket.getaddrinfo("127.0.0.1", "no such service")):
        with pytest.raises(OSError, match=r"refused|not") as caught:
            call()
        assert not [str(entry.path) for entry in caught.traceback if "jupyter_localllm" in str(entry.path)]


def test_names_that_were_taken_before() -> None:
    """`from socket import getaddrinfo` before the guard stood is no way around it."""
    told = (
        "import socket; from socket import getaddrinfo; from jupyter_localllm import offline; offline.stand();"
        f"space = {{'__name__': {OURS!r}, 'ask': getaddrinfo}};"
        "code = compile('ask(chr(120), 1)', socket.__file__, 'exec')\n"
        "for _ in range(50):\n    try: getaddrinfo('127.0.0.1', 1)\n    finally: pass"  # Python makes it faster
        "\ntry: exec(code, space)\nexcept OSError as error: print(type(error).__name__)"
    )
    assert _python(told) == "OfflineError"


def test_a_kernel_gets_no_hook() -> None:
    """Python would call an audit hook for each `id()` and `open()` of a kernel; only a process of ours has one.

    There it is a plain function: Python calls a method five times as slowly.
    """
    told = (
        "import sys; hooks = []; sys.addaudithook = hooks.append; from jupyter_localllm import offline;"
        "offline.stand(alone={}); offline.stand(alone={}); print(*[type(hook).__name__ for hook in hooks])"
    )
    assert _python(told.format(False, False)) == ""
    assert _python(told.format(True, True)) == "function"


def test_others_may_stand_there_too(monkeypatch: pytest.MonkeyPatch, listener: tuple[str, int]) -> None:
    """A tool may put its own function in the place of a method; that the guard is gone is told; it comes back."""
    seen = []
    with monkeypatch.context() as patch:
        patch.setattr(socket.socket, "connect", lambda _one, address: seen.append(address))
        assert connect(listener)
        assert seen == [listener]
        assert not offline.state().stands
    assert offline.state().stands
    recorder = recording(socket.socket.__dict__["connect"], seen)
    before = socket.socket.__dict__["connect"]
    try:
        socket.socket.connect = recorder  # type: ignore[method-assign]
        offline.stand()
        assert offline.state().stands
        assert connect(listener)
        assert seen == [listener] * 2
        with pytest.raises(OfflineError):
            code_of(OURS)(connect, listener)
    finally:
        socket.socket.connect = before  # type: ignore[method-assign]
        offline.stand()


def recording(method: Any, seen: list[Any]) -> Call:
    def record(one: socket.socket, address: Any) -> Any:
        seen.append(address)
        return method.__get__(one, type(one))(address)

    return record


def test_what_a_library_takes_from_the_class(listener: tuple[str, int]) -> None:
    """A library that our work imports first may keep `socket.socket.connect`: a person who uses it later is free."""
    kept = code_of(OURS)(as_library(lambda: socket.socket.connect))
    with socket.socket() as one, pytest.raises(OfflineError):
        code_of(OURS)(kept, one, listener)
    with socket.socket() as one:
        kept(one, listener)


def test_a_thread_without_python_code(listener: tuple[str, int]) -> None:
    """What C code alone calls, with no frame below it, works as ever: also as the last thing of a process."""
    told = (
        "import atexit, operator, socket, _thread; from jupyter_localllm import offline; offline.stand()\n"
        f"one, two = socket.socket(), socket.socket(); connect = operator.methodcaller('connect', {listener!r})\n"
        "_thread.start_new_thread(connect, (one,))\n"
        "atexit.register(socket.gethostbyname, '127.0.0.1'); atexit.register(connect, two)\n"
        "while True:\n    try: one.getpeername(); break\n    except OSError: pass\none.close()"
    )
    assert _python(told) == ""


def test_names_travel_to_other_processes() -> None:
    """`Pool.map(socket.gethostbyname, hosts)`: the old look-ups are pickled, as functions of `socket`."""
    for name in ("gethostbyname", "gethostbyname_ex", "gethostbyaddr", "getnameinfo"):
        one = getattr(socket, name)
        assert pickle.loads(pickle.dumps(one)) is one


def test_mocks_of_a_persons_tests() -> None:
    """`unittest.mock` imitates sockets and threads as it does without a guard, and undoes it."""
    with mock.patch.object(socket.socket, "connect", autospec=True) as connects, socket.socket() as one:
        one.connect(("192.0.2.1", 80))
        connects.assert_called_once_with(("192.0.2.1", 80))
    thread = threading.Thread()
    with mock.patch.object(threading.Thread, "start", autospec=True) as start:
        thread.start()
        start.assert_called_once_with(thread)
    mock.create_autospec(threading.Thread)().start()
    mock.create_autospec(socket.socket)().connect(("192.0.2.1", 80))
    assert inspect.isfunction(vars(threading.Thread)["start"])
    real = _socket.getaddrinfo
    with mock.patch("socket._socket.getaddrinfo", return_value=[]):
        assert socket.getaddrinfo("example.org", 443) == []
    assert _socket.getaddrinfo is real
    assert inspect.ismodule(socket._socket)  # type: ignore[attr-defined]
    assert offline.state().stands


def test_a_mock_that_is_there_when_the_guard_comes() -> None:
    """Calls reach the mock of a person, and their wrapper is kept, also one that copies attributes."""
    with mock.patch.object(socket.socket, "connect") as connects, socket.socket() as one:
        offline.stand()
        one.connect(("192.0.2.1", 80))
        connects.assert_called_once_with(("192.0.2.1", 80))
    saved = socket.gethostbyname
    wrapper = functools.wraps(saved)(lambda name: f"wrapped {name}")
    try:
        socket.gethostbyname = wrapper
        offline.stand()
        assert socket.gethostbyname("x") == "wrapped x"
    finally:
        socket.gethostbyname = saved
        offline.stand()
    assert offline.state().stands


@pytest.mark.parametrize(
    "change",
    [
        "importlib.reload(socket)",
        "importlib.reload(threading)",
        "socket.socket = type('Foreign', (_socket.socket,), {})",
        "socket.socket = _socket.socket",
        "socket.socket = None",
    ],
)
def test_another_class_is_noticed(change: str) -> None:
    """A module that is loaded anew, or a tool with a class of its own: it is told, and the next handle listens there.

    Where that cannot be, as at a class of C, it says so, and nothing fails.
    """
    told = (
        "import importlib, os, socket, sys, threading, _socket; from jupyter_localllm import offline; offline.stand()\n"
        f"{change}\nbefore = offline.state().stands\noffline.stand()\nprint(before, offline.state().stands)\n"
        "if not offline.state().stands: sys.exit()\n"
        "failed = []\n"
        "text = '''\ndef run():\n    one = socket.socket()\n    try: one.connect(('127.0.0.1', 9))\n"
        "    except OSError as error: failed.append(type(error).__name__)\n    one.close()\n"
        "thread = threading.Thread(target=run)\nthread.start()\nthread.join()\n'''\n"
        f"space = dict(__name__={OURS!r}, socket=socket, threading=threading, failed=failed)\n"
        "library = dict(space, __name__='some.library')\n"
        "exec(compile(text.partition('thread =')[0], os.__file__, 'exec'), library)\n"
        "exec(compile(text.partition('close()')[2], os.__file__, 'exec'), dict(space, run=library['run']))\n"
        "print(*failed)"
    )
    stands = change not in ("socket.socket = _socket.socket", "socket.socket = None")
    assert _python(told).split() == ["False", str(stands), *["OfflineError"] * stands]


def test_only_this_machine_is_bound() -> None:
    """A name that only begins like this machine's would be asked of a server of names."""
    for host in ("localhost.example.invalid", "127.example.invalid"):
        with socket.socket() as one, pytest.raises(OfflineError):
            code_of(OURS)(as_library(lambda one, host: one.bind((host, 0))), one, host)


def test_a_package_that_is_imported_anew_stands_once() -> None:
    """What stands there is taken out for what comes: nothing piles up."""
    told = (
        "import sys, socket\nfor _ in range(3):\n    from jupyter_localllm import offline\n    offline.stand()\n"
        "    for name in [n for n in sys.modules if n.startswith('jupyter_localllm')]: del sys.modules[name]\n"
        "stands = (socket.socket.__dict__['connect'], socket._socket, socket.gethostbyname)\n"
        "print(*[type(one._jupyter_localllm_original).__name__ for one in stands])"
    )
    assert _python(told) == "method_descriptor module builtin_function_or_method"


def test_nothing_goes_wrong_while_a_process_ends() -> None:
    """What a person's objects do last, when modules are already taken apart, is left alone."""
    told = (
        "import sys, builtins, socket\nfrom jupyter_localllm import offline\noffline.stand(alone={})\n"
        "class Late:\n    def __init__(self):\n        self.one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "    def __del__(self, open=open, name=sys.executable):\n        open(name, 'rb').close()\n        {}\n"
        "builtins.late = Late(); late = Late(); circle = [Late(), offline]; circle.append(circle)"
    )
    assert _python(told.format(False, "self.one.connect(('127.0.0.1', 9)); self.one.close()")) == ""
    assert _python(told.format(True, "self.one.close()")) == ""


# ---------------------------------------------------------------------------------------------------------------------
# Processes


def _python(program: str, *, folder: Path | None = None, **more: str) -> str:
    path = os.pathsep.join(filter(None, (str(folder or ""), os.environ.get("PYTHONPATH", ""))))
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONPATH": path, **more},
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


def test_our_children_open_nothing(tmp_path: Path, listener: tuple[str, int]) -> None:
    """A process of ours has no code of a person's in it: nothing at all is contacted from there."""
    (tmp_path / "tries.py").write_text(
        f"import socket\ndef main():\n    try:\n        socket.create_connection({listener!r})\n"
        "    except OSError as error:\n        print(type(error).__name__)\n"
    )
    done = subprocess.run(command("tries"), cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    # main() gives None: exit status 0
    assert (done.returncode, done.stdout.strip()) == (0, "OfflineError"), done.stderr


def test_it_stands_with_the_first_handle_unless_the_settings_say_no() -> None:
    """Importing and `%load_ext` leave `socket` as it is; a handle puts the guard up; `offline = False` does not."""
    told = "from jupyter_localllm import LocalLLM, offline; print(offline.state().stands);"
    both = told + "llm = LocalLLM(); print(offline.state().stands)"
    assert _python(both).split() == ["False", "True"]
    assert _python(both, JUPYTER_LOCALLLM_OFFLINE="false").split() == ["False", "False"]


# ---------------------------------------------------------------------------------------------------------------------
# offline=True


def test_servers_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """No server is asked, not even one on this machine, however its model is named; the error says what to do."""
    monkeypatch.setattr(socket, "socket", None)
    llm = LocalLLM(model="openai:some-model@http://localhost:1/v1", offline=True)
    with pytest.raises(OfflineError, match="offline is on: openai:some-model is answered by a server") as caught:
        llm.generate("Hello")
    assert "LocalLLM.offline = None" in caught.value.hint
    for way in (llm.load, lambda: llm.find(llm.model), lambda: llm.embed("x"), lambda: llm.count_tokens("x")):
        with pytest.raises(OfflineError):
            way()
    with pytest.raises(EngineError, match=r"offline is on: ollama:one.*offline is on: openai:two"):
        LocalLLM(model="router:ollama:one|openai:two", offline=True).generate("Hello")
    with pytest.raises(OfflineError):
        LocalLLM(embedding_model="ollama:nomic", offline=True).ask("What?", {"text": "Some words."})


def test_servers_may_be_asked_otherwise() -> None:
    """Without it, a server that a person names is asked: here nobody listens."""
    with pytest.raises(Exception, match=r"no server at http://127\.0\.0\.1:9") as caught:
        LocalLLM(model="ollama:one@http://127.0.0.1:9").generate("Hello")
    assert not isinstance(caught.value, OfflineError)


@pytest.mark.parametrize(
    "wanted", ["qwen3-4b", "OWNER/REPOSITORY", "hf:OWNER/REPOSITORY:Q8_0", "http://127.0.0.1:9/model.gguf"]
)
def test_nothing_is_fetched(wanted: str, tmp_path: Path) -> None:
    """`%llm pull` asks neither the hub nor an address."""
    with pytest.raises(OfflineError, match="offline is on"):
        fetched(LocalLLM(offline=True, pull_dir=str(tmp_path)), wanted, lambda _status: None)


def test_files_of_this_machine_are_still_taken(tmp_path: Path) -> None:
    """A path is no address: it is looked at, and judged by what it is."""
    (tmp_path / "no.gguf").write_bytes(b"no model")
    with pytest.raises(Exception, match=r"no\.gguf") as caught:
        pull(str(tmp_path / "no.gguf"), tmp_path / "there", {}, hub=Hub(forbidden=True))
    assert not isinstance(caught.value, (OfflineError, PullError)) or "offline" not in str(caught.value)


def test_clusters_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows do not travel; a cluster inside of this process will do."""

    class Client:
        asynchronous, status = False, "running"
        scheduler = SimpleNamespace(address="tcp://10.0.0.7:8786")

    monkeypatch.setitem(sys.modules, "distributed", SimpleNamespace(Client=Client))  # type: ignore[arg-type]
    client = Client()
    assert client_for(client, []) is client
    with pytest.raises(OfflineError, match=r"tcp://10\.0\.0\.7:8786"):
        client_for(client, [], offline=True)
    client.scheduler = SimpleNamespace(address="inproc://10.0.0.7/1/2")
    assert client_for(client, [], offline=True) is client


def test_the_doctor_tells(listener: tuple[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it is on and by what, that the guard stands, and what it had to refuse."""

    def told(**settings: Any) -> list[tuple[str, str]]:
        llm = LocalLLM(**settings)
        return [(f.level, f.text) for f in check_network(Subject(llm, llm.answers, llm.find))]

    guard_room._watch.refused.clear()
    assert told()[0] == ("ok", "the guard stands: this package's own work contacts nobody, and did not try to")
    on = told(offline=True, model="ollama:some-model")
    assert on[0] == ("ok", "offline is on (argument): servers, clusters and %llm pull are refused")
    assert ("warning", "model = ollama:some-model: offline is on") in [
        (level, text[:41].rstrip(":")) for level, text in on
    ]
    assert on[-1][1].startswith("%llm pull asks nobody: offline forbids it")
    with pytest.raises(OfflineError):
        code_of(OURS)(connect, listener)
    level, text = told()[0]
    assert level == "warning"
    assert f"127.0.0.1:{listener[1]} ({OURS})" in text
    llm = LocalLLM()
    monkeypatch.setattr(socket.socket, "connect", socket.socket.connect)
    finding = next(check_network(Subject(llm, llm.answers, llm.find)))
    assert finding.level == "warning"
    assert "another tool has put its own functions into `socket`" in finding.text
