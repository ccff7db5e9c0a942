"""The guard of the offline promise: this package's own work opens no connection but to what a person named.

It stands where Python code asks for a connection, at the class `socket.socket` and the look-ups of names in `socket`,
whichever library does it. Whose work it is, the stack tells (`work`). In a person's kernel nothing else gets slower:
there is no hook that Python would call for each `id` and `open` (PEP 578; it made an `id` five times and a
`copy.deepcopy` twice as long), and what is a person's passes without a frame of ours in its tracebacks (`sockets`).

A process that is the package's own, as the child that tries a model, has no person's code in it: there nothing may be
opened at all, and an audit hook of Python hears of it (`stand` with ``alone=True``).

What it cannot hear of are sockets of native code, and in a kernel those of Python code that goes around `socket`: only
the system itself can promise that for a whole process (``docs/security.md``).
"""

from jupyter_localllm.offline.guard import Guard, Refusal, stand, state
from jupyter_localllm.offline.work import DOORS, given, open_for

__all__ = ["DOORS", "Guard", "Refusal", "given", "open_for", "stand", "state"]
