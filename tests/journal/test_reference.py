"""What docs/reference/journal.md says of tables, columns and entries is what there is."""

import re
from pathlib import Path

import pytest

from harken.episodes import CARE
from harken.journal.archive import CARE_COLUMNS, EPISODE_COLUMNS
from harken.journal.schema import events, metadata

PAGE = (Path(__file__).parents[2] / "docs/reference/journal.md").read_text("utf-8")


def first_cells(title):
    text = re.split(rf"^#+ {re.escape(title)}\n", PAGE, flags=re.MULTILINE)[1]
    text = re.split(r"^#+ ", text, flags=re.MULTILINE)[0]
    return re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)


@pytest.mark.parametrize(
    ("title", "columns"), [("episodes.csv", EPISODE_COLUMNS), ("care.csv", CARE_COLUMNS)]
)
def test_every_column_of_a_table_is_described(title, columns):
    assert first_cells(title) == list(columns)


def test_every_table_and_every_column_of_events_is_described():
    wanted = [*events.c.keys(), *(name for name in metadata.tables if name != "events")]
    assert sorted(first_cells("Tables")) == sorted(wanted)


def test_every_entry_of_the_care_log_is_described():
    assert first_cells("The care log") == ["what", *CARE]
