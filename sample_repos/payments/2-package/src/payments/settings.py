"""Settings of the service; everything secret comes from the environment of the process."""

from __future__ import annotations

import os

GATEWAY_URL = os.environ.get("GATEWAY_URL", "https://gateway.example.org/v2")
TIMEOUT_SECONDS = 4.0

# Left over from a debugging session; the demo plants it to show that it never becomes context.
STRIPE_KEY = os.environ.get("STRIPE_KEY", "@SECRET:stripe@")
