"""What no detector can use is refused with one plain line, and nothing is lost."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from harken.errors import HarkenError, ModelError, ParameterError
from harken.hearing import (
    Builtin,
    Frames,
    LoudnessAlarm,
    LoudnessRule,
    YAMNet,
    add_model,
    installed_models,
    open_detector,
    pitch,
)
from harken.sound.blocks import RATE, AudioBlock

GOOD = np.zeros(3200, np.float32)


def one_line(error):
    return "\n" not in str(error.value) and str(error.value).strip()


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (AudioBlock(np.full(100, np.nan, np.float32), start=0.2), "must be finite"),
        (AudioBlock(np.full(100, np.inf, np.float32), start=0.2), "must be finite"),
        (AudioBlock(np.r_[GOOD, -np.inf].astype(np.float32), start=0.2), "must be finite"),
        (AudioBlock(GOOD, start=0.2, rate=8000), "rate=8000 must be 16000"),
        (AudioBlock(GOOD, start=float("nan")), "start=nan"),
        (AudioBlock(np.zeros(100), start=0.2), "must be float32, not float64"),
        (AudioBlock(np.zeros(100, np.int16), start=0.2), "must be float32, not int16"),
        (AudioBlock(np.zeros((100, 2), np.float32), start=0.2), "mix it to mono"),
        (AudioBlock([0.0] * 100, start=0.2), "mix it to mono"),
    ],
)
def test_a_block_that_cannot_be_heard_is_refused_and_not_taken(kit, block, message):
    detector, whole = Builtin(kit.tiny_builtin()), Builtin(kit.tiny_builtin())
    sound = kit.room(6400)
    parts = [detector.process(AudioBlock(sound[:3200], start=0.0))]
    with pytest.raises(ParameterError, match=r"^block: ") as caught:
        detector.process(block)
    assert message in str(caught.value)
    assert one_line(caught)
    parts += [detector.process(AudioBlock(sound[3200:], start=0.2)), detector.flush()]
    kit.assert_same(Frames.join(parts), kit.feed(whole, sound))


def test_a_block_without_samples_is_nothing(kit):
    detector = Builtin(kit.tiny_builtin())
    assert len(detector.process(AudioBlock(GOOD[:0], start=0.0))) == 0
    assert len(kit.feed(detector, GOOD, [0, 0, 100, 100, 3200])) == 2


def test_a_block_without_samples_is_nothing_to_yamnet(kit, yamnet_file):
    detector = YAMNet(yamnet_file, head=kit.tiny_head(), builtin=Builtin(kit.tiny_builtin()))
    assert len(kit.feed(detector, GOOD, [0, 0, 100, 100, 3200])) == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "yamnet_head"}, "metadata kind must be 'builtin', not 'yamnet_head'"),
        ({"rate": "8000"}, "metadata rate must be '16000', not '8000'"),
        ({"hop": "160"}, "metadata hop must be '1280', not '160'"),
        ({"heads": "cry"}, "metadata heads must be 'cry,laugh,voice', not 'cry'"),
        ({"left": "some"}, "metadata left must be a number, not 'some'"),
        ({"left": "-1"}, "left=-1 must be a whole number"),
        ({"right": "0.5"}, "right=0.5 must be a whole number"),
        ({"on": ""}, "metadata on must be a number"),
        ({"on": "nan"}, "on=nan"),
        ({"on": "0.2"}, "0 < off < on ≤ 1"),
        ({"output": "scores"}, "outputs must be probs (float32, 3 axes), not scores"),
    ],
)
def test_a_network_that_breaks_the_contract_is_refused(kit, tmp_path, changes, message):
    path = tmp_path / "own.onnx"
    path.write_bytes(kit.tiny_builtin(**changes))
    with pytest.raises(ModelError, match=r"^own\.onnx: ") as caught:
        Builtin(path)
    assert message in str(caught.value)
    assert one_line(caught)


def test_a_network_without_metadata_is_refused(kit):
    model = onnx.load_from_string(kit.tiny_builtin())
    del model.metadata_props[:]
    with pytest.raises(ModelError, match="metadata kind must be 'builtin', not None"):
        Builtin(model.SerializeToString())


def test_a_network_whose_context_is_not_what_it_says_fails_with_its_shape(kit):
    detector = Builtin(kit.tiny_builtin(left=str(kit.left + 1280)))
    with pytest.raises(ModelError, match="gave shape"):
        kit.feed(detector, GOOD)


def test_a_network_that_gives_no_number_is_told(kit):
    detector = Builtin(kit.tiny_builtin(bias=float("nan")))
    with pytest.raises(ModelError, match="probability that is not a number"):
        kit.feed(detector, GOOD)


def test_probabilities_outside_their_range_are_clipped(kit):
    graph = onnx.load_from_string(kit.tiny_builtin())
    (sigmoid,) = (node for node in graph.graph.node if node.op_type == "Sigmoid")
    sigmoid.op_type = "Identity"
    frames = kit.feed(Builtin(graph.SerializeToString()), kit.room(32_000))
    assert frames.cry.min() == 0
    assert frames.cry.max() <= 1


@pytest.mark.parametrize("content", [b"", b"hello, I am a text file\n" * 100, b"\x08\x08"])
@pytest.mark.parametrize("suffix", [".onnx", ".tflite"])
def test_a_file_that_is_no_model_is_refused_and_not_kept(data_folder, tmp_path, content, suffix):
    path = tmp_path / f"a 'model'{suffix}"
    path.write_bytes(content)
    for use in (open_detector, add_model):
        with pytest.raises(ModelError, match="a 'model'") as caught:
            use(path)
        assert one_line(caught)
    assert len(installed_models()) == 1


def test_half_a_model_is_refused(data_folder, tmp_path, kit, yamnet_file):
    for suffix, content in ((".onnx", kit.tiny_builtin()), (".tflite", yamnet_file.read_bytes())):
        path = tmp_path / f"half{suffix}"
        path.write_bytes(content[: len(content) // 2])
        with pytest.raises(ModelError, match=rf"^half\{suffix}: is not a"):
            add_model(path)


def test_another_network_is_refused_as_a_backbone(data_folder, tmp_path, kit, yamnet_file):
    swapped = tmp_path / "swapped.tflite"
    swapped.write_bytes(kit.tiny_builtin())
    with pytest.raises(ModelError, match="not a TensorFlow Lite model"):
        add_model(swapped)


def test_a_network_that_cries_in_silence_is_refused(data_folder, tmp_path, kit):
    path = tmp_path / "own.onnx"
    path.write_bytes(kit.tiny_builtin(bias=3.0))
    with pytest.raises(ModelError, match="hears crying in silence"):
        add_model(path)
    assert len(installed_models()) == 1


def test_a_network_that_always_says_the_same_is_refused(data_folder, tmp_path, kit):
    path = tmp_path / "own.onnx"
    path.write_bytes(
        kit.serialise(
            [
                helper.make_node("Slice", ["wave", "from", "to", "axis", "step"], ["few"]),
                helper.make_node("Mul", ["few", "zero"], ["none"]),
                helper.make_node("Unsqueeze", ["none", "last"], ["column"]),
                helper.make_node("Concat", ["column"] * 3, ["probs"], axis=2),
            ],
            {"wave": [1, "n"]},
            {"probs": [1, "t", 3]},
            {
                "from": np.array([0]),
                "to": np.array([2**40]),
                "axis": np.array([1]),
                "step": np.array([1280]),
                "zero": np.float32(0),
                "last": np.array([2]),
            },
            {
                "kind": "builtin",
                "rate": "16000",
                "hop": "1280",
                "heads": "cry,laugh,voice",
                "left": "0",
                "right": "0",
                "on": "0.6",
                "off": "0.4",
            },
        )
    )
    with pytest.raises(ModelError, match="same scores for sound and for silence"):
        add_model(path)


def test_a_whole_numbered_input_is_refused(kit):
    model = onnx.load_from_string(kit.tiny_builtin())
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.INT64
    with pytest.raises(ModelError, match=r"^builtin: "):
        Builtin(model.SerializeToString())


@pytest.mark.parametrize("name", ["builtin.onnx", "auto.onnx", "yamnet.onnx"])
def test_a_name_that_means_something_else_is_refused(data_folder, tmp_path, kit, name):
    (tmp_path / name).write_bytes(kit.tiny_builtin())
    with pytest.raises(ModelError, match="is taken; rename the file"):
        add_model(tmp_path / name)


def test_a_folder_and_a_missing_file_are_refused(data_folder, tmp_path):
    for path in (tmp_path, tmp_path / "none.onnx"):
        with pytest.raises(ModelError, match="there is no such file"):
            add_model(path)
    for path in (tmp_path / "none.onnx", tmp_path / "none.tflite"):
        with pytest.raises(ModelError, match="cannot be read: No such file"):
            open_detector(path)


def test_another_kind_of_file_is_refused(data_folder, tmp_path):
    path = tmp_path / "model.pt"
    path.write_bytes(b"x")
    with pytest.raises(ModelError, match=r"must be a \.tflite or an \.onnx file"):
        add_model(path)


def test_an_unknown_model_says_what_there_is(data_folder):
    with pytest.raises(ModelError, match="use auto, builtin, yamnet"):
        open_detector("yamnett")


def test_yamnet_before_it_was_added_says_how_to_add_it(data_folder):
    with pytest.raises(ModelError, match="harken model get yamnet"):
        open_detector("yamnet")


def test_a_data_folder_that_cannot_be_written_is_told(tmp_path, monkeypatch, kit):
    blocked = tmp_path / "data"
    blocked.write_text("a file where the folder should be")
    monkeypatch.setenv("HARKEN_DATA", str(blocked))
    path = tmp_path / "own.onnx"
    path.write_bytes(kit.tiny_builtin())
    with pytest.raises(ModelError, match="cannot be written"):
        add_model(path)


@pytest.mark.parametrize("values", [{"threads": 0}, {"step": 0}])
def test_numbers_of_threads_and_frames_are_checked(kit, values):
    with pytest.raises(ParameterError, match="must be at least 1"):
        Builtin(kit.tiny_builtin(), **values)


@pytest.mark.parametrize(
    "values", [(-130, 1), (3, 1), (float("nan"), 1), (-20, -1), (-20, float("inf")), (-20, 1, 61)]
)
def test_a_loudness_rule_that_makes_no_sense_is_refused(values):
    with pytest.raises(ParameterError, match=r"^loudness: "):
        LoudnessRule(*values)


def test_frames_that_make_no_sense_are_refused_by_the_alarm():
    alarm = LoudnessAlarm(LoudnessRule(-20, 1))
    none = np.zeros(2, np.float32)
    for times, level, message in (
        ([1.0, 0.5], [0, 0], "must increase"),
        ([1.0, np.nan], [0, 0], "must increase"),
        ([1.0, 1.1], [0, np.nan], "without NaN"),
    ):
        with pytest.raises(ParameterError, match=message):
            alarm.process(Frames(np.array(times), none, none, none, np.array(level, np.float32)))


@pytest.mark.parametrize(
    ("samples", "values"),
    [
        (np.full(RATE, np.nan), {}),
        (np.zeros((2, RATE)), {}),
        (np.zeros(RATE), {"floor_hz": 900}),
        (np.zeros(RATE), {"ceiling_hz": 9000}),
        (np.zeros(RATE), {"floor_hz": float("nan")}),
        (np.zeros(RATE), {"step_s": 0}),
    ],
)
def test_pitch_checks_what_it_is_given(samples, values):
    with pytest.raises(ParameterError):
        pitch(samples, **values)


def test_every_error_of_this_room_is_of_one_family():
    assert issubclass(ModelError, HarkenError)
    assert issubclass(ParameterError, HarkenError)
