"""Holds what the program registers, in every variant, to azure-native's classes, its order, and Kusto's own parser.

python -m tests.infra.check
"""

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from .conftest import VARIANTS, recorded
from .dependencies import missing
from .properties import problems


def property_problems(resources: Iterable[dict[str, Any]]) -> list[str]:
    """What azure-native's classes have against the inputs."""
    native = [resource for resource in resources if resource["type"].startswith("azure-native:")]
    return [
        f"{resource['name']}: {found}"
        for resource in native
        for found in problems(resource["type"], resource["inputs"])
    ]


def queries_of(resources: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Every Kusto query that is registered -> where it stands."""
    return dict(found for resource in resources for found in _queries(resource["inputs"], resource["name"]))


def _queries(value: Any, where: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        if value.startswith("{"):  # The workbook is JSON in a text.
            yield from _queries(json.loads(value), where)
        return
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else []
    for name, part in parts:
        if name == "query":
            yield part, where
        else:
            yield from _queries(part, f"{where}.{name}")


def query_problems(queries: dict[str, str]) -> list[str]:
    """What Kusto's own parser has against the queries; it needs Node.js, and what `npm ci` installs."""
    command = ["node", str(Path(__file__).with_name("kusto.js"))]
    parsed = subprocess.run(command, input=json.dumps(queries), capture_output=True, text=True, check=False)
    if parsed.returncode:
        sys.exit(f"Kusto's parser does not run: {parsed.stderr.strip()[-1000:]}")
    return [f"{name}: {message} At: {text}" for name, message, text in json.loads(parsed.stdout)]


def main() -> None:
    """Check every variant; a line for each finding."""
    with ThreadPoolExecutor() as pool:
        recordings = list(pool.map(recorded, VARIANTS))
    resources = [resource for recording in recordings for resource in recording.resources]
    queries = queries_of(resources)
    order = [found for recording in recordings for found in missing(recording.resources)]
    findings = sorted({*property_problems(resources), *order, *query_problems(queries)})
    if findings:
        sys.exit("\n".join(findings))
    print(
        f"{len(resources)} resources in {len(VARIANTS)} variants, and {len(queries)} queries: as azure-native's classes, "
        "the order in which they are needed, and Kusto's parser want them."
    )


if __name__ == "__main__":
    main()
