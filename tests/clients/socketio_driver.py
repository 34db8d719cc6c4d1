"""A driver of python-socketio's AsyncClient, in the loop of the test."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import aiohttp
import socketio


def _with_bins(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"$bin": list(value)}
    if isinstance(value, dict):
        return {key: _with_bins(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_with_bins(item) for item in value]
    return value


def _without_bins(value: Any) -> Any:
    if isinstance(value, dict):
        if set(value) == {"$bin"}:
            return bytes(value["$bin"])
        return {key: _without_bins(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_bins(item) for item in value]
    return value


class Driver:
    """Asks for one case after the other, and does what is asked for."""

    def __init__(self, url: str, agent: str) -> None:
        self.url, self.agent = url, agent
        self._client: socketio.AsyncClient | None = None
        self._reports: asyncio.Queue[tuple[int, dict[str, Any]]] = asyncio.Queue()

    async def drive(self) -> int:
        """All cases that there are; how many."""
        cases = 0
        timeout = aiohttp.ClientTimeout(total=None)
        async with aiohttp.ClientSession(timeout=timeout) as http:
            reporting = asyncio.create_task(self._report_all(http))
            try:
                while (told := await self._next(http)) is not None:
                    cases += 1
                    await self._dispose()
                    await self._connect(told)
            finally:
                await self._dispose()
                reporting.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await reporting
        return cases

    async def _next(self, http: aiohttp.ClientSession) -> dict[str, Any] | None:
        async with http.get(f"{self.url}/next", params={"agent": self.agent}) as answer:
            return await answer.json() if answer.status == 200 else None

    async def _report_all(self, http: aiohttp.ClientSession) -> None:
        while True:
            number, report = await self._reports.get()
            params = {"agent": self.agent, "case": str(number)}
            async with http.post(f"{self.url}/seen", params=params, json=report) as answer:
                await answer.read()

    async def _dispose(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(Exception):
                await client.shutdown()

    async def _connect(self, told: dict[str, Any]) -> None:
        client = self._client = socketio.AsyncClient(reconnection=told["reconnect"])
        number = told["case"]

        def report(type_: str, **fields: Any) -> None:
            self._reports.put_nowait((number, {"type": type_, **_with_bins(fields)}))

        for namespace in told["namespaces"]:
            self._register(client, namespace, report)
        try:
            await client.connect(
                f"{self.url}?x=1",
                socketio_path=told["path"],
                transports=told["transports"],
                namespaces=told["namespaces"],
                auth=told["auth"],
                wait=False,
            )
        except socketio.exceptions.ConnectionError as error:
            report("error", text=str(error))

    def _register(self, client: socketio.AsyncClient, namespace: str, report: Any) -> None:
        async def anything(name: str, *args: Any) -> Any:
            report("event", namespace=namespace, name=name, args=list(args))
            if name == "message":
                await client.emit("message-back", args, namespace=namespace)
            elif name == "message-with-ack":
                return args
            elif name == "do":
                await self._do(client, namespace, args[0], report)
            return None

        def told(type_: str) -> Any:
            keys = {"connect": (), "connect_error": ("data",), "disconnect": ("reason",)}[type_]

            def handler(*args: Any) -> None:
                report(type_, namespace=namespace, **dict(zip(keys, args, strict=False)))

            return handler

        client.on("*", anything, namespace=namespace)
        for name in ("connect", "connect_error", "disconnect"):
            client.on(name, told(name), namespace=namespace)

    async def _do(
        self, client: socketio.AsyncClient, namespace: str, what: dict[str, Any], report: Any
    ) -> None:
        args = tuple(_without_bins(what.get("args", [])))
        match what["op"]:
            case "emit":
                await client.emit(what["event"], args, namespace=namespace)
            case "close":
                await client.disconnect()
            case other:
                report("unsupported", op=other)
