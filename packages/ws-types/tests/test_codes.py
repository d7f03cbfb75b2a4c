import pytest

from ws_types.codes import (
    CLOSE_CODE_EXPLANATIONS,
    CTRL_OPCODES,
    DATA_OPCODES,
    EXTERNAL_CLOSE_CODES,
    OK_CLOSE_CODES,
    CloseCode,
    Opcode,
)


def test_opcodes_are_data_or_control_by_their_top_bit():
    assert {*DATA_OPCODES} == {opcode for opcode in Opcode if not opcode & 0x8}
    assert {*CTRL_OPCODES} == {opcode for opcode in Opcode if opcode & 0x8}


@pytest.mark.parametrize("value", [3, 7, 0xB, 0xF])
def test_reserved_opcodes_have_no_member(value):
    with pytest.raises(ValueError, match="is not a valid Opcode"):
        Opcode(value)


def test_every_close_code_is_explained():
    assert CLOSE_CODE_EXPLANATIONS.keys() == {*CloseCode}
    assert CLOSE_CODE_EXPLANATIONS[1000] == "OK"


def test_codes_that_only_report_never_travel():
    assert {*CloseCode} - EXTERNAL_CLOSE_CODES == {1005, 1006, 1015}


def test_reserved_close_code_has_no_member():
    assert 1004 not in {*CloseCode}


def test_ok_codes():
    assert {1000, 1001, 1005} == OK_CLOSE_CODES
