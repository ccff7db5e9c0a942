"""Files of settings: each form means the same, and whatever is wrong is told before anything is set."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from jupyter_localllm.config import FileSettings as Settings
from jupyter_localllm.config.sections import SECTIONS, section_of
from jupyter_localllm.errors import DependencyMissing, LocalLLMError, SettingsError

YAML = """
inference:
  model: {path: some.gguf, n_ctx: 2048, n_gpu_layers: 0}
  sampling: {temperature: 0.7, top_p: 0.9, top_k: 20, repeat_penalty: 1.1, repeat_last_n: 32}
  runtime: {verbose: true, thread_count: 3}
  output:
    max_tokens: 99
    grammar_enabled: true
    grammar_schema: {type: object, properties: {city: {type: string}}}
"""
TOML = """
[inference.model]
path = "some.gguf"
n_ctx = 2048
n_gpu_layers = 0
[inference.sampling]
temperature = 0.7
top_p = 0.9
top_k = 20
repeat_penalty = 1.1
repeat_last_n = 32
[inference.runtime]
verbose = true
thread_count = 3
[inference.output]
max_tokens = 99
grammar_enabled = true
[inference.output.grammar_schema]
type = "object"
properties = { city = { type = "string" } }
"""
MEANT = {
    "model": "some.gguf",
    "n_ctx": 2048,
    "n_gpu_layers": 0,
    "temperature": 0.7,
    "top_p": 0.9,
    "top_k": 20,
    "repeat_penalty": 1.1,
    "repeat_last_n": 32,
    "verbose": True,
    "n_threads": 3,
    "max_tokens": 99,
    "schema": '{"type": "object", "properties": {"city": {"type": "string"}}}',
}


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, text: str, name: str = "inference.yaml") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


@pytest.mark.parametrize(("name", "text"), [("a.yaml", YAML), ("a.yml", YAML), ("a.toml", TOML)])
def test_the_keys_of_the_sections_are_settings(name: str, text: str, empty_folder: Path) -> None:
    """YAML and TOML set the same traits, and each says which file it comes from."""
    settings = Settings()
    path = write(empty_folder, text, name)
    assert settings.apply_file(path) == MEANT
    assert {key: getattr(settings, key) for key in MEANT} == MEANT
    assert {settings.origin(key) for key in MEANT} == {str(path)}
    settings.temperature = 0.1
    assert settings.origin("temperature") == "set in this session"


def test_json_is_understood_as_well(empty_folder: Path) -> None:
    """What a program wrote can be read."""
    path = write(empty_folder, json.dumps({"inference": {"sampling": {"seed": 5}}}), "a.json")
    assert Settings().apply_file(path) == {"seed": 5}


def test_every_setting_has_a_place(empty_folder: Path) -> None:
    """Each trait can be set by a file, under its own name, in the one section that it belongs to."""
    settings = Settings()
    for name in settings.setting_names():
        value = getattr(settings, name)
        section = section_of(name)
        assert section in SECTIONS
        path = write(empty_folder, json.dumps({"inference": {section: {name: value}}}), "one.json")
        assert set(settings.apply_file(path)) <= {name}
        assert getattr(settings, name) == value


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("inference: {sampling: {temprature: 1}}", "Did you mean temperature"),
        ("inference: {sampling: {n_ctx: 1024}}", "belongs into inference.model"),
        ("inference: {model: {thread_count: 2}}", "belongs into inference.runtime"),
        ("inference: {sampling: {grammar_schema: x}}", "belongs into inference.output"),
        ("inference: {output: {gramar_schema: x}}", "Did you mean grammar_schema"),
        ("inference: {runtime: {thread_cuont: 2}}", "Did you mean thread_count"),
        ("inference: {samplng: {}}", "Did you mean sampling"),
        ("inferense: {}", "Did you mean inference"),
        ("bench: {}", "no section inference"),
        ("other: 1", "other is unknown"),
        ("inference: {}\nmore: {}", "more is unknown"),
        ("inference: [1]", "inference in .* is list"),
        ("inference: {model: 7}", "inference.model in .* is int"),
        ("inference: {model: {1: 2}}", "the key 1"),
        ("- a", "as a whole is list"),
        ("inference: {sampling: {temperature: warm}}", "temperature"),
        ("inference: {sampling: {temperature: -1}}", "from 0.0"),
        ("inference: {sampling: {temperature: .nan}}", "temperature cannot be nan"),
        ("inference: {sampling: {temperature: nan}}", "temperature cannot be 'nan'"),
        ("inference: {sampling: {temperature: true}}", "temperature cannot be True"),
        ("inference: {sampling: {seed: [1]}}", "seed"),
        ("inference: {model: {path: a, model: b}}", "model is said twice"),
        ("inference: {sampling: {seed: 1, seed: 2}}", "seed is said twice"),
        ("inference: {output: {grammar_enabled: true}}", "there is no grammar_schema"),
        ("inference: {output: {grammar_enabled: 1}}", "true or false"),
        ("inference: {output: {grammar_schema: 3}}", "grammar_schema is int"),
        ("inference: {model: !!python/object/apply:os.getcwd []}", "no YAML"),
        ("inference: {", "no YAML"),
        ("inference: &a [*a]", "inference"),
        ("inference: {output: {grammar_schema: &a {anyOf: [*a]}}}", "leads into itself"),
        ("inference: {output: {grammar_schema: {const: 2020-01-01}}}", "grammar_schema .* date"),
        ("inference: {output: {grammar_schema: {const: !!binary aGk=}}}", "grammar_schema .* bytes"),
    ],
)
def test_what_is_wrong_is_told(text: str, says: str, empty_folder: Path) -> None:
    """Each mistake is named with what to do, and nothing is set."""
    settings = Settings()
    with pytest.raises(SettingsError) as caught:
        settings.apply_file(write(empty_folder, text))
    assert re.search(says, str(caught.value)), str(caught.value)
    assert all(settings.origin(name) in ("default", "environment") for name in settings.setting_names())


@pytest.mark.parametrize(
    "place",
    ["sampling: {temperature: *i}", "output: {grammar_schema: {enum: *i}}", "output: {stop: *i}", "model: {path: *i}"],
)
def test_a_few_anchors_that_stand_for_a_billion_values(place: str, empty_folder: Path) -> None:
    """Aliases of aliases cost nothing to read and would take all memory once they are shown or written down."""
    lines = ["bench:", "  a: &a [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"  {b}: &{b} [{', '.join([f'*{a}'] * 9)}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True)]
    with pytest.raises(SettingsError, match="values"):
        Settings().apply_file(write(empty_folder, "\n".join([*lines, f"inference: {{{place}}}"])))


def test_a_number_that_would_never_be_read(empty_folder: Path) -> None:
    """YAML's numbers to the base of 60 take a time that grows with the square of their length."""
    seed = ":".join(["1"] * 200_000)
    with pytest.raises(SettingsError, match="characters"):
        Settings().apply_file(write(empty_folder, f"inference: {{sampling: {{seed: {seed}}}}}"))


def test_what_yaml_says_of_a_line_holds_no_password(empty_folder: Path) -> None:
    """An error of the reader quotes the file, and errors are shown and saved with notebooks."""
    text = 'inference:\n  model: {path: "x"\n  endpoint: http://me:secret@example.org/v1\n'
    with pytest.raises(SettingsError, match="no YAML") as caught:
        Settings().apply_file(write(empty_folder, text))
    assert "secret" not in str(caught.value)


def test_all_mistakes_are_told_at_once(empty_folder: Path) -> None:
    """Nobody mends a file one line at a time; what is right beside them is not set either."""
    settings = Settings()
    path = write(empty_folder, "inference: {sampling: {seed: 5, temperature: -1, top_p: 2}}")
    with pytest.raises(SettingsError) as caught:
        settings.apply_file(path)
    assert "temperature" in str(caught.value)
    assert "top_p" in str(caught.value)
    assert settings.seed == 1


def test_what_yaml_reads_otherwise(empty_folder: Path) -> None:
    """`on` and `off` are words of a setting, `1e-1` is a number, and nothing is nothing."""
    text = """
inference:
  runtime: {flash_attn: off, cache: off}
  sampling: {temperature: 1e-1, seed: }
  output: {max_tokens: }
"""
    settings = Settings(max_tokens=9)
    assert settings.apply_file(write(empty_folder, text)) == {
        "flash_attn": "off",
        "cache": "off",
        "temperature": 0.1,
        "max_tokens": None,
    }
    assert settings.seed == 1


@pytest.mark.parametrize(
    ("output", "schema"),
    [
        ("grammar_enabled: false, grammar_schema: {type: object}", ""),
        ("grammar_enabled: false", ""),
        ("grammar_schema: {type: object}", '{"type": "object"}'),
        ("grammar_schema: null", ""),
    ],
)
def test_a_grammar_that_is_not_enabled(output: str, schema: str, empty_folder: Path) -> None:
    """`grammar_enabled` decides where it stands; without it, a schema that is there holds."""
    settings = Settings(schema="old")
    assert settings.apply_file(write(empty_folder, f"inference: {{output: {{{output}}}}}")) == {"schema": schema}


def test_paths_begin_at_the_file(empty_folder: Path) -> None:
    """What lies beside the file is found from everywhere; names and what is not there stay as they are."""
    home = empty_folder / "conf"
    (home / "models").mkdir(parents=True)
    (home / "models" / "x.gguf").touch()
    (home / "answer.gbnf").touch()
    text = """
inference:
  model: {path: models/x.gguf, model_dirs: [models, elsewhere], draft_model: none.gguf}
  output: {grammar_schema: answer.gbnf}
"""
    assert Settings().apply_file(write(home, text)) == {
        "model": str(home / "models" / "x.gguf"),
        "model_dirs": [str(home / "models"), "elsewhere"],
        "draft_model": "none.gguf",
        "schema": str(home / "answer.gbnf"),
    }


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.txt", b"", "ends in .yaml"),
        ("a.yaml", b"\xff\xfe\x00", "cannot be read"),
        ("a.yaml", b"a: 1\n" * 300_000, "no file of settings"),
        ("a.toml", b"[inference", "cannot be read"),
        ("a.json", b"{", "no JSON"),
        ("a.json", b'{"inference": {}, "inference": {}}', "said twice"),
        ("a.json", b"[" * 100_000, "no JSON"),
        ("a.yaml", b"[" * 10_000, "no YAML|as a whole"),
    ],
)
def test_a_file_that_is_none(name: str, content: bytes, says: str, empty_folder: Path) -> None:
    """Whatever the file is, the person reads one of our errors."""
    (empty_folder / name).write_bytes(content)
    with pytest.raises(SettingsError, match=says):
        Settings().apply_file(empty_folder / name)


def test_a_file_that_is_not_there(empty_folder: Path) -> None:
    """The folder where relative paths begin is named; a folder in its place is told too."""
    with pytest.raises(SettingsError, match="there is no file") as caught:
        Settings().apply_file("no.yaml")
    assert str(empty_folder) in caught.value.hint
    (empty_folder / "folder.yaml").mkdir()
    with pytest.raises(SettingsError, match="cannot be read"):
        Settings().apply_file("folder.yaml")


def test_without_pyyaml(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The missing package is named with the command that installs it; TOML goes on working."""
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(DependencyMissing) as caught:
        Settings().apply_file(write(empty_folder, YAML))
    assert "jupyter_localllm[yaml]" in caught.value.hint
    assert Settings().apply_file(write(empty_folder, TOML, "a.toml")) == MEANT


def _bomb(use: str) -> str:
    """A few lines of YAML that stand for a list of 9**20 texts, used somewhere."""
    lines = ["bench:", "  a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"  a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 20)]
    return "\n".join([*lines, f"inference: {use.replace('BOMB', '*a19')}"])


_MERGED = "\n".join(
    ["bench:", "  a0: &a0 {x: 1, y: 2}"]
    + [f"  a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}]}}" for i in range(1, 20)]
    + ["inference: {model: {n_ctx: 128}}"]
)


@pytest.mark.parametrize(
    "text",
    [
        _bomb("{model: {path: BOMB}}"),
        _bomb("{output: {stop: BOMB}}"),
        _bomb("{output: {grammar_enabled: true, grammar_schema: {x: BOMB}}}"),
        _bomb("BOMB"),
        _MERGED,
        "inference: &a {model: *a}",
        "inference: {output: {stop: &a [*a]}}",
        "inference: {output: {grammar_enabled: true, grammar_schema: &a {x: *a}}}",
        "inference: {model: {n_ctx: 0x" + "f" * 100_000 + "}}",
        "inference: {output: {stop: [0x" + "f" * 100_000 + "]}}",
        "inference: " + "[" * 3000 + "]" * 3000,
        "inference: !!python/object/apply:os.abort []",
        "inference: !!python/name:os.abort",
    ],
)
def test_yaml_with_surprises(empty_folder: Path, text: str) -> None:
    """Bombs of aliases, what holds itself, endless numbers, calls: an error of ours, soon, and of bearable length."""
    with pytest.raises(SettingsError) as caught:
        Settings().apply_file(write(empty_folder, text))
    assert len(str(caught.value)) < 2_000


def test_aliases_that_are_meant(empty_folder: Path) -> None:
    """YAML's aliases and merges go on working."""
    text = "inference:\n  sampling: &a {top_k: 3}\n  model: {n_ctx: 128}\nbench: {x: *a, y: {<<: *a, z: 1}}\n"
    assert Settings().apply_file(write(empty_folder, text)) == {"top_k": 3, "n_ctx": 128}


def test_any_plain_values(empty_folder: Path) -> None:
    """Whatever stands in a section, it is set or it is an error of ours."""
    values: list[Any] = [None, True, 0, -1, 1.5, "x", "", [], ["x"], {}, {"a": 1}, "on", 10**30, [None]]
    told = []
    for name in [*Settings().setting_names(), "grammar_schema", "grammar_enabled", "path"]:
        section = {"grammar_schema": "output", "grammar_enabled": "output", "path": "model"}.get(name, section_of(name))
        for value in values:
            path = write(empty_folder, json.dumps({"inference": {section: {name: value}}}), "one.json")
            try:
                Settings().apply_file(path)
            except LocalLLMError as error:
                told.append((name, str(error)))
    assert told
    assert [name for name, words in told if name.split("_")[0] not in words] == []
