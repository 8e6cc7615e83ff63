"""A lab installs `harken[studies]` and nothing of the hub: every module of the room loads."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOADS = """
import importlib, sys
gone = set(sys.argv[1].split(","))
class Gone:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in gone:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Gone())
for module in sys.argv[2:]:
    importlib.import_module(module)
"""


def packages(project: dict, extra: str) -> set[str]:
    lines = project["optional-dependencies"][extra]
    return {re.split(r"[<>=!~;\[ ]", line)[0].replace("-", "_") for line in lines}


def test_the_room_loads_without_what_only_the_hub_needs():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    gone = packages(project, "hub") - packages(project, "studies")
    assert "fastapi" in gone
    folder = ROOT / "src/harken/studies"
    modules = [
        ".".join(path.relative_to(ROOT / "src").with_suffix("").parts)
        for path in sorted(folder.rglob("*.py"))
        if path.name != "__init__.py"
    ]
    done = subprocess.run(
        [sys.executable, "-c", LOADS, ",".join(sorted(gone)), *modules],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.strip().splitlines()[-1]
