"""Each layer of settings wins over the one before, and wrong names are told with a close match."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from traitlets import TraitError
from traitlets.config import Config

from jupyter_localllm.config import Settings
from jupyter_localllm.errors import SettingsError


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def project(folder: Path, text: str) -> None:
    (folder / "pyproject.toml").write_text(f"[tool.jupyter_localllm]\n{text}\n")


def test_each_layer_wins_over_the_one_before(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """defaults < configuration file < pyproject < environment < %config < argument, and each origin is told."""
    config = Config({"LocalLLM": {}, "Settings": {"temperature": 0.1, "seed": 5, "top_k": 3, "top_p": 0.5}})
    project(empty_folder, "temperature = 0.2\nseed = 6\ntop-k = 4")
    monkeypatch.setenv("JUPYTER_LOCALLLM_TEMPERATURE", "0.3")
    monkeypatch.setenv("JUPYTER_LOCALLLM_SEED", "7")
    settings = Settings(config=config, seed=8)
    got = {n: (getattr(settings, n), settings.origin(n)) for n in ("temperature", "seed", "top_k", "top_p", "min_p")}
    assert got["seed"] == (8, "argument")
    assert got["temperature"] == (0.3, "environment")
    assert got["top_k"][0] == 4
    assert "pyproject.toml" in got["top_k"][1]
    assert got["top_p"] == (0.5, "configuration file")
    assert got["min_p"] == (0.05, "default")


def test_a_change_in_the_session_is_told() -> None:
    """`%config` and assignment win over what was there."""
    settings = Settings(temperature=0.5)
    settings.temperature = 0.7
    assert settings.origin("temperature") == "set in this session"
    settings.update_config(Config({"Settings": {"temperature": 0.9}}))
    assert (settings.temperature, settings.origin("temperature")) == (0.9, "set in this session")


def test_the_nearest_pyproject_counts(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Like other tools, the file at or above the working directory is read."""
    project(empty_folder, "seed = 6")
    below = empty_folder / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert Settings().seed == 6


@pytest.mark.parametrize("where", ["argument", "pyproject", "environment", "config", "%config"])
def test_a_wrong_name_is_told_with_a_close_match(
    where: str, empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever layer it stands in, an unknown name is an error."""
    arguments: dict[str, object] = {}
    if where == "argument":
        arguments = {"temprature": 1}
    elif where == "pyproject":
        project(empty_folder, "temprature = 1")
    elif where == "environment":
        monkeypatch.setenv("JUPYTER_LOCALLLM_TEMPRATURE", "1")
    elif where == "config":
        arguments = {"config": Config({"Settings": {"temprature": 1}})}
    if where == "%config":
        settings = Settings()
        with pytest.raises(SettingsError, match="temprature") as caught:
            settings.update_config(Config({"Settings": {"temprature": 1}}))
    else:
        with pytest.raises(SettingsError, match="temprature") as caught:
            Settings(**arguments)
    assert "Did you mean temperature?" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("temperature", -1, "from 0.0"),
        ("temperature", "warm", "temperature"),
        ("cache", "sometimes", "use, refresh, off, require"),
        ("n_ctx", 3, "at least 64"),
        ("stop", [1], "stop"),
    ],
)
def test_a_wrong_value_is_told(name: str, value: object, says: str) -> None:
    """A value out of range says what it may be."""
    with pytest.raises(SettingsError, match=says):
        Settings(**{name: value})


def test_environment_values_are_read_as_their_type(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers, booleans and None come out of strings."""
    monkeypatch.setenv("JUPYTER_LOCALLLM_N_CTX", "2048")
    monkeypatch.setenv("JUPYTER_LOCALLLM_STREAMING", "false")
    monkeypatch.setenv("JUPYTER_LOCALLLM_MAX_TOKENS", "None")
    settings = Settings()
    assert (settings.n_ctx, settings.streaming, settings.max_tokens) == (2048, False, None)


def test_one_string_is_a_list_of_one() -> None:
    """`stop="END"` is what people write."""
    assert Settings(stop="END").stop == ["END"]


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("allow_remote = true", "allow_remote"),
        ("allow-remote = 'yes'", "allow_remote"),
        ("api_key_env = 'evil.example=GITHUB_TOKEN'", "api_key_env"),
        ("offline = false", "offline"),
    ],
)
def test_a_project_cannot_let_anything_leave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, name: str
) -> None:
    """A project may be somebody else's: its file permits no other machine, names no key, and takes no guard down."""
    (tmp_path / "pyproject.toml").write_text(f"[tool.jupyter_localllm]\n{line}\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError, match=f"{name} cannot be set by a project") as caught:
        Settings()
    assert f"JUPYTER_LOCALLLM_{name.upper()}" in caught.value.hint
    (tmp_path / "pyproject.toml").write_text(
        "[tool.jupyter_localllm]\nallow_remote = false\napi_key_env = ''\noffline = true\n"
    )
    assert Settings().offline is True


def test_a_broken_pyproject_is_told(empty_folder: Path) -> None:
    """A file that is no TOML is named."""
    (empty_folder / "pyproject.toml").write_text("[tool.jupyter_localllm\n")
    with pytest.raises(SettingsError, match=r"pyproject\.toml"):
        Settings()


def test_a_stop_string_from_the_environment_is_one_string(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may hold whatever separates paths; folders are separated by it."""
    monkeypatch.setenv("JUPYTER_LOCALLLM_STOP", "Q:")
    monkeypatch.setenv("JUPYTER_LOCALLLM_MODEL_DIRS", os.pathsep.join(["/a", "/b"]))
    settings = Settings()
    assert (settings.stop, settings.model_dirs) == (["Q:"], ["/a", "/b"])


@pytest.mark.parametrize("name", ["n_threads", "n_batch", "n_gpu_layers", "repeat_last_n", "seed"])
def test_numbers_for_native_code_are_bounded(name: str) -> None:
    """What no machine has is refused before llama.cpp would try it."""
    with pytest.raises(SettingsError, match=name):
        Settings(**{name: 2**40})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_number_is_finite_in_every_layer(value: float, empty_folder: Path) -> None:
    """NaN is within any bounds for a comparison, and would end in JSON that nobody can read."""
    with pytest.raises(SettingsError, match="temperature"):
        Settings(temperature=value)
    with pytest.raises(TraitError):
        Settings().server_timeout = value


@pytest.mark.skipif(sys.platform == "win32", reason="homes of POSIX")
def test_a_user_without_a_home_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container's user that no list of users knows hears what to set."""
    import pwd

    def nobody(_: int) -> None:
        raise KeyError("getpwuid(): uid not found")

    for name in ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "JUPYTER_LOCALLLM_CACHE_DIR", "JUPYTER_LOCALLLM_PULL_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    for name in ("cache_dir", "pull_dir"):
        with pytest.raises(SettingsError, match="no home directory") as raised:
            getattr(Settings(), name)
        assert "Set HOME" in raised.value.hint
