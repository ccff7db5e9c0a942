"""Conversations: what was asked and answered before, turn by turn.

They live in the kernel and are gone with it, unless they were saved and are loaded again.
"""

from jupyter_localllm.conversation.known import Conversations, Seat, stale_note
from jupyter_localllm.conversation.talk import Conversation
from jupyter_localllm.conversation.turn import Output, Place, Turn

__all__ = ["Conversation", "Conversations", "Output", "Place", "Seat", "Turn", "stale_note"]
