"""What the Insight page says in sentences, from what was worked out."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from harken.insight.charts import PICTURES
from harken.insight.record import Record
from harken.journal import Child
from harken.web.insight import SPANS, Answer, Asked
from harken.web.words import count, day_words, days_words, number

ATTEMPTS: Mapping[str, str] = {
    "hold": "Holding", "carry": "Carrying", "feed": "Feeding", "rock": "Rocking",
    "swaddle": "Swaddling", "nappy": "A fresh nappy", "pat": "Patting", "voice": "A voice",
    "song": "A song", "medicine": "Medicine", "other": "Something else",
}  # fmt: skip
NEEDS: Mapping[str, str] = {
    "hunger": "Hungry", "nappy": "Nappy", "tired": "Tired", "wind": "Wind",
    "pain": "Pain or teeth", "temperature": "Too hot or cold", "ill": "Ill",
    "company": "Wants company",
}  # fmt: skip


def page_of(
    asked: Asked,
    answer: Answer | None,
    *,
    fresh: bool,
    children: list[Child],
) -> dict[str, Any]:
    """Give what the template of the page gets.

    Parameters
    ----------
    asked : Asked
    answer : Answer or None
        None: it is still being worked out.
    fresh : bool
        Whether it holds now.
    children : list of Child
        That may be chosen.

    Returns
    -------
    dict
    """
    chosen = next((one for one in children if one.id == asked.child), None)
    length = SPANS.get(asked.span)
    since = asked.day - timedelta(days=(length or 1) - 1)
    if length is None and answer is not None:
        since = answer.record.date_of(answer.record.since)
    about = {"child": asked.child or "", **({"corrected": "1"} if asked.corrected else {})}
    early = answer.record.early if answer else False
    context: dict[str, Any] = {
        "it": answer.summary if answer else None,
        "etag": answer.etag if answer else "",
        "fresh": fresh,
        "child": chosen,
        "children": children,
        "span": asked.span,
        "day": asked.day.isoformat(),
        "corrected": asked.corrected,
        "early": early,
        "days_words": days_words(since, asked.day),
        "earlier": _shifted(asked.day, -(length or 0), asked.today),
        "later": _shifted(asked.day, length or 0, asked.today),
        "keep": urlencode(about),
        "keep_child": urlencode({"child": asked.child or ""}),
        "query": urlencode({**about, "span": asked.span, "day": asked.day.isoformat()}),
        "attempts": ATTEMPTS,
        "needs": NEEDS,
        "pictures": frozenset(PICTURES),
    }
    if answer is None:
        return context
    local = _local(answer.record)
    return context | {
        "local": local,
        "as_of": _clock(answer),
        "leads": _leads(answer),
        "nothing": _nothing(answer, children),
        "not_heard": _not_heard(answer.record),
        "by_caregiver": answer.by_caregiver.groups if answer.by_caregiver else (),
    }


def _shifted(day: date, days: int, today: date) -> str | None:
    """Give the last day of the stretch before or after; None where there is none."""
    if not days:
        return None
    if days > 0 and day >= today:
        return None
    return min(day + timedelta(days=days), today).isoformat()


def _local(record: Record) -> Callable[[datetime], str]:
    def words(at: datetime) -> str:
        local = record.local(at)
        return f"{day_words(local)}, {local:%H:%M}"

    return words


def _clock(answer: Answer) -> str:
    return f"{answer.record.local(answer.at):%H:%M}"


def _leads(answer: Answer) -> dict[str, str]:
    it = answer.summary
    return {
        "swift": _swift(it.swift),
        "consistent": _consistent(it.consistent),
        "comprehensive": _comprehensive(it.comprehensive),
        "crying": _crying(it.crying),
        "helps": _helps(it.helps),
        "carrying": _carrying(it.carrying),
    }


def _swift(it: Any) -> str:
    if not it.n:
        return "No cry to count in this time."
    cries = count(it.n, "cry", "cries")
    if it.n == 1:
        if not it.answered:
            return "There was one cry, and it ended before anybody came."
        return f"There was one cry. It was answered within {number(it.median.value, 's')}."
    if it.median.value is None:
        return f"{it.answered} of {cries} were answered: too few to say how long half of them wait."
    return f"Of {cries}, half would be answered within {number(it.median.value, 's')}."


def _consistent(it: Any) -> str:
    if not it.n:
        return "No cry to count in this time."
    answered = round((it.answered.value or 0) * it.n)
    if it.n == 1:
        return f"The one cry was {'' if answered else 'not '}answered while it went on."
    return f"{answered} of {count(it.n, 'cry', 'cries')} were answered while they went on."


def _comprehensive(it: Any) -> str:
    if not it.n:
        return "No cry went on for two minutes or more after somebody had come."
    noted = round((it.any_check.value or 0) * it.n)
    looked = f"In {noted} of them something" if noted and it.n > 1 else "Something"
    return (
        f"{count(it.n, 'cry', 'cries')} went on although somebody was there. "
        f"{looked if noted else 'Nothing'} was noted as looked at."
    )


def _crying(it: Any) -> str:
    minutes, bouts = it.minutes_a_day, it.bouts_a_day
    if minutes.value is None or bouts.value is None:
        if it.heard_hours == 0:
            return "Not yet known: nothing was listened to in this time."
        return (
            f"Not yet known for a whole day: only {it.heard_hours} of its 24 hours are "
            "listened to often enough."
        )
    return (
        f"About {number(minutes.value, 'min')} of crying a day. "
        f"About {number(bouts.value)} bouts a day."
    )


def _helps(it: Any) -> str:
    if not it.trials:
        return (
            "Not yet known: nothing that was tried is written down. Tap what you try on Now, "
            f"and after {it.least} tries of one kind it appears here."
        )
    if not it.ranked:
        most = max(it.not_yet, key=lambda one: one.n)
        what = ATTEMPTS[most.attempt].lower()
        return f"Not yet known: {what} has {most.n} of {it.least} tries."
    first = it.ranked[0]
    what, share = ATTEMPTS[first.attempt], number((first.here or first.calmed).value, "share")
    lead = f"{what} was most often followed by calm so far, in {share} of the tries"
    lead += f" {it.where}" if it.where and first.here else ""
    if len(it.ranked) > 1 and first.best < 0.9:
        return f"{lead}. The intervals overlap: the order may well change."
    return f"{lead}."


def _carrying(it: Any) -> str:
    used = sum(one.used for one in it.days)
    known = it.correlation
    if known.value is None or known.low is None or known.high is None:
        return f"Not yet known: {used} of {it.least} days on which carrying was written down."
    if known.low > 0:
        found = "on days with more carrying there was more crying"
    elif known.high < 0:
        found = "on days with more carrying there was less crying"
    else:
        found = "no clear link, in either direction"
    return (
        f"Over {used} days: {found}. Babies who cry more are also carried more: days of one "
        "household can’t show what causes what."
    )


def _nothing(answer: Answer, children: list[Child]) -> str:
    if not children:
        return (
            "There is no child in this household yet. Add one in Settings, with the day of birth."
        )
    if answer.whole.counted or answer.whole.care:
        return ""
    return (
        "Everything here comes from cries that were heard and from what you tap and write down. "
        "The first numbers come with the first cry; most of them want a week."
    )


def _not_heard(record: Record) -> str:
    """Say how much of the days was not listened to."""
    over = [one for one in record.days() if one.since < record.now]
    if not over:
        return ""
    deaf = [one for one in over if one.heard_s <= 0]
    partly = [
        one
        for one in over
        if one.heard_s > 0 and sum(span.seconds for span in one.unheard) > _WORTH_SAYING_S
    ]
    if len(deaf) == len(over):
        return (
            "The room was not listened to in all of this time. "
            "That is not calm: nobody knows how it was."
        )
    if not deaf and not partly:
        return ""
    hours = number(sum(span.seconds for one in partly for span in one.unheard) / 3600, "h")
    if len(over) == 1:
        return f"The room was listened to only in part: {hours} missing. {_NOT_CALM}"
    said = "On "
    if deaf:
        said += f"{count(len(deaf), 'day', 'days')} of {len(over)} the room was not listened to"
        said += " at all" if not partly else " at all, and on "
    if partly:
        of = (
            f"{len(partly)} more" if deaf else f"{count(len(partly), 'day', 'days')} of {len(over)}"
        )
        only = "" if deaf else "the room was listened to "
        said += f"{of} {only}only in part: {hours} missing"
    return f"{said}. {_NOT_CALM}"


_WORTH_SAYING_S = 300.0

_NOT_CALM = (
    "Those hours are marked and never counted as calm; averages are of the time that was heard."
)
