"""A FastAPI app with agents inside, and a real uvicorn to serve it: `python -m tests.support.traced_app PORT`."""

import asyncio
import contextvars
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from fastapi import APIRouter, BackgroundTasks, FastAPI, Request, WebSocket
from fastapi.responses import PlainTextResponse, Response, StreamingResponse

from agent_trace import observe_llm
from agent_trace.integrations.fastapi import TraceMiddleware, lifespan

SEEN: contextvars.ContextVar[str] = contextvars.ContextVar("seen", default="nothing")


@observe_llm(name="ask", as_type="generation")
async def ask(symbol: str, tokens: int) -> dict[str, Any]:
    """An answer that says what it cost."""
    await asyncio.sleep(0.002)
    usage = {"prompt_tokens": tokens, "completion_tokens": 1}
    return {"model": "gpt-4o", "choices": [], "usage": usage, "symbol": symbol}


def make_app(*, traced: bool = True, **options: Any) -> FastAPI:
    """The same app with the middleware and without."""
    app = FastAPI(lifespan=lifespan)
    app.state.done = []
    router = APIRouter(prefix="/desk")

    @router.get("/decide/{symbol}")
    async def decide(symbol: str, tokens: int = 7) -> Any:
        return await ask(symbol, tokens)

    @app.get("/stream/{symbol}")
    async def stream(symbol: str, tokens: int = 7) -> StreamingResponse:
        async def pieces() -> AsyncIterator[str]:
            await ask(symbol, tokens)
            for number in range(3):
                yield f"{symbol} {number}\n"
                await asyncio.sleep(0)

        return StreamingResponse(pieces(), headers={"x-kind": "stream"})

    @app.get("/endless")
    async def endless() -> StreamingResponse:
        async def pieces() -> AsyncIterator[bytes]:
            while True:
                yield b"x" * 1_000
                await asyncio.sleep(0.005)

        return StreamingResponse(pieces())

    @app.post("/later", status_code=202)
    async def later(request: Request, work: BackgroundTasks) -> Any:
        work.add_task(app.state.done.append, (await request.body()).decode())
        return {"seen": SEEN.get()}

    @app.get("/fails/{how}")
    async def fails(how: str) -> Response:
        if how == "raises":
            raise ValueError("the market is closed")
        return PlainTextResponse("no", status_code=503, headers={"retry-after": "1"})

    @app.get("/health")
    async def health() -> str:
        return "fine"

    @app.websocket("/prices/{symbol}")
    async def prices(websocket: WebSocket, symbol: str) -> None:
        await websocket.accept()
        for _ in range(2):
            await websocket.send_text(f"{symbol} {await websocket.receive_text()}")
        await websocket.close(code=1000)

    @app.middleware("http")
    async def set_seen(request: Request, call_next: Any) -> Any:
        SEEN.set(request.headers.get("x-seen", "nothing"))
        return await call_next(request)

    app.include_router(router, prefix="/v1")
    below = FastAPI()

    @below.get("/orders/{number}")
    async def order(number: int) -> int:
        return number

    app.mount("/books/{book}", below)
    if traced:
        app.add_middleware(TraceMiddleware, exclude=["/health"], **options)
    return app


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """The address at which uvicorn serves the app, in a thread."""
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="on"))
    thread = threading.Thread(target=server.run, args=([bound],), daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        bound.close()


if __name__ == "__main__":
    uvicorn.run(make_app(), port=int(sys.argv[1]), log_level="critical")
