"""The worked notebook does what it shows, and its intervals hold what it was made from."""

from pathlib import Path

import nbclient
import nbformat
import pytest

NOTEBOOK = Path(__file__).parents[2] / "docs/notebooks/a-simulated-study.ipynb"


def printed(notebook) -> list[str]:
    """What each cell printed."""
    return [
        "".join(one["text"] for one in cell.outputs if one.output_type == "stream")
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


@pytest.fixture
def shown():
    return nbformat.read(NOTEBOOK, as_version=4)


def test_what_is_shown_is_small_and_holds_the_truth(shown):
    text = NOTEBOOK.read_text("utf-8")
    assert len(text) < 60_000
    for path in ("/home/", "/tmp/", "/root/", "site-packages", "C:\\\\"):
        assert path not in text
    held = [line for part in printed(shown) for line in part.splitlines() if "truth" in line]
    assert len(held) == 10
    assert all(line.endswith(": held") for line in held)
    kinds = [one.output_type for cell in shown.cells for one in cell.get("outputs", ())]
    assert "error" not in kinds
    assert any("image/svg+xml" in one.get("data", ()) for cell in shown.cells
               for one in cell.get("outputs", ()))  # fmt: skip


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_running_it_prints_what_is_shown(shown, tmp_path):
    before = printed(shown)
    resources = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(shown, timeout=200, resources=resources).execute()
    assert printed(shown) == before
