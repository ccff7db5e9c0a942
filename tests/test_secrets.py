"""No key and no password comes where others may read it: errors, answers, metadata, reports, logs, files."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from traitlets.config import Config

from jupyter_localllm import LocalLLM
from jupyter_localllm.cache import export
from jupyter_localllm.engine.scripted import ScriptedEngine
from jupyter_localllm.errors import LocalLLMError, PullError, without_secrets
from jupyter_localllm.magics.models import fetched
from jupyter_localllm.models.pull import Hub, pull
from jupyter_localllm.show.formatters import as_bundle
from jupyter_localllm.types import Part
from tests.engine.openai.speaker import Scripted
from tests.engine.served.server import speaking
from tests.models.pull.server import serving

KEY = "sk-s3cr3tKEY"

ADDRESSES = [
    f"http://u:{KEY}@localhost:9/v1",
    f"http://{KEY}@localhost:9/v1",
    f"http://u:{KEY}@localhost:bad/v1",
    f"http://u:{KEY}@[bad/v1",
    f"http://u:{KEY}/x@localhost:9/v1",
    f"http://u:x/{KEY}@localhost:9/v1",
    f"http://localhost:9/v1?api_key={KEY}",
    f"ftp://u:{KEY}@localhost/v1",
    f"u:{KEY}@localhost:9",
]
MODELS = ["openai:m@{}", "ollama:m@{}", "router:openai:m@{}|ollama:x@http://localhost:9", "{}"]


def told(action: Callable[[], Any]) -> str:
    """All that a person gets to see: the value, or the error with all that it was caused by."""
    try:
        return repr(action())
    except LocalLLMError as error:
        return "\n".join([*traceback.format_exception(error), *error._render_traceback_()])


def files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def holding(folder: Path, secret: str = KEY) -> list[str]:
    """The files in which it stands, in any letters that JSON may write."""
    return [str(path) for path in files(folder) if secret.encode() in path.read_bytes()]


# ---------------------------------------------------------------------------------------------------------------------
# Addresses

_LETTERS = st.text("abcXYZ019-_.~!$&*+,;", min_size=4, max_size=12).map("S3CR3T".__add__)


@settings(deadline=None)
@given(
    _LETTERS,
    st.sampled_from(
        [
            "http://{}@h.example/v1",
            "https://me:{}@h.example:80/v1/@scope/x",
            "https://me:a/{}@h.example",
            "file://{}@h/x",
            "http:/me:{}@h/x",
            "openai:m@http://me:{}@h:8/v1",
            "me:{}@h.example:80",
            "https://h.example/x?n=1&X-Amz-Signature={}",
            "https://h.example/x?access_token={}&n=1",
            "https://h.example/x?next=y?a.token.b={}",
            "git/-me:{}@h.example",
            "https://h.example/x?n=1;my-api-key.1={}",
        ]
    ),
    st.sampled_from(["{}", "cannot reach '{}': refused", "a\n{}\nb", "[{}]", '{{"url": "{}"}}']),
)
def test_errors_show_no_password(secret: str, address: str, around: str) -> None:
    """Whatever puts an address into an error, with whatever around it: names, passwords and keys in it are hidden."""
    text = around.format(address.format(secret.replace("&", "") if "?" in address else secret))
    error = PullError(text, text)
    assert "S3CR3T" not in f"{error!s} {error!r} {error.message} {error.hint} {error.args} {error._render_traceback_()}"


@pytest.mark.parametrize(
    "text",
    [
        "there is no server at http://localhost:8000/v1",
        "Is ollama:llama3.2:3b@http://localhost:11434 there?",
        "openai:qwen3@https://h.example/v1 and router:a|ollama:b@http://h:1",
        "https://hub.example/@scope/name?download=true#readme",
        "row 4: the mail of a@b.example, at 10:30, is {'a': 'b@c'}",
        "#/$defs/a: 'http://json-schema.org/draft#/x' is not of type 'integer'",
        "x == y and token = 5",
    ],
)
def test_other_texts_stay(text: str) -> None:
    """What holds no secret is told as it is."""
    assert without_secrets(text) == text


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "text",
    [
        *("-" * 300_000 + "@", "/" + "-a" * 150_000 + "@", "?" + "key" * 100_000 + " ="),
        *("a:/" * 300_000 + " @", "@" + "a:/" * 300_000, "a:/ " * 300_000 + "@"),
    ],
)
def test_long_texts_are_looked_through_at_once(text: str) -> None:
    """What an error quotes may have any length and shape."""
    assert without_secrets(text) == text


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_with_a_password(model: str, address: str, tmp_path: Path) -> None:
    """By whatever way a model at such an address is named, nothing shows or keeps the password."""
    llm = LocalLLM(model=model.format(address), cache_dir=str(tmp_path))
    ways: list[Callable[[], Any]] = [
        lambda: llm.generate("x"),
        lambda: llm.generate("x", cache="require"),
        lambda: llm.find(llm.model),
        lambda: llm.plan("x"),
        lambda: llm.map("{{ value }}", ["a"]),
        lambda: llm,
    ]
    if not model.startswith("router"):
        ways.append(lambda: as_bundle(llm.ask("What?", {"t": "words"})))
    assert [i for i, way in enumerate(ways) if KEY in told(way)] == []
    llm.close()
    assert holding(tmp_path) == []


@pytest.mark.parametrize("setting", ["endpoint", "embedding_model", "draft_model", "adapter", "schema", "api_key_env"])
def test_other_settings_with_a_password(setting: str, tmp_path: Path) -> None:
    """A setting that is given such an address tells what is wrong, and not the password."""
    values = {"embedding_model": "ollama:m@{}", "api_key_env": "{}=X"}
    for address in ADDRESSES:
        given = {"model": "openai:m@http://localhost:9/v1", "cache_dir": str(tmp_path)}
        given[setting] = values.get(setting, "{}").format(address)
        if setting == "endpoint":
            given["model"] = "openai:m"
        assert KEY not in told(lambda given=given: LocalLLM(**given).generate("x"))  # type: ignore[misc]


@pytest.mark.parametrize("key", [KEY, f"localhost:9={KEY}", "hf_aBcDeFgHiJkLmNoPq12345", "A=x=y/z", f"MINE,{KEY}"])
def test_a_key_where_its_variable_belongs(key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who writes the key itself into the setting reads what to do, and never the key: the setting does not take it."""
    address = "openai:m@http://localhost:9/v1"
    file = tmp_path / "settings.toml"
    file.write_text(f"[inference]\napi_key_env = {key!r}\n")
    ways: list[Callable[[], Any]] = [
        lambda: LocalLLM(model=address, api_key_env=key),
        lambda: setattr(LocalLLM(model=address), "api_key_env", key),
        lambda: LocalLLM().derive(api_key_env=key),
        lambda: LocalLLM.from_settings(file),
        lambda: LocalLLM(config=Config(LocalLLM={"api_key_env": key})),
    ]
    for way in ways:
        shown = told(way)
        assert "api_key_env" in shown
        assert key.rpartition("=")[2].rpartition(",")[2] not in shown
    monkeypatch.setenv("JUPYTER_LOCALLLM_API_KEY_ENV", key)
    assert key.rpartition("=")[2].rpartition(",")[2] not in told(LocalLLM)


def test_reports(tmp_path: Path) -> None:
    """The doctor's report, for people and for programs."""
    for address in ADDRESSES[:3]:
        llm = LocalLLM(model=f"openai:m@{address}", embedding_model=f"ollama:m@{address}", cache_dir=str(tmp_path))
        report = llm.doctor(quick=True)
        assert KEY not in f"{report}{json.dumps(report.to_dict())}{report._repr_mimebundle_()}"


# ---------------------------------------------------------------------------------------------------------------------
# Keys that are used


def test_the_key_of_a_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """It goes to the server, and nowhere else: not with answers, errors that repeat it, logs of any level, or files."""
    monkeypatch.setenv("MY_KEY", KEY)
    caplog.set_level(logging.DEBUG)
    with speaking() as speaker:
        Scripted(speaker)
        here = speaker.url.removeprefix("http://")
        llm = LocalLLM(model=f"openai:m@{speaker.url}/v1", api_key_env=f"{here}=MY_KEY", cache_dir=str(tmp_path))
        good = llm.generate("hello")
        assert speaker.last("/v1/chat/completions").headers["authorization"] == f"Bearer {KEY}"
        shown = [repr(good), repr(as_bundle(good)), repr(llm), str(llm.doctor(quick=True))]
        for status in (400, 401, 403, 404, 429, 500):
            speaker.routes["/v1/chat/completions"] = lambda _, status=status: (  # type: ignore[misc]
                status,
                {"error": {"message": f"Your key {KEY} is wrong", "type": KEY, "param": None, "code": KEY}},
            )
            shown.append(told(lambda status=status: llm.generate(f"{status}?", cache="off")))  # type: ignore[misc]
        llm.close()
    assert [text for text in shown if KEY in text] == []
    assert KEY not in caplog.text
    assert holding(tmp_path) == []


def test_a_value_whose_name_speaks_of_a_secret(tmp_path: Path) -> None:
    """It is sent to the model, because the person named it, and kept neither in the cache nor in what is exported."""
    before, behind = Part("text", "Say "), Part("text", f" to {'you ' * 100}")
    parts, other = ((before, Part("{{ api_key }}", key), behind) for key in (KEY, f"{KEY}2"))
    engine = ScriptedEngine("I said it.")
    llm = LocalLLM.from_engine(engine, cache_dir=str(tmp_path))
    llm.generate(parts)
    assert KEY in engine.jobs[0].prompt.messages[-1].content
    export(llm.answers, tmp_path / "answers.jsonl")
    missed = told(lambda: llm.generate(other, cache="require"))
    assert "the value of {{ api_key }} changed" in missed
    assert KEY not in missed
    llm.close()
    assert "Say {{ api_key }} to you" in (tmp_path / "answers.jsonl").read_text(encoding="utf-8")
    assert holding(tmp_path) == []


def test_a_secret_of_an_earlier_turn(tmp_path: Path) -> None:
    """A question on top of one with a secret keeps nothing of it either, and a miss still says that it is another."""
    llm = LocalLLM.from_engine(ScriptedEngine("I said it."), cache_dir=str(tmp_path))
    for key, mode in ((KEY, "use"), (f"{KEY}2", "refresh")):
        llm.generate((Part("text", "Say "), Part("{{ api_key }}", key)), chat=key, cache=mode)
    llm.generate("More!", chat=KEY)
    export(llm.answers, tmp_path / "answers.jsonl")
    missed = told(lambda: llm.generate("More!", chat=f"{KEY}2", cache="require"))
    assert "an earlier turn of the conversation changed: message 1 (user)" in missed
    assert KEY not in missed
    llm.close()
    assert holding(tmp_path) == []


def test_the_token_of_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is sent to the hub, and stands in no error, record, half file or memory; nor does the key of an address."""
    monkeypatch.setenv("HF_TOKEN", KEY)
    caplog.set_level(logging.DEBUG)
    memo: dict[str, str] = {}
    with serving() as hub:
        hub.put("a/b", "m.gguf", b"GGUF" + b"x" * 5000)
        hub.gated = "another-token"
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        shown = [told(lambda: pull("a/b", tmp_path, memo, hub=Hub(), by_huggingface_hub=False))]
        hub.gated = ""
        shown.append(told(lambda: pull("a/b", tmp_path, memo, hub=Hub(), by_huggingface_hub=False)))
        assert any(headers.get("authorization") == f"Bearer {KEY}" for _, _, headers in hub.asked)
        llm = LocalLLM(pull_dir=str(tmp_path), cache_dir=str(tmp_path / "cache"))
        for address in (f"{hub.url}/x.gguf?token={KEY}", f"http://u:{KEY}@127.0.0.1:9/x.gguf"):
            shown.append(told(lambda address=address: fetched(llm, address, lambda _: None)))  # type: ignore[misc]
    assert [text for text in shown if KEY in text] == []
    assert KEY not in caplog.text
    assert KEY not in repr(memo)
    assert holding(tmp_path) == []
