"""Pictures to SVG and PNG, by a process that ends when nobody wants one.

What draws (Altair and vl-convert, a whole JavaScript engine) takes more than
100 MB. It runs in a worker process at low priority, so that the hub stays small
and what listens to a room is not held up; a minute after the last picture the
worker ends.

An SVG for pages has ``var(--ink)`` and the like in place of colours, so that one
drawing serves day, dark and night. It has no styles, no scripts and no classes.
"""

import base64
import contextlib
import json
import os
import pickle
import re
import signal
import subprocess
import sys
import textwrap
import threading
import weakref
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from types import MappingProxyType, TracebackType
from typing import IO, TYPE_CHECKING, Any, Literal, Self, cast

from harken.errors import HarkenError, ParameterError

if TYPE_CHECKING:
    from harken.insight.picture import Picture

Theme = Literal["page", "print", "day", "dark", "night"]

INK = {
    "ink": "#2a211b",
    "soft": "#63564a",
    "line": "#8d7d6b",
    "hair": "#e0d4c0",
    "card": "#fffaf0",
    "accent": "#9c3a1a",
    "sleep": "#5b6a8c",
    "feed": "#a8792c",
    "care": "#5f7a54",
}
"""Colours by role, by day. Charts name only these; each theme has its own for every role."""

HATCH = "#d6cab5"
"""What is drawn hatched; in a notebook, where nothing is hatched, a pale plain tone."""

THEMES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "page": {role: f"var(--{role})" for role in INK},
        "day": INK,
        "print": {
            **INK, "ink": "#1a1512", "soft": "#4d443c", "line": "#7d7064", "hair": "#d9d2c8",
            "card": "#fff",
        },
        "dark": {
            "ink": "#f0e5d5", "soft": "#b9aa96", "line": "#8a7864", "hair": "#3a3026",
            "card": "#221b15", "accent": "#eb9468", "sleep": "#8fa1cc", "feed": "#d9ab5c",
            "care": "#98b78a",
        },
        "night": {
            "ink": "#ea5d4a", "soft": "#d24a39", "line": "#8a2a1e", "hair": "#360d08",
            "card": "#0a0100", "accent": "#ea5d4a", "sleep": "#7a2419", "feed": "#b84132",
            "care": "#96301f",
        },
    }
)  # fmt: skip
"""Colours by role for each theme: `page` takes what the page's style sheet says."""

_LEAST, _MOST = 240, 2400
_NEEDS = "pictures and reports need more packages: pip install 'harken[report]'"
_NO_PANGO = (
    "PDF needs Pango, a library of the system: install it (Debian: 'sudo apt install "
    "libpangoft2-1.0-0'), or write .html and print that from a browser"
)
_FONT = "DejaVu Sans, Verdana, Noto Sans, Liberation Sans, Arial, sans-serif"
_SVG = "http://www.w3.org/2000/svg"
_KEPT = frozenset(
    {
        "d", "x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "rx", "ry", "width", "height",
        "viewBox", "points", "transform", "fill", "fill-opacity", "stroke", "stroke-opacity",
        "stroke-width", "stroke-dasharray", "stroke-dashoffset", "stroke-linecap",
        "stroke-linejoin", "stroke-miterlimit", "opacity", "text-anchor", "font-family",
        "font-size", "font-weight", "font-style", "dy", "dx", "clip-path", "id",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture as it was drawn.

    Parameters
    ----------
    name : str
        Of the picture, as in `harken.insight.charts.PICTURES`.
    title : str
        What it shows, in a sentence.
    alt : str
        What a person is told who does not see it.
    note : str
        What must be known to read it rightly; may be empty.
    svg : str
        Empty where there is nothing to draw yet; the title then says so.
    """

    name: str
    title: str
    alt: str
    note: str
    svg: str

    @property
    def address(self) -> str:
        """The SVG as a ``data:`` address, for an ``img`` of a page that stands alone."""
        return "data:image/svg+xml;base64," + base64.b64encode(self.svg.encode()).decode()


class Pen:
    """Draws in a worker process, which starts with the first picture and ends when idle.

    It may be used from any number of threads; they take turns.

    Parameters
    ----------
    idle_s : float, above 0 [s]
        How long after the last picture the worker ends.
    patience_s : float, above 0 [s]
        How long one request may take before it is given up.

    Raises
    ------
    ParameterError
        If a time is not above 0.

    Examples
    --------
    >>> with Pen(idle_s=5) as pen:
    ...     pen.running
    False
    """

    def __init__(self, *, idle_s: float = 60.0, patience_s: float = 60.0) -> None:
        for name, value in (("idle_s", idle_s), ("patience_s", patience_s)):
            if not value > 0:
                raise ParameterError(f"{name}={value!r} must be seconds above 0")
        self._idle_s = idle_s
        self._patience_s = patience_s
        self._turn = threading.Lock()
        self._worker: subprocess.Popen[bytes] | None = None
        self._end: Any = weakref.finalize(self, int)
        self._rest: threading.Timer | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def running(self) -> bool:
        """Whether the worker runs at the moment."""
        worker = self._worker
        return worker is not None and worker.poll() is None

    def close(self) -> None:
        """End the worker; the next picture starts it again."""
        with self._turn:
            self._stop()

    def draw(
        self,
        name: str,
        *measures: Any,
        width: int = 680,
        theme: Theme = "page",
        titled: bool = False,
    ) -> Drawn:
        """Make a picture from measures and draw it.

        Parameters
        ----------
        name : str
            One of `harken.insight.charts.PICTURES`.
        *measures
            What that picture takes.
        width : int, 240 to 2400 [px]
        theme : {'page', 'print', 'day', 'dark', 'night'}
        titled : bool
            Whether the title is drawn too; pages write it themselves.

        Returns
        -------
        Drawn

        Raises
        ------
        ParameterError
            If the name, width or theme is unknown.
        HarkenError
            If packages are missing, or drawing failed.
        """
        return self.draw_all([(name, measures)], width=width, theme=theme, titled=titled)[0]

    def draw_all(
        self,
        wanted: Iterable[tuple[str, Sequence[Any]]],
        *,
        width: int = 680,
        theme: Theme = "page",
        titled: bool = False,
    ) -> list[Drawn]:
        """Make pictures and draw them, in one go.

        Parameters
        ----------
        wanted : iterable of (name, measures)
        width, theme, titled
            As in `draw`.

        Returns
        -------
        list of Drawn
            In the order in which they were wanted.

        Raises
        ------
        ParameterError, HarkenError
            As in `draw`.
        """
        from harken.insight.charts import PICTURES

        some = [(name, tuple(measures)) for name, measures in wanted]
        unknown = [name for name, _ in some if name not in PICTURES]
        if unknown:
            raise ParameterError(
                f"picture {unknown[0]!r} is not known; there are {', '.join(sorted(PICTURES))}"
            )
        _check(width, theme)
        return cast(list[Drawn], self._ask(("pictures", some, width, theme, titled)))

    def draw_spec(
        self, spec: str, name: str, alt: str, *, width: int, theme: Theme, titled: bool
    ) -> str:
        """Draw a chart that was made elsewhere.

        Parameters
        ----------
        spec : str
            Vega-Lite, as JSON.
        name, alt : str
            Of its picture.
        width, theme, titled
            As in `draw`.

        Returns
        -------
        str
            SVG.
        """
        _check(width, theme)
        return cast(str, self._ask(("spec", spec, name, alt, width, theme, titled)))

    def to_png(self, text: str, *, scale: float) -> bytes:
        """Turn an SVG with plain colours into PNG.

        Returns
        -------
        bytes
        """
        return cast(bytes, self._ask(("png", text, scale)))

    def to_pdf(self, page: str) -> bytes:
        """Print a page that stands alone as PDF.

        Parameters
        ----------
        page : str
            HTML; what it names elsewhere is not fetched.

        Returns
        -------
        bytes

        Raises
        ------
        HarkenError
            If WeasyPrint or Pango is missing, or printing failed.
        """
        return cast(bytes, self._ask(("pdf", page)))

    def _ask(self, request: tuple[Any, ...]) -> Any:
        needed = ("weasyprint",) if request[0] == "pdf" else ("altair", "vl_convert")
        if not all(find_spec(one) for one in needed):
            raise HarkenError(_NEEDS)
        packed = pickle.dumps(request)
        with self._turn:
            if self._rest is not None:
                self._rest.cancel()
            try:
                answer = self._exchange(packed)
            except (OSError, EOFError, pickle.UnpicklingError):
                self._stop()
                raise HarkenError(
                    "a picture could not be drawn: the worker ended; try again, and see that the "
                    "machine has 200 MB of memory to spare"
                ) from None
            except BaseException:
                # An answer may be half read: whoever comes next must not get the other half.
                self._stop()
                raise
            self._rest = threading.Timer(self._idle_s, _close, (weakref.ref(self),))
            self._rest.daemon = True
            self._rest.start()
        if isinstance(answer, HarkenError):
            raise answer
        return answer

    def _exchange(self, packed: bytes) -> Any:
        fresh = not self.running
        if fresh:
            self._stop()
            self._start()
        try:
            return self._send(packed)
        except (BrokenPipeError, EOFError):
            if fresh:
                raise
        # It had ended since the last picture: once more with a new one.
        self._stop()
        self._start()
        return self._send(packed)

    def _send(self, packed: bytes) -> Any:
        worker = self._worker
        assert worker is not None
        assert worker.stdin is not None
        assert worker.stdout is not None
        late = threading.Timer(self._patience_s, worker.kill)
        late.daemon = True
        late.start()
        try:
            worker.stdin.write(packed)
            worker.stdin.flush()
            return pickle.load(worker.stdout)
        finally:
            late.cancel()

    def _start(self) -> None:
        # By name rather than with -m, so that the module is in the worker once and not twice.
        self._worker = subprocess.Popen(
            [sys.executable, "-P", "-c", "from harken.insight.drawing import work; work()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._end = weakref.finalize(self, _finish, self._worker)

    def _stop(self) -> None:
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None
        self._end()
        self._worker = None


def _close(pen: "weakref.ref[Pen]") -> None:
    found = pen()
    if found is not None:
        found.close()


def _finish(worker: "subprocess.Popen[bytes]") -> None:
    """Let a worker end: it does so when nothing more can come."""
    assert worker.stdin is not None
    assert worker.stdout is not None
    with contextlib.suppress(OSError):
        worker.stdin.close()
    try:
        worker.wait(2)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()
    worker.stdout.close()


_shared = Pen()


def svg(
    picture: "Picture", *, width: int = 680, theme: Theme = "print", titled: bool = True
) -> str:
    """Draw a picture as SVG.

    Parameters
    ----------
    picture : Picture
    width : int, 240 to 2400 [px]
    theme : {'print', 'page', 'day', 'dark', 'night'}
    titled : bool
        Whether its title is drawn too.

    Returns
    -------
    str
        Empty where there is nothing to draw.

    Raises
    ------
    ParameterError
        If the width or theme is unknown.
    HarkenError
        If packages are missing, or drawing failed.
    """
    _check(width, theme)
    if picture.chart is None:
        return ""
    return _shared.draw_spec(
        picture.chart.to_json(), picture.name, picture.alt, width=width, theme=theme, titled=titled
    )


def png(
    picture: "Picture",
    *,
    width: int = 680,
    theme: Theme = "print",
    titled: bool = True,
    scale: float = 2.0,
) -> bytes:
    """Draw a picture as PNG.

    Parameters
    ----------
    picture : Picture
        One that has something to draw.
    width : int, 240 to 2400 [px]
        Before it is scaled.
    theme : {'print', 'day', 'dark', 'night'}
    titled : bool
    scale : float, above 0 to 8
        Pixels of the file for each pixel of width.

    Returns
    -------
    bytes

    Raises
    ------
    ParameterError
        If there is nothing to draw, or a value is out of range.
    HarkenError
        If packages are missing, or drawing failed.
    """
    if theme == "page":
        raise ParameterError("theme 'page' is for pages; a PNG is print, day, dark or night")
    if not 0 < scale <= 8:
        raise ParameterError(f"scale={scale!r} must be above 0 and at most 8")
    text = svg(picture, width=width, theme=theme, titled=titled)
    if not text:
        raise ParameterError(f"there is nothing to draw: {picture.title}")
    return _shared.to_png(text, scale=scale)


def close() -> None:
    """End the worker that `svg`, `png` and reports share; the next picture starts it again."""
    _shared.close()


def shared() -> Pen:
    """Give the pen that `svg`, `png` and reports share.

    Returns
    -------
    Pen
    """
    return _shared


def _check(width: int, theme: str) -> None:
    if not _LEAST <= width <= _MOST:
        raise ParameterError(f"width={width!r} must be from {_LEAST} to {_MOST} pixels")
    if theme not in THEMES:
        raise ParameterError(f"theme {theme!r} is not known; there are {', '.join(THEMES)}")


# What follows runs in the worker.


def work() -> None:
    """Draw what is asked for on standard input, until nothing more can come."""
    with contextlib.suppress(ValueError, OSError):
        # Ctrl-C goes to the whole group: who started the worker ends it.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(AttributeError, OSError):
        os.nice(10)
    # What a library prints must not come between two answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    _serve(sys.stdin.buffer, answers)


def _serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    while True:
        try:
            request = pickle.load(requests)
        except EOFError:
            return
        try:
            answer = _answer(request)
        except HarkenError as error:
            answer = error
        except Exception as error:
            line = (str(error).splitlines() or [""])[0]
            answer = HarkenError(f"a picture could not be drawn ({type(error).__name__}: {line})")
        try:
            pickle.dump(answer, answers)
            answers.flush()
        except BrokenPipeError:
            return


def _answer(request: tuple[Any, ...]) -> Any:
    if request[0] == "pdf":
        return _pdf(request[1])
    import vl_convert

    if request[0] == "png":
        _, text, scale = request
        return vl_convert.svg_to_png(text, scale=scale)
    if request[0] == "spec":
        _, spec, name, alt, width, theme, titled = request
        return _drawn(json.loads(spec), name, alt, width=width, theme=theme, titled=titled)
    from harken.insight.charts import PICTURES

    _, wanted, width, theme, titled = request
    drawings = []
    for name, measures in wanted:
        picture = PICTURES[name].make(*measures)
        text = ""
        if picture.chart is not None:
            spec = picture.chart.to_dict()
            text = _drawn(spec, name, picture.alt, width=width, theme=theme, titled=titled)
        drawings.append(Drawn(picture.name, picture.title, picture.alt, picture.note, text))
    return drawings


def _pdf(page: str) -> bytes:
    try:
        import weasyprint
    except OSError:
        raise HarkenError(_NO_PANGO) from None

    # The page stands alone; nothing that slipped into it may make this machine call another.
    fetcher = getattr(weasyprint, "URLFetcher", None)
    alone = {"url_fetcher": fetcher(allowed_protocols=("data",))} if fetcher else {}
    printed: bytes = weasyprint.HTML(string=page, **alone).write_pdf()
    return printed


def _drawn(
    spec: dict[str, Any], name: str, alt: str, *, width: int, theme: str, titled: bool
) -> str:
    import vl_convert

    spec["width"] = width
    spec["autosize"] = {"type": "fit-x", "contains": "padding"}
    spec["padding"] = {"left": 6, "top": 4, "right": 12, "bottom": 2}
    title = spec.get("title")
    if not titled:
        spec.pop("title", None)
    elif isinstance(title, dict):
        for key, per_line in (("text", width // 10), ("subtitle", width // 8)):
            lines = title.get(key) or []
            whole = " ".join(lines) if isinstance(lines, list) else str(lines)
            title[key] = textwrap.wrap(whole, max(20, per_line))
    return themed(vl_convert.vegalite_to_svg(spec), name, alt, theme=theme, width=width)


def themed(text: str, name: str, alt: str, *, theme: str, width: int) -> str:
    """Give an SVG of Vega the colours of a theme, hatches, its alt text, and nothing else.

    Parameters
    ----------
    text : str
        As Vega gives it.
    name, alt : str
    theme : str
        One of `THEMES`.
    width : int
        Part of the ids in it, so that two drawings in one page do not clash.

    Returns
    -------
    str
        Without classes, styles, scripts or what else a page might trip over.
    """
    colours = THEMES[theme]
    hatch = re.sub(r"[^a-z0-9-]", "-", f"hatch-{name}-{width}-{theme}")
    swapped = {INK[role]: colour for role, colour in colours.items()} | {HATCH: f"url(#{hatch})"}
    root = ET.fromstring(text)
    hatched = False
    for parent in root.iter():
        for child in list(parent):
            if child.get("display") == "none" or child.tag.rpartition("}")[2] in (
                "style",
                "script",
            ):
                parent.remove(child)
    for node in root.iter():
        node.tag = node.tag.rpartition("}")[2]
        for key in list(node.attrib):
            if key not in _KEPT:
                del node.attrib[key]
        if node.tag == "text":
            if theme == "page":
                node.attrib.pop("font-family", None)
            else:
                node.set("font-family", _FONT)
        for key in ("fill", "stroke"):
            value = node.get(key, "").lower()
            if value in swapped:
                node.set(key, swapped[value])
                hatched |= value == HATCH
    # The engine counts its ids from drawing to drawing; these are the same for the same picture.
    named = [node for node in root.iter() if node.get("id")]
    ids = {node.get("id"): f"{hatch}-{number}" for number, node in enumerate(named)}
    for node in root.iter():
        if node.get("id"):
            node.set("id", ids[node.get("id")])
        clip = node.get("clip-path", "")
        if clip:
            node.set("clip-path", f"url(#{ids[clip.removeprefix('url(#').removesuffix(')')]})")
    root.set("xmlns", _SVG)
    root.set("role", "img")
    root.set("aria-label", alt)
    if hatched:
        root.insert(0, _hatch(hatch, colours))
    return ET.tostring(root, encoding="unicode")


def _hatch(name: str, colours: Mapping[str, str]) -> ET.Element:
    definitions = ET.Element("defs")
    size = {"width": "7", "height": "7"}
    pattern = ET.SubElement(
        definitions,
        "pattern",
        {"id": name, "patternUnits": "userSpaceOnUse", "patternTransform": "rotate(45)", **size},
    )
    ET.SubElement(pattern, "rect", {**size, "fill": colours["card"]})
    # In the middle of its tile, so that no renderer cuts half of it off.
    ET.SubElement(
        pattern,
        "line",
        {
            "x1": "3",
            "y1": "0",
            "x2": "3",
            "y2": "7",
            "stroke": colours["line"],
            "stroke-width": "2",
        },
    )
    return definitions
