"""Runs the desk: `python -m examples.trading_desk`, or `agent-trace demo`. With `--live` it asks the real API."""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import openai

    from .narration import Interlude

DECISION_DAY = date(2013, 1, 25)
MODEL = "gpt-4o-mini"


def main(arguments: Sequence[str] | None = None, before_the_end: "Interlude | None" = None) -> int:
    """Run the desk once; gives the exit code. `before_the_end` may show more before the last words."""
    options = read_arguments(arguments)
    if find_spec("openai") is None:
        return refuse("The desk calls its model with the openai package: pip install openai")
    if options.live and not os.environ.get("OPENAI_API_KEY"):
        return refuse(
            "--live asks the real API and needs OPENAI_API_KEY. Without --live a local server answers."
        )
    import openai

    try:
        return run(options.live, options.model, before_the_end)
    except openai.OpenAIError as error:
        return refuse(f"The model service could not answer: {error}")
    except KeyboardInterrupt:
        return 130


def read_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="agent-trace demo", description="A trading desk of LLM agents, traced."
    )
    parser.add_argument(
        "--live", action="store_true", help="ask OpenAI (needs OPENAI_API_KEY), not the local server"
    )
    parser.add_argument("--model", default=MODEL, help="name of the model (default: %(default)s)")
    return parser.parse_args(arguments)


def refuse(message: str) -> int:
    print(message, file=sys.stderr)
    return 2


def run(live: bool, model_name: str, before_the_end: "Interlude | None") -> int:
    from agent_trace import Store
    from agent_trace.errors import StoreError

    from .desk import run_desk
    from .narration import Terminal
    from .prices import load_market

    terminal = Terminal()
    market = load_market(until=DECISION_DAY)
    run_id = f"desk-{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}"
    with model_client(live) as (client, where):
        terminal.opening(market, model_name, where)
        outcomes = run_desk(client, model_name, market, terminal, run_id)
    terminal.orders(outcomes)
    try:
        with Store() as store:
            terminal.recorded(store, run_id, before_the_end)
    except StoreError as error:
        return refuse(f"\nThe desk ran, but there is nothing to show of it: {error}")
    return 0


@contextmanager
def model_client(live: bool) -> "Iterator[tuple[openai.OpenAI, str]]":
    """A client of the real API or of a local server, and where that is. Retrying is left to the agents."""
    import openai

    from .server import LocalModelServer

    if live:
        with openai.OpenAI(max_retries=0) as client:
            yield client, f"asked at {client.base_url.host}"
        return
    no_proxy = openai.DefaultHttpxClient(trust_env=False)
    with (
        LocalModelServer() as server,
        openai.OpenAI(
            api_key="local", base_url=server.base_url, max_retries=0, http_client=no_proxy
        ) as client,
    ):
        yield client, f"played by a local server on port {server.server_port}"


if __name__ == "__main__":
    sys.exit(main())
