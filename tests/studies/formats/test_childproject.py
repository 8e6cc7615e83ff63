"""What the field's own package makes of a folder that Harken wrote."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from harken.studies import read, write

ASKS = """
import sys, warnings
warnings.filterwarnings("ignore")
from ChildProject.projects import ChildProject
from ChildProject.annotations import AnnotationManager
project = ChildProject(sys.argv[1])
said = [*project.validate(ignore_recordings=True)]
manager = AnnotationManager(project)
said += [manager.errors, manager.warnings, *manager.validate()]
own = manager.annotations[manager.annotations["set"] == "harken"]
segments = manager.get_segments(own)
cries = segments[segments["vcm_type"] == "Y"]
print(said)
print(len(segments), len(cries), int((cries["segment_offset"] - cries["segment_onset"]).sum()))
"""


@pytest.fixture
def childproject(require: Callable[[str], Path]) -> Path:
    """The package needs a great deal of others, so it has an environment of its own."""
    return require("build/childproject/bin/python")


@pytest.mark.slow
@pytest.mark.e2e
def test_childproject_reads_what_harken_wrote_without_a_warning(
    childproject: Path, corpora: Path, tmp_path: Path
) -> None:
    items = read(corpora / "lena/e20160420_165405_010572.its")
    write(items, tmp_path / "set")
    done = subprocess.run(
        [childproject, "-c", ASKS, tmp_path / "set"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    said, counts = done.stdout.strip().splitlines()[-2:]
    assert said == "[[], [], [], [], [], []]"
    cries = [one for one in items[0].annotations if one.label == "cry"]
    segments, cried, milliseconds = map(int, counts.split())
    assert (segments, cried) == (len(items[0].annotations), len(cries))
    assert milliseconds == pytest.approx(1000 * sum(one.seconds for one in cries), abs=len(cries))
