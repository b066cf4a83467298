"""Settings are checked when they are read, and say what is wrong."""

import pytest

from node.domain.errors import ConfigurationError
from node.domain.work import CT_BONE
from node.settings import load_settings
from tests.builders.acquisitions import SCANNER


@pytest.fixture
def configure(tmp_path, monkeypatch):
    def write(text: str) -> None:
        file = tmp_path / "osteonode.toml"
        file.write_text(text)
        monkeypatch.setenv("OSTEONODE_CONFIG", str(file))

    return write


def test_without_a_file_the_node_binds_to_loopback_and_sends_nowhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OSTEONODE_CONFIG", raising=False)

    settings = load_settings()

    assert settings.listen.host == "127.0.0.1"
    assert settings.destinations == ()
    assert [rule.pipeline for rule in settings.rules] == [CT_BONE]


def test_an_unknown_key_is_named(configure):
    configure("[listen]\nprt = 104\n")

    with pytest.raises(ConfigurationError, match=r"listen\.prt"):
        load_settings()


def test_a_file_that_is_named_and_missing_is_an_error(monkeypatch):
    monkeypatch.setenv("OSTEONODE_CONFIG", "/nowhere/osteonode.toml")

    with pytest.raises(ConfigurationError, match="nowhere"):
        load_settings()


def test_the_environment_overrides_the_file(configure, monkeypatch):
    configure("[listen]\nport = 104\n")
    monkeypatch.setenv("OSTEONODE_LISTEN__PORT", "11113")

    assert load_settings().listen.port == 11113


def test_a_destination_accepts_no_research_results_unless_it_says_so(configure):
    configure('[[destination]]\nname = "pacs"\nhost = "pacs"\nport = 104\nae_title = "PACS"\n')

    (destination,) = load_settings().destinations

    assert not destination.research_results


CALIBRATION = """
[[calibration]]
name = "QRM spring"
manufacturer = "Siemens*"
model = "Force"
kvp = 120
slope_mg_cm3_per_hu = 0.8
intercept_mg_cm3 = -4.0
standard_error_mg_cm3 = 3.0
"""


def test_a_calibration_is_read_from_the_file(configure):
    configure(CALIBRATION)

    assert load_settings().calibrated_scanners == (SCANNER,)


def test_a_calibration_changes_what_results_rest_on(configure):
    configure("")
    without = load_settings().analysis_sha256
    configure(CALIBRATION)

    assert load_settings().analysis_sha256 != without


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("0.8", "0.0008", "QRM spring.*slope_mg_cm3_per_hu must be 0.35 to 2.0"),
        ("kvp = 120", "kvp = 80", "QRM spring.*kvp must be 100 to 140, got 80"),
        ("-4.0", "5000.0", "intercept_mg_cm3 must be -50 to 50"),
        ("3.0", "0.004", "standard_error_mg_cm3 must be 0.5 to 30"),
        ('"Force"', '""', "manufacturer and model must not be empty"),
    ],
)
def test_a_calibration_that_cannot_be_is_refused_by_name(configure, old, new, message):
    configure(CALIBRATION.replace(old, new))

    with pytest.raises(ConfigurationError, match=message):
        load_settings()


def test_two_calibrations_of_one_name_are_refused(configure):
    configure(CALIBRATION * 2)

    with pytest.raises(ConfigurationError, match="different names"):
        load_settings()


def test_shadow_mode_sends_nowhere(configure):
    configure('shadow = true\n[[destination]]\nname = "pacs"\nhost = "pacs"\nport = 104\nae_title = "PACS"\n')

    assert load_settings().destinations == ()


def test_two_destinations_of_one_name_are_refused(configure):
    one = '[[destination]]\nname = "pacs"\nhost = "pacs"\nport = 104\nae_title = "PACS"\n'
    configure(one + one)

    with pytest.raises(ConfigurationError, match="different names"):
        load_settings()


def test_two_rules_for_one_pipeline_are_refused(configure):
    configure("[[selection]]\n[[selection]]\nslice_mm = 2.0\n")

    with pytest.raises(ConfigurationError, match=r"one \[\[selection\]\] rule"):
        load_settings()


def test_a_bad_ae_title_is_refused(configure):
    configure('ae_title = "SEVENTEEN LETTERS"\n')

    with pytest.raises(ConfigurationError, match="AE title"):
        load_settings()


def test_only_what_shapes_a_result_changes_the_analysis_digest(configure):
    configure("[listen]\nport = 104\n")
    base = load_settings().analysis_sha256
    configure("[listen]\nport = 105\n")
    moved = load_settings().analysis_sha256
    configure("[triage]\nl1_hu_below = 90\n")

    assert moved == base
    assert load_settings().analysis_sha256 != base
    configure("[workers]\nlevel_probability = 0.95\n")
    assert load_settings().analysis_sha256 != base
    assert load_settings().workers.networks.level_probability == 0.95
