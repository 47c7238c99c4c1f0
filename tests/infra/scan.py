"""Checkov's rules on ARM templates of what the program registers, plain and with the private network.

python -m tests.infra.scan .venv/checkov/bin/checkov
"""

import copy
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from .arm import skipped, template
from .conftest import recorded

VARIANTS = ("plain", "private network")


def scanned(checkov: str, templates: dict[str, dict[str, Any]]) -> subprocess.CompletedProcess[str]:
    """What Checkov has against these templates, but for what infra/ skips with a reason."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in templates.items():
            (Path(folder) / f"{name}.json").write_text(json.dumps(content, indent=1))
        command = [checkov, "--framework", "arm", "--directory", folder, "--compact", "--quiet"]
        command += ["--skip-check", ",".join(skipped())]
        return subprocess.run(command, capture_output=True, text=True, check=False)


def main() -> None:
    """Scan, and see that a scan would find something: a template in a form that Checkov does not read has no findings."""
    checkov = sys.argv[1]
    templates = {name.replace(" ", "-"): template(recorded(name).resources) for name in VARIANTS}
    run = scanned(checkov, templates)
    if run.returncode:
        sys.exit(run.stdout + run.stderr)
    broken = copy.deepcopy(templates["plain"])
    for resource in broken["resources"]:
        if resource["type"] == "Microsoft.Storage/storageAccounts":
            resource["properties"]["supportsHttpsTrafficOnly"] = False
    if "CKV_AZURE_3:" not in scanned(checkov, {"broken": broken}).stdout:
        sys.exit("Checkov does not find that storage is open for plain HTTP: does it still read these templates?")
    print(f"Checkov found nothing but what is skipped with a reason: {', '.join(skipped())}")


if __name__ == "__main__":
    main()
