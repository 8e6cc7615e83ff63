"""Care data from elsewhere and to elsewhere: Baby Buddy, tables, and sensors' numbers."""

from harken.exchange.babybuddy import BabyBuddy, Pulled, Pushed, note_text, pull, push
from harken.exchange.cells import Table, open_table, read_table
from harken.exchange.inbox import Inbox
from harken.exchange.incoming import Incoming, Writing, entry_id, plan
from harken.exchange.numbers import Numbers, read_numbers
from harken.exchange.tables import FIELDS, Entries, Layout, Trouble, guess, read_entries

__all__ = [
    "FIELDS",
    "BabyBuddy",
    "Entries",
    "Inbox",
    "Incoming",
    "Layout",
    "Numbers",
    "Pulled",
    "Pushed",
    "Table",
    "Trouble",
    "Writing",
    "entry_id",
    "guess",
    "note_text",
    "open_table",
    "plan",
    "pull",
    "push",
    "read_entries",
    "read_numbers",
    "read_table",
]
