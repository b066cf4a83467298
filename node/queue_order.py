"""The order in which a GPU worker looks into its queues: strict priority with a bound on waiting."""

from __future__ import annotations

from collections.abc import Iterable

from node.domain.study import Priority

#: Queues with this ending hold the later stages of studies that a GPU worker has begun. Each goes before the queue of
#: studies not yet begun, else the first result of a backlog would come after the last study's segmentation.
BEGUN = ".begun"

#: All queues of the GPU workers in the order in which they are served.
GPU_QUEUES: tuple[str, ...] = tuple(
    name for priority in Priority for name in (f"gpu.{priority}{BEGUN}", f"gpu.{priority}")
)

#: A queue that waited while so many messages were taken from queues before it is served once, out of its turn.
PASSED_OVER_AT_MOST = 20


class StrictOrder:
    """A queue order strategy of kombu's Redis transport: always the most urgent queue that holds a message.

    The transport asks Redis for the first message of a list of queues (BRPOP, which looks into them in the order in
    which they are named). kombu's own `priority` keeps the order of the worker's command line; this one knows the order
    itself, and promotes a queue that had messages waiting while `PASSED_OVER_AT_MOST` were taken before it. So at most
    one message in `PASSED_OVER_AT_MOST` + 1 is taken out of turn, and no queue starves. Counted by each worker.
    """

    def __init__(self, queues: Iterable[str] | None = None) -> None:
        self._passed: dict[str, int] = {}
        self.update(queues or ())

    def update(self, queues: Iterable[str]) -> None:
        """Take over the queues that the worker consumes from now."""
        self._passed = {queue: self._passed.get(queue, 0) for queue in sorted(queues, key=_rank)}

    def consume(self, n: int) -> list[str]:
        """The first `n` queues in the order in which they are to be looked into."""
        return self._order()[:n]

    def rotate(self, last_used: str) -> str:
        """Note that a message was taken from a queue: those named before it were empty, those behind it wait."""
        order = self._order()
        if last_used in order:
            place = order.index(last_used)
            self._passed.update(dict.fromkeys(order[: place + 1], 0))
            self._passed.update({queue: self._passed[queue] + 1 for queue in order[place + 1 :]})
        return last_used

    def _order(self) -> list[str]:
        waited = [queue for queue, passed in self._passed.items() if passed >= PASSED_OVER_AT_MOST]
        waited.sort(key=lambda queue: -self._passed[queue])
        return waited + [queue for queue in self._passed if queue not in waited]


def _rank(queue: str) -> tuple[int, str]:
    return (GPU_QUEUES.index(queue) if queue in GPU_QUEUES else len(GPU_QUEUES)), queue
