"""Ask the model anew for the answers that stand beside ``examples/weather_report.ipynb``.

The report can be made of that file without a model (``examples/ci/report.yml``). Run this after a change of the
notebook, of its data, or of how questions are asked, and look at the difference before you commit it:

    python scripts/example_answers.py
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
ANSWERS = EXAMPLES / "weather_report.answers.jsonl"
COMMAND = (sys.executable, "-m", "jupyter_localllm.cli")


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "JUPYTER_LOCALLLM_CACHE_DIR": str(Path(folder, "cache"))}
        report = ("report", str(EXAMPLES / "weather_report.ipynb"), "--rows", str(EXAMPLES / "ci" / "months.csv"))
        asked = (*report, "--out", str(Path(folder, "{month}.html")), "--require-supported", "1")
        for arguments in (asked, ("cache", "export", str(ANSWERS))):
            done = subprocess.run([*COMMAND, *arguments], env=environment, check=False)
            if done.returncode:
                return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
