"""Builds the package that is deployed: the app and its dependencies, for the target, the same bytes every time.

python -m deployment.tools.package app.zip
"""

import argparse
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from modulefinder import ModuleFinder
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
ENTRY = "function_app.py"
FILES = (ENTRY, "host.json", "requirements.txt")
"""What belongs in the package, beside the modules that the entry imports, and those that they import in turn."""

SITE_PACKAGES = ".python_packages/lib/site-packages"
TARGET = [
    "--platform", "manylinux_2_17_x86_64", "--platform", "manylinux2014_x86_64", "--implementation", "cp",
    "--python-version", "3.13", "--only-binary=:all:", "--no-compile",
]  # fmt: skip
_EPOCH = (1980, 1, 1, 0, 0, 0)


class PackageError(Exception):
    """The package cannot be built; the text says why."""


def sources() -> dict[str, bytes]:
    """The app's own files by their name in the package, sorted, with the line ends that they have in git.

    Not a folder's content: what lies beside the app's modules and is no part of it (a command line) stays here.
    """
    finder = ModuleFinder(path=[str(ROOT)])
    finder.run_script(str(ROOT / ENTRY))
    modules = [Path(file) for module in finder.modules.values() if (file := vars(module)["__file__"])]
    files = {path.relative_to(ROOT).as_posix(): path for path in [*(ROOT / name for name in FILES), *modules]}
    return {name: files[name].read_bytes().replace(b"\r\n", b"\n") for name in sorted(files)}


def fingerprint() -> str:
    """SHA-256 over everything that decides what the package holds: sources, pinned requirements, this file."""
    digest = hashlib.sha256()
    for name, content in {**sources(), "": Path(__file__).read_bytes().replace(b"\r\n", b"\n")}.items():
        digest.update(name.encode() + b"\0" + content + b"\0")
    return digest.hexdigest()


def build(target: Path) -> str:
    """Write the package to ``target``; its SHA-256.

    Raises:
        PackageError: pip could not install the dependencies; with what it said.
    """
    with tempfile.TemporaryDirectory() as folder:
        _install(folder)
        entries = sources()
        for path in Path(folder).rglob("*"):
            inside = path.relative_to(folder).as_posix()
            # Scripts and records name this machine's Python; the app runs neither.
            unwanted = inside.startswith(("bin/", "Scripts/")) or path.name in (
                "RECORD",
                "REQUESTED",
                "direct_url.json",
            )
            if path.is_file() and not unwanted:
                entries[f"{SITE_PACKAGES}/{inside}"] = path.read_bytes()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as package:
        for name in sorted(entries):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type, entry.external_attr, entry.create_system = zipfile.ZIP_DEFLATED, 0o100644 << 16, 3
            package.writestr(entry, entries[name])
    return hashlib.sha256(target.read_bytes()).hexdigest()


def _install(folder: str) -> None:
    """The app's dependencies for the target, into this folder."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", *TARGET]
    command = [*pip, "--target", folder, "-r", str(ROOT / "requirements.txt")]
    installed = subprocess.run(command, capture_output=True, text=True, check=False)
    if installed.returncode:
        said = " ".join(installed.stderr.split())[-2000:]
        raise PackageError(
            f"pip could not install the app's dependencies: {said} Is its package index reachable from here? "
            f"Where pip itself is missing: {sys.executable} -m ensurepip"
        )


def main() -> None:
    """Build it and say what came of it."""
    parser = argparse.ArgumentParser(
        prog="python -m deployment.tools.package",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("target", type=Path, help="where to write the zip")
    target: Path = parser.parse_args().target
    try:
        digest = build(target)
    except PackageError as error:
        sys.exit(str(error))
    print(f"{target}: {target.stat().st_size / 1e6:.1f} MB, SHA-256 {digest}")


if __name__ == "__main__":
    main()
