from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def corpora(require: Callable[[str], Path]) -> Path:
    return require("../shared/corpora")
