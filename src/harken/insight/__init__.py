"""What it adds up to: measures, charts and reports, each number with its n and its interval."""

from harken.insight.around import Around, AroundPoint, around, around_series
from harken.insight.care_totals import CareDay, CareTotals, care_totals
from harken.insight.carrying import Carrying, CarryingDay, carrying
from harken.insight.changes import BeforeAfter, Night, Side, changes, difference
from harken.insight.comprehensive import Attempt, Comprehensive, Need, comprehensive, went_on
from harken.insight.consistent import (
    CaregiverShare,
    Consistent,
    HourShare,
    LongCry,
    NightShare,
    consistent,
)
from harken.insight.crying import Crying, CryingDay, CryingHour, CryingWeek, Threes, crying
from harken.insight.drawing import Drawn, Pen, png, svg
from harken.insight.estimate import Estimate, mean_by_day, share, share_by_day
from harken.insight.helps import Help, HelpPoint, Helps, helps
from harken.insight.picture import Picture
from harken.insight.reasons import UsualReason, UsualReasons, usual_reasons
from harken.insight.record import Change, Day, Record, Span, names_a_change
from harken.insight.report import report
from harken.insight.sheet import sheet
from harken.insight.steps import Step, Steps, steps
from harken.insight.summary import Summary, summary
from harken.insight.survival import Curve, cumulative_incidence, kaplan_meier
from harken.insight.swift import Sources, Swift, SwiftGroup, Wait, Within, swift, waits

__all__ = [
    "Around",
    "AroundPoint",
    "Attempt",
    "BeforeAfter",
    "CareDay",
    "CareTotals",
    "CaregiverShare",
    "Carrying",
    "CarryingDay",
    "Change",
    "Comprehensive",
    "Consistent",
    "Crying",
    "CryingDay",
    "CryingHour",
    "CryingWeek",
    "Curve",
    "Day",
    "Drawn",
    "Estimate",
    "Help",
    "HelpPoint",
    "Helps",
    "HourShare",
    "LongCry",
    "Need",
    "Night",
    "NightShare",
    "Pen",
    "Picture",
    "Record",
    "Side",
    "Sources",
    "Span",
    "Step",
    "Steps",
    "Summary",
    "Swift",
    "SwiftGroup",
    "Threes",
    "UsualReason",
    "UsualReasons",
    "Wait",
    "Within",
    "around",
    "around_series",
    "care_totals",
    "carrying",
    "changes",
    "comprehensive",
    "consistent",
    "crying",
    "cumulative_incidence",
    "difference",
    "helps",
    "kaplan_meier",
    "mean_by_day",
    "names_a_change",
    "png",
    "report",
    "share",
    "share_by_day",
    "sheet",
    "steps",
    "summary",
    "svg",
    "swift",
    "usual_reasons",
    "waits",
    "went_on",
]
