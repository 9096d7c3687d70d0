"""The program's front door: commands, help, exit codes."""

import pytest

from keepers.cli import COMMANDS, main


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_loads_and_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([name, "--help"])
    assert stopped.value.code == 0
    assert f"bellkeeper {name}" in capsys.readouterr().out


def test_without_a_command_it_says_which_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert stopped.value.code == 0
    text = capsys.readouterr().out
    assert all(name in text for name in COMMANDS)


def test_an_operators_error_is_one_sentence_and_exit_78(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["config", "show", "--config", "no-such-file.toml"]) == 78
    error = capsys.readouterr().err
    assert error.startswith("bellkeeper: ")
    assert "no-such-file.toml" in error
    assert error.count("\n") == 1
