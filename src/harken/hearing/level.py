"""How loud each frame is."""

import numpy as np
from numpy.typing import NDArray

from harken.hearing.frames import HOP


def level_dbfs(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """RMS level of each whole frame of 80 ms.

    0 dBFS is a full-scale square wave, so that a full-scale sine has −3 dBFS.

    Parameters
    ----------
    samples : float32[n]
        Mono, 16 kHz.

    Returns
    -------
    float32[n // 1280]
        dBFS; −inf for digital silence. Samples after the last whole frame are
        left out; empty without a whole frame.

    Examples
    --------
    >>> level_dbfs(np.full(2560, 0.1, np.float32)).round(3).tolist()
    [-20.0, -20.0]
    >>> level_dbfs(np.zeros(1280, np.float32)).tolist()
    [-inf]
    """
    n = len(samples) // HOP
    rows = np.asarray(samples[: n * HOP], np.float32).reshape(n, HOP)
    power = np.einsum("ij,ij->i", rows, rows) / np.float32(HOP)
    with np.errstate(divide="ignore"):
        level: NDArray[np.float32] = np.float32(10) * np.log10(power)
    return level
