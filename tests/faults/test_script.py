"""Scripts of faults are the same again from their text, whatever else happened."""

from tests.faults.script import Fault, Rule, Script

RULES = (
    Rule(fault=Fault.DROP, per_mille=200),
    Rule(fault=Fault.NONCE_TOO_LOW, per_mille=500),
    Rule(fault=Fault.DELAY, per_mille=100, seconds=0.5, methods=("eth_call",)),
)
ALL = frozenset(Fault)


def strikes(script: Script, methods: list[str]) -> list[Fault | None]:
    rules = [script.strike("http", method, ALL) for method in methods]
    return [None if rule is None else rule.fault for rule in rules]


def test_a_script_read_from_its_text_strikes_the_same_messages() -> None:
    methods = ["eth_call", "eth_sendRawTransaction", "eth_blockNumber"] * 50
    script = Script(seed=7, rules=RULES)
    again = Script.from_json(script.to_json())
    found = strikes(script, methods)
    assert found == strikes(again, methods)
    assert {Fault.DROP, Fault.NONCE_TOO_LOW, Fault.DELAY, None} == set(found)
    assert found != strikes(Script(seed=8, rules=RULES), methods)


def test_other_messages_in_between_change_nothing() -> None:
    alone = strikes(Script(seed=7, rules=RULES), ["eth_call"] * 40)
    mixed = strikes(Script(seed=7, rules=RULES), ["eth_call", "eth_blockNumber"] * 40)
    assert mixed[::2] == alone


def test_lies_about_transactions_befall_nothing_else() -> None:
    script = Script(seed=1, rules=[Rule(fault=Fault.UNDERPRICED, per_mille=1_000)])
    assert strikes(script, ["eth_call", "eth_sendRawTransactionSync"]) == [None, Fault.UNDERPRICED]
    assert script.strike("ws", "eth_sendRawTransaction", frozenset({Fault.DROP})) is None
