"""Which kernel runs a report."""

from __future__ import annotations

from typing import Any

import nbformat
import pytest

from jupyter_localllm.errors import UsageError
from jupyter_localllm.report.run import kernel_of

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of papermill


def notebook(**metadata: Any) -> Any:
    made = nbformat.v4.new_notebook()
    made.metadata.update(nbformat.from_dict(metadata))
    return made


def test_python_is_the_default() -> None:
    """A notebook that names no kernel is Python's; one that names another is asked to name one that is here."""
    assert kernel_of(notebook(), None) == ("python3", "python")
    assert kernel_of(notebook(kernelspec={"name": "python3"}), None) == ("python3", "python")
    assert kernel_of(notebook(kernelspec={"name": "of-another-machine"}), "python3") == ("python3", "python")
    with pytest.raises(UsageError, match="there is no kernel 'of-another-machine' here") as caught:
        kernel_of(notebook(kernelspec={"name": "of-another-machine"}), None)
    assert "python3" in caught.value.hint


def test_another_language_is_not_guessed() -> None:
    """A notebook in R that names no kernel needs one."""
    with pytest.raises(UsageError, match="the notebook is in R, and names no kernel"):
        kernel_of(notebook(language_info={"name": "R"}), None)
