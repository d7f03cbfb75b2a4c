"""What each side makes of what the other says (RFC 7692, section 7.1)."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ws_extensions.negotiation import (
    Parameters,
    accept_offer,
    accept_response,
    build_parameters,
    check_window_bits,
    parse_offer,
    parse_response,
)
from ws_types import (
    DuplicateParameter,
    InvalidParameterName,
    InvalidParameterValue,
    NegotiationError,
)

FLAGS = ["server_no_context_takeover", "client_no_context_takeover"]
WINDOWS = ["server_max_window_bits", "client_max_window_bits"]
BITS = [str(bits) for bits in range(8, 16)]

#: Close to a number from 8 to 15, and none.
NOT_BITS = [
    "", "0", "7", "16", "08", "015", "+9", "-9", " 9", "9 ", "9.0", "0x9", "1_0", "9\n", "٩",
    "１０", "true", "99999999999999999999", "1" * 5000, "\x00",
]  # fmt: skip

windows = st.none() | st.integers(8, 15)
responses = st.builds(Parameters, st.booleans(), st.booleans(), windows, windows)
offers = st.builds(Parameters, st.booleans(), st.booleans(), windows, windows | st.just(True))


@pytest.mark.parametrize("parse", [parse_offer, parse_response])
class TestParse:
    def test_no_parameters(self, parse):
        assert parse([]) == Parameters(False, False, None, None)

    @pytest.mark.parametrize("name", FLAGS)
    def test_flag(self, parse, name):
        assert getattr(parse([(name, None)]), name) is True

    @pytest.mark.parametrize("name", FLAGS)
    @pytest.mark.parametrize("value", ["", "true", "1", "10"])
    def test_flag_with_value_is_refused(self, parse, name, value):
        with pytest.raises(InvalidParameterValue) as caught:
            parse([(name, value)])
        assert (caught.value.name, caught.value.value) == (name, value)

    @pytest.mark.parametrize("name", WINDOWS)
    @pytest.mark.parametrize("value", BITS)
    def test_window(self, parse, name, value):
        assert getattr(parse([(name, value)]), name) == int(value)

    @pytest.mark.parametrize("name", WINDOWS)
    @pytest.mark.parametrize("value", NOT_BITS)
    def test_window_out_of_range_is_refused(self, parse, name, value):
        with pytest.raises(InvalidParameterValue) as caught:
            parse([(name, value)])
        assert (caught.value.name, caught.value.value) == (name, value)

    @pytest.mark.parametrize(
        "name", ["", "server_max_window_bit", "Server_Max_Window_Bits", "mode", "__class__"]
    )
    def test_unknown_name_is_refused(self, parse, name):
        with pytest.raises(InvalidParameterName) as caught:
            parse([(name, None)])
        assert caught.value.name == name

    @pytest.mark.parametrize("name", FLAGS + WINDOWS)
    @pytest.mark.parametrize("second", [None, "10", "nonsense"])
    def test_name_twice_is_refused(self, parse, name, second):
        with pytest.raises(DuplicateParameter) as caught:
            parse([(name, None if name in FLAGS else "10"), (name, second)])
        assert caught.value.name == name

    def test_server_window_needs_a_value(self, parse):
        with pytest.raises(InvalidParameterValue, match="missing value for parameter server_max"):
            parse([("server_max_window_bits", None)])

    @given(st.lists(st.tuples(st.sampled_from(FLAGS + WINDOWS) | st.text(), st.none() | st.text())))
    def test_anything_is_read_or_refused(self, parse, params):
        try:
            read = parse(params)
        except NegotiationError:
            return
        assert sorted(build_parameters(read)) == sorted(params)


def test_client_window_without_a_value_is_an_offer():
    assert parse_offer([("client_max_window_bits", None)]).client_max_window_bits is True


def test_client_window_without_a_value_is_no_response():
    with pytest.raises(InvalidParameterValue, match="missing value for parameter client_max"):
        parse_response([("client_max_window_bits", None)])


@given(offers)
def test_offer_is_read_as_it_was_written(offer):
    read = parse_offer(build_parameters(offer))
    assert read == offer
    assert (read.client_max_window_bits is True) is (offer.client_max_window_bits is True)


@given(responses)
def test_response_is_read_as_it_was_written(response):
    assert parse_response(build_parameters(response)) == response


def test_parameters_are_written_in_order():
    assert build_parameters(Parameters(True, True, 10, True)) == [
        ("server_no_context_takeover", None),
        ("client_no_context_takeover", None),
        ("server_max_window_bits", "10"),
        ("client_max_window_bits", None),
    ]


@pytest.mark.parametrize("bits", [None, *range(8, 16)])
def test_configured_window(bits):
    check_window_bits("window", bits)


@pytest.mark.parametrize("bits", [-15, 0, 7, 16, True, False])
def test_configured_window_out_of_range(bits):
    with pytest.raises(ValueError, match="window must be between 8 and 15"):
        check_window_bits("window", bits)


class TestServer:
    @pytest.mark.parametrize("flag", FLAGS)
    @pytest.mark.parametrize(("ours", "theirs"), [*itertools.product([False, True], repeat=2)])
    def test_either_side_turns_context_takeover_off(self, flag, ours, theirs):
        config, offer = Parameters(**{flag: ours}), Parameters(**{flag: theirs})
        assert getattr(accept_offer(config, offer), flag) is (ours or theirs)

    @pytest.mark.parametrize(
        ("ours", "theirs", "agreed"),
        [(None, None, None), (None, 8, 8), (10, None, 10), (10, 9, 9), (10, 10, 10), (10, 11, 10)],
    )
    def test_own_window_is_the_smaller(self, ours, theirs, agreed):
        config = Parameters(server_max_window_bits=ours)
        offer = Parameters(server_max_window_bits=theirs)
        assert accept_offer(config, offer).server_max_window_bits == agreed

    @pytest.mark.parametrize(
        ("ours", "theirs", "agreed"),
        [
            (None, None, None),
            (None, True, None),
            (None, 8, 8),
            (10, None, None),
            (10, True, 10),
            (10, 9, 9),
            (10, 10, 10),
            (10, 11, 10),
        ],
    )
    def test_window_of_the_client_is_limited_if_it_lets_itself(self, ours, theirs, agreed):
        config = Parameters(client_max_window_bits=ours)
        offer = Parameters(client_max_window_bits=theirs)
        assert accept_offer(config, offer).client_max_window_bits == agreed

    def test_client_that_cannot_be_limited_is_declined_where_that_is_required(self):
        config = Parameters(client_max_window_bits=10)
        with pytest.raises(NegotiationError, match="required client_max_window_bits"):
            accept_offer(config, Parameters(), require_client_max_window_bits=True)

    @pytest.mark.parametrize("theirs", [True, 9, 15])
    def test_client_that_can_be_limited_is_accepted_where_that_is_required(self, theirs):
        config = Parameters(client_max_window_bits=10)
        offer = Parameters(client_max_window_bits=theirs)
        agreed = accept_offer(config, offer, require_client_max_window_bits=True)
        assert agreed.client_max_window_bits == min(10, 10 if theirs is True else theirs)

    @given(responses, offers)
    def test_no_window_is_larger_than_what_either_side_allows(self, config, offer):
        agreed = accept_offer(config, offer)
        for ours, theirs, window in zip(config[2:], offer[2:], agreed[2:], strict=True):
            limits = [limit for limit in (ours, theirs) if limit is not None and limit is not True]
            if window is None:
                assert limits == [] or theirs is None
            else:
                assert window is not True
                assert window == min(limits)


class TestClient:
    def test_server_must_do_as_asked_about_context_takeover(self):
        config = Parameters(server_no_context_takeover=True)
        assert accept_response(config, Parameters(True)).server_no_context_takeover
        with pytest.raises(NegotiationError, match="expected server_no_context_takeover"):
            accept_response(config, Parameters())

    def test_server_may_turn_its_context_takeover_off_unasked(self):
        assert accept_response(Parameters(), Parameters(True)).server_no_context_takeover

    @pytest.mark.parametrize(("ours", "theirs"), [*itertools.product([False, True], repeat=2)])
    def test_either_side_turns_context_takeover_of_the_client_off(self, ours, theirs):
        agreed = accept_response(Parameters(False, ours), Parameters(False, theirs))
        assert agreed.client_no_context_takeover is (ours or theirs)

    @pytest.mark.parametrize(("ours", "theirs"), [(None, None), (None, 8), (10, 9), (10, 10)])
    def test_window_of_the_server(self, ours, theirs):
        config, response = Parameters(False, False, ours), Parameters(False, False, theirs)
        assert accept_response(config, response).server_max_window_bits == theirs

    def test_server_must_limit_its_window_when_asked(self):
        with pytest.raises(NegotiationError, match="expected server_max_window_bits"):
            accept_response(Parameters(False, False, 10), Parameters())

    def test_server_may_not_take_a_larger_window_than_asked(self):
        with pytest.raises(NegotiationError, match="unsupported server_max_window_bits"):
            accept_response(Parameters(False, False, 10), Parameters(False, False, 11))

    @pytest.mark.parametrize(
        ("ours", "theirs", "agreed"),
        [
            (None, None, None),
            (True, None, None),
            (True, 8, 8),
            (True, 15, 15),
            (10, None, 10),
            (10, 8, 8),
            (10, 10, 10),
        ],
    )
    def test_own_window(self, ours, theirs, agreed):
        config = Parameters(client_max_window_bits=ours)
        response = Parameters(client_max_window_bits=theirs)
        assert accept_response(config, response).client_max_window_bits == agreed

    def test_server_may_not_limit_a_client_that_did_not_offer_it(self):
        with pytest.raises(NegotiationError, match="unexpected client_max_window_bits"):
            accept_response(Parameters(), Parameters(client_max_window_bits=12))

    def test_server_may_not_allow_a_larger_window_than_offered(self):
        config = Parameters(client_max_window_bits=10)
        with pytest.raises(NegotiationError, match="unsupported client_max_window_bits"):
            accept_response(config, Parameters(client_max_window_bits=11))


@given(responses, offers)
def test_client_accepts_what_a_server_makes_of_its_offer(config, offer):
    response = accept_offer(config, offer)
    agreed = accept_response(offer, parse_response(build_parameters(response)))
    assert agreed[:3] == response[:3]
    # The client may hold itself to less than the server demands.
    assert (agreed.client_max_window_bits or 15) <= (response.client_max_window_bits or 15)
