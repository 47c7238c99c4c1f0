"""The package: the same bytes every time, and it runs with only what is in it."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from .conftest import ROOT

sys.path.append(str(ROOT / "infra"))
from deployment.tools import package

pytestmark = pytest.mark.xdist_group("package")  # It is built once a process.
LOAD = """
import asyncio, json, sys
app, runtime = sys.argv[1:3]
sys.path = [app + "/.python_packages/lib/site-packages", *[p for p in sys.path if "site-packages" not in p], runtime]
from local.host import FunctionsHost
host = FunctionsHost()
async def main():
    [timer] = await host.load(__import__("pathlib").Path(app))
    try:
        await host.invoke(timer)
    except Exception as error:
        print(str(error).splitlines()[0])
asyncio.run(main())
import azure.storage.queue, dataflow_poller
print(json.dumps([azure.storage.queue.__file__, dataflow_poller.__file__]))
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    target = tmp_path_factory.mktemp("package") / "app.zip"
    return target, package.build(target)


def test_built_twice_it_is_the_same(built: tuple[Path, str], tmp_path: Path) -> None:
    """So that an unchanged app is not published again."""
    assert package.build(tmp_path / "again.zip") == built[1]


def test_it_holds_the_app_and_its_dependencies_and_nothing_else(built: tuple[Path, str]) -> None:
    """No tests, no local tools, no settings, no caches."""
    names = zipfile.ZipFile(built[0]).namelist()
    own = {name for name in names if not name.startswith(package.SITE_PACKAGES)}
    assert {name for name in own if "/" not in name} == set(package.FILES)
    assert {name.partition("/")[0] for name in own if "/" in name} == {"dataflow_poller"}
    assert not [name for name in names if name.endswith(".pyc") or "__pycache__" in name]
    assert f"{package.SITE_PACKAGES}/azure/storage/queue/__init__.py" in names
    assert names == sorted(names)


def test_unzipped_into_an_empty_folder_it_runs(built: tuple[Path, str], tmp_path: Path) -> None:
    """The worker runtime indexes it and invokes it; only what is in the package is there to import."""
    zipfile.ZipFile(built[0]).extractall(tmp_path / "app")
    runtime = tmp_path / "runtime"
    requirement = next(
        line
        for line in (ROOT / "requirements-dev.txt").read_text().splitlines()
        if line.startswith("azure-functions-runtime")
    )
    host = [
        "croniter" + line.partition("croniter")[2].partition("#")[0]
        for line in (ROOT / "requirements-dev.txt").read_text().splitlines()
        if line.startswith("croniter")
    ]
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--disable-pip-version-check",
        "--no-deps",
        "--target",
        str(runtime),
    ]
    subprocess.run(
        [*install, requirement.partition("#")[0].strip(), host[0].strip(), "python-dateutil", "six"],
        check=True,
        capture_output=True,
    )
    (tmp_path / "tools/local").mkdir(parents=True)
    for name in ("__init__.py", "host.py"):
        (tmp_path / "tools/local" / name).write_text((ROOT / "local" / name).read_text())
    env = {"PATH": os.environ["PATH"], "POLLERS": "1"}
    command = [sys.executable, "-c", LOAD, str(tmp_path / "app"), str(runtime)]
    run = subprocess.run(command, cwd=tmp_path / "tools", env=env, capture_output=True, text=True, check=True)
    said, files = run.stdout.splitlines()
    assert "JobStorage: missing" in said
    assert all(file.startswith(str(tmp_path / "app")) for file in json.loads(files))


def test_the_fingerprint_follows_the_content(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A change of a source or of a requirement publishes again; nothing else does."""
    before = package.fingerprint()
    assert package.fingerprint() == before
    source = ROOT / "dataflow_poller" / "row.py"
    original = Path.read_bytes

    def changed(path: Path) -> bytes:
        return original(path) + (b"# changed" if path == source else b"")

    monkeypatch.setattr(Path, "read_bytes", changed)
    assert package.fingerprint() != before


def test_a_dependency_that_cannot_be_had_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With what pip said."""
    monkeypatch.setattr(package, "TARGET", ["--platform", "no-such-platform", "--only-binary=:all:"])
    with pytest.raises(RuntimeError, match="pip could not install"):
        package.build(tmp_path / "app.zip")
