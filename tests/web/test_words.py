"""Numbers as the pages say them: an interval that is there is never hidden by rounding."""

import pytest

from harken.insight import Estimate, share
from harken.web.words import ends, figure, likely, number


@pytest.mark.parametrize(
    ("known", "value", "sure"),
    [
        (
            Estimate(138.2, 137.9, 138.4, 152, unit="beats/min"),
            "138.2 beats/min",
            "likely 137.9 to 138.4 beats/min, from 152 cries",
        ),
        (
            Estimate(0.998, 0.9971, 0.9984, 3000, unit="share"),
            "99.8 %",
            "likely 99.7 to 99.8 %, from 3 000 cries",
        ),
        (
            Estimate(200.3, 200.1, 200.4, 60, unit="s"),
            "200.3 s",
            "likely 200.1 s to 200.4 s, from 60 cries",
        ),
        (Estimate(8.0, 8.0, 8.0, 3, unit="ml/day"), "8 ml a day", "from 3 cries"),
        (Estimate(138.0, 138.0, 138.0 + 1e-12, 9), "138", "from 9 cries"),
        (Estimate(34.2, 21.4, 58.0, 31, unit="s"), "34 s", "likely 21 s to 58 s, from 31 cries"),
        (Estimate(-3.2, -8.4, 2.0, 9), "−3.2", "likely −8.4 to 2, from 9 cries"),
        (Estimate(50.0, None, 70.0, 9), "50", "likely 70 or less, from 9 cries"),
        (share(1, 1), "100 %", "likely 21 to 100 %, from 1 cry"),
    ],
)
def test_an_interval_has_the_digits_that_it_needs(known, value, sure):
    assert (figure(known), likely(known, "cry", "cries")) == (value, sure)
    assert ends(known) in sure


def test_what_rounds_to_nothing_has_no_sign():
    assert (number(-0.01), number(-0.004, "share"), number(-0.04, finer=1)) == ("0", "0 %", "0.0")
