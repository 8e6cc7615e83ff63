import hashlib
import io
import json
from dataclasses import replace

import pytest

from harken import __version__
from harken.episodes import BoutRule
from harken.errors import ModelError, ParameterError
from harken.hearing.builtin import shipped
from harken.studies.answers import VoiceRule
from harken.studies.provenance import (
    Recipe,
    RunError,
    digest,
    hash_stream,
    recipe_of,
    surroundings,
)


def test_a_recipe_says_which_model_and_rule_stand_behind_their_names():
    recipe = recipe_of("builtin", "max_gap=10")
    assert recipe.model_sha256 == hashlib.sha256(shipped("builtin.onnx")).hexdigest()
    assert recipe.rule.max_gap == 10.0
    assert recipe.harken == __version__


def test_a_recipe_comes_back_from_json():
    recipe = recipe_of("builtin", "max_gap=10", voice=VoiceRule(near_dbfs=-50), frames=True)
    assert Recipe.from_dict(json.loads(json.dumps(recipe.as_dict()))) == recipe


def test_whatever_changes_the_results_changes_the_run_and_nothing_else_does():
    base = recipe_of("builtin")
    others = [
        recipe_of("builtin", "max_gap=10"),
        recipe_of("builtin", voice=VoiceRule(voice=0.7)),
    ]
    assert len({base.run, *(one.run for one in others)}) == 3
    assert base.run == recipe_of("builtin", "max_gap=5").run
    assert base.run == replace(base, model="auto").run
    # A rule finds other bouts in the same frames.
    assert {one.hearing for one in others} == {base.hearing}


def test_every_row_can_be_traced():
    columns = recipe_of("builtin").columns("ab" * 32)
    assert list(columns) == ["rule", "model", "file_sha256", "harken", "run"]
    assert BoutRule.from_dict(json.loads(columns["rule"])) == recipe_of("builtin").rule
    assert columns["model"].startswith("builtin sha256:")


@pytest.mark.parametrize("missing", ["model", "rule", "harken", "frames", "voice", "episodes"])
def test_a_run_that_does_not_say_all_is_refused(missing):
    values = recipe_of("builtin").as_dict()
    del values[missing]
    with pytest.raises(RunError, match="does not say"):
        Recipe.from_dict(values)


def test_unknown_models_and_rules_are_refused():
    with pytest.raises(ModelError):
        recipe_of("nothing")
    with pytest.raises(ParameterError):
        recipe_of("builtin", "loud=1")


def test_a_hash_is_of_all_and_what_is_hashed_can_be_kept():
    content = bytes(range(256)) * 9000
    kept = io.BytesIO()
    assert hash_stream(io.BytesIO(content).read, kept.write) == hashlib.sha256(content).hexdigest()
    assert kept.getvalue() == content
    assert digest({"b": [1], "a": "ä"}) == digest({"a": "ä", "b": [1]})


def test_what_runs_underneath_is_told():
    assert {"python", "numpy", "onnxruntime", "dask"} <= surroundings().keys()
