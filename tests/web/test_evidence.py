"""What studies found, over the API and on its pages; and notes that only their writer sees."""

import html
import re

import pytest

from harken.evidence import FOUR_QUESTIONS, claims, norms, on_waiting, questions
from harken.web.words import typeset


@pytest.fixture
def shipped(make_home):
    return make_home(templates=None, static=None)


def note(home, claim="S11", **data):
    return home.event("claim_noted", room=None, data={"claim": claim, **data})


def send(client, *events):
    answer = client.post("/api/events", json={"events": list(events)})
    assert answer.status_code == 200, answer.text
    return answer.json()


def words(page):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def test_claims_and_norms_for_scripts(home, client_of):
    gran = client_of(home, "viewer")
    assert gran.get("/api/evidence/claims").json() == [one.as_dict() for one in claims()]
    some = gran.get("/api/evidence/claims?topic=carrying").json()
    assert [one["id"] for one in some] == ["S11", "S12", "S13", "S14"]
    asked = "measure=cry_fuss_min_per_day&age_weeks=11.5"
    found = gran.get(f"/api/evidence/norms?{asked}").json()
    assert found == [one.as_dict() for one in norms("cry_fuss_min_per_day", 11.5)]
    assert found[0]["confirmed"] is True
    assert len(gran.get("/api/evidence/norms").json()) == len(norms())


@pytest.mark.parametrize(
    "asked",
    ["claims?topic=nonsense", "claims?topic=%00", "norms?measure=x", "norms?age_weeks=-1",
     "norms?age_weeks=nan", "norms?age_weeks=soon"],
)  # fmt: skip
def test_what_is_not_known_is_refused_in_one_sentence(home, client_of, asked):
    answer = client_of(home, "owner").get(f"/api/evidence/{asked}")
    assert answer.status_code == 422
    assert set(answer.json()) == {"error"}


def test_a_note_is_kept_changed_taken_back_and_removed(home, client_of):
    ann = client_of(home, "owner")
    first = note(home, text="hm", rating="unsure")
    assert send(ann, first)["accepted"] == [first["id"]]
    assert send(ann, first)["known"] == [first["id"]]
    (kept,) = ann.get("/api/evidence/notes").json()
    assert (kept["claim"], kept["text"], kept["rating"]) == ("S11", "hm", "unsure")
    second = note(home, text="yes")
    send(ann, second)
    (kept,) = ann.get("/api/evidence/notes").json()
    assert (kept["text"], kept["rating"]) == ("yes", None)
    assert kept["events"] == [first["id"], second["id"]]
    undo = home.event("removed", room=None, data={"target": second["id"]})
    send(ann, undo)
    assert ann.get("/api/evidence/notes").json()[0]["text"] == "hm"
    send(ann, home.event("removed", room=None, data={"target": first["id"]}))
    assert ann.get("/api/evidence/notes").json() == []


def test_nobody_else_is_shown_a_note(home, shipped, client_of):
    for house in (home, shipped):
        ann, bo = client_of(house, "owner"), client_of(house, "caregiver")
        secret = note(house, text="between me and me")
        send(bo, secret)
        change = {"target": secret["id"], "data": {"text": "still between me and me"}}
        send(bo, house.event("corrected", room="nursery", data=change))
        assert "still between me" in bo.get("/api/evidence/notes").text
        assert "still between me" in bo.get("/api/events").text
        assert bo.get("/api/events?kinds=claim_noted").json()[0]["id"] == secret["id"]
        for other in ("owner", "viewer", "script"):
            there = client_of(house, other)
            assert "between me" not in there.get("/api/events").text
            assert "between me" not in there.get("/api/events?kinds=corrected").text
            assert there.get("/api/events?kinds=claim_noted").json() == []
            assert "between me" not in there.get("/evidence").text
            assert "between me" not in there.get("/api/state").text
        assert ann.get("/api/evidence/notes").json() == []
    assert "still between me" in client_of(shipped, "caregiver").get("/evidence").text


def test_a_note_that_names_an_episode_s_room_stays_private(home, client_of):
    bout = home.cry(length_s=400.0)
    bo = client_of(home, "caregiver")
    secret = note(home, text="between me and me") | {"room": "nursery"}
    secret["at"] = home.journal.episode(bout).onset.isoformat()
    send(bo, secret)
    assert "between me" in bo.get(f"/api/episodes/{bout}").text
    assert "between me" not in client_of(home, "owner").get(f"/api/episodes/{bout}").text


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ({"claim": "S99", "text": "x"}, "not known"),
        ({"claim": "S11"}, "write something"),
        ({"claim": "S11", "rating": "stars"}, "must be one of"),
        ({"claim": "S11", "text": "x" * 4001}, "longer than"),
        ({"text": "x"}, "claim is missing"),
    ],
)
def test_what_is_no_note_is_refused(home, client_of, data, why):
    ann = client_of(home, "owner")
    (refused,) = send(ann, home.event("claim_noted", room=None, data=data))["refused"]
    assert why in refused["why"]
    assert ann.get("/api/evidence/notes").json() == []


def test_a_viewer_writes_no_notes(home, client_of):
    gran = client_of(home, "viewer")
    assert gran.post("/api/events", json={"events": [note(home, text="x")]}).status_code == 403
    assert gran.get("/api/evidence/notes").status_code == 403


def test_the_page_holds_every_claim_with_its_limits_source_and_doubt(shipped, client_of):
    page = client_of(shipped, "owner").get("/evidence").text
    text = words(page)
    for one in questions():
        assert f'id="q-{one.key}"' in page
        assert one.asks in text
        assert one.about in text
    for one in claims():
        assert page.count(f'id="{one.id}"') == 1
        article = page.split(f'id="{one.id}" aria')[1].split("</article>")[0]
        told = words("<article " + article)
        # Sentences have curly quotes and dashes in ranges; a source stays as it is cited.
        for part in (one.claim, one.shows, one.cannot, one.population):
            assert typeset(" ".join(part.split())) in told, (one.id, part)
        assert " ".join(one.source.rstrip(".").split()) in told, one.id
        assert ("Not confirmed" in told) == (not one.confirmed), one.id
        assert (f"n = {one.n}" if one.n else "n not known") in told, one.id
    for one in FOUR_QUESTIONS:
        assert one.asks in text
        assert one.whose in text
    assert "Harken takes no side" in text


def test_a_viewer_reads_and_is_offered_no_notes(shipped, client_of):
    page = client_of(shipped, "viewer").get("/evidence").text
    assert 'id="S11"' in page
    assert "data-claim=" not in page


def test_what_is_read_before_a_plan_is_from_the_same_table(shipped, client_of):
    ann = client_of(shipped, "owner")
    text = words(ann.get("/evidence/waiting").text)
    for title, found in on_waiting():
        assert title in text
        for one in found:
            assert typeset(one.claim) in text
            assert typeset(one.limits) in text
    assert text.count("Not confirmed") == sum(
        not one.confirmed for _, found in on_waiting() for one in found
    )
    assert "/evidence/waiting" in ann.get("/settings").text


def test_a_note_is_text_on_the_page(shipped, client_of):
    ann = client_of(shipped, "owner")
    evil = "<img src=x onerror=alert(1)> \"' </script>"
    send(ann, note(shipped, text=evil))
    page = ann.get("/evidence").text
    assert "<img src=x" not in page
    assert (
        html.escape(evil, quote=True).replace("&#x27;", "&#39;").replace("&quot;", "&#34;") in page
    )


def test_now_carries_the_four_questions_for_when_they_are_wanted(shipped, client_of):
    ann = client_of(shipped, "owner")
    assert "How am I, and who takes the next one?" in ann.get("/").text
    assert ann.get("/api/household").json()["settings"]["four_questions"] is False
