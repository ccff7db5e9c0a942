"""What ``make demo`` and ``make test`` do before they begin, with the commands themselves replaced."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.scripts import imported

CHECKOUT = Path(__file__).resolve().parents[1]


class Commands:
    """Stands for `subprocess.run`: writes down what was called, and answers the one-token check as told."""

    def __init__(self, checks: list[int]) -> None:
        self.calls: list[list[str]] = []
        self.environments: list[dict[str, str]] = []
        self.checks = checks

    def run(self, command: Any, **options: Any) -> subprocess.CompletedProcess[str]:
        words = [str(word) for word in command]
        self.calls.append(words)
        self.environments.append(options.get("env") or {})
        if "-c" in words:
            told = "llama-cpp-python==0.3.36" if "metadata" in words[-1] else "/models/smollm2.gguf"
            return subprocess.CompletedProcess(words, 0, stdout=f"{told}\n")
        status = self.checks.pop(0) if "jupyter_localllm.engine.llama.probe" in words else 0
        return subprocess.CompletedProcess(words, status, stdout="v22.13.0\n")

    def having(self, word: str) -> list[list[str]]:
        return [call for call in self.calls if word in call]


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The script, looking at a checkout of its own."""
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "pyvenv.cfg").touch()
    with imported("scripts/setup_env.py") as module:
        monkeypatch.setattr(module, "ROOT", tmp_path)
        monkeypatch.setattr(module, "VENV", tmp_path / ".venv")
        monkeypatch.setattr(module, "STAMP", tmp_path / ".venv" / "setup.json")
        monkeypatch.setattr(module, "BUILT", tmp_path / "built")
        yield module


def commands(setup: ModuleType, monkeypatch: pytest.MonkeyPatch, *checks: int) -> Commands:
    made = Commands(list(checks))
    monkeypatch.setattr(setup.subprocess, "run", made.run)
    return made


def test_first_call_installs_and_checks(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment is made, llama.cpp compiled portably, one token decoded; the second call does nothing at all."""
    monkeypatch.setenv("CMAKE_ARGS", "-DGGML_BLAS=ON")
    made = commands(setup, monkeypatch, 0)
    setup.install(["smollm2", "demo"])
    assert made.having("venv")
    (install,) = made.having("-e")
    assert install[-1].endswith("[smollm2,demo]")
    assert made.environments[made.calls.index(install)]["CMAKE_ARGS"] == "-DGGML_NATIVE=OFF -DGGML_BLAS=ON"
    assert len(made.having("jupyter_localllm.engine.llama.probe")) == 1
    made.calls.clear()
    setup.install(["smollm2", "demo"])
    assert made.calls == []


def test_more_extras_are_added(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """``make test`` after ``make demo`` adds what is missing; it does not begin again."""
    commands(setup, monkeypatch, 0)
    setup.install(["smollm2", "demo"])
    made = commands(setup, monkeypatch, 0)
    setup.install(["smollm2", "demo", "test"])
    assert made.having("-e")
    assert not made.having("venv")


@pytest.mark.parametrize("file", ["package.json", "src/chat/state.ts", "style/panel.css", "schema/plugin.json"])
def test_changed_sources_are_built_again(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, file: str
) -> None:
    """Whatever goes into the labextension, settings and shortcuts too; unchanged sources are not built twice."""
    extension = tmp_path / "labextension"
    for name in ("package.json", "package-lock.json", "tsconfig.json", "src/chat/state.ts", "style/panel.css"):
        (extension / name).parent.mkdir(parents=True, exist_ok=True)
        (extension / name).write_text("1")
    (extension / "schema").mkdir()
    (extension / "schema" / "plugin.json").write_text("1")
    (extension / "node_modules").mkdir()
    monkeypatch.setattr(setup, "LABEXTENSION", extension)
    monkeypatch.setattr(setup, "LABEXTENSION_STAMP", extension / "stamp")
    monkeypatch.setattr(setup, "check_node", lambda: None)
    setup.BUILT.mkdir()
    (setup.BUILT / "package.json").touch()
    made = commands(setup, monkeypatch)
    setup.build_labextension()
    setup.build_labextension()
    assert len(made.having("build:prod")) == 1
    (extension / file).write_text("2")
    setup.build_labextension()
    assert len(made.having("build:prod")) == 2


def test_pip_never_writes_through_the_link(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """While pip installs, its copy is no link to the built extension, where it would leave files of the install."""
    link = setup.VENV / "share" / "jupyter" / "labextensions" / "jupyter-localllm"
    links: list[bool] = []
    made = commands(setup, monkeypatch, 0, 0)
    run = made.run

    def watched(command: Any, **options: Any) -> subprocess.CompletedProcess[str]:
        if "-e" in list(command):
            links.append(link.is_symlink())
        return run(command, **options)

    monkeypatch.setattr(setup.subprocess, "run", watched)
    setup.install(["smollm2"])
    assert link.is_symlink()
    setup.install(["smollm2", "test"])
    assert link.is_symlink()
    assert links == [False, False]


def test_changed_pyproject_makes_it_anew(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other dependencies, another environment: nothing of the old one stays."""
    commands(setup, monkeypatch, 0)
    setup.install(["smollm2"])
    (setup.ROOT / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    made = commands(setup, monkeypatch, 0)
    setup.install(["smollm2"])
    assert "--clear" in made.having("venv")[0]


def test_failing_check_compiles_past_the_cache(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """A build that dies on its first token is replaced by a portable one, whatever wheel pip remembers."""
    made = commands(setup, monkeypatch, -11, 0)
    setup.install(["smollm2"])
    (rebuild,) = made.having("--no-cache-dir")
    assert {"--force-reinstall", "--no-deps", "--no-binary"} <= set(rebuild)
    assert rebuild[-1] == "llama-cpp-python==0.3.36"
    assert "-DGGML_NATIVE=OFF" in made.environments[made.calls.index(rebuild)]["CMAKE_ARGS"]
    assert len(made.having("jupyter_localllm.engine.llama.probe")) == 2


def test_check_that_keeps_failing_stops(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the portable build dies too, the setup says so and is not taken for done."""
    commands(setup, monkeypatch, -11, -4)
    with pytest.raises(SystemExit, match="still does not work on this machine"):
        setup.install(["smollm2"])
    assert not setup.STAMP.exists()


def test_foreign_folder_is_not_removed(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that is no virtual environment is left alone."""
    made = commands(setup, monkeypatch)
    (setup.VENV / "pyvenv.cfg").unlink()
    with pytest.raises(SystemExit, match="in the way"):
        setup.install(["smollm2"])
    assert made.calls == []


def test_old_python_and_old_node_are_named(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is too old is said with its version and with what is needed."""
    monkeypatch.setattr(setup.sys, "version_info", (3, 9, 2, "final", 0))
    with pytest.raises(SystemExit, match=r"Python 3\.9\.2 is too old: 3\.10 or newer"):
        setup.check_python()
    monkeypatch.setattr(setup.shutil, "which", lambda name: f"/usr/bin/{name}")
    answer = subprocess.CompletedProcess([], 0, stdout="v18.19.0\n")
    monkeypatch.setattr(setup.subprocess, "run", lambda *_, **__: answer)
    with pytest.raises(SystemExit, match=r"node v18\.19\.0 is too old"):
        setup.check_node()


@pytest.mark.parametrize("version", ["v20.19.0", "v22.12.0", "v22.20.1", "v24.0.0"])
def test_new_node_is_taken(setup: ModuleType, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    """The versions that package.json names are enough."""
    monkeypatch.setattr(setup.shutil, "which", lambda name: f"/usr/bin/{name}")
    answer = subprocess.CompletedProcess([], 0, stdout=version + "\n")
    monkeypatch.setattr(setup.subprocess, "run", lambda *_, **__: answer)
    setup.check_node()


def test_node_range_is_that_of_package_json() -> None:
    """The check and the package agree on which node will do."""
    package = json.loads((CHECKOUT / "labextension" / "package.json").read_text())
    assert package["engines"]["node"] == "^20.19.0 || >=22.12.0"


def test_missing_chromium_is_installed_or_named(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root installs it; without rights the setup fails and says what to do."""
    monkeypatch.delenv("JLLM_CHROMIUM", raising=False)
    monkeypatch.setattr(setup.shutil, "which", lambda name: "/usr/bin/apt-get" if name == "apt-get" else None)
    monkeypatch.setattr(setup.os, "geteuid", lambda: 0)
    made = commands(setup, monkeypatch)
    setup.ensure_chromium()
    assert made.calls[-1][-4:] == ["apt-get", "install", "-y", "chromium"]
    monkeypatch.setattr(setup.os, "geteuid", lambda: 1000)
    with pytest.raises(SystemExit, match="apt-get install chromium"):
        setup.ensure_chromium()
