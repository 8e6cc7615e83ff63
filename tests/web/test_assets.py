"""Static files: found by a table, cached by what is in them."""

import json
import re

import pytest

from harken.web.assets import Assets


def test_versions(home, client_of):
    client = client_of(home)
    address = home.app.state.web.assets.address("js/a.js")
    kept = client.get(address)
    assert kept.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert kept.headers["content-type"] == "text/javascript; charset=utf-8"
    plain = client.get("/static/js/a.js")
    assert plain.headers["cache-control"] == "no-cache"
    assert plain.text == kept.text
    assert plain.headers["content-encoding"] == "gzip"
    same = client.get("/static/js/a.js", headers={"if-none-match": f"W/{plain.headers['etag']}"})
    assert (same.status_code, same.content) == (304, b"")
    raw = client.get("/static/js/a.js", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in raw.headers
    assert raw.text == plain.text


def test_the_service_worker(home, client_of):
    answer = client_of(home).get("/sw.js")
    assert answer.headers["service-worker-allowed"] == "/"
    assert answer.headers["cache-control"] == "no-cache"
    version = home.app.state.web.assets.version
    assert f"'{version}'" in answer.text
    files = json.loads(re.search(r"FILES = (.*);", answer.text)[1])
    assert files == [f"/static/v-{version}/js/a.js"]


def test_a_change_makes_another_version(static_files, plain_pages):
    first = Assets(static_files, also=plain_pages).version
    assert Assets(static_files, also=plain_pages).version == first
    (plain_pages / "now.html").write_text("other")
    second = Assets(static_files, also=plain_pages).version
    (static_files / "js" / "a.js").write_text("other")
    assert len({first, second, Assets(static_files, also=plain_pages).version}) == 3


@pytest.mark.parametrize(
    "path",
    ["../templates/now.html", "..%2f..%2fetc/passwd", "%2e%2e/%2e%2e/etc/passwd", "/etc/passwd",
     "js/../../templates/now.html", ".hidden", "js", "", "js/a.js%00.png", "v-/js/a.js",
     "\\..\\..\\x", "....//....//etc/passwd"],
)  # fmt: skip
def test_nothing_else_can_be_read(home, client_of, path):
    for who in (None, "owner"):
        answer = client_of(home, who).get(f"{home.settings.base_url}/static/{path}")
        assert answer.status_code in (401, 404)
        assert "secret" not in answer.text
        assert "root:" not in answer.text


def test_without_a_service_worker(make_home, client_of, tmp_path):
    (tmp_path / "bare").mkdir()
    home = make_home(static=tmp_path / "bare")
    assert client_of(home).get("/sw.js").status_code == 404
