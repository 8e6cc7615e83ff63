"""The edge: one file for each way in which people are told."""

import logging

# These repeat the addresses that they call, and addresses of channels hold secrets.
for _name in ("httpx", "httpcore", "urllib3"):
    logging.getLogger(_name).setLevel(logging.WARNING)
