"""The package: the same bytes every time, and it runs with only what is in it."""

import json
import os
import re
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
import asyncio, json, pathlib, pkgutil, sys
app, runtime = sys.argv[1:3]
sys.path = [app + "/.python_packages/lib/site-packages", *[p for p in sys.path if "site-packages" not in p], runtime]
from local.host import FunctionsHost
host = FunctionsHost()
async def main():
    [timer] = await host.load(pathlib.Path(app))
    try:
        await host.invoke(timer)
    except Exception as error:
        print(str(error).splitlines()[0])
asyncio.run(main())
import azure.storage.queue, dataflow_poller
for module in pkgutil.iter_modules(dataflow_poller.__path__, "dataflow_poller."):
    __import__(module.name)
print(json.dumps([azure.storage.queue.__file__, dataflow_poller.__file__]))
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    target = tmp_path_factory.mktemp("package") / "app.zip"
    return target, package.build(target)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout of a small app, which is the one to be packed."""
    files = {
        "function_app.py": "def poll():\n    from app.run import run\n",
        "app/__init__.py": "",
        "app/run.py": "from . import settings\nimport app.inner.deep\nfrom azure.storage import queue\n",
        "app/settings.py": "import os\n",
        "app/inner/__init__.py": "",
        "app/inner/deep.py": "from ..row import write\n",
        "app/row.py": "",
        "app/__main__.py": "from command_line import main\nimport app.run\n",
        "app/unused.py": "",
        "command_line/__init__.py": "import app.run\n",
        "host.json": '{\n"version": "2.0"\n}\n',
        "requirements.txt": "\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(text.encode())
    monkeypatch.setattr(package, "ROOT", tmp_path)
    return tmp_path


def test_built_twice_it_is_the_same(built: tuple[Path, str], tmp_path: Path) -> None:
    """So that an unchanged app is not published again."""
    assert package.build(tmp_path / "again.zip") == built[1]


def test_it_holds_the_app_and_its_dependencies_and_nothing_else(built: tuple[Path, str]) -> None:
    """No tests, no local tools, no command line, no settings, no caches; all that the requirements pin."""
    names = zipfile.ZipFile(built[0]).namelist()
    own = {name for name in names if not name.startswith(package.SITE_PACKAGES)}
    assert {name for name in own if "/" not in name} == set(package.FILES)
    assert {name.partition("/")[0] for name in own if "/" in name} == {"dataflow_poller"}
    assert not [name for name in own if "__main__" in name]
    assert not [name for name in names if name.endswith(".pyc") or "__pycache__" in name]
    pinned = re.findall(r"^([\w-]+)==([\w.]+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    metadata = {
        f"{package.SITE_PACKAGES}/{name.replace('-', '_')}-{version}.dist-info/METADATA".lower()
        for name, version in pinned
    }
    assert metadata <= {name.lower() for name in names}
    assert names == sorted(names)


def test_what_the_entry_imports_is_found_and_nothing_else(checkout: Path) -> None:
    """A new module is deployed without a list to keep; a command line beside the app never is."""
    assert list(package.sources()) == [
        "app/__init__.py", "app/inner/__init__.py", "app/inner/deep.py", "app/row.py", "app/run.py", "app/settings.py",
        "function_app.py", "host.json", "requirements.txt",
    ]  # fmt: skip


def test_core_tools_would_publish_no_more(built: tuple[Path, str]) -> None:
    """What .funcignore leaves of this repository is what belongs in the package."""
    listing = ["git", "-C", str(ROOT), "ls-files"]
    tracked, ignored = (
        set(subprocess.run([*listing, *options], capture_output=True, text=True, check=True).stdout.splitlines())
        for options in ([], ["--cached", "--ignored", "--exclude-from", ".funcignore"])
    )
    assert tracked - ignored - {".funcignore"} == set(package.sources())


def test_unzipped_into_an_empty_folder_it_runs(built: tuple[Path, str], tmp_path: Path) -> None:
    """The worker runtime indexes it and invokes it, every module can be imported; there is only what is in the package."""
    zipfile.ZipFile(built[0]).extractall(tmp_path / "app")
    runtime = tmp_path / "runtime"
    pins = dict(re.findall(r"^([\w-]+)(==[\w.]+)", (ROOT / "requirements-dev.txt").read_text(), re.MULTILINE))
    runtime_pin = "azure-functions-runtime" + pins["azure-functions-runtime"]
    pip = [
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
    subprocess.run([*pip, runtime_pin], check=True, capture_output=True)
    (tmp_path / "tools/local").mkdir(parents=True)
    for name in ("__init__.py", "host.py"):
        (tmp_path / "tools/local" / name).write_text((ROOT / "local" / name).read_text())
    env = {"PATH": os.environ["PATH"], "POLLERS": "1"}
    command = [sys.executable, "-c", LOAD, str(tmp_path / "app"), str(runtime)]
    run = subprocess.run(command, cwd=tmp_path / "tools", env=env, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    said, files = run.stdout.splitlines()
    assert "JobStorage: missing" in said
    assert all(file.startswith(str(tmp_path / "app")) for file in json.loads(files))


def test_the_fingerprint_follows_the_content(checkout: Path) -> None:
    """A change of a source or of a requirement publishes again; line ends and what is not deployed do not."""
    before = package.fingerprint()
    (checkout / "app/unused.py").write_text("changed = True\n")
    (checkout / "host.json").write_bytes((checkout / "host.json").read_bytes().replace(b"\n", b"\r\n"))
    assert package.fingerprint() == before
    seen = {before}
    for name in ("app/inner/deep.py", "requirements.txt", "host.json"):
        with (checkout / name).open("a") as file:
            file.write("# changed\n")
        seen.add(package.fingerprint())
    (checkout / "app/row.py").write_text("import app.unused\n")
    assert len(seen | {package.fingerprint()}) == 5


def test_line_ends_of_a_checkout_on_windows_are_not_deployed(checkout: Path) -> None:
    """The same bytes, wherever it is built."""
    before = package.build(checkout / "one.zip")
    (checkout / "function_app.py").write_bytes((checkout / "function_app.py").read_bytes().replace(b"\n", b"\r\n"))
    assert package.build(checkout / "two.zip") == before


@pytest.mark.parametrize(("target", "pinned", "said"), [
    (["--platform", "no-such-platform", "--only-binary=:all:"], "cffi==2.1.1", "No matching distribution"),
    (["--only-binary=:all:", "--index-url", "http://127.0.0.1:1", "--retries", "0"], "no-such-package==1", "no-such-package"),
])  # fmt: skip
def test_a_dependency_that_cannot_be_had_is_said(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, target: list[str], pinned: str, said: str
) -> None:
    """With what pip said, in one line."""
    (checkout / "requirements.txt").write_text(f"{pinned}\n")
    monkeypatch.setattr(package, "TARGET", target)
    with pytest.raises(package.PackageError, match=r"^pip could not install the app's dependencies: ") as caught:
        package.build(checkout / "app.zip")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_virtual_environment_without_pip_is_said(checkout: Path, tmp_path: Path) -> None:
    """As some tools make them; with the command that brings pip."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)
    python = tmp_path / "bare" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    command = [str(python), "-m", "deployment.tools.package", str(tmp_path / "app.zip")]
    run = subprocess.run(command, cwd=ROOT / "infra", capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "No module named pip" in run.stderr
    assert f"{python} -m ensurepip" in run.stderr
