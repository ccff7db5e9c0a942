"""The bench: models, quantizations, windows and backends side by side, speed and quality."""

from jupyter_localllm.bench.measure import Subject, measure
from jupyter_localllm.bench.measured import Row, Sample, Spread
from jupyter_localllm.bench.plan import Plan, plan_in
from jupyter_localllm.bench.plot import Plot
from jupyter_localllm.bench.result import Benchmark, about_here, checked_path

__all__ = [
    "Benchmark",
    "Plan",
    "Plot",
    "Row",
    "Sample",
    "Spread",
    "Subject",
    "about_here",
    "checked_path",
    "measure",
    "plan_in",
]
