"""The one road that everything takes: a request becomes an answer, from the cache or by the model."""

from jupyter_localllm.pipeline.making import version_of
from jupyter_localllm.pipeline.request import Model, Request
from jupyter_localllm.pipeline.road import Plan, keep, plan
from jupyter_localllm.pipeline.whole import ask, recall

__all__ = ["Model", "Plan", "Request", "ask", "keep", "plan", "recall", "version_of"]
