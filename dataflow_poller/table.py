"""The data source table. Edge: Azure Table Storage."""

from collections.abc import Callable, Sequence

from azure.core import MatchConditions
from azure.core.pipeline.transport import RequestsTransport
from azure.data.tables import TableClient, TableEntity, UpdateMode

from .errors import RowRefused, StorageError
from .outcome import FINAL_STATUSES
from .row import ESSENTIAL, Row
from .settings import StorageAccount
from .storage import ROW_CHANGED, credential, made_if_missing

MAX_BATCH = 100
"""Rows that one transaction takes, all of one partition and no key twice."""


class DataSourceTable:
    """The table. Its methods may be called from any thread; they return errors, one a row."""

    def __init__(self, account: StorageAccount, name: str, transport: RequestsTransport) -> None:
        if account.connection_string:
            self._table = TableClient.from_connection_string(
                account.connection_string, name, transport=transport, retry_total=0
            )
        else:
            self._table = TableClient(
                account.table_uri, name, credential=credential(account), transport=transport, retry_total=0
            )

    def write(self, rows: Sequence[Row]) -> list[StorageError | None]:
        """Write rows over what is there: up to `MAX_BATCH` of one partition, each key once.

        Returns what went wrong with each: where the table refuses one, the others are written.
        """
        if len(rows) > 1:
            operations = [("upsert", row, {"mode": UpdateMode.REPLACE}) for row in rows]
            try:
                self._tried(lambda: self._table.submit_transaction(operations))
                return [None] * len(rows)
            except RowRefused:
                pass  # One by one, then.
            except StorageError as error:
                return [error] * len(rows)
        errors: list[StorageError | None] = []
        for row in rows:
            unavailable = errors and errors[-1] is not None and not isinstance(errors[-1], RowRefused)
            errors.append(errors[-1] if unavailable else self._write_sound(row, self._upsert))
        return errors

    def write_unless_final(self, row: Row) -> list[StorageError | None]:
        """Write one row, unless the table has a `Completed` or `Aborted` one of that key."""
        return [self._write_sound(row, self._upsert_unless_final)]

    def _write_sound(self, row: Row, write: Callable[[Row], None]) -> StorageError | None:
        """Write a row; where it is refused, without the property at fault, else with the essential ones only."""
        optional = [name for name in row if name not in ESSENTIAL]
        attempts = [optional, *([kept for kept in optional if kept != name] for name in optional), []]
        refused: StorageError | None = None
        for kept in attempts:
            try:
                write({name: row[name] for name in (*ESSENTIAL, *kept)})
                return None
            except RowRefused as error:
                refused = refused or error
            except StorageError as error:
                return error
        return refused

    def _upsert(self, row: Row) -> None:
        self._tried(lambda: self._table.upsert_entity(row, mode=UpdateMode.REPLACE))

    def _upsert_unless_final(self, row: Row) -> None:
        for _ in range(5):  # Somebody else may write or delete the row between two of these requests.
            try:
                # A transaction of one: `create_entity` of this SDK loses storage's error code.
                self._tried(lambda: self._table.submit_transaction([("create", row)]))
                return
            except StorageError as error:
                if error.code != "EntityAlreadyExists":
                    raise
            try:
                there = self._tried(lambda: self._table.get_entity(str(row["PartitionKey"]), str(row["RowKey"])))
                if there.get("Status") not in FINAL_STATUSES:
                    self._replace(row, there)
                return
            except StorageError as error:
                if error.code not in ROW_CHANGED:
                    raise
        raise StorageError("write a row: somebody else keeps changing it")

    def _replace(self, row: Row, there: TableEntity) -> None:
        self._tried(
            lambda: self._table.update_entity(
                row, UpdateMode.REPLACE, etag=there.metadata["etag"], match_condition=MatchConditions.IfNotModified
            )
        )

    def _tried[T](self, operation: Callable[[], T]) -> T:
        return made_if_missing("write a row", operation, self._table.table_name, self._table.create_table)
