"""What an error says is bounded, whatever it quotes."""

from __future__ import annotations

from augrgb.core.errors import InputRefused


def test_a_message_quotes_neither_megabytes_nor_control_codes() -> None:
    fault = InputRefused("E-FILE-002", "x" * 10**6, "a" * 10**6 + "\x1b[31m", "remedy" * 10**5)
    assert len(str(fault)) < 10_000 and "\x1b" not in str(fault)
    assert fault.problem.startswith("aaa") and fault.problem.endswith("\\x1b[31m") and " ... " in fault.problem
