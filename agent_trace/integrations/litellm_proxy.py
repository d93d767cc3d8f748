"""The callback for LiteLLM's proxy, which looks one up by name in a file beside its configuration.

tracing.py:   from agent_trace.integrations.litellm_proxy import logger
config.yaml:  litellm_settings: {callbacks: tracing.logger}

Importing this module imports LiteLLM.
"""

from typing import Any, Final

import agent_trace.background  # noqa: F401 - what is recorded is delivered, where there is somewhere to deliver it to
from agent_trace.integrations import litellm_logger

logger: Final[Any] = litellm_logger.install()
"""The one callback of this process."""
