"""Baby Buddy: its care log is pulled, episodes are pushed as notes; either may be done again.

What is pulled keeps the id that it has there, so that nothing counts twice. A
note that is pushed ends in a line with the episode's id and a hash of its text:
by the one it is found again, by the other it is seen whether somebody changed
it there; then it is left alone.
"""

import hashlib
import math
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from harken.episodes import Episode
from harken.errors import HarkenError, ParameterError
from harken.exchange.incoming import Incoming, Writing, check_source, plan
from harken.journal import Caregiver, Child, Journal, Room

if TYPE_CHECKING:
    import httpx

SOURCE = "babybuddy"
TAG = "crying"
PAGE = 100
"""Items asked for at once; what Baby Buddy gives by itself."""

CLOCK_S = 60.0
"""A difference of the clocks above this is told."""

_PATIENCE_S = 20.0
_TRIES_S = (0.5, 2.0)
_FEW_OUNCES = 15.0
"""Bottles whose middle amount is below this are in ounces, not millilitres."""

_ML_IN_OUNCE = 29.5735
_SIDES = {"left breast": "left", "right breast": "right", "both breasts": "both"}
_MARK = re.compile(r"^Harken ([0-9a-f-]{36})/([0-9a-f]{12})$", re.MULTILINE)
_ENDPOINTS = ("feedings", "sleep", "changes", "temperature", "notes")
_NAMES = {
    "feedings": "feeding", "sleep": "sleep", "changes": "change", "temperature": "temperature",
    "notes": "note",
}  # fmt: skip
_LONGEST_TEXT = 4000


class BabyBuddy:
    """A Baby Buddy that can be asked.

    Parameters
    ----------
    url : str
        Of its pages or of its API: ``https://baby.example`` or ``…/api/``.
    token : str
        Key of a user, from its settings page. Kept out of messages and logs.
    now : callable
        The time of day, with a zone.
    pause : callable
        Waits some seconds between tries.

    Raises
    ------
    ParameterError
        If the address or the token cannot be one.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        # Only here: the hub has this room loaded and asks nobody.
        import httpx

        try:
            parts = urlsplit(url)
            host, _ = parts.hostname, parts.port
        except ValueError:
            host, parts = None, urlsplit("")
        if parts.scheme not in ("http", "https") or not host:
            raise ParameterError(
                "the address of Baby Buddy must be like https://baby.example or "
                "http://192.168.1.20:8000"
            )
        if parts.username or parts.password:
            raise ParameterError(
                "the address of Baby Buddy may not hold a name or password; it takes the token"
            )
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise ParameterError(
                "the token of Baby Buddy must be the key from its settings page, without spaces"
            )
        path = parts.path.rstrip("/")
        path = path if path.endswith("/api") else f"{path}/api"
        self.address = f"{parts.scheme}://{parts.netloc}"
        self._client = httpx.Client(
            base_url=f"{self.address}{path}/",
            headers={"Authorization": f"Token {token}", "Accept": "application/json"},
            timeout=_PATIENCE_S,
            # A redirect could lead the token elsewhere.
            follow_redirects=False,
        )
        self._now, self._pause = now, pause
        self.ahead_s: float | None = None
        """By how much its clock is ahead of ours, as far as its answers say."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"BabyBuddy({self.address!r})"

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def everything(self, endpoint: str, **filters: str) -> tuple[list[dict[str, Any]], bool]:
        """Give all items of a list.

        Parameters
        ----------
        endpoint : str
            ``"feedings"`` and so on.
        **filters : str
            As its API has them.

        Returns
        -------
        (list of dict, bool)
            The items, once each, and whether the list stayed the same while it was
            read; where it did not, some may not be among them.

        Raises
        ------
        HarkenError
            If it does not answer, or answers what cannot be read.
        """
        found: dict[Any, dict[str, Any]] = {}
        counts: set[int] = set()
        offset = 0
        while True:
            asked = {**filters, "limit": str(PAGE), "offset": str(offset)}
            # Its own address of the next page may name another host or scheme.
            page = self._ask("GET", f"{endpoint}/", params=asked)
            results = page.get("results") if isinstance(page, dict) else None
            count = page.get("count") if isinstance(page, dict) else None
            if not isinstance(results, list) or not isinstance(count, int):
                raise HarkenError(self._strange(f"{endpoint}/"))
            for item in results:
                if not isinstance(item, dict) or not isinstance(item.get("id"), int):
                    raise HarkenError(self._strange(f"{endpoint}/"))
                found.setdefault(item["id"], item)
            counts.add(count)
            offset += len(results)
            if not results or offset >= count:
                return list(found.values()), counts == {len(found)}

    def add_note(self, values: Mapping[str, Any]) -> None:
        """Add a note.

        Raises
        ------
        ItemError
            If a field is wrong.
        HarkenError
            If it does not answer.
        """
        self._ask("POST", "notes/", json=dict(values))

    def change_note(self, note: int, values: Mapping[str, Any]) -> None:
        """Change some of a note; raises as `add_note`."""
        self._ask("PATCH", f"notes/{note}/", json=dict(values))

    def now(self) -> datetime:
        """Give the time by its clock, as far as it is known."""
        return self._now() + timedelta(seconds=self.ahead_s or 0.0)

    def _ask(self, method: str, path: str, **how: Any) -> Any:
        import httpx

        # Something that is sent twice would be there twice, so only questions are repeated.
        waits = (*_TRIES_S, None) if method == "GET" else (None,)
        for wait_s in waits:
            begun = self._now()
            try:
                answer = self._client.request(method, path, **how)
            except httpx.HTTPError as error:
                if wait_s is None:
                    raise HarkenError(self._silent(error)) from None
                self._pause(wait_s)
                continue
            if answer.status_code in (502, 503, 504) and wait_s is not None:
                self._pause(wait_s)
                continue
            self._compare_clocks(answer, begun)
            return self._read(answer, path)
        raise AssertionError("unreachable")

    def _read(self, answer: "httpx.Response", path: str) -> Any:
        status = answer.status_code
        if status in (401, 403):
            raise HarkenError(
                f"{self.address} does not take the token (status {status}); copy the key from "
                "Baby Buddy's settings page, and see that its user may add notes"
            )
        if 300 <= status < 400:
            raise HarkenError(
                f"{self.address} sends elsewhere (status {status}); give the address that it "
                "has in the browser, with https where it has that"
            )
        try:
            body = answer.json()
        except ValueError:
            body = None
        if status == 400:
            raise ItemError(_complaint(body))
        if status == 404:
            raise HarkenError(f"{self.address} has no {path} (status 404); is it Baby Buddy?")
        if status >= 400:
            raise HarkenError(f"{self.address} failed at {path} (status {status}); try again later")
        if body is None:
            raise HarkenError(self._strange(path))
        return body

    def _compare_clocks(self, answer: "httpx.Response", begun: datetime) -> None:
        try:
            told = parsedate_to_datetime(answer.headers["date"])
        except (KeyError, ValueError, TypeError):
            return
        if told.tzinfo is not None:
            # Its header has whole seconds: on average half a second has passed.
            middle = begun + (self._now() - begun) / 2
            self.ahead_s = (told - middle).total_seconds() + 0.5

    def _silent(self, error: "httpx.HTTPError") -> str:
        import httpx

        if isinstance(error, httpx.TimeoutException):
            return f"{self.address} does not answer within {_PATIENCE_S:g} s; try again"
        said = str(error)
        if "CERTIFICATE" in said.upper():
            return (
                f"the certificate of {self.address} is not trusted here; add its authority to "
                "this machine (SSL_CERT_FILE names a file of them)"
            )
        return f"{self.address} cannot be reached ({type(error).__name__}); is Baby Buddy running?"

    def _strange(self, path: str) -> str:
        return f"{self.address} answers {path} with something else; is it Baby Buddy's address?"


class ItemError(HarkenError):
    """Baby Buddy did not take an item; the message is its complaint, on one line."""


def _complaint(body: Any) -> str:
    """Put its field errors on one line.

    Examples
    --------
    >>> _complaint({"time": ["Date/time can not be in the future."]})
    'time: Date/time can not be in the future.'
    """
    if isinstance(body, Mapping):
        parts = []
        for name, said in body.items():
            text = " ".join(map(str, said)) if isinstance(said, list) else str(said)
            parts.append(text if name in ("non_field_errors", "detail") else f"{name}: {text}")
        text = "; ".join(parts)
    else:
        text = "no reason given"
    return " ".join(text.split())[:300]


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a pull found.

    Parameters
    ----------
    writing : Writing
        Entries of the care log that are to be written.
    children : mapping of int to str
        Children there to children here.
    begun : tuple of Child
        Children that are new here.
    counts : mapping of str to int
        Items that were read, by endpoint.
    says : tuple of str
        What could not be held or was read in a way that a person should know, a
        line each.
    changing : bool
        Whether the lists changed while they were read: pull again.
    """

    writing: Writing
    children: Mapping[int, str]
    begun: tuple[Child, ...]
    counts: Mapping[str, int]
    says: tuple[str, ...]
    changing: bool = False


def pull(
    journal: Journal,
    buddy: BabyBuddy,
    *,
    name: str = SOURCE,
    since: datetime | None = None,
    ounces: bool = False,
    children: Mapping[int, str] | None = None,
    dry_run: bool = False,
    now: datetime | None = None,
) -> Pulled:
    """Bring children, feedings, sleep, changes, temperature and notes into the journal.

    May be broken off and done again: what is there is passed over.

    Parameters
    ----------
    journal : Journal
    buddy : BabyBuddy
    name : str
        What this Baby Buddy is called here; a second one needs another name.
    since : datetime, optional
        Only what began at or after.
    ounces : bool
        Whether its amounts are ounces; it keeps no unit itself.
    children : mapping of int to str, optional
        Ids of children there to ids here, before what is guessed.
    dry_run : bool
        Whether to look only.
    now : datetime, optional

    Returns
    -------
    Pulled

    Raises
    ------
    ParameterError
        If a child cannot be told.
    HarkenError
        If Baby Buddy or the journal does not answer; what was written stays.
    """
    check_source(name)
    now = now or datetime.now(UTC)
    zone = str(journal.household.get_setting("zone", "UTC"))
    theirs, steady = buddy.everything("children")
    remembered = _remembered(journal, name)
    ids, begun = _match(journal, theirs, remembered, children or {})
    says: list[str] = list(_clock(buddy))
    if not dry_run:
        for child in begun:
            journal.household.add(child)
        _remember(journal, name, theirs, ids)
    items: dict[str, list[dict[str, Any]]] = {}
    for endpoint in _ENDPOINTS:
        start = "start_min" if endpoint in ("feedings", "sleep") else "date_min"
        order = "start" if endpoint in ("feedings", "sleep") else "time"
        filters = {"ordering": order}
        if since is not None:
            filters[start] = since.isoformat()
        items[endpoint], still = buddy.everything(endpoint, **filters)
        steady = steady and still
    if not ounces:
        says += _perhaps_ounces(items["feedings"])
    incoming: list[Incoming] = []
    for endpoint, some in items.items():
        for item in some:
            where = f"{_NAMES[endpoint]} {item['id']}"
            try:
                entry = _entry(endpoint, item, ids, ounces=ounces)
            except ParameterError as error:
                says.append(f"{where} was left there: {error}")
                continue
            if entry is not None:
                incoming.append(entry)
    writing = plan(
        journal,
        name,
        incoming,
        zone=zone,
        now=now,
        covers=(since, None) if steady else None,
        children=sorted(set(ids.values())),
    )
    if not dry_run:
        journal.append(writing.events)
    counts = {endpoint: len(some) for endpoint, some in items.items()}
    return Pulled(writing, ids, tuple(begun), counts, tuple(says), changing=not steady)


def _clock(buddy: BabyBuddy) -> Iterable[str]:
    if buddy.ahead_s is not None and abs(buddy.ahead_s) > CLOCK_S:
        which = "ahead of" if buddy.ahead_s > 0 else "behind"
        yield (
            f"Baby Buddy's clock is {abs(buddy.ahead_s):.0f} s {which} this machine's: set one "
            "of them right"
        )


def _remembered(journal: Journal, name: str) -> dict[str, Any]:
    found = journal.household.get_setting(f"exchange.{name}", {})
    return dict(found) if isinstance(found, Mapping) else {}


def _remember(
    journal: Journal, name: str, theirs: Sequence[Mapping[str, Any]], ids: Mapping[int, str]
) -> None:
    known = _remembered(journal, name)
    known["children"] = {
        str(one["id"]): {"child": ids[one["id"]], "born": one.get("birth_date")} for one in theirs
    }
    journal.household.set_setting(f"exchange.{name}", known)


def _match(
    journal: Journal,
    theirs: Sequence[Mapping[str, Any]],
    remembered: Mapping[str, Any],
    told: Mapping[int, str],
) -> tuple[dict[int, str], list[Child]]:
    """Say which child here each child there is, and which are new."""
    ours = list(journal.household.list(Child))
    known = {one.id for one in ours}
    past = remembered.get("children")
    past = past if isinstance(past, Mapping) else {}
    unknown = sorted(told.keys() - {one["id"] for one in theirs})
    if unknown:
        raise ParameterError(
            f"Baby Buddy has no child {unknown[0]}; it has "
            + ", ".join(f"{one['id']} ({_name(one)})" for one in theirs)
        )
    ids: dict[int, str] = {}
    begun: list[Child] = []
    for one in theirs:
        number, born = one["id"], _day(one.get("birth_date"))
        if number in told:
            if told[number] not in known:
                raise ParameterError(
                    f"there is no child {told[number]!r} here; there are "
                    + (", ".join(sorted(known)) or "none")
                )
            ids[number] = told[number]
            continue
        before = past.get(str(number))
        if isinstance(before, Mapping) and before.get("child") in known:
            if before.get("born") not in (None, one.get("birth_date")):
                raise ParameterError(
                    f"child {number} was born on {before['born']} when it was last pulled and on "
                    f"{one.get('birth_date')} now; if this is another Baby Buddy, give it a name "
                    f"of its own with --name, else say --child {number}=ID"
                )
            ids[number] = str(before["child"])
            continue
        first, whole = _first(one).casefold(), _name(one).casefold()
        alike = [
            each
            for each in ours
            if each.id not in ids.values()
            and each.name.casefold() in (first, whole)
            and (each.born is None or born is None or each.born == born)
        ]
        if len(alike) == 1:
            ids[number] = alike[0].id
            continue
        twins = [each.name for each in ours if born is not None and each.born == born]
        if len(alike) > 1 or twins:
            named = ", ".join(sorted({each.id for each in ours}))
            raise ParameterError(
                f"cannot tell who {_name(one)!r} of Baby Buddy is here; say --child {number}=ID "
                f"(ids here: {named})"
            )
        # The same id on any try, so that a pull that broke off begins no second child.
        id = hashlib.sha256(f"{number} {whole} {born}".encode()).hexdigest()[:12]
        if id not in known:
            begun.append(Child(id=id, name=_first(one) or _name(one) or "Baby", born=born))
        ids[number] = id
    return ids, begun


def _first(child: Mapping[str, Any]) -> str:
    return str(child.get("first_name") or "").strip()


def _name(child: Mapping[str, Any]) -> str:
    return f"{_first(child)} {str(child.get('last_name') or '').strip()}".strip()


def _day(text: Any) -> date | None:
    try:
        return date.fromisoformat(text)
    except (TypeError, ValueError):
        return None


def _time(item: Mapping[str, Any], field: str) -> datetime:
    try:
        at = datetime.fromisoformat(item[field])
    except (KeyError, TypeError, ValueError):
        raise ParameterError(f"its {field} cannot be read") from None
    if at.tzinfo is None:
        raise ParameterError(f"its {field} has no zone")
    return at.astimezone(UTC)


def _number(item: Mapping[str, Any], field: str) -> float | None:
    value = item.get(field)
    if value is None or value == "":
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise ParameterError(f"its {field} is no number")
    return number


def _entry(
    endpoint: str, item: Mapping[str, Any], ids: Mapping[int, str], *, ounces: bool
) -> Incoming | None:
    """Make an entry of an item; None where it is a note of ours."""
    child: Any = item.get("child")
    if child not in ids:
        raise ParameterError(f"its child {child} is not among the children")
    says: list[str] = []
    data: dict[str, Any] = {}
    note = item.get("note") if endpoint == "notes" else item.get("notes")
    text = str(note).strip() if isinstance(note, str) else ""
    if endpoint in ("feedings", "sleep"):
        at, until = _time(item, "start"), _time(item, "end")
        if until < at:
            raise ParameterError("it ends before it begins")
        data["until"] = until.isoformat()
    else:
        at = _time(item, "time")
    if endpoint == "feedings":
        what = "feed"
        data |= _feeding(item, says, ounces=ounces)
    elif endpoint == "sleep":
        what = "sleep"
    elif endpoint == "changes":
        what = "nappy"
        data |= {"wet": bool(item.get("wet")), "solid": bool(item.get("solid"))}
        if item.get("color"):
            says.append(str(item["color"]))
        if (amount := _number(item, "amount")) is not None:
            says.append(f"amount {amount:g}")
    elif endpoint == "temperature":
        what = "temperature"
        data["celsius"] = _celsius(_number(item, "temperature"))
    else:
        what = "note"
        if _MARK.search(text):
            return None
        if item.get("image"):
            says.append("there is a picture in Baby Buddy")
    tags = item.get("tags")
    if isinstance(tags, list) and tags:
        says.append("tags: " + ", ".join(map(str, tags)))
    whole = " · ".join(filter(None, [text, *says]))
    if len(whole) > _LONGEST_TEXT:
        raise ParameterError(f"its text is longer than {_LONGEST_TEXT} characters")
    if whole or what == "note":
        data["text"] = whole or "(empty)"
    return Incoming(
        f"{endpoint}/{item['id']}", what, at, ids[child], data, f"{_NAMES[endpoint]} {item['id']}"
    )


def _feeding(item: Mapping[str, Any], says: list[str], *, ounces: bool) -> dict[str, Any]:
    data: dict[str, Any] = {}
    kind, method = str(item.get("type") or ""), str(item.get("method") or "")
    amount = _number(item, "amount")
    if method in _SIDES:
        data["side"] = _SIDES[method]
    if kind and (kind != "breast milk" or method not in _SIDES):
        data["food"] = kind
    if method not in _SIDES and method not in ("", "bottle"):
        says.append(method)
    if amount is not None and kind == "solid food":
        says.append(f"amount {amount:g}")
    elif amount is not None:
        data["ml"] = round(amount * _ML_IN_OUNCE, 1) if ounces else amount
    return data


def _celsius(value: float | None) -> float:
    if value is not None and 30 <= value <= 45:
        return value
    if value is not None and 86 <= value <= 113:
        return round((value - 32) / 1.8, 2)
    raise ParameterError("its temperature is neither °C (30 to 45) nor °F (86 to 113)")


def _perhaps_ounces(feedings: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    amounts = sorted(
        float(one["amount"])
        for one in feedings
        if one.get("method") == "bottle"
        and isinstance(one.get("amount"), int | float)
        and one["amount"] > 0
    )
    if amounts and amounts[len(amounts) // 2] < _FEW_OUNCES:
        yield (
            f"bottles of about {amounts[len(amounts) // 2]:g} were taken for ml; if they are "
            "ounces, pull again with --ounces and they are corrected"
        )


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a push did, or would do.

    Parameters
    ----------
    added, changed, known : tuple of str
        Ids of episodes whose note is new, brought up to date, or right already.
    left : tuple of str
        Ids of those whose note somebody changed or deleted in Baby Buddy; they
        were left alone.
    says : tuple of str
        What a person should know, a line each.
    """

    _: KW_ONLY
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    says: tuple[str, ...] = field(default=())


def push(
    journal: Journal,
    buddy: BabyBuddy,
    *,
    name: str = SOURCE,
    since: datetime | None = None,
    children: Mapping[int, str] | None = None,
    again: bool = False,
    dry_run: bool = False,
    now: datetime | None = None,
) -> Pushed:
    """Write each episode that is over as a note with the tag ``crying``.

    Drills and false alarms are left out. May be broken off and done again: each
    note says of which episode it is.

    Parameters
    ----------
    journal : Journal
    buddy : BabyBuddy
    name : str
        As for `pull`.
    since : datetime, optional
        Only episodes whose onset is at or after.
    children : mapping of int to str, optional
        As for `pull`.
    again : bool
        Whether notes that were deleted in Baby Buddy are to be written anew.
    dry_run : bool
        Whether to look only.
    now : datetime, optional

    Returns
    -------
    Pushed

    Raises
    ------
    ParameterError
        If a child cannot be told.
    HarkenError
        If Baby Buddy does not answer; what was sent stays, and the next push goes on.
    """
    check_source(name)
    now = now or datetime.now(UTC)
    zone = ZoneInfo(str(journal.household.get_setting("zone", "UTC")))
    theirs, _ = buddy.everything("children")
    remembered = _remembered(journal, name)
    ids, begun = _match(journal, theirs, remembered, children or {})
    fresh = {one.id for one in begun}
    numbers = {child: number for number, child in ids.items() if child not in fresh}
    every = journal.episodes(since=since, now=now)
    episodes = [one for one in every if not one.open and not one.drill]
    says: list[str] = list(_clock(buddy))
    if not episodes:
        return Pushed(says=tuple(says))
    # By time and not by tag: a tag is soon taken off, and the note would be written twice.
    day = timedelta(days=1)
    notes, _ = buddy.everything(
        "notes",
        ordering="time",
        date_min=(episodes[0].onset - day).isoformat(),
        date_max=(episodes[-1].onset + day).isoformat(),
    )
    there: dict[str, tuple[int, str, list[str]]] = {}
    for note in notes:
        text = note["note"] if isinstance(note.get("note"), str) else ""
        mark = _MARK.search(text)
        if mark:
            tags = [str(one) for one in note.get("tags") or ()]
            there.setdefault(mark[1], (note["id"], text, tags))
    people = {one.id: one.name for one in journal.household.list(Caregiver)}
    of_room = _only_children(journal)
    sent_from, sent_until = (_moment(remembered.get(f"pushed_{end}")) for end in ("from", "until"))
    retry = {one for one in remembered.get("not_pushed", ()) if isinstance(one, str)}
    done: dict[str, list[str]] = {key: [] for key in ("added", "changed", "known", "left")}
    failed: dict[str, str] = {}
    latest, whole = sent_until, False
    try:
        for one in episodes:
            child = one.child or of_room.get(one.room or "")
            number = numbers.get(child or "")
            found = there.get(one.id)
            if one.false_alarm and found is None:
                continue
            if number is None:
                failed[one.id] = "its child is not known in Baby Buddy; say --child NUMBER=ID"
                continue
            if one.onset > buddy.now():
                failed[one.id] = (
                    "by Baby Buddy's clock it is still to come; set the clock right and push again"
                )
                continue
            text = note_text(one, zone=zone, people=people)
            values = {"child": number, "time": one.onset.isoformat(), "note": text, "tags": [TAG]}
            try:
                if found is None:
                    before = sent_until is not None and one.onset <= sent_until
                    before = before and (sent_from is None or sent_from <= one.onset)
                    if before and not again and one.id not in retry:
                        done["left"].append(one.id)
                        continue
                    if not dry_run:
                        buddy.add_note(values)
                    done["added"].append(one.id)
                elif found[1].replace("\r\n", "\n").strip() == text:
                    done["known"].append(one.id)
                elif not _untouched(found[1]):
                    done["left"].append(one.id)
                else:
                    if not dry_run:
                        # Tags that somebody added stay.
                        tags = list(dict.fromkeys([*found[2], TAG]))
                        buddy.change_note(found[0], {**values, "tags": tags})
                    done["changed"].append(one.id)
            except ItemError as error:
                failed[one.id] = str(error)
                continue
            latest = one.onset if latest is None else max(latest, one.onset)
        whole = True
    finally:
        if not dry_run:
            # Also where the line was cut: what was sent is not taken for deleted, nor sent twice.
            known = _remembered(journal, name)
            settled = {one for group in done.values() for one in group}
            known["not_pushed"] = sorted((retry - settled) | failed.keys())
            if latest is not None:
                known["pushed_until"] = latest.isoformat()
            # Reaching further back counts once it was done to the end.
            if sent_until is None or (whole and sent_from is not None):
                first = since if sent_until is None else _earlier(since, sent_from)
                known["pushed_from"] = None if first is None else first.isoformat()
            journal.household.set_setting(f"exchange.{name}", known)
    clock = {one.id: _clock_of(one.onset, zone) for one in episodes}
    says += [f"the cry of {clock[id]} was not pushed: {why}" for id, why in failed.items()]
    return Pushed(
        **{key: tuple(value) for key, value in done.items()},
        failed=tuple(failed),
        says=tuple(says),
    )


def note_text(episode: Episode, *, zone: ZoneInfo, people: Mapping[str, str]) -> str:
    """Put an episode into words for a note, with the line by which it is found again.

    Parameters
    ----------
    episode : Episode
        One that is over.
    zone : ZoneInfo
        Of the clock times in it.
    people : mapping of str to str
        Ids of caregivers to their names.

    Returns
    -------
    str
    """
    if episode.false_alarm:
        words = "It was no cry: somebody said so later."
    else:
        parts = [f"Cried {_length(episode.crying_s)}."]
        first = episode.first_response
        if first is not None and episode.latency_s is not None:
            who = people.get(first.caregiver or "", "somebody")
            how = " (a voice was heard)" if first.inferred else ""
            parts.append(f"{who} came after {_length(episode.latency_s)}{how}.")
            parts[-1] = parts[-1][0].upper() + parts[-1][1:]
        else:
            parts.append("Nobody came before it ended.")
        tried = dict.fromkeys(one.attempt.replace("_", " ") for one in episode.soothing)
        if tried:
            parts.append(f"Tried: {', '.join(tried)}.")
        parts.append(_ENDS.get(episode.outcome.value, "") or episode.outcome.value)
        if episode.calm_at is not None:
            parts.append(f"Calm at {episode.calm_at.astimezone(zone):%H:%M}.")
        if episode.reason:
            parts.append(f"It turned out to be: {' '.join(episode.reason.split())}.")
        words = " ".join(parts)
    return f"{words}\nHarken {episode.id}/{_hash(words)}"


_ENDS = {
    "soothed": "Soothed.",
    "settled_alone": "Settled alone.",
    "stopped_unanswered": "Stopped unanswered.",
    "still_crying": "Still crying.",
}


def _untouched(text: str) -> bool:
    """Whether a note is as it was pushed."""
    text = text.replace("\r\n", "\n").strip()
    mark = _MARK.search(text)
    return (
        mark is not None
        and text == f"{text[: mark.start()].strip()}\n{mark[0]}"
        and (_hash(text[: mark.start()].strip()) == mark[2])
    )


def _hash(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()[:12]


def _length(seconds: float) -> str:
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    if not minutes:
        return f"{rest} s"
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def _clock_of(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"


def _only_children(journal: Journal) -> dict[str, str]:
    children = journal.household.list(Child)
    found = {}
    for room in journal.household.list(Room):
        here = [one.id for one in children if one.room == room.id]
        if len(here) == 1:
            found[room.id] = here[0]
    return found


def _earlier(since: datetime | None, other: datetime | None) -> datetime | None:
    """Give the earlier of two; None is the beginning."""
    return None if since is None or other is None else min(since, other)


def _moment(text: Any) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return at.astimezone(UTC) if at.tzinfo is not None else None
