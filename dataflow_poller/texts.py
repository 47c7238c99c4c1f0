"""The length of what the app says. Pure."""

MAX_LINE = 16_000
"""Code points of a log line, or of an error's text: Application Insights drops what is beyond 32,768 characters."""


def cut(text: str, length: int) -> str:
    """``text``, in at most ``length`` code points; an ellipsis stands where something is missing."""
    return text if len(text) <= length else text[: length - 1] + "…"
