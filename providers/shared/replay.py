"""Answers that were kept, in place of the network."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable

import httpx

from providers.shared.answers import SmallerPagesError
from usage.language.saying import say
from usage.peers.exchange import Exchange, Question


class KeptAnswers(httpx.AsyncBaseTransport):
    """Answers each question as it was answered when it was read; several times in the same order.

    Args:
        exchanges: What was asked and answered.
        base_url: The address that the paths of the questions are relative to.
    """

    def __init__(self, exchanges: Iterable[Exchange], base_url: str) -> None:
        self._base = httpx.URL(base_url).path.rstrip("/")
        self._answers: dict[Question, deque[Exchange]] = defaultdict(deque)
        for exchange in exchanges:
            self._answers[exchange.question].append(exchange)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The kept answer.

        Raises:
            SmallerPagesError: None was kept: a request that got no answer then, or was not heard to its end, gets none
                now.
        """
        question = Question(
            request.method,
            request.url.path.removeprefix(self._base),
            tuple(request.url.params.multi_items()),
            request.content.decode(),
        )
        answers = self._answers.get(question)
        if not answers:
            raise SmallerPagesError(say("No answer of {path} is kept.", path=question.path), final=True)
        exchange = answers.popleft() if len(answers) > 1 else answers[0]
        return httpx.Response(exchange.status, stream=httpx.ByteStream(exchange.content), request=request)
