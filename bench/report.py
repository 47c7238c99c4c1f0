"""The measurements as a table, as JSON and as a picture."""

import json
import os
import platform
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    model = next(
        (line.partition(": ")[2] for line in _cpuinfo() if line.startswith("model name")), platform.processor()
    )
    return {
        "cores": os.cpu_count(),
        "processor": model,
        "system": platform.system(),
        "python": platform.python_version(),
    }


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text("utf-8").splitlines() if path.exists() else []


def show(results: dict[str, Any], console: Console) -> None:
    """Print the tables."""
    console.print(f"\nMeasured on: {', '.join(f'{name} {value}' for name, value in results['machine'].items())}")
    table = Table(title="Seconds to drain, and as a ratio")
    for column in (
        "jobs",
        "latency",
        "concurrency",
        "ours",
        "bound",
        "of the bound",
        "asyncio",
        "x asyncio",
        "CPU / asyncio's",
        "sequential",
        "x sequential",
    ):
        table.add_column(column, justify="right")
    for comparison in results["comparisons"]:
        table.add_row(*_comparison_row(comparison))
    console.print(table)
    for name in ("per completed job", "per pending poll", "idle run", "cold start ms"):
        console.print(f"{name}: " + ", ".join(f"{what} {value:.3g}" for what, value in results[name].items()))
    for name in ("growth", "pollers"):
        for number, cost in results[name].items():
            console.print(f"{name}, {number}: " + ", ".join(f"{what} {value:.3g}" for what, value in cost.items()))
    policies = Table(
        title="Polling policies: 5,000 jobs of 5 s to 12 h, log-normal; an oracle needs 1 poll and is 0 s late"
    )
    for column in ("policy", "polls a job", "late, mean s", "late, 95 % s", "late, share of the duration"):
        policies.add_column(column, justify="left" if column == "policy" else "right")
    for name, cost in results["policies"].items():
        policies.add_row(
            name, f"{cost['polls']:.1f}", f"{cost['late']:.0f}", f"{cost['late_95']:.0f}", f"{cost['late_share']:.0%}"
        )
    console.print(policies)


def _comparison_row(comparison: dict[str, Any]) -> list[str]:
    load = comparison["load"]
    ours, bound, peer, loop = (comparison[name]["seconds"] for name in ("ours", "bound", "asyncio", "sequential"))
    return [
        f"{load['jobs']} {'pending' if load['end'] == 'never' else load['end']}",
        f"{1000 * load['latency']:.0f} ms",
        str(load["concurrency"]),
        f"{ours:.2f}",
        f"{bound:.2f}",
        f"{bound / ours:.2f}",
        f"{peer:.2f}",
        f"{peer / ours:.1f}",
        f"{comparison['ours']['cpu'] / comparison['asyncio']['cpu']:.2f}",
        f"{loop:.1f}",
        f"{loop / ours:.1f}",
    ]


def write(results: dict[str, Any], folder: Path) -> None:
    """Write JSON and picture."""
    folder.mkdir(exist_ok=True)
    (folder / "performance.json").write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    _picture(results, folder / "performance.svg")


def _picture(results: dict[str, Any], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "dataflow-poller"  # The same figures make the same file.
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.5))
    names = {"bound": "the bound", "ours": "ours", "asyncio": "asyncio poller"}
    comparisons = results["comparisons"]
    for offset, (name, label) in enumerate(names.items()):
        at = [index + 0.27 * (offset - 1) for index in range(len(comparisons))]
        left.bar(at, [comparison[name]["seconds"] for comparison in comparisons], 0.25, label=label)
    ticks = [
        f"{'pending' if c['load']['end'] == 'never' else 'ended'}\n{1000 * c['load']['latency']:.0f} ms\n{c['load']['concurrency']} at once"
        for c in comparisons
    ]
    left.set_xticks(range(len(ticks)), ticks, fontsize=8)
    left.set_ylabel("seconds")
    left.set_title(f"Draining {comparisons[0]['load']['jobs']} jobs")
    left.legend()
    for name, cost in results["policies"].items():
        right.scatter(cost["polls"], cost["late"], s=60)
        right.annotate(name, (cost["polls"], cost["late"]), textcoords="offset points", xytext=(7, 4), fontsize=9)
    right.set(
        xscale="log",
        yscale="log",
        xlabel="polls a job",
        ylabel="mean seconds until an end is seen",
        title="Polling policies",
    )
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
