"""Options that several commands share."""

from typing import Annotated

import typer

ModelOption = Annotated[
    str,
    typer.Option(
        "--model",
        metavar="NAME|FILE",
        help="Detector: **auto** (yamnet where it has been added, else builtin), "
        "**builtin**, **yamnet**, an .onnx file (a builtin of your own) "
        "or a .tflite file (YAMNet).",
    ),
]

RuleOption = Annotated[
    str,
    typer.Option(
        "--rule",
        metavar="KEY=VALUE,…|NAME",
        help="What makes a bout, where it differs from the default: on and off (probability, "
        "0 to 1), min_duration and max_gap (seconds; 3 and 5). Example: "
        "**--rule min_duration=5,max_gap=10**. Or a rule that **harken study tune** saved.",
    ),
]
