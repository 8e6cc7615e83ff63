"""What the field's own package makes of a folder that Harken wrote."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from harken.studies import Annotation, Annotations, read, write

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


SAID = """
import sys, warnings
warnings.filterwarnings("ignore")
from ChildProject.projects import ChildProject
from ChildProject.annotations import AnnotationManager
project = ChildProject(sys.argv[1])
said = [*project.validate(ignore_recordings=True)]
manager = AnnotationManager(project)
print([*said, manager.errors, manager.warnings, *manager.validate()])
print(sorted(manager.annotations["set"].unique()))
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


@pytest.mark.slow
@pytest.mark.e2e
def test_what_harken_adds_to_a_data_set_brings_no_warning(
    childproject: Path, corpora: Path, tmp_path: Path
) -> None:
    shutil.copytree(
        corpora / "childproject-examples/valid_raw_data", tmp_path / "set",
        copy_function=shutil.copyfile,
    )  # fmt: skip
    for folder in (tmp_path / "set").rglob(""):
        folder.chmod(0o755)

    def asked() -> list[str]:
        done = subprocess.run(
            [childproject, "-c", SAID, tmp_path / "set"], capture_output=True, text=True, check=True
        )
        return done.stdout.strip().splitlines()[-2:]

    before = asked()
    cry = Annotation(onset=1.0, offset=2.0, label="cry", speaker="CHI", attributes={"rater": "1"})
    for name in ("sound.wav", "new/sound4.wav"):
        write([Annotations(recording=name, annotations=(cry,))], tmp_path / "set")
    write([Annotations(recording="sound2", annotations=(cry,), set="an/1")], tmp_path / "set")
    after = asked()
    assert after[0] == before[0]
    assert after[1] == "['an/1', 'harken', 'vtc_present']"
