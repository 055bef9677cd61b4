"""What a run's log says of an end that was told already: one sentence, and no traceback.

Prefect raises an error of its own for a run that ends Failed, logs it with all its frames, and does the same for tasks
that fail with one of ours. Any other error is a mistake in the program, and keeps its traceback.
"""

from __future__ import annotations

import logging
from typing import Final

from prefect.exceptions import FailedRun, ParameterTypeError, SignatureMismatchError

from usage.errors import LlmUsageError

_RUNS: Final = ("prefect.flow_runs", "prefect.engine")
_TASKS: Final = "prefect.task_runs"
_ENDED: Final = "exited with unexpected exception"
"""What Prefect logs last, of a run whose result is an error. What failed within a run is logged before, as it is."""
_REFUSED: Final = (ParameterTypeError, SignatureMismatchError)


class Told(logging.Filter):
    """Takes the traceback from a record whose error is a sentence for people."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Make a sentence of the record where it can be; it is logged in any case."""
        error = record.exc_info[1] if record.exc_info else None
        if record.name == _TASKS and isinstance(error, LlmUsageError):
            # The message names the error by its class as well.
            record.msg, record.args = str(error), ()
        elif isinstance(error, (FailedRun, *_REFUSED)) and _ENDED in record.getMessage():
            record.msg, record.args = " ".join(str(error).split()), ()
        else:
            return True
        record.exc_info = record.exc_text = None
        return True


def tell_in_sentences() -> None:
    """From now on, logs of this process hold no tracebacks of what was told."""
    for name in (*_RUNS, _TASKS):
        logger = logging.getLogger(name)
        if not any(isinstance(one, Told) for one in logger.filters):
            logger.addFilter(Told())
