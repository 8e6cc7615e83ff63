"""Sign-in, forgery, guessing, headers, hosts."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from harken.errors import ParameterError
from harken.journal import JoinCode, token_hash
from harken.web import WebSettings
from harken.web.security import (
    CONTENT_POLICY,
    RateLimit,
    allowed_host,
    new_code,
    read_code,
    same_origin,
)

HTTPS = WebSettings("https://hub.local:8437", https=True)
HTTP = WebSettings("http://hub.local:8437", allowed_hosts=frozenset({"proxy.example"}))


def test_every_answer_has_the_headers(home, client_of):
    stranger, ann = client_of(home), client_of(home, "owner")
    answers = [
        stranger.get("/healthz"),
        stranger.get("/api/state"),
        stranger.get("/nowhere", headers={"accept": "text/html"}),
        stranger.get("/static/js/a.js"),
        stranger.get("/", headers={"host": "evil.example"}),
        stranger.post("/api/events", content=b"x" * 100_000),
        ann.get("/"),
        ann.get("/api/state"),
        ann.get("/api/nowhere"),
    ]
    for answer in answers:
        assert answer.headers["content-security-policy"] == CONTENT_POLICY
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "microphone=(self)" in answer.headers["permissions-policy"]
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in answer.headers
    assert ann.get("/api/state").headers["cache-control"] == "no-store"
    assert "unsafe" not in CONTENT_POLICY


@pytest.mark.parametrize(
    ("host", "fine"),
    [
        ("hub.local:8437", True),
        ("HUB.local.", True),
        ("proxy.example", True),
        ("localhost:1", True),
        ("a.localhost", True),
        ("127.0.0.1:8437", True),
        ("192.168.1.7", True),
        ("[fd00::1]:8437", True),
        ("evil.example", False),
        ("hub.local.evil.example", False),
        ("evil.example:8437", False),
        ("hub.local@evil.example", False),
        ("hub.local/evil", False),
        ("hub.local:x", False),
        ("", False),
        (None, False),
    ],
)
def test_hosts(host, fine):
    assert allowed_host(host, HTTP) is fine


def test_a_foreign_host_gets_nothing(home, client_of):
    client = client_of(home, "owner")
    for path in ("/", "/api/state", "/healthz", "/join", "/static/js/a.js"):
        answer = client.get(path, headers={"host": "rebound.example"})
        assert answer.status_code == 400
        assert "Ida" not in answer.text


@pytest.mark.parametrize(
    ("headers", "settings", "fine"),
    [
        ({}, HTTP, True),
        ({"origin": "http://hub.local:8437"}, HTTP, True),
        ({"origin": "http://hub.local:8437", "sec-fetch-site": "same-origin"}, HTTP, True),
        ({"origin": "http://hub.local:8437", "sec-fetch-site": "cross-site"}, HTTP, False),
        ({"origin": "http://hub.local:8437", "sec-fetch-site": "same-site"}, HTTP, False),
        ({"origin": "http://hub.local:9999"}, HTTP, False),
        ({"origin": "http://evil.example"}, HTTP, False),
        ({"origin": "http://hub.local.evil.example:8437"}, HTTP, False),
        ({"origin": "null"}, HTTP, False),
        ({"origin": ""}, HTTP, False),
        ({"origin": "file://"}, HTTP, False),
        ({"origin": "https://hub.local:8437"}, HTTPS, True),
        ({"origin": "http://hub.local:8437"}, HTTPS, False),
    ],
)
def test_origins(headers, settings, fine):
    assert same_origin({"host": "hub.local:8437", **headers}, settings) is fine


def test_behind_a_proxy_the_public_origin_counts():
    settings = WebSettings("https://home.example", https=True)
    headers = {"host": "127.0.0.1:8437", "origin": "https://home.example"}
    assert same_origin(headers, settings)


@pytest.mark.parametrize(
    "forged",
    [
        {"x-harken": ""},
        {"x-harken": "1", "origin": "http://evil.example"},
        {"x-harken": "1", "origin": "null"},
        {"x-harken": "1", "sec-fetch-site": "cross-site"},
    ],
)
def test_forged_requests_change_nothing(home, client_of, forged):
    client = client_of(home, "owner")
    for method, path, body in (
        ("POST", "/api/events", {"events": [home.event()]}),
        ("DELETE", "/api/children/ida", None),
        ("PUT", "/api/household", {"name": "Theirs"}),
        ("POST", "/api/join", {"code": "ABCD2345", "name": "x"}),
        ("POST", "/api/sign-out", None),
    ):
        answer = client.request(method, path, json=body, headers=forged)
        assert answer.status_code == 403, path
    assert home.journal.events(kinds=["soothed"]) == []
    assert client.get("/api/children").json()[0]["id"] == "ida"
    assert client.get("/api/state").status_code == 200


def test_a_token_needs_no_header_against_forgery(home, client_of):
    client = client_of(home)
    del client.headers["x-harken"]
    bearer = {"authorization": f"Bearer {home.tokens['script']}"}
    answer = client.post("/api/events", json={"events": [home.event()]}, headers=bearer)
    assert len(answer.json()["accepted"]) == 1


def test_a_wrong_token_beside_a_good_cookie_is_wrong(home, client_of):
    client = client_of(home, "owner")
    assert client.get("/api/state", headers={"authorization": "Bearer x"}).status_code == 401


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_joining(make_home, client_of, scheme):
    home = make_home(base_url=f"{scheme}://hub.local:8437", https=scheme == "https")
    ann = client_of(home, "owner")
    made = ann.post("/api/join-codes", json={"role": "caregiver"}).json()
    assert made["url"] == f"{scheme}://hub.local:8437/join#{made['code']}"
    assert made["qr"].startswith("data:image/svg+xml")
    stranger = client_of(home)
    typed = f" {made['code'][:4].lower()}-{made['code'][4:]} "
    answer = stranger.post("/api/join", json={"code": typed, "name": "Cy"})
    assert answer.json() == {"role": "caregiver", "next": "/"}
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-harken=" if scheme == "https" else "harken=")
    for part in ("HttpOnly", "SameSite=strict", "Path=/"):
        assert part in cookie
    assert ("Secure" in cookie) == (scheme == "https")
    assert "domain" not in cookie.lower()
    token = re.match(r"[^=]+=([^;]+)", cookie)[1]
    assert len(token) == 43
    kept = (home.journal.name, *(repr(d) for d in ann.get("/api/devices").json()))
    assert token not in str(kept)
    me = stranger.get("/api/state", headers={"cookie": f"{home.settings.cookie}={token}"}).json()[
        "me"
    ]
    assert (me["name"], me["role"]) == ("Cy", "caregiver")
    again = stranger.post("/api/join", json={"code": made["code"], "name": "Di"})
    assert again.status_code == 403
    assert any(turn["caregiver"] == me["caregiver"] for turn in ann.get(
        "/api/duty/nursery").json()["turns"])  # fmt: skip


def test_a_code_expires(home, client_of):
    code = new_code()
    home.journal.household.add(
        JoinCode(
            code_hash=token_hash(code),
            role="caregiver",
            expires=datetime.now(UTC) - timedelta(seconds=1),
        )
    )
    answer = client_of(home).post("/api/join", json={"code": code, "name": "x"})
    assert answer.status_code == 403
    assert "expired" in answer.json()["error"]


def test_a_code_lives_for_a_quarter_of_an_hour(home, client_of):
    made = client_of(home, "owner").post(
        "/api/join-codes", json={"role": "nursery", "room": "nursery"}
    )
    lives = datetime.fromisoformat(made.json()["expires"]) - datetime.now(UTC)
    assert timedelta(minutes=14) < lives <= timedelta(minutes=15)
    stored = home.journal.household.list(JoinCode)
    assert made.json()["code"] not in repr(stored) + str(stored[0].code_hash)


def test_a_nursery_device_joins(home, client_of):
    made = client_of(home, "owner").post(
        "/api/join-codes", json={"role": "nursery", "room": "attic"}
    )
    answer = client_of(home).post(
        "/api/join", json={"code": made.json()["code"], "name": "Old tablet"}
    )
    assert answer.json() == {"role": "nursery", "next": "/nursery"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"role": "nursery"}, 422),
        ({"role": "nursery", "room": "nowhere"}, 404),
        ({"role": "viewer", "children": ["nobody"]}, 422),
        ({"role": "owner", "caregiver": "nobody"}, 422),
        ({"role": "owner", "caregiver": "bo"}, 422),
        ({"role": "god"}, 422),
    ],
)
def test_codes_that_make_no_sense(home, client_of, body, status):
    assert client_of(home, "owner").post("/api/join-codes", json=body).status_code == status


def test_guessing_codes_is_slowed_down(home, client_of):
    made = client_of(home, "owner").post("/api/join-codes", json={"role": "owner"}).json()
    stranger = client_of(home, address="10.0.0.66")
    tries = [
        stranger.post("/api/join", json={"code": new_code(), "name": "x"}).status_code
        for _ in range(12)
    ]
    assert tries == [403] * 10 + [429] * 2
    late = stranger.post("/api/join", json={"code": made["code"], "name": "x"})
    assert late.status_code == 429
    assert int(late.headers["retry-after"]) > 0
    other = client_of(home, address="10.0.0.67")
    assert other.post("/api/join", json={"code": made["code"], "name": "x"}).status_code == 200
    audit = client_of(home, "owner").get("/api/events?kinds=audit").json()
    refused = [one for one in audit if one["data"]["what"] == "refused"]
    assert 0 < len(refused) <= 3
    assert refused[0]["data"]["address"] == "10.0.0.66"


def test_guessing_from_many_addresses_is_slowed_down(home, client_of):
    answers = [
        client_of(home, address=f"10.1.0.{n}").post(
            "/api/join", json={"code": new_code(), "name": "x"}
        )
        for n in range(62)
    ]
    assert answers[59].status_code == 403
    assert answers[61].status_code == 429


def test_guessing_tokens_is_slowed_down_but_nobody_else_is(home, client_of):
    guesser = client_of(home)
    answers = [
        guesser.get("/api/state", headers={"authorization": f"Bearer {n:043}"}).status_code
        for n in range(25)
    ]
    assert answers[0] == 401
    assert answers[-1] == 429
    assert client_of(home, "owner").get("/api/state").status_code == 200


def test_rate_limits_fill_again():
    now = [0.0]
    limit = RateLimit(2, everybody=100, window_s=60.0, clock=lambda: now[0])
    for _ in range(5):
        limit.fail("a")
    assert limit.wait_s("a") == pytest.approx(30.0)
    assert limit.wait_s("b") == 0
    now[0] = 31.0
    assert limit.wait_s("a") == 0
    limit.fail("a")
    limit.forgive("a")
    assert limit.wait_s("a") == 0


def test_rate_limits_forget_addresses():
    limit = RateLimit(1, everybody=10**9, window_s=60.0, clock=lambda: 0.0)
    for n in range(10_050):
        limit.fail(str(n))
    assert len(limit._buckets) == 10_000
    assert limit.wait_s("0") == 0


@pytest.mark.parametrize("wrong", [(0, 1, 1.0), (1, 0, 1.0), (1, 1, 0.0)])
def test_rate_limits_need_sizes(wrong):
    with pytest.raises(ParameterError):
        RateLimit(wrong[0], everybody=wrong[1], window_s=wrong[2])


def test_codes_have_forty_bits_and_no_letters_that_are_mistaken():
    codes = {new_code() for _ in range(500)}
    assert len(codes) == 500
    assert not set("".join(codes)) & set("01ILO")
    assert all(read_code(code.lower()) == code for code in codes)


def test_signing_out_ends_everything(home, client_of):
    bo = client_of(home, "caregiver")
    answer = bo.post("/api/sign-out")
    assert answer.status_code == 200
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert bo.get("/api/state").status_code == 401


def test_a_revoked_device_is_out_at_once(home, client_of):
    bo, ann = client_of(home, "caregiver"), client_of(home, "owner")
    assert bo.get("/api/state").status_code == 200
    assert ann.delete("/api/devices/caregiver-device").status_code == 200
    assert bo.get("/api/state").status_code == 401
    assert ann.delete("/api/devices/caregiver-device").status_code == 404
    assert "caregiver-device" not in ann.get("/api/devices").text


def test_whoever_is_removed_is_out_at_once(home, client_of):
    bo, ann = client_of(home, "caregiver"), client_of(home, "owner")
    assert ann.delete("/api/caregivers/bo").status_code == 200
    assert bo.get("/api/state").status_code == 401


def test_devices_show_no_secret(home, client_of):
    text = client_of(home, "owner").get("/api/devices").text
    assert "token" not in text
    for token in home.tokens.values():
        assert token not in text
        assert token_hash(token) not in text


def test_sign_ins_are_written_down(home, client_of):
    ann = client_of(home, "owner")
    code = ann.post("/api/join-codes", json={"role": "nursery", "room": "attic"}).json()["code"]
    client_of(home).post("/api/join", json={"code": code, "name": "Tablet"})
    ann.delete("/api/devices/viewer-device")
    told = [one["data"]["what"] for one in ann.get("/api/events?kinds=audit").json()]
    assert told == ["made a join code", "joined", "signed a device out"]
    assert code not in ann.get("/api/events?kinds=audit").text


def test_nothing_redirects_elsewhere(home, client_of):
    stranger, ann = client_of(home), client_of(home, "owner")
    html = {"accept": "text/html"}
    for path in ("//evil.example", "/%2f%2fevil.example", "/\\evil.example", "/journal/",
                 "/?next=http://evil.example", "/join?next=//evil.example"):  # fmt: skip
        for client in (stranger, ann):
            answer = client.get(f"{home.settings.base_url}{path}", headers=html)
            assert answer.headers.get("location", "/join") in ("/join", "/"), path
    code = ann.post("/api/join-codes", json={"role": "caregiver"}).json()["code"]
    answer = stranger.post("/api/join?next=//evil.example", json={"code": code, "name": "x"})
    assert answer.json()["next"] == "/"


def test_a_link_from_another_site_asks_again(home, client_of):
    # The browser keeps back a strict cookie when another site's link was followed.
    headers = {"accept": "text/html", "sec-fetch-site": "cross-site"}
    answer = client_of(home).get('/journal"><script>', headers=headers)
    assert answer.status_code == 200
    assert 'url=/journal&quot;&gt;&lt;script&gt;"' in answer.text
    evil = client_of(home).get(f"{home.settings.base_url}//evil.example", headers=headers)
    assert 'url=/evil.example"' in evil.text
