"""The runner's patience, and what it does with cases in doubt."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from sockproof.conformance.context.outcome import Failure
from sockproof.conformance.peers.client_frames import client_frame, text_frame
from sockproof.conformance.running.runner import LAPSES, Patience, Plan, run_cases
from sockproof.conformance.targets.server import Server
from sockproof.conformance.targets.target import Target
from sockproof.conformance.trials.second_look import ATTEMPTS, LIMITS, REPEATS, SLOW
from sockproof.runs.records import CaseRecord
from sockproof.wire.url import Address
from sockproof.wire.websocket import Opcode
from tests.conformance.made_cases import Function, case, fails, run
from tests.mutants_run import requirements
from tests.servers.websocket_server import WebSocketServer
from tests.waiting import EXPIRES

PASSES = 0.2  # seconds, of a case that does nothing but wait


async def waits_for_ever(target: Target) -> None:
    with target.awaits("an answer"):
        await asyncio.Event().wait()


def test_patience_ends_when_many_limits_were_waited_out() -> None:
    # More than enough: what lapses while the machine is busy does not count.
    cases = [case(waits_for_ever, number) for number in range(4 * LAPSES)]
    records, _ = run(cases, jobs=10, limit=0.05, second_look=False)
    waited = [record.got for record in records]
    assert {record.outcome for record in records} == {"FAIL"}
    assert waited[:LAPSES] == ["timed out after 0.05 s"] * LAPSES
    assert waited[-1] == "timed out after 0.01 s"


def test_patience_ends_too_when_a_server_keeps_many_cases_busy() -> None:
    async def is_kept_busy(target: Target) -> None:
        del target
        await asyncio.sleep(0.6)  # of a second; no limit has passed
        raise Failure("an answer", "Pongs without end")

    cases = [case(is_kept_busy, number) for number in range(4 * LAPSES)]
    records, _ = run(cases, jobs=50, limit=1.0, second_look=False)
    assert "Pongs without end" in {record.got for record in records}
    assert records[-1].got == "timed out after 0.2 s"


def test_patience_is_whole_before_that() -> None:
    patience = Patience(LAPSES - 1)
    assert patience.limit(5.0) == 5.0
    patience.lapses += 1
    assert patience.limit(5.0) == 1.0
    patience.lapses = 4 * LAPSES
    assert patience.limit(5.0) == 0.25


# Time-outs run again.


def answers_the_second_time() -> Function:
    """A case that is left without an answer once."""
    ran = 0

    async def answered_late(target: Target) -> None:
        nonlocal ran
        ran += 1
        peer = await target.connect()
        peer.send(client_frame(Opcode.PING, f"time {ran}".encode()))
        await peer.expect(Opcode.PONG)
        if ran == 1:
            await waits_for_ever(target)

    return answered_late


def test_time_out_that_does_not_repeat_counts_as_nothing_and_shows_both_logs() -> None:
    (record,), _ = run([case(answers_the_second_time())], limit=EXPIRES)
    assert record.outcome == "FAIL"
    assert record.aside is not None
    assert record.aside["kind"] == "did-not-repeat"
    told = [entry.text for entry in record.wire]
    mark = told.index("… run again alone …")
    assert any("time 1" in text for text in told[:mark])
    assert any("time 2" in text for text in told[mark:])


def test_time_out_that_repeats_counts() -> None:
    (record,), _ = run([case(waits_for_ever)], limit=PASSES)
    assert (record.outcome, record.aside) == ("FAIL", None)
    assert record.expected == "an answer"


def test_time_out_that_an_interrupt_keeps_from_running_again_accuses_nobody() -> None:
    records: list[CaseRecord] = []

    async def interrupted() -> None:
        async with WebSocketServer() as server:
            plan = Plan([Server(Address.parse(server.url))], requirements(), limit=PASSES)

            def told(record: CaseRecord) -> None:
                records.append(record)
                running.cancel()

            running = asyncio.create_task(run_cases([case(waits_for_ever)], plan, told))
            with pytest.raises(asyncio.CancelledError):
                await running

    asyncio.run(interrupted())
    (record,) = records
    assert record.outcome == "FAIL"
    assert record.aside is not None
    assert record.aside["text"].endswith("but the run ended: it was interrupted.")


def test_some_of_a_requirement_stand_for_many() -> None:
    ran: list[int] = []

    async def waits(target: Target, number: int) -> None:
        ran.append(number)
        await waits_for_ever(target)

    cases = [case(waits, number, parameters={"number": number}) for number in range(60)]
    records, _ = run(cases, limit=0.01, jobs=60)
    assert len(ran) == 60 + REPEATS < 60 + LIMITS
    assert all(record.aside is None for record in records)


def test_what_had_not_left_yet_accuses_nobody() -> None:
    async def sends_octet_by_octet(target: Target) -> None:
        peer = await target.connect()
        with target.awaits("an answer to all of it"):
            await peer.send_pieces(text_frame("x" * 500_000))

    (record,), _ = run([case(sends_octet_by_octet)], limit=EXPIRES)
    assert record.outcome == "INCONCLUSIVE"
    assert record.expected == "all octets of the case sent within the limit"


class BusyServer(WebSocketServer):
    """Who comes next, when it gets busy, waits for an answer, and so does who comes meanwhile."""

    gets_busy = False
    until = 0.0

    async def _connection(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes
    ) -> bytes | None:
        if self.gets_busy:
            self.gets_busy, self.until = False, time.monotonic() + SLOW + 0.5
        await asyncio.sleep(self.until - time.monotonic())
        return await super()._connection(reader, writer, data)


@pytest.mark.parametrize(("busy", "aside"), [(ATTEMPTS, True), (ATTEMPTS + 1, False)])
def test_time_out_of_a_server_that_is_slow_with_everybody_is_tried_again(
    busy: int, aside: bool
) -> None:
    ran = 0
    servers: list[BusyServer] = []

    def made() -> BusyServer:
        servers.append(BusyServer())
        return servers[0]

    async def waits_while_it_is_busy(target: Target) -> None:
        nonlocal ran
        ran += 1
        await target.connect()
        if ran <= busy:
            servers[0].gets_busy = True
            await waits_for_ever(target)

    (record,), _ = run([case(waits_while_it_is_busy)], made, limit=1.0)
    assert (record.outcome, record.aside is not None, ran) == ("FAIL", aside, ATTEMPTS + 1)


@pytest.mark.parametrize(
    "how",
    [{"stall": 0.3}, {"ping_timeout": 1000}],  # the second ends sessions that we answer late
)
def test_pause_of_the_harness_accuses_nobody(how: dict[str, Any]) -> None:
    paused: list[bool] = []

    async def is_disturbed_once(target: Target) -> None:
        peer = await target.connect()
        peer.send(client_frame(Opcode.PING, b"mine"))
        await peer.expect(Opcode.PONG)
        if not paused:
            paused.append(True)
            time.sleep(0.5)  # noqa: ASYNC251  (as by SIGSTOP, the loop stands still)
            raise Failure("an answer in time", "none")

    (record,), ended = run([case(is_disturbed_once)], **how)
    assert (record.outcome, record.aside) == ("PASS", None)
    assert "The harness itself was paused" in ended.remarks[0]


def test_harness_that_stays_busy_says_so() -> None:
    async def is_always_disturbed(target: Target) -> None:
        del target
        time.sleep(0.5)  # noqa: ASYNC251
        raise Failure("an answer in time", "none")

    (record,), _ = run([case(is_always_disturbed)], stall=0.3)
    assert record.aside is not None
    assert record.aside["kind"] == "too-busy"


# Servers that take few connections at a time.


def test_server_that_turns_connections_away_has_fewer_at_a_time() -> None:
    open_now = 0
    most = 2

    async def is_counted(target: Target) -> None:
        nonlocal open_now
        open_now += 1
        try:
            with target.preparing("an open WebSocket", connecting=True):
                if open_now > most:
                    raise Failure("101 Switching Protocols", "HTTP/1.1 503 Service Unavailable")
                await target.handshake(target.upgrade_request())
                await asyncio.sleep(0.02)
        except Exception as error:
            octets = b"HTTP/1.1 503 Service Unavailable\r\n\r\n"
            target.context.log.add(1, "received", octets, "a refusal")
            raise error
        finally:
            open_now -= 1

    cases = [case(is_counted, number) for number in range(40)]
    records, ended = run(cases, jobs=8)
    assert [record.outcome for record in records] == ["PASS"] * 40
    assert len(ended.remarks) == 1
    assert "turned connections away (503 Service Unavailable)" in ended.remarks[0]
    assert "from 8 down to 2" in ended.remarks[0]


# Controls.


def test_case_whose_control_fails_twice_says_nothing_whichever_cases_ask_for_it() -> None:
    ran: list[str] = []

    async def the_same_without_the_offence(target: Target, how: str) -> None:
        """The same without the offence was refused, too: an ordinary request."""
        ran.append(how)
        raise Failure("101 Switching Protocols", "HTTP/1.1 400 Bad Request")

    async def refused(target: Target, how: str, length: int) -> None:
        del how, length
        await fails(target)

    cases = [
        case(
            refused,
            f"{how},{length}",
            parameters={"how": how, "length": length},
            control=the_same_without_the_offence,
        )
        for how in ("one", "other")
        for length in range(5)
    ]
    records, _ = run(cases)
    assert sorted(ran) == ["one", "one", "other", "other"]
    assert {record.outcome for record in records} == {"INCONCLUSIVE"}
    asides = {tuple(sorted(record.aside.items())) for record in records if record.aside}
    assert len(asides) == 2
    assert all(dict(each)["kind"] == "control" for each in asides)
    assert all("was refused, too" in dict(each)["text"] for each in asides)


def test_control_that_fails_once_says_nothing() -> None:
    ran: list[bool] = []

    async def meets_a_dying_server(target: Target) -> None:
        ran.append(True)
        if len(ran) == 1:
            raise Failure("an answer", "the server reset the TCP connection")

    (record,), _ = run([case(fails, control=meets_a_dying_server)])
    assert len(ran) == 2
    assert (record.outcome, record.aside) == ("FAIL", None)


def test_case_whose_control_passes_counts() -> None:
    async def answered(target: Target) -> None:
        peer = await target.connect()
        await peer.fence()

    (record,), _ = run([case(fails, control=answered)])
    assert (record.outcome, record.aside) == ("FAIL", None)


def test_control_does_not_run_for_a_case_that_passes() -> None:
    async def passes(target: Target) -> None:
        await (await target.connect()).fence()

    async def never(target: Target) -> None:
        raise AssertionError

    (record,), _ = run([case(passes, control=never)])
    assert (record.outcome, record.aside) == ("PASS", None)


def test_time_out_whose_control_fails_is_no_accusation() -> None:
    async def waits_too(target: Target) -> None:
        """Nothing is answered at all."""
        await waits_for_ever(target)

    cases = [case(waits_for_ever, number, control=waits_too) for number in range(REPEATS + 5)]
    records, _ = run(cases, limit=PASSES)
    assert {record.outcome for record in records} == {"INCONCLUSIVE"}
    assert {record.aside["kind"] for record in records if record.aside} == {"control"}
    assert len([record for record in records if record.aside]) == len(cases)
