"""Models are checked, tried, kept and found again."""

import functools
import http.server
import shutil
import threading
from importlib.resources import files

import pytest

from harken.errors import ModelError
from harken.hearing import (
    Builtin,
    YAMNet,
    add_model,
    backbone_path,
    get_yamnet,
    installed_models,
    open_detector,
)

MODELS = files("harken.hearing") / "models"
needs_shipped = pytest.mark.skipif(
    not (MODELS / "builtin.onnx").is_file() or not (MODELS / "yamnet_head.onnx").is_file(),
    reason="no networks in the package yet",
)


@pytest.fixture
def served(tmp_path):
    """A folder, and the address under which it is served."""
    folder = tmp_path / "served"
    folder.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_without_anything_added_there_is_the_builtin_only(data_folder):
    assert [model.name for model in installed_models()] == ["builtin"]
    assert backbone_path() is None
    assert not data_folder.exists(), "looking must not make folders"


def test_a_backbone_is_kept_and_listed(data_folder, yamnet_file, tmp_path):
    source = tmp_path / "some name.tflite"
    shutil.copyfile(yamnet_file, source)
    added = add_model(source)
    source.unlink()
    assert (added.name, added.kind) == ("yamnet", "yamnet")
    assert added.path == backbone_path() == data_folder / "models" / "yamnet.tflite"
    assert added.path.read_bytes() == yamnet_file.read_bytes()
    assert added in installed_models()
    assert [path.name for path in added.path.parent.iterdir()] == ["yamnet.tflite"]
    add_model(added.path)
    assert backbone_path().read_bytes() == yamnet_file.read_bytes()


def test_a_network_of_ones_own_is_kept_and_opened_by_name_or_path(data_folder, kit, tmp_path):
    source = tmp_path / "ours.onnx"
    source.write_bytes(kit.tiny_builtin())
    assert add_model(source).name == "ours"
    assert open_detector("ours").name == "ours.onnx"
    assert isinstance(open_detector(source), Builtin)


@needs_shipped
def test_auto_takes_the_backbone_when_it_is_there(data_folder, yamnet_file):
    assert open_detector().name == "builtin"
    add_model(yamnet_file)
    assert isinstance(open_detector("auto"), YAMNet)
    assert isinstance(open_detector("yamnet"), YAMNet)
    assert open_detector("builtin").name == "builtin"


@needs_shipped
def test_a_tflite_path_is_taken_as_the_backbone(data_folder, yamnet_file):
    assert isinstance(open_detector(str(yamnet_file)), YAMNet)


def test_yamnet_is_fetched_checked_and_kept(data_folder, yamnet_file, served):
    folder, address = served
    shutil.copyfile(yamnet_file, folder / "model.tflite")
    assert get_yamnet(url=f"{address}/model.tflite").path == backbone_path()


def test_what_is_no_yamnet_is_not_kept(data_folder, served):
    folder, address = served
    (folder / "model.tflite").write_text("<html>Sign in to this hotel's network</html>")
    with pytest.raises(ModelError, match="is not a TensorFlow Lite model"):
        get_yamnet(url=f"{address}/model.tflite")
    assert backbone_path() is None


def test_an_address_without_it_says_what_to_do(data_folder, served):
    with pytest.raises(ModelError, match=r"File not found.*harken model add FILE"):
        get_yamnet(url=f"{served[1]}/none")


def test_no_network_says_what_to_do(data_folder):
    with pytest.raises(ModelError, match=r"cannot be fetched.*harken model add FILE") as caught:
        get_yamnet(url="http://127.0.0.1:9/yamnet.tflite", timeout_s=2)
    assert "\n" not in str(caught.value)
