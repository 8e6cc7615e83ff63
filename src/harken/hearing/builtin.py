"""The project's own network, or one of one's own with the same inputs and outputs."""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harken.errors import ModelError, ParameterError
from harken.hearing.context import Context, RunClock
from harken.hearing.frames import HOP, HOP_S, Frames
from harken.hearing.level import level_dbfs
from harken.sound.blocks import RATE, AudioBlock

HEADS = "cry,laugh,voice"

_MOST_FRAMES = round(60 / HOP_S)
"""Frames in one run of the network: memory stays flat however long a block is."""


def shipped(name: str) -> bytes:
    """Read a model file of the package.

    Parameters
    ----------
    name : str
        ``"builtin.onnx"`` or ``"yamnet_head.onnx"``.

    Raises
    ------
    ModelError
        If the package was installed without it.
    """
    try:
        return (files("harken.hearing") / "models" / name).read_bytes()
    except OSError as error:
        raise ModelError(
            f"{name} is missing from this installation; install harken anew"
        ) from error


class Network:
    """An ONNX file with the metadata that Harken's networks carry.

    Parameters
    ----------
    model : path or bytes
        The file, or what is in it.
    name : str
        What messages call it.
    kind : str
        The ``kind`` that its metadata must state.
    inputs, outputs : mapping of name to number of axes
        What it must have, and nothing else; all float32.
    threads : int
        Threads inside one run.

    Attributes
    ----------
    metadata : dict[str, str]
    left, right : int
        Context that it needs, in samples or rows.
    on, off : float
        Thresholds on P(cry).

    Raises
    ------
    ModelError
        If the file cannot be read, is no ONNX network, or breaks the contract.
    """

    def __init__(
        self,
        model: str | Path | bytes,
        *,
        name: str,
        kind: str,
        inputs: Mapping[str, int],
        outputs: Mapping[str, int],
        threads: int = 1,
    ) -> None:
        if threads < 1:
            raise ParameterError(f"threads={threads} must be at least 1")
        self.name = name
        self._session = _session(model, name=name, threads=threads)
        for what, wanted, found in (
            ("input", inputs, self._session.get_inputs()),
            ("output", outputs, self._session.get_outputs()),
        ):
            axes = {one.name: (one.type, len(one.shape)) for one in found}
            if axes != {key: ("tensor(float)", value) for key, value in wanted.items()}:
                raise ModelError(
                    f"{name}: {what}s must be "
                    + ", ".join(f"{key} (float32, {n} axes)" for key, n in wanted.items())
                    + ", not "
                    + ", ".join(f"{key} ({t}, {n} axes)" for key, (t, n) in axes.items())
                )
        self.metadata: dict[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)
        self._expect("kind", kind)
        self._expect("heads", HEADS)
        self.left, self.right = self._whole("left"), self._whole("right")
        self.on, self.off = self._number("on"), self._number("off")
        if not 0 < self.off < self.on <= 1:
            raise ModelError(
                f"{name}: metadata on={self.on:g}, off={self.off:g} must keep 0 < off < on ≤ 1"
            )

    def _expect(self, key: str, value: str) -> None:
        found = self.metadata.get(key)
        if found != value:
            raise ModelError(f"{self.name}: metadata {key} must be {value!r}, not {found!r}")

    def _number(self, key: str) -> float:
        try:
            return float(self.metadata.get(key, ""))
        except ValueError:
            raise ModelError(
                f"{self.name}: metadata {key} must be a number, not {self.metadata.get(key)!r}"
            ) from None

    def _whole(self, key: str) -> int:
        value = self._number(key)
        if not (value >= 0 and value.is_integer()):
            raise ModelError(f"{self.name}: metadata {key}={value:g} must be a whole number from 0")
        return int(value)

    def probabilities(self, n: int, **inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run it once.

        Parameters
        ----------
        n : int
            Frames that must come out.
        **inputs : float32[...]
            By name, without the leading axis of 1.

        Returns
        -------
        float32[n, 3]
            0 to 1, always finite.

        Raises
        ------
        ModelError
            If it fails, or gives another shape or a value that is not a number.
        """
        feed = {key: np.ascontiguousarray(value)[None] for key, value in inputs.items()}
        try:
            (probs,) = self._session.run(None, feed)
        # onnxruntime's exceptions have no common root of their own.
        except Exception as error:
            raise ModelError(f"{self.name}: the network failed: {_first_line(error)}") from error
        if probs.shape != (1, n, 3):
            raise ModelError(f"{self.name}: gave shape {probs.shape}, not {(1, n, 3)}")
        if not np.isfinite(probs).all():
            raise ModelError(f"{self.name}: gave a probability that is not a number")
        clipped: NDArray[np.float32] = np.clip(probs[0], 0, 1)
        return clipped


def _session(model: str | Path | bytes, *, name: str, threads: int) -> Any:
    # Takes long to import, and most commands never need it.
    import onnxruntime  # type: ignore[import-untyped]

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    # Waiting threads would otherwise burn a core of a machine that listens all night.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4
    try:
        content = model if isinstance(model, bytes) else Path(model).read_bytes()
    except OSError as error:
        raise ModelError(f"{name}: cannot be read: {error.strerror}") from error
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ModelError(f"{name}: is not an ONNX network: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


class Builtin:
    """Detector that is one ONNX network: waveform in, probabilities out.

    A frame is given once its look-ahead has been heard, in steps of `step`
    frames while sound comes slowly and of up to 60 s where much of it is there:
    a block of 60 s costs one run of the network. Before a run the network hears
    zeros, and after it too. The samples after the last whole frame of a run
    only serve as its look-ahead: they are no frame of their own.

    Parameters
    ----------
    model : path or bytes, optional
        An ONNX file with input ``wave`` float32[1, left + 1280 T + right],
        output ``probs`` float32[1, T, 3] (cry, laugh, voice) and the metadata
        kind=builtin, rate=16000, hop=1280, heads=cry,laugh,voice, left, right
        (samples), on, off. By default the one in the package.
    threads : int
        Threads of one run of the network.
    step : int
        Fewest frames worth a run. More of them cost less and come later.

    Raises
    ------
    ModelError
        If the file cannot be read or breaks the contract.
    ParameterError
        If `threads` or `step` is below 1.
    """

    def __init__(
        self, model: str | Path | bytes | None = None, *, threads: int = 1, step: int = 2
    ) -> None:
        if step < 1:
            raise ParameterError(f"step={step} must be at least 1 frame")
        self.name = Path(model).name if isinstance(model, str | Path) else "builtin"
        self._network = Network(
            shipped("builtin.onnx") if model is None else model,
            name=self.name,
            kind="builtin",
            inputs={"wave": 2},
            outputs={"probs": 3},
            threads=threads,
        )
        for key, value in (("rate", RATE), ("hop", HOP)):
            self._network._expect(key, str(value))
        self.rate, self.hop = RATE, HOP
        self.on, self.off = self._network.on, self._network.off
        self.metadata = self._network.metadata
        self.delay_s = self._network.right / RATE + (step - 1) * HOP_S
        self._step = step
        self._begin()

    def _begin(self) -> None:
        self._clock = RunClock()
        self._context = Context(
            hop=HOP, left=self._network.left, right=self._network.right, outside=np.float32(0)
        )
        self._given = 0

    def process(self, block: AudioBlock) -> Frames:
        """Take the next block; give the frames that are now known.

        Parameters
        ----------
        block : AudioBlock
            Finite mono float32 of 16 kHz, of any length, 0 too. One that begins
            more than half a frame from where the last one ended starts a new run.

        Returns
        -------
        Frames
            Of the old run, if it ended, and then of the new one; may be empty.

        Raises
        ------
        ParameterError
            If the block is not finite mono float32 of 16 kHz; it is then not taken.
        ModelError
            If the network fails.
        """
        parts = [] if self._clock.continues(block) else [self.flush()]
        self._clock.add(block)
        self._context.push(block.samples)
        parts += self._heard(least=self._step)
        return Frames.join(parts)

    def flush(self) -> Frames:
        """Give what is still due; the next block starts a new run.

        Returns
        -------
        Frames
            Up to the last whole frame of the run; may be empty.
        """
        try:
            self._context.finish()
            return Frames.join(self._heard(least=1))
        finally:
            self._begin()

    def _heard(self, *, least: int) -> list[Frames]:
        left, right = self._network.left, self._network.right
        parts = []
        for wave in self._context.due(least=least, most=_MOST_FRAMES):
            n = (len(wave) - left - right) // HOP
            probs = self._network.probabilities(n, wave=wave)
            assert self._clock.start is not None
            rows = np.arange(self._given, self._given + n, dtype=np.float64)
            times = self._clock.start + rows * HOP_S
            level = level_dbfs(wave[left : left + n * HOP])
            parts.append(Frames(times, probs[:, 0], probs[:, 1], probs[:, 2], level))
            self._given += n
        return parts
