"""The data source table. Edge: Azure Table Storage."""

import asyncio
from collections.abc import Awaitable, Callable

from azure.core import MatchConditions
from azure.data.tables import TableClient, UpdateMode

from .errors import RowRefused, StorageError
from .outcome import FINAL_STATUSES
from .row import ESSENTIAL, Row
from .storage import ROW_CHANGED, Place, Storage, credential

MAX_BATCH = 100
"""Rows that one transaction takes, all of one partition and no key twice."""

ROWS_WAIT = 0.2
"""Seconds that a row may wait for others to be written with."""


class DataSourceTable:
    """The table. Each method raises StorageError or one of its kinds."""

    def __init__(self, storage: Storage, name: str) -> None:
        account, options = storage.account, {"transport": storage.transport, "retry_total": 0}
        if account.connection_string:
            client = TableClient.from_connection_string(account.connection_string, name, **options)
        else:
            client = TableClient(account.table_uri, name, credential=credential(account), **options)
        self._storage = storage
        self._table = Place("table", name, client, client.create_table, client.url)

    async def write_batch(self, rows: list[Row]) -> None:
        """Write rows over what is there: up to `MAX_BATCH` of one partition, each key once; all of them or none."""
        operations = [("upsert", row, {"mode": UpdateMode.REPLACE}) for row in rows]
        await self._storage.do(self._table, lambda table: table.submit_transaction(operations))

    async def write(self, row: Row) -> None:
        """Write one row over what is there; without the property that is refused, rather than never."""
        await _write_sound(row, self._upsert)

    async def write_unless_final(self, row: Row) -> bool:
        """Write one row, unless the table has a `Completed` or `Aborted` one of that key; whether it was written."""
        return await _write_sound(row, self._upsert_unless_final)

    async def _upsert(self, row: Row) -> None:
        await self._storage.do(self._table, lambda table: table.upsert_entity(row, mode=UpdateMode.REPLACE))

    async def _upsert_unless_final(self, row: Row) -> bool:
        for _ in range(5):  # Somebody else may write or delete the row between two of these requests.
            try:
                # A transaction of one: `create_entity` of this SDK loses storage's error code.
                await self._storage.do(self._table, lambda table: table.submit_transaction([("create", row)]))
            except StorageError as error:
                if error.code != "EntityAlreadyExists":
                    raise
            else:
                return True
            try:
                return await self._replace_unless_final(row)
            except StorageError as error:
                if error.code not in ROW_CHANGED:
                    raise
        raise StorageError(f"{self._table}: somebody else keeps changing the row")

    async def _replace_unless_final(self, row: Row) -> bool:
        partition, key = str(row["PartitionKey"]), str(row["RowKey"])
        there = await self._storage.do(self._table, lambda table: table.get_entity(partition, key))
        if there.get("Status") in FINAL_STATUSES:
            return False
        etag = there.metadata["etag"]
        await self._storage.do(
            self._table,
            lambda table: table.update_entity(
                row, UpdateMode.REPLACE, etag=etag, match_condition=MatchConditions.IfNotModified
            ),
        )
        return True


async def _write_sound[T](row: Row, write: Callable[[Row], Awaitable[T]]) -> T:
    """Write a row; where it is refused, without the property at fault, else with the essential ones only."""
    optional = [name for name in row if name not in ESSENTIAL]
    attempts = [optional, *([kept for kept in optional if kept != name] for name in optional), []]
    refused: list[RowRefused] = []
    for kept in attempts:
        try:
            return await write({name: row[name] for name in (*ESSENTIAL, *kept)})
        except RowRefused as error:
            refused.append(error)
    raise refused[0]


class _Batch:
    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.written: asyncio.Future[dict[str, StorageError]] = asyncio.get_running_loop().create_future()


class RowBatches:
    """Writes final rows together: those of a partition that come within `ROWS_WAIT` seconds, up to `MAX_BATCH`."""

    def __init__(self, table: DataSourceTable) -> None:
        self._table = table
        self._open: dict[str, _Batch] = {}

    async def write(self, row: Row) -> None:
        """Write a row; returns when it is safe. A batch has each row key once, so the last of equal ones is written.

        Raises:
            StorageError: this row was not written.
        """
        partition, key = str(row["PartitionKey"]), str(row["RowKey"])
        batch = self._open.get(partition)
        first = batch is None
        if batch is None:
            batch = self._open[partition] = _Batch()
        batch.rows[key] = row
        if len(batch.rows) == MAX_BATCH:
            await self._close(partition, batch)
        elif first:
            await asyncio.sleep(ROWS_WAIT)
            await self._close(partition, batch)
        errors = await batch.written
        if key in errors:
            raise errors[key]

    async def _close(self, partition: str, batch: _Batch) -> None:
        """Write the batch, once: nobody adds to it any more."""
        if self._open.get(partition) is not batch:
            return
        del self._open[partition]
        try:
            batch.written.set_result(await self._write(list(batch.rows.values())))
        except Exception as error:  # noqa: BLE001 - whatever it is, all who wait for the batch must see it
            batch.written.set_exception(error)

    async def _write(self, rows: list[Row]) -> dict[str, StorageError]:
        """Write rows together; where storage refuses that for the content of one, one by one."""
        if len(rows) > 1:
            try:
                await self._table.write_batch(rows)
            except RowRefused:
                pass
            else:
                return {}
        errors: dict[str, StorageError] = {}
        for row in rows:
            try:
                await self._table.write(row)
            except StorageError as error:
                errors[str(row["RowKey"])] = error
        return errors
