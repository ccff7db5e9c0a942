"""The chat of the sidebar and the widgets: one session for each kernel, and the comm that leads to it.

``protocol`` is the language (docs/protocol.md), `Session` what a kernel does with it, ``comm`` the way of the messages.
"""
