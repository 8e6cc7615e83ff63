"""YAMNet as a frozen backbone, with the project's own small head in time on its scores.

YAMNet is Google's tagger of 521 kinds of sound (Apache-2.0; Plakal and Ellis,
github.com/tensorflow/models, research/audioset/yamnet). Its file is not in the
package: the user adds it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harken.errors import ModelError, ParameterError
from harken.hearing.builtin import Builtin, Network, shipped
from harken.hearing.context import Context, RunClock
from harken.hearing.frames import HOP, HOP_S, Frames
from harken.sound.blocks import RATE, AudioBlock

WINDOW = 15_600
"""Samples that YAMNet hears at once: 0.975 s."""

CLASSES = 521
BABY_CRY = 20
"""Index of YAMNet's class "Baby cry, infant cry"."""

_ROW = 2 * HOP
"""Samples from one of YAMNet's windows to the next: two frames."""

_AROUND = (WINDOW - _ROW) // 2
"""Samples of a window before and after its two frames."""

_FLOOR_DBFS = np.float32(-100)
"""Lowest level that the head was trained with."""

_MOST_ROWS = round(30 / HOP_S) // 2


_OUTSIDE = np.array([0, 0, 0, _FLOOR_DBFS], np.float32)
"""What the head is told of the builtin network and the level where there is no sound."""


def _heard(frames: Frames) -> NDArray[np.float32]:
    """Give what the head is told of each frame besides YAMNet's scores: float32[n, 4]."""
    level = np.maximum(frames.level, _FLOOR_DBFS)
    return np.stack([frames.cry, frames.laugh, frames.voice, level], axis=1)


def _rows(scores: NDArray[np.float32], heard: NDArray[np.float32]) -> NDArray[np.float32]:
    """Put scores float32[n, 521] and what was heard float32[2 n, 4] into rows of 0.16 s."""
    return np.hstack([scores, heard.reshape(len(scores), 8)])


class Backbone:
    """YAMNet from a TensorFlow Lite file.

    Parameters
    ----------
    path : path
        With one input float32[15600], or [1, 15600], and one output float32[1, 521].
    threads : int
        Threads inside one run.

    Raises
    ------
    ModelError
        If ai-edge-litert is not installed, the file cannot be read, is no
        TensorFlow Lite model, or has other inputs and outputs.
    """

    def __init__(self, path: str | Path, *, threads: int = 1) -> None:
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError:
            raise ModelError(
                "YAMNet needs the package ai-edge-litert: pip install 'harken[yamnet]'"
            ) from None
        self.name = Path(path).name
        try:
            content = Path(path).read_bytes()
        except OSError as error:
            raise ModelError(f"{self.name}: cannot be read: {error.strerror}") from error
        if not content:
            raise ModelError(f"{self.name}: is empty")
        try:
            with _without_chatter():
                self._interpreter = Interpreter(model_content=content, num_threads=threads)
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"{self.name}: is not a TensorFlow Lite model: {error}") from error
        found = [
            [(tuple(int(n) for n in one["shape"]), one["dtype"]) for one in details]
            for details in (
                self._interpreter.get_input_details(),
                self._interpreter.get_output_details(),
            )
        ]
        takes = ([((WINDOW,), np.float32)], [((1, WINDOW), np.float32)])
        if found[0] not in takes or found[1] != [((1, CLASSES), np.float32)]:
            inputs, outputs = (" ".join(str(list(shape)) for shape, _ in side) for side in found)
            raise ModelError(
                f"{self.name}: takes {inputs} and gives {outputs}; YAMNet's classification model "
                f"takes float32 [{WINDOW}] and gives float32 [1, {CLASSES}]"
            )
        self._shape = found[0][0][0]
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[0]["index"]
        self._silence: NDArray[np.float32] | None = None

    def scores(self, window: NDArray[np.float32]) -> NDArray[np.float32]:
        """Tag one window.

        Parameters
        ----------
        window : float32[15600]
            Mono, 16 kHz, −1 to 1.

        Returns
        -------
        float32[521]
            0 to 1 for each class on its own, always finite.

        Raises
        ------
        ModelError
            If it fails or gives a value that is not a number.
        """
        silent = not window.any()
        if silent and self._silence is not None:
            return self._silence
        try:
            self._interpreter.set_tensor(self._input, window.reshape(self._shape))
            self._interpreter.invoke()
            scores: NDArray[np.float32] = self._interpreter.get_tensor(self._output)[0]
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"{self.name}: failed: {error}") from error
        if not np.isfinite(scores).all():
            raise ModelError(f"{self.name}: gave a score that is not a number")
        if silent:
            self._silence = scores
        return scores


@contextmanager
def _without_chatter() -> Iterator[None]:
    """Keep the interpreter's greeting off the terminal: it comes from C++ and has no switch."""
    try:
        kept = os.dup(2)
    except OSError:
        yield
        return
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


class YAMNet:
    """Detector that hears through YAMNet, the builtin network and a head on both.

    YAMNet tags 0.975 s around the middle of every two frames; the head sees its
    scores, the builtin's probabilities and the level of some seconds. Outside a
    run YAMNet hears zeros, and the head sees scores and probabilities of 0 and
    −100 dBFS.

    Parameters
    ----------
    backbone : path or Backbone
        YAMNet's classification model, a ``.tflite`` file.
    head : path or bytes, optional
        An ONNX file with inputs ``scores`` float32[1, R, 521], ``builtin``
        float32[1, 2 R, 3], ``level`` float32[1, 2 R], output ``probs``
        float32[1, 2 (R − left − right), 3] and the metadata kind=yamnet_head,
        heads=cry,laugh,voice, left, right (rows of 0.16 s), on, off. By default
        the one in the package.
    builtin : Builtin, optional
        By default the one in the package; it must not be used elsewhere.
    threads : int
        Threads of one run of each network.

    Raises
    ------
    ModelError
        If a file cannot be read or breaks its contract, or ai-edge-litert is
        not installed.
    """

    def __init__(
        self,
        backbone: str | Path | Backbone,
        *,
        head: str | Path | bytes | None = None,
        builtin: Builtin | None = None,
        threads: int = 1,
    ) -> None:
        if threads < 1:
            raise ParameterError(f"threads={threads} must be at least 1")
        if not isinstance(backbone, Backbone):
            backbone = Backbone(backbone, threads=threads)
        self._backbone = backbone
        self._head = Network(
            shipped("yamnet_head.onnx") if head is None else head,
            name=Path(head).name if isinstance(head, str | Path) else "yamnet_head.onnx",
            kind="yamnet_head",
            inputs={"scores": 3, "builtin": 3, "level": 2},
            outputs={"probs": 3},
            threads=threads,
        )
        self._builtin = builtin if builtin is not None else Builtin(threads=threads)
        self.name = "yamnet"
        self.rate, self.hop = RATE, HOP
        self.on, self.off = self._head.on, self._head.off
        self.metadata = self._head.metadata
        look_ahead_s = max(_AROUND / RATE, self._builtin.delay_s)
        # One frame more, as the first of a row's two frames waits for the second.
        self.delay_s = look_ahead_s + 2 * HOP_S * self._head.right + HOP_S
        self._begin()

    def _begin(self) -> None:
        self._clock = RunClock()
        self._sound = Context(hop=_ROW, left=_AROUND, right=_AROUND, outside=np.float32(0))
        nothing = _rows(np.zeros((1, CLASSES), np.float32), np.tile(_OUTSIDE, (2, 1)))[0]
        self._rows = Context(hop=1, left=self._head.left, right=self._head.right, outside=nothing)
        self._scores: list[NDArray[np.float32]] = []
        self._unpaired = Frames.empty()
        self._paired = Frames.empty()

    def process(self, block: AudioBlock) -> Frames:
        """Take the next block; give the frames that are now known.

        Parameters
        ----------
        block : AudioBlock
            As for `Builtin.process`.

        Returns
        -------
        Frames
            Of the old run, if it ended, and then of the new one; may be empty.

        Raises
        ------
        ParameterError
            If the block is not finite mono float32 of 16 kHz; it is then not taken.
        ModelError
            If a network fails.
        """
        ended = Frames.empty() if self._clock.continues(block) else self.flush()
        self._clock.add(block)
        self._sound.push(block.samples)
        return Frames.join([ended, self._hear(self._builtin.process(block))])

    def flush(self) -> Frames:
        """Give what is still due; the next block starts a new run.

        Returns
        -------
        Frames
            Up to the last whole frame of the run; may be empty.
        """
        try:
            last = self._builtin.flush()
            if (len(self._unpaired) + len(last)) % 2:
                self._sound.push(np.zeros(HOP, np.float32))
            self._sound.finish()
            known = self._hear(last)
            if len(self._unpaired):
                heard = np.vstack([_heard(self._unpaired), _OUTSIDE])
                self._rows.push(_rows(np.stack(self._scores), heard))
                self._paired = Frames.join([self._paired, self._unpaired])
            self._rows.finish()
            return Frames.join([known, self._judge()])
        finally:
            self._builtin.flush()
            self._begin()

    def _hear(self, frames: Frames) -> Frames:
        """Tag the windows that are due, and pair them with the builtin's frames."""
        for sound in self._sound.due(least=1, most=_MOST_ROWS):
            windows = np.lib.stride_tricks.sliding_window_view(sound, WINDOW)[::_ROW]
            self._scores += [self._backbone.scores(window) for window in windows]
        self._unpaired = Frames.join([self._unpaired, frames])
        n = min(len(self._scores), len(self._unpaired) // 2)
        if n:
            pairs, self._unpaired = self._unpaired[: 2 * n], self._unpaired[2 * n :]
            scores, self._scores = self._scores[:n], self._scores[n:]
            self._rows.push(_rows(np.stack(scores), _heard(pairs)))
            self._paired = Frames.join([self._paired, pairs])
        return self._judge()

    def _judge(self) -> Frames:
        """Run the head on the rows that are due."""
        parts = []
        for rows in self._rows.due(least=1, most=_MOST_ROWS):
            heard = rows[:, CLASSES:].reshape(-1, 4)
            n = 2 * (len(rows) - self._head.left - self._head.right)
            probs = self._head.probabilities(
                n, scores=rows[:, :CLASSES], builtin=heard[:, :3], level=heard[:, 3]
            )
            of, self._paired = self._paired[:n], self._paired[n:]
            probs = probs[: len(of)]
            parts.append(Frames(of.times, probs[:, 0], probs[:, 1], probs[:, 2], of.level))
        return Frames.join(parts)
