"""The pages people use and the API behind them: `create_app`."""

from harken.web.app import SERVER_LIMITS, create_app
from harken.web.contract import HubCalls, Viewer, WebSettings

__all__ = ["SERVER_LIMITS", "HubCalls", "Viewer", "WebSettings", "create_app"]
