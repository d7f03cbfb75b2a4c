"""The table of states, and that the protocol follows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from framing import CLOSE, frame

from ws_sansio import Protocol, Side, State
from ws_sansio.states import TRANSITIONS, Step, next_state
from ws_types.errors import InvalidState


def test_states_and_sides_have_the_known_numbers() -> None:
    assert [(state.name, state.value) for state in State] == [
        ("CONNECTING", 0),
        ("OPEN", 1),
        ("CLOSING", 2),
        ("CLOSED", 3),
    ]
    assert (Side.SERVER.value, Side.CLIENT.value) == (0, 1)


def test_every_state_is_reached_from_the_first() -> None:
    reached = {State.CONNECTING}
    for _ in State:
        reached |= {after for (before, _), after in TRANSITIONS.items() if before in reached}
    assert reached == set(State)


def test_every_step_is_legal_somewhere() -> None:
    assert {step for _, step in TRANSITIONS} == set(Step)


def test_no_step_leads_back() -> None:
    for (before, _), after in TRANSITIONS.items():
        assert after >= before


def test_closed_is_final_and_every_state_ends_in_it() -> None:
    for state in State:
        assert next_state(state, Step.END) is State.CLOSED
        for step in Step:
            if (State.CLOSED, step) in TRANSITIONS:
                assert next_state(State.CLOSED, step) is State.CLOSED


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("step", Step)
def test_what_is_not_in_the_table_is_illegal(state: State, step: Step) -> None:
    if (state, step) in TRANSITIONS:
        assert next_state(state, step) is TRANSITIONS[state, step]
    else:
        with pytest.raises(InvalidState, match=rf"^connection is {state.name.lower()}$"):
            next_state(state, step)


STEPS: dict[Step, Callable[[Protocol], Any]] = {
    Step.SEND_DATA: lambda protocol: protocol.send_binary(b""),
    Step.SEND_CONTROL: lambda protocol: protocol.send_ping(b""),
    Step.SEND_CLOSE: lambda protocol: protocol.send_close(),
    Step.FAIL: lambda protocol: protocol.fail(1011),
    Step.END: lambda protocol: protocol.receive_eof(),
}


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("state", [State.OPEN, State.CLOSING, State.CLOSED])
@pytest.mark.parametrize("step", STEPS)
def test_protocol_follows_the_table(side: Side, state: State, step: Step) -> None:
    protocol = Protocol(side, state=State.OPEN)
    if state is State.CLOSING:
        protocol.send_close()
    elif state is State.CLOSED:
        protocol.receive_eof()
    protocol.data_to_send()
    assert protocol.state is state
    if (state, step) in TRANSITIONS:
        STEPS[step](protocol)
        assert protocol.state is TRANSITIONS[state, step]
    else:
        with pytest.raises(InvalidState):
            STEPS[step](protocol)
        assert protocol.state is state
        assert protocol.data_to_send() == []


@pytest.mark.parametrize("closing", [False, True])
def test_receiving_a_close_frame_follows_the_table(closing: bool) -> None:
    protocol = Protocol(Side.SERVER)
    if closing:
        protocol.send_close()
    before = protocol.state
    protocol.receive_data(frame(CLOSE))
    assert protocol.state is TRANSITIONS[before, Step.RECEIVE_CLOSE]
