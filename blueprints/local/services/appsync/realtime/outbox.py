"""The messages that wait for one connection: a slow client fills its own queue and nobody else's."""

import asyncio
from collections import deque

MOST_MESSAGES = 1_000
MOST_CHARACTERS = 4_000_000


class Outbox:
    """A queue of texts with bounds. Used on the event loop alone."""

    def __init__(self) -> None:
        self._texts: deque[str] = deque()
        self._characters = 0
        self._filled = asyncio.Event()

    def put(self, text: str) -> bool:
        """Add a text; False if the bounds are exceeded, and then the text is not kept."""
        if len(self._texts) >= MOST_MESSAGES or self._characters + len(text) > MOST_CHARACTERS:
            return False
        self._texts.append(text)
        self._characters += len(text)
        self._filled.set()
        return True

    async def get(self) -> str:
        """Take the oldest text, or wait for one."""
        while not self._texts:
            self._filled.clear()
            await self._filled.wait()
        text = self._texts.popleft()
        self._characters -= len(text)
        return text

    def __len__(self) -> int:
        return len(self._texts)
