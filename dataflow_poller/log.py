"""Log lines of a run: an event's name and its fields as JSON, so that people and queries can read them."""

import json
import logging
from collections.abc import Callable

logger = logging.getLogger("dataflow_poller")

# At INFO the SDKs write four records an operation, at DEBUG more: the run's own lines would drown.
NOISY_LIBRARIES = ("azure.core", "azure.data", "azure.identity", "azure.storage", "msal", "urllib3")


def quiet_libraries() -> None:
    """Let the libraries speak from WARNING on."""
    for name in NOISY_LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)


class RunLog:
    """Writes `<event> <JSON>` lines with every master key masked. Used on the invocation's thread only:

    lines of other threads lose their invocation on the Functions host.
    """

    def __init__(self, mask: Callable[[str], str]) -> None:
        self._mask = mask

    def info(self, event: str, **fields: object) -> None:
        """What went as it should."""
        self._write(logging.INFO, event, fields)

    def warning(self, event: str, **fields: object) -> None:
        """What went wrong and will be tried again."""
        self._write(logging.WARNING, event, fields)

    def error(self, event: str, **fields: object) -> None:
        """What somebody must mend."""
        self._write(logging.ERROR, event, fields)

    def _write(self, level: int, event: str, fields: dict[str, object]) -> None:
        # Masked before and after: a text that JSON escapes, and whatever the fields put together.
        masked = {name: self._mask(value) if isinstance(value, str) else value for name, value in fields.items()}
        logger.log(level, "%s %s", event, self._mask(json.dumps(masked)))
