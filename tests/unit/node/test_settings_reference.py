"""The reference page of the settings is the settings'."""

from pathlib import Path

from node.settings_reference import settings_page

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "settings.md"


def test_the_page_in_the_documentation_is_the_one_that_the_code_makes():
    assert PAGE.read_text() == settings_page(), "run: python -m node.settings_reference > docs/reference/settings.md"


def test_every_setting_has_a_meaning():
    assert "| None |" not in settings_page()
