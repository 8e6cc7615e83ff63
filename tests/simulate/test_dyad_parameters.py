"""Every number has a source or the word assumed, and can be changed by its name."""

import pytest

from harken.evidence import claim
from harken.simulate import Parameters, policies, policy, simulate_dyad
from harken.simulate.parameters import ASSUMED, NEEDS

EVERY = list(Parameters())


@pytest.mark.parametrize("one", EVERY, ids=lambda one: one.name)
def test_each_number_says_where_it_comes_from(one):
    assert one.says.strip().endswith(".")
    assert one.source
    for source in one.source:
        assert source == ASSUMED or claim(source)
    assert one.source == (ASSUMED,) or ASSUMED not in one.source


@pytest.mark.parametrize("one", policies().values(), ids=lambda one: one.name)
def test_each_policy_says_where_it_comes_from(one):
    assert one.says.endswith(".")
    for source in one.source:
        assert source == ASSUMED or claim(source)


def test_latencies_are_assumed_as_none_is_published():
    for name in ("caregiver.awake_s", "caregiver.asleep_s", "caregiver.spread"):
        assert next(one for one in EVERY if one.name == name).source == (ASSUMED,)


def test_every_number_is_used():
    """What nothing reads would look like a setting and be none."""
    from pathlib import Path

    import harken.simulate

    folder = Path(harken.simulate.__file__).parent
    code = "".join(path.read_text("utf-8") for path in folder.glob("*.py"))
    for one in EVERY:
        group, _, key = one.name.partition(".")
        if group == "telling":
            assert f'p["{key}"]' in code, one.name
        else:
            assert f'"{one.name}"' in code, one.name


def test_numbers_are_changed_by_name_and_then_count_as_assumed():
    made = Parameters().with_values({"crying.lasts_s.pain": 600, "age.awake_h": [1.0] * 11})
    assert made["crying.lasts_s.pain"] == 600
    assert made["crying.lasts_s"]["hunger"] == Parameters()["crying.lasts_s"]["hunger"]
    assert made["age.awake_h"] == [1.0] * 11
    changed = {one.name: one.source for one in made}
    assert changed["crying.lasts_s"] == (ASSUMED,)
    # The shipped ones stay as they are.
    assert Parameters()["crying.lasts_s.pain"] != 600


def test_numbers_can_be_read_from_toml():
    made = Parameters.read("[crying]\nlasts_s = {hunger=1, wet=2, tired=3, pain=4, alone=5}\n")
    assert made["crying.lasts_s"] == dict(zip(NEEDS, range(1, 6), strict=True))
    assert Parameters.read("")["infant.spread"] == Parameters()["infant.spread"]


def test_a_policy_is_changed_by_field():
    made = policy("prompt", wait_s=60.0)
    assert made.wait_s == 60.0
    history = simulate_dyad(made, weeks=1, seed=1)
    out = [c.answered - c.onset for c in history.cries if c.answered and not c.in_arms]
    assert min(out) >= 60
