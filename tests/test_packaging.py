"""What people install: the wheel and the sdist, built from this checkout."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import jupyter_localllm

CHECKOUT = Path(__file__).resolve().parents[1]
SHARE = f"jupyter_localllm-{jupyter_localllm.__version__}.data/data/share/jupyter/labextensions/jupyter-localllm/"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The sdist, and the wheel built from that sdist where there is no npm, as on the machine of a user."""
    if not (CHECKOUT / "jupyter_localllm" / "labextension" / "package.json").exists():
        pytest.fail("The labextension is not built: `cd labextension && npm ci && npm run build:prod`.")
    out = tmp_path_factory.mktemp("dist")
    environment = {"PATH": _path_without_node(tmp_path_factory.mktemp("bin"))}
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(CHECKOUT)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return {"sdist": next(out.glob("*.tar.gz")), "wheel": next(out.glob("*.whl"))}


@pytest.fixture(scope="module")
def wheel(built: dict[str, Path]) -> zipfile.ZipFile:
    with zipfile.ZipFile(built["wheel"]) as archive:
        yield archive


def test_wheel_carries_the_labextension(wheel: zipfile.ZipFile) -> None:
    """JupyterLab finds the extension after a plain pip install, and says how to remove it."""
    names = wheel.namelist()
    package = json.loads(wheel.read(SHARE + "package.json"))
    assert package["name"] == "jupyter-localllm"
    assert SHARE + package["jupyterlab"]["_build"]["load"] in names
    assert SHARE + "static/style.js" in names
    assert json.loads(wheel.read(SHARE + "install.json"))["packageName"] == "jupyter_localllm"


def test_wheel_carries_the_whole_package(wheel: zipfile.ZipFile) -> None:
    """Each file of the package that git would keep is in the wheel: code, py.typed, data files."""
    names = set(wheel.namelist())
    package = CHECKOUT / "jupyter_localllm"
    kept = {
        path.relative_to(CHECKOUT).as_posix()
        for path in package.rglob("*")
        if path.is_file() and not {"__pycache__", "labextension"} & set(path.relative_to(package).parts)
    }
    assert "jupyter_localllm/py.typed" in kept
    assert kept - names == set()


def test_wheel_carries_nothing_else(wheel: zipfile.ZipFile) -> None:
    """No tests, no sources of the labextension, no node_modules; the licence is there."""
    names = wheel.namelist()
    roots = {name.split("/")[0] for name in names}
    version = jupyter_localllm.__version__
    assert roots == {
        "jupyter_localllm",
        f"jupyter_localllm-{version}.data",
        f"jupyter_localllm-{version}.dist-info",
    }
    assert f"jupyter_localllm-{version}.dist-info/licenses/LICENSE" in names
    assert not [name for name in names if re.search(r"node_modules|\.map$|__pycache__|/tests?/", name)]


def test_wheel_is_pure_and_small(built: dict[str, Path]) -> None:
    """One wheel for every system; the model is not in it."""
    assert built["wheel"].name.endswith("-py3-none-any.whl")
    assert built["wheel"].stat().st_size < 2_000_000


def test_sdist_needs_no_node(built: dict[str, Path]) -> None:
    """The sdist holds the built labextension beside its sources, and none of what building leaves behind."""
    with tarfile.open(built["sdist"]) as archive:
        names = [name.split("/", 1)[1] for name in archive.getnames() if "/" in name]
    assert "jupyter_localllm/labextension/static/style.js" in names
    assert "labextension/src/index.ts" in names
    assert not [name for name in names if re.search(r"node_modules|labextension/lib/|build-test|\.venv|^build/", name)]


def test_one_version() -> None:
    """The version of the labextension is the version of the package."""
    package = json.loads((CHECKOUT / "labextension" / "package.json").read_text())
    assert package["version"] == jupyter_localllm.__version__


def test_labextension_paths() -> None:
    """`jupyter labextension develop` finds what was built, under the name of the npm package."""
    package = json.loads((CHECKOUT / "labextension" / "package.json").read_text())
    (paths,) = jupyter_localllm._jupyter_labextension_paths()
    built_to = (CHECKOUT / "labextension" / package["jupyterlab"]["outputDir"]).resolve()
    assert paths["dest"] == package["name"]
    assert (CHECKOUT / "jupyter_localllm" / paths["src"]).resolve() == built_to


def test_lock_file_names_no_registry() -> None:
    """The lock file works with any mirror: it holds versions and checksums, and no address to fetch from."""
    lock = json.loads((CHECKOUT / "labextension" / "package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert len(packages) > 50
    assert [name for name, entry in packages.items() if "resolved" in entry] == []
    assert [name for name, entry in packages.items() if "integrity" not in entry and "inBundle" not in entry] == []


def _path_without_node(directory: Path) -> str:
    """A PATH on which git can be found and npm cannot."""
    for tool in ("git",):
        found = shutil.which(tool)
        if found:
            (directory / tool).symlink_to(found)
    return str(directory)
