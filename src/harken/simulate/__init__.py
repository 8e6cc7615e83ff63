"""An infant, its voice and its caregivers, made from nothing, with the exact truth."""

from harken.simulate.clips import Clip, Pool, find_active
from harken.simulate.cohort import Written, simulate_days, write_cohort
from harken.simulate.compare import (
    Arm,
    Comparison,
    Trial,
    compare,
    size_trial,
    trial_size,
)
from harken.simulate.dyad import simulate_dyad, with_carrying
from harken.simulate.history import Care, Change, Day, Explanation, History, Spell
from harken.simulate.hub_events import hub_events, write_journal
from harken.simulate.parameters import Parameter, Parameters
from harken.simulate.policy import Latencies, Policy, like_us, policies, policy
from harken.simulate.scenes import (
    Scene,
    SceneSpec,
    TruthRow,
    read_truth,
    render_scene,
    synthetic_night,
    true_bouts,
    write_truth,
)
from harken.simulate.sounding import render_events
from harken.simulate.voice import Utterance, babble, bark, cry, fuss, laugh, speak

__all__ = [
    "Arm",
    "Care",
    "Change",
    "Clip",
    "Comparison",
    "Day",
    "Explanation",
    "History",
    "Latencies",
    "Parameter",
    "Parameters",
    "Policy",
    "Pool",
    "Scene",
    "SceneSpec",
    "Spell",
    "Trial",
    "TruthRow",
    "Utterance",
    "Written",
    "babble",
    "bark",
    "compare",
    "cry",
    "find_active",
    "fuss",
    "hub_events",
    "laugh",
    "like_us",
    "policies",
    "policy",
    "read_truth",
    "render_events",
    "render_scene",
    "simulate_days",
    "simulate_dyad",
    "size_trial",
    "speak",
    "synthetic_night",
    "trial_size",
    "true_bouts",
    "with_carrying",
    "write_cohort",
    "write_journal",
    "write_truth",
]
