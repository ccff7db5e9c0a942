"""The one road that everything takes: a request becomes an answer, from the cache or by the model."""

from jupyter_localllm.pipeline.road import Model, Plan, Request, plan, version_of
from jupyter_localllm.pipeline.whole import ask

__all__ = ["Model", "Plan", "Request", "ask", "plan", "version_of"]
