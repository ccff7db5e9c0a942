"""Packages, threads, memory, the halves, the cache, the network: each trouble is found, and nothing else."""

from __future__ import annotations

import importlib.metadata
import json
import sqlite3
import sys
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from jupyter_localllm import LocalLLM, __version__
from jupyter_localllm.doctor import Finding, Subject, jupyter, machine, versions
from jupyter_localllm.doctor.jupyter import check_halves, check_subshells, enabled, prefix_of, server_python
from jupyter_localllm.doctor.machine import check_memory, check_model, check_threads
from jupyter_localllm.doctor.places import check_cache, check_network, check_settings
from jupyter_localllm.doctor.subject import pip
from jupyter_localllm.doctor.versions import check_packages
from jupyter_localllm.errors import ModelNotFound


def subject(kernel: object = None, **settings: object) -> Subject:
    llm = LocalLLM(**settings)  # type: ignore[arg-type]
    return Subject(llm, llm.answers, lambda model: f"what {model} is", kernel)


def test_packages_are_held_against_what_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing or too old is named in the command; extras that are missing are a note."""
    here = {"narwhals": "1.0", "ipython": "9.0", "llguidance": "1.9.1"}
    needs = [
        "narwhals>=2",
        "ipython>=8.18",
        "psutil>=5.9",
        'tomli>=2; python_version < "3"',
        'llguidance>=1; extra == "constrain"',
        'duckdb>=2; extra == "sql"',
        'ruff; extra == "test"',
        "not a requirement ]",
    ]
    monkeypatch.setattr(importlib.metadata, "requires", lambda _name: needs)
    monkeypatch.setattr(versions, "version_of", lambda name: here.get(name.lower(), ""))
    wrong, extras = check_packages(Subject(None, None, str))
    assert wrong.level == "problem"
    assert "narwhals>=2 (here is 1.0)" in wrong.text
    assert wrong.mend == pip("narwhals>=2", "psutil>=5.9")
    assert extras.text == "extras that are not installed: sql (duckdb)"
    here |= {"narwhals": "2.1", "psutil": "6", "duckdb": "2.0"}
    assert [finding.level for finding in check_packages(Subject(None, None, str))] == ["ok"]


def test_commands_can_be_pasted() -> None:
    """What a shell would read otherwise is in quotes."""
    line = pip("a>=1", cmake="-DX=ON", python="/a b/python")
    if sys.platform == "win32":
        assert line == 'set "CMAKE_ARGS=-DX=ON" && "/a b/python" -m pip install "a>=1"'
    else:
        assert line == "CMAKE_ARGS=\"-DX=ON\" '/a b/python' -m pip install 'a>=1'"


def test_more_threads_than_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are a warning, with where the number comes from; a machine that is busy is a note."""
    monkeypatch.setattr(machine, "usable_cores", lambda: 2)
    monkeypatch.setattr(machine, "_load", lambda: 0.1)
    (many,) = check_threads(subject(n_threads=8))
    assert (many.level, many.mend) == ("warning", "%config LocalLLM.n_threads = 0")
    assert "8 (argument)" in many.text
    (fine,) = check_threads(subject(n_threads=2))
    assert fine.level == "ok"
    monkeypatch.setattr(machine, "_load", lambda: 500.0)
    assert [finding.level for finding in check_threads(subject(n_threads=2))] == ["ok", "note"]


def test_a_container_that_leaves_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its limit is told, and less than a gigabyte is a warning."""
    monkeypatch.setattr(machine, "cgroup_available", lambda: 500_000_000)
    monkeypatch.setattr(machine, "available_bytes", lambda: 500_000_000)
    (finding,) = check_memory(Subject(None, None, str))
    assert finding.level == "warning"
    assert "leaves 500 MB" in finding.text


@pytest.mark.model
def test_the_model_of_the_settings() -> None:
    """It fits, or what is wrong is told with what to do; a backend's model is named."""
    (fits,) = check_model(subject())
    assert fits.level == "ok"
    (large,) = check_model(subject(n_ctx=1_000_000_000))
    assert (large.level, "needs" in large.text, bool(large.mend)) == ("problem", True, True)
    (gone,) = check_model(subject(model="no-such-model"))
    assert (gone.level, bool(gone.mend)) == ("problem", True)
    (served,) = check_model(subject(model="ollama:llama3.2:3b"))
    assert (served.level, served.text) == ("ok", "ollama:llama3.2:3b: what ollama:llama3.2:3b is")


# ---------------------------------------------------------------------------------------------------------------------
# Jupyter


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment in which nothing of this machine is found."""
    monkeypatch.setattr(jupyter, "_labextensions", lambda prefix: [prefix / "share" / "jupyter" / "labextensions"])
    monkeypatch.setattr(jupyter, "_config_folders", lambda prefix: [prefix / "etc" / "jupyter"])
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(jupyter, "version_of", lambda _name: "7.1")
    return tmp_path


def put(prefix: Path, version: str) -> None:
    folder = prefix / "share" / "jupyter" / "labextensions" / "jupyter-localllm"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text(json.dumps({"version": version}))


def test_the_halves(home: Path) -> None:
    """Missing, of another version, turned off, or right."""
    (missing,) = check_halves(Subject(None, None, str))
    assert (missing.level, missing.mend) == ("warning", pip("jupyter_localllm"))
    put(home, "0.0.1")
    (other,) = check_halves(Subject(None, None, str))
    assert (other.level, "0.0.1" in other.text, "--upgrade" in other.mend) == ("warning", True, True)
    put(home, __version__)
    assert [finding.level for finding in check_halves(Subject(None, None, str))] == ["ok"]
    config = home / "etc" / "jupyter" / "labconfig"
    config.mkdir(parents=True)
    (config / "page_config.json").write_text(json.dumps({"disabledExtensions": {"jupyter-localllm": True}}))
    off = list(check_halves(Subject(None, None, str)))[-1]
    assert off.mend == "jupyter labextension enable jupyter-localllm"


def test_a_server_in_another_environment(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its half is looked for where it runs, and installed there."""
    other = tmp_path / "other"
    monkeypatch.setattr(jupyter, "server_python", lambda: other / "bin" / "python")
    put(home, __version__)
    where, missing = check_halves(Subject(None, None, str, kernel=SimpleNamespace()))
    assert "another environment" in where.text
    assert missing.mend == pip("jupyter_localllm", python=str(other / "bin" / "python"))
    put(other, __version__)
    assert [f.level for f in check_halves(Subject(None, None, str, kernel=SimpleNamespace()))] == ["ok", "ok"]


def test_no_server_here(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel's environment need not have JupyterLab: that is a note."""
    monkeypatch.setattr(jupyter, "version_of", lambda _name: "")
    (note,) = check_halves(Subject(None, None, str))
    assert note.level == "note"


@pytest.mark.parametrize(
    ("text", "on"),
    [
        ("", True),
        ("[1]", True),
        ('{"disabledExtensions": {"other": true}}', True),
        ('{"disabledExtensions": {"jupyter-localllm": false}}', True),
        ('{"disabledExtensions": {"jupyter-localllm:panel": true}}', False),
        ('{"disabledExtensions": ["jupyter-localllm"]}', False),
    ],
)
def test_page_config(text: str, on: bool, tmp_path: Path) -> None:
    """Both forms of the file are read; what is no such file turns nothing off."""
    (tmp_path / "labconfig").mkdir()
    (tmp_path / "labconfig" / "page_config.json").write_text(text)
    assert enabled([tmp_path / "none", tmp_path]) is on


def test_the_server_above_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """The interpreter of its script; other parents are no server, and a parent that is gone is none."""

    def parents(*lines: list[str]) -> None:
        above = [SimpleNamespace(cmdline=lambda line=line: line) for line in lines]
        monkeypatch.setattr(psutil, "Process", lambda _pid: SimpleNamespace(parents=lambda: above))

    root = str(Path.cwd().root)
    parents([f"{root}env/bin/python", f"{root}env/bin/jupyter-lab", "--no-browser"])
    assert server_python() == Path(f"{root}env/bin/python")
    parents(["bash"], [f"{root}env/bin/python", "-m", "jupyterlab"])
    assert server_python() == Path(f"{root}env/bin/python")
    parents(["papermill", "a.ipynb"], [])
    assert server_python() is None
    assert prefix_of(Path(f"{root}env/bin/python")) == Path(f"{root}env")

    def gone(_pid: int) -> None:
        raise psutil.NoSuchProcess(1)

    monkeypatch.setattr(psutil, "Process", gone)
    assert server_python() is None


def test_subshells(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel says whether it has them; outside of one, ipykernel's version does."""

    def level(kernel: object) -> str:
        (finding,) = check_subshells(Subject(None, None, str, kernel))
        assert (finding.level == "ok") or finding.mend == pip("ipykernel>=7")
        return finding.level

    assert level(SimpleNamespace(kernel_info={"supported_features": ["kernel subshells"]})) == "ok"
    assert level(SimpleNamespace(kernel_info={})) == "warning"
    for version, expected in (("7.4.0", "ok"), ("6.29.5", "warning"), ("", "warning")):
        monkeypatch.setattr(jupyter, "version_of", lambda _name, version=version: version)
        assert level(None) == expected


# ---------------------------------------------------------------------------------------------------------------------
# Cache, settings, network


def levels(findings: list[Finding]) -> list[str]:
    return [finding.level for finding in findings]


def test_the_cache(tmp_path: Path) -> None:
    """A whole one, one that is damaged, one that cannot be, and one that is off."""
    folder = tmp_path / "cache"
    assert levels(list(check_cache(subject(cache_dir=str(folder))))) == ["ok"]
    assert levels(list(check_cache(subject(cache_dir=str(folder), cache="off")))) == ["note", "ok"]
    (tmp_path / "file").touch()
    (finding,) = check_cache(subject(cache_dir=str(tmp_path / "file")))
    assert (finding.level, "cache_dir" in finding.mend) == ("problem", True)


def test_a_damaged_database_is_found(tmp_path: Path) -> None:
    """Also where it still opens; what was set aside is told until it is cleared."""
    one = subject(cache_dir=str(tmp_path / "cache"))
    assert one.cache.usable
    one.cache.memo["x"] = "y"
    one.cache.close()
    path = tmp_path / "cache" / "memo" / "cache.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.close()
    data = bytearray(path.read_bytes())
    for page in range(2, pages):  # all but the schema
        data[page * 4096 : page * 4096 + 8] = b"\xff" * 8
    path.write_bytes(data)
    (tmp_path / "cache" / "answers" / "cache.db.damaged-1").touch()
    found = [finding.text for finding in check_cache(one) if finding.level == "warning"]
    assert any(text.startswith("memo: it is damaged") for text in found), found
    assert "answers: damaged databases were set aside there (1), and a new one was begun" in found


def test_a_disk_that_is_nearly_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left is told, and how to make room."""
    monkeypatch.setattr("shutil.disk_usage", lambda _folder: SimpleNamespace(free=5_000_000))
    found = list(check_cache(subject(cache_dir=str(tmp_path))))[-1]
    assert (found.level, "5.0 MB left" in found.text) == ("warning", True)


def test_settings_and_where_they_come_from() -> None:
    """What is not as it comes, with its origin."""
    (finding,) = check_settings(subject(temperature=0.5))
    assert "temperature = 0.5 (argument)" in finding.text
    assert "top_p" not in finding.text
    (finding,) = check_settings(subject(model="openai:m@http://u:s3cret@h/v1", endpoint="https://h/?api_key=s3cret"))
    assert "openai:m@http://…@h/v1" in finding.text
    assert "s3cret" not in finding.text


def test_every_address_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Backends that a setting names, the hub of %llm pull, proxies; names and passwords are left out."""
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HF_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    _guard, none, hub = check_network(subject())
    assert "nothing leaves this machine" in none.text
    assert "huggingface.co" in hub.text
    monkeypatch.setenv("HF_ENDPOINT", "https://me:secret@mirror.example")
    monkeypatch.setenv("https_proxy", "http://me:secret@proxy.example:3128")
    monkeypatch.setenv("ALL_PROXY", "me:secret@other.example:8080")
    settings = {"draft_model": "openai:z@http://me:secret@z.example/v1", "endpoint": "https://e.example/?key=secret"}
    found = list(check_network(subject(model="ollama:x", embedding_model="openai:y", **settings)))
    text = "\n".join(finding.text for finding in found)
    assert "model = ollama:x: what ollama:x is" in text
    assert "embedding_model = openai:y" in text
    assert "mirror.example" in text
    assert "proxy.example:3128" in text
    assert "other.example:8080" in text
    assert "e.example" in text
    assert "redirects to" in text
    assert "secret" not in text


def test_an_address_that_may_not_be_asked() -> None:
    """The error of the backend is the finding."""

    def refuses(_model: str) -> str:
        raise ModelNotFound("that is another machine", "Set allow_remote.")

    llm = LocalLLM(model="openai:y@http://far.example")
    found = [f for f in check_network(Subject(llm, llm.answers, refuses)) if f.level == "warning"]
    assert [(finding.text.rpartition(": ")[2], finding.mend) for finding in found] == [
        ("that is another machine", "Set allow_remote.")
    ]
