"""Every exception of this package.

    PollerError
    ├── SettingsError        app settings are wrong or missing
    ├── SettingsFileError    a file is no local.settings.json
    └── StorageError         storage did not do what was asked
        ├── StorageMissing   a queue or the table does not exist and could not be made
        ├── ClaimLost        the message was claimed by another, or is gone
        ├── RowRefused       a queue or the table refuses a text or a row for its content
        └── SignInFailed     the identity got no token

The endpoint has none: whatever it does is an Answer (see answer.py), for trouble there is normal life.
"""

from collections.abc import Mapping

from .texts import MAX_LINE, cut


class PollerError(Exception):
    """Base of all exceptions of this package. No text of one holds a master key, or is longer than `MAX_LINE`."""

    def __init__(self, text: str) -> None:
        super().__init__(cut(text, MAX_LINE))


class SettingsError(PollerError):
    """App settings are wrong or missing; names all of them, with what was expected.

    Attributes:
        problems: app setting -> what is wrong with it and what was expected. No value is in it.
    """

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("wrong app settings: " + "; ".join(f"{name}: {why}" for name, why in problems.items()))
        self.problems = dict(problems)


class SettingsFileError(PollerError):
    """A file cannot be read, or is not what Azure Functions Core Tools read. Names the file and shows no value."""


class StorageError(PollerError):
    """Storage failed or could not be reached; names the service, where it is, and why.

    Attributes:
        code: storage's error code, such as `ServerBusy`; empty where it gave none.
        again: whether it was the answer to another try, so that the first one may have been done all the same.
    """

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(text)
        self.code = code
        self.again = False


class StorageMissing(StorageError):
    """A queue or the table does not exist and the app was not able to make it."""


class ClaimLost(StorageError):
    """The claim on a message ran out and another has claimed it, or it is gone. Normal life."""


class RowRefused(StorageError):
    """Storage refused a row, or a message, for what is in it: trying again as it is cannot help."""


class SignInFailed(StorageError):
    """The identity that storage is reached with got no token."""
