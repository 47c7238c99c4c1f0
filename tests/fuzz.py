"""Coverage-guided fuzzing of what reads foreign bytes: messages, bodies, headers.

Nothing but an ordinary value may come out, in bounded time and memory. Run by `make fuzz`.
"""

import base64
import sys

import atheris

with atheris.instrument_imports(include=["dataflow_poller", "json", "email", "urllib.parse"]):
    from dataflow_poller.answer import Answer, read_answer
    from dataflow_poller.decide import decide
    from dataflow_poller.job import DataflowJob, InvalidMessage, parse
    from dataflow_poller.master_keys import MasterKey, MasterKeys
    from dataflow_poller.policy import PollingPolicy

KEY = "S3cr&t+/%of-the-fuzzer"
KEYS = MasterKeys({"default": MasterKey(KEY)}, {})
POLICY = PollingPolicy(0.1, 30, 900, 48 * 3600)


def fuzz(data: bytes) -> None:
    """One input: as a message, plain and in base64, as a body, and as headers."""
    text = data.decode("utf-8", "replace")
    for message in (text, base64.b64encode(data).decode()):
        read = parse(message, "http://127.0.0.1:8085", KEYS)
        if isinstance(read, InvalidMessage):
            assert not KEYS.found_in(read.text), "the key is kept"
            assert not KEYS.found_in(read.reason), "the key is told"
        else:
            assert isinstance(read, DataflowJob)
    date, _, retry_after = text[:200].partition("\n")
    for status, body in ((200, data), (404, data), (503, b"")):
        answer = read_answer(status, {"Retry-After": retry_after, "Date": date}, body, "id", KEYS.mask)
        assert isinstance(answer, Answer)
        decide(answer, 0, 10, 1000, POLICY)


if __name__ == "__main__":
    atheris.Setup(sys.argv, fuzz)
    atheris.Fuzz()
