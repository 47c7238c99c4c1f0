"""Builds the package that is deployed: the app and its dependencies, for the target, the same bytes every time.

python -m deployment.tools.package app.zip
"""

import argparse
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
FILES = ("function_app.py", "host.json", "requirements.txt")
SITE_PACKAGES = ".python_packages/lib/site-packages"
TARGET = [
    "--platform", "manylinux_2_17_x86_64", "--platform", "manylinux2014_x86_64", "--implementation", "cp",
    "--python-version", "3.13", "--only-binary=:all:", "--no-compile",
]  # fmt: skip
_EPOCH = (1980, 1, 1, 0, 0, 0)


def sources() -> list[Path]:
    """The app's own files, sorted; what is deployed of this repository."""
    return sorted([*(ROOT / name for name in FILES), *(ROOT / "dataflow_poller").rglob("*.py")])


def fingerprint() -> str:
    """SHA-256 over everything that decides what the package holds: sources, pinned requirements, this file."""
    digest = hashlib.sha256()
    for path in [*sources(), Path(__file__)]:
        digest.update(
            path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes().replace(b"\r\n", b"\n") + b"\0"
        )
    return digest.hexdigest()


def build(target: Path) -> str:
    """Write the package to ``target``; its SHA-256.

    Raises:
        RuntimeError: pip could not install the dependencies; with what it said.
    """
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", *TARGET]
        installed = subprocess.run(
            [*pip, "--target", folder, "-r", str(ROOT / "requirements.txt")],
            capture_output=True,
            text=True,
            check=False,
        )
        if installed.returncode:
            raise RuntimeError(f"pip could not install the app's dependencies: {installed.stderr.strip()[-2000:]}")
        dependencies = Path(folder)
        entries = {path.relative_to(ROOT).as_posix(): path for path in sources()}
        for path in dependencies.rglob("*"):
            inside = path.relative_to(dependencies).as_posix()
            # Scripts and records name this machine's Python; the app runs neither.
            if (
                path.is_file()
                and not inside.startswith("bin/")
                and path.name not in ("RECORD", "REQUESTED", "direct_url.json")
            ):
                entries[f"{SITE_PACKAGES}/{inside}"] = path
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as package:
            for name in sorted(entries):
                entry = zipfile.ZipInfo(name, _EPOCH)
                entry.compress_type, entry.external_attr, entry.create_system = zipfile.ZIP_DEFLATED, 0o100644 << 16, 3
                package.writestr(entry, entries[name].read_bytes())
    return hashlib.sha256(target.read_bytes()).hexdigest()


def main() -> None:
    """Build it and say what came of it."""
    parser = argparse.ArgumentParser(prog="python -m deployment.tools.package", description=__doc__)
    parser.add_argument("target", type=Path, help="where to write the zip")
    target: Path = parser.parse_args().target
    digest = build(target)
    print(f"{target}: {target.stat().st_size / 1e6:.1f} MB, SHA-256 {digest}")


if __name__ == "__main__":
    main()
