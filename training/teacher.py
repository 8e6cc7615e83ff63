"""YAMNet's scores on any sound, on the grid that the detector uses."""

from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from training.data import YAMNET

WINDOW = 15_600
ROW = 2560  # samples between rows: 0.16 s, two frames

_loaded: dict[str, Any] = {}


def _interpreter(path: Path) -> Any:
    if str(path) not in _loaded:
        interpreter = Interpreter(str(path), num_threads=1)
        interpreter.allocate_tensors()
        _loaded[str(path)] = interpreter
    return _loaded[str(path)]


def score_rows(samples: NDArray[np.float32], path: Path = YAMNET) -> NDArray[np.float16]:
    """YAMNet's scores, one row each 0.16 s.

    Row k looks at the 15,600 samples centred on (k + 0.5) × 0.16 s; outside the
    run the input is zero.

    Parameters
    ----------
    samples : float32[n]
        16 kHz.
    path : Path
        The TensorFlow Lite file.

    Returns
    -------
    float16[ceil(n / 2560), 521]
    """
    interpreter = _interpreter(path)
    wave = interpreter.get_input_details()[0]["index"]
    out = interpreter.get_output_details()[0]["index"]
    rows = -(-len(samples) // ROW)
    before = WINDOW // 2 - ROW // 2
    padded = np.pad(samples, (before, rows * ROW - len(samples) + WINDOW))
    scores = np.empty((rows, 521), np.float16)
    for k in range(rows):
        interpreter.set_tensor(wave, padded[k * ROW : k * ROW + WINDOW])
        interpreter.invoke()
        scores[k] = interpreter.get_tensor(out)[0]
    return scores


def score_all(sounds: Iterable[NDArray[np.int16]], workers: int = 2) -> list[NDArray[np.float16]]:
    """`score_rows` of many sounds (int16), in processes, in order."""
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return list(pool.map(_score_pcm, sounds, chunksize=16))


def _score_pcm(pcm: NDArray[np.int16]) -> NDArray[np.float16]:
    return score_rows(pcm.astype(np.float32) / np.float32(32768))


def to_frames(rows: NDArray[np.generic], n: int) -> NDArray[np.float32]:
    """Rows of 0.16 s → the first `n` frames of 80 ms."""
    return np.repeat(rows, 2, axis=0)[:n].astype(np.float32)
