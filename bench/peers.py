"""What the app is measured against: other pollers, with the same queue, endpoint and table.

    python -m bench.peers sequential|asyncio|ours

Each drains the queue of the environment's settings once and prints what it cost, as JSON. Nobody deploys the peers: they do
what an end needs (row, then delete; or another visibility) and none of what the contract asks besides.
"""

import asyncio
import importlib
import json
import logging
import os
import resource
import sys
import time
from datetime import UTC, datetime
from typing import Any

CONNECTION_STRING = os.environ.get("JobStorage", "")  # noqa: SIM112 - the setting's name
KEY = os.environ.get("BING_MAPS_MASTER_KEY", "")
URL = os.environ.get("BING_MAPS_URL", "") + "/REST/v1/Dataflows/LoadDataSource/"
DELAY = 30
CLAIM_SECONDS = 60
IMPORTS = {
    "sequential": ["requests", "azure.data.tables", "azure.storage.queue"],
    "asyncio": ["aiohttp", "azure.data.tables.aio", "azure.storage.queue.aio"],
    "ours": ["dataflow_poller.run"],
}


def _row(job_id: str, job: dict[str, Any]) -> dict[str, Any]:
    links = {link["role"].lower(): link["url"] for link in job["links"]}
    url = links.get("datasource", "")
    return {
        "PartitionKey": "default",
        "RowKey": job_id,
        "Status": job["status"],
        "DataSourceUrl": url,
        "RecordedDate": datetime.now(UTC),
    }


def sequential() -> None:
    """One job after the other, as the vendor's sample asks: a request, then the row, then the delete."""
    import requests
    from azure.data.tables import TableClient
    from azure.storage.queue import QueueClient

    queue = QueueClient.from_connection_string(CONNECTION_STRING, "load-jobs")
    table = TableClient.from_connection_string(CONNECTION_STRING, "DataSources")
    for message in queue.receive_messages(messages_per_page=32, visibility_timeout=CLAIM_SECONDS):
        answer = requests.get(URL + message.content, params={"output": "json", "key": KEY}, timeout=10).json()
        job = answer["resourceSets"][0]["resources"][0]
        if job["status"] == "Pending":
            queue.update_message(message, visibility_timeout=DELAY)
        else:
            table.upsert_entity(_row(message.content, job))
            queue.delete_message(message)


async def asynchronous() -> None:
    """As many tasks as the concurrency, each with a message from claim to end, on aiohttp and the SDKs' own async clients."""
    import aiohttp
    from azure.data.tables.aio import TableClient
    from azure.storage.queue.aio import QueueClient

    concurrency = int(os.environ["POLL_CONCURRENCY"])
    waiting: asyncio.Queue[Any] = asyncio.Queue(maxsize=2 * concurrency)
    async with (
        QueueClient.from_connection_string(CONNECTION_STRING, "load-jobs") as queue,
        TableClient.from_connection_string(CONNECTION_STRING, "DataSources") as table,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=concurrency)) as session,
    ):

        async def claim() -> None:
            while True:
                pages = queue.receive_messages(messages_per_page=32, visibility_timeout=DELAY).by_page()
                page = await anext(pages, None)
                if page is None:
                    break
                async for message in page:
                    await waiting.put(message)
            for _ in range(concurrency):
                await waiting.put(None)

        async def work() -> None:
            while (message := await waiting.get()) is not None:
                async with session.get(URL + message.content, params={"output": "json", "key": KEY}) as response:
                    answer = await response.json()
                job = answer["resourceSets"][0]["resources"][0]
                if job["status"] != "Pending":  # A pending one is due again when its claim ends, as with ours.
                    await table.upsert_entity(_row(message.content, job))
                    await queue.delete_message(message)

        await asyncio.gather(claim(), *(work() for _ in range(concurrency)))


def ours() -> None:
    """The app's own run."""
    from dataflow_poller.run import run

    run()


def main() -> None:
    """Drain once, or what the bound of storage is; print the cost."""
    logging.getLogger("azure").setLevel(logging.WARNING)
    runs = {"sequential": sequential, "asyncio": lambda: asyncio.run(asynchronous()), "ours": ours}
    poller = runs[sys.argv[1]]
    for module in IMPORTS[sys.argv[1]]:
        importlib.import_module(module)  # Not part of the time: a process imports once and runs for hours.
    began, cpu = time.perf_counter(), time.process_time()
    poller()
    cost = {
        "seconds": time.perf_counter() - began,
        "cpu": time.process_time() - cpu,
        "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(cost))


if __name__ == "__main__":
    main()
