"""The node's settings: read once from a TOML file and the environment, checked, frozen.

The file is named by `OSTEONODE_CONFIG`, else `osteonode.toml` in the working folder is read where it exists. An
environment variable overrides the file: `OSTEONODE_LISTEN__PORT=104`. Unknown keys are errors.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Self

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from node.domain.calibration import CalibratedScanner
from node.domain.destination import Destination
from node.domain.errors import ConfigurationError, InvalidIdentifier
from node.domain.identifiers import AETitle
from node.domain.selection import SelectionRule
from node.domain.triage import TriagePolicy
from node.sections.analysis import CalibrationSettings, DensitySettings, TriageSettings, WorkerSettings
from node.sections.arriving import CompletenessSettings, ListenSettings, SelectionSettings
from node.sections.sending import DestinationSettings, DispatchSettings
from node.sections.services import BrokerSettings, DatabaseSettings, FlowerSettings

CONFIG_VARIABLE = "OSTEONODE_CONFIG"
DEFAULT_FILE = Path("osteonode.toml")

#: sun_path of a Unix socket holds 108 bytes on Linux; Redis writes a temporary name beside it.
SOCKET_PATH_MAX = 90


class Settings(BaseSettings):
    """All settings of the node."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix="OSTEONODE_",
        env_nested_delimiter="__",
        env_parse_none_str="null",
        toml_file=DEFAULT_FILE,
    )

    home: Path = Field(Path("osteonode-data"), description="Folder of the store, the index, logs and keys.")
    ae_title: str = Field("OSTEONODE", description="The node's own AE title.")
    shadow: bool = Field(False, description="Analyse and store, send nothing.")
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="Lowest level that is logged.")
    listen: ListenSettings = ListenSettings()
    completeness: CompletenessSettings = CompletenessSettings()
    selection: tuple[SelectionSettings, ...] = (SelectionSettings(),)
    workers: WorkerSettings = WorkerSettings()
    calibration: tuple[CalibrationSettings, ...] = ()
    density: DensitySettings = DensitySettings()
    triage: TriageSettings = TriageSettings()
    broker: BrokerSettings = BrokerSettings()
    database: DatabaseSettings = DatabaseSettings()
    flower: FlowerSettings = FlowerSettings()
    dispatch: DispatchSettings = DispatchSettings()
    destination: tuple[DestinationSettings, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        AETitle(self.ae_title)
        for title in self.listen.allowed_calling_aes:
            AETitle(title)
        names = [each.name for each in self.destination]
        if len(names) != len(set(names)):
            raise ValueError(f"destinations must have different names, got {names}")
        for each in self.destination:
            each.destination()
        pipelines = [rule.rule().pipeline for rule in self.selection]
        if len(pipelines) != len(set(pipelines)):
            raise ValueError(f"a pipeline can have one [[selection]] rule, got {pipelines}")
        if (self.listen.tls_certificate is None) != (self.listen.tls_key is None):
            raise ValueError("listen.tls_certificate and listen.tls_key go together")
        files = (self.dispatch.tls_certificate, self.dispatch.tls_key, self.dispatch.tls_authorities)
        if any(each.tls for each in self.destination) and None in files:
            raise ValueError("a destination with tls needs dispatch.tls_certificate, tls_key and tls_authorities")
        self.completeness.policy()
        names = [each.scanner().calibration.name for each in self.calibration]
        if len(names) != len(set(names)):
            raise ValueError(f"calibrations must have different names, got {names}")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment before file; no other sources."""
        named = os.environ.get(CONFIG_VARIABLE)
        file = Path(named) if named else DEFAULT_FILE
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=file)

    @property
    def database_url(self) -> str:
        """URL of the index."""
        return self.database.url or f"sqlite:///{self.home / 'index.sqlite'}"

    @property
    def broker_url(self) -> str:
        """URL of the broker: the configured one, or the private server's socket."""
        return self.broker.url or f"redis+socket://{self.redis_socket}"

    @property
    def redis_socket(self) -> Path:
        """Unix socket of the private Redis; in the temporary folder where the home's path is too long for a socket."""
        socket = self.home.resolve() / "redis" / "redis.sock"
        if len(str(socket)) <= SOCKET_PATH_MAX:
            return socket
        short = hashlib.sha256(str(socket).encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"osteonode-{short}" / "redis.sock"

    @property
    def destinations(self) -> tuple[Destination, ...]:
        """Where results go: nowhere in shadow mode."""
        return () if self.shadow else tuple(each.destination() for each in self.destination)

    @property
    def rules(self) -> tuple[SelectionRule, ...]:
        """The selection rules, one a pipeline."""
        return tuple(each.rule() for each in self.selection)

    @property
    def calibrated_scanners(self) -> tuple[CalibratedScanner, ...]:
        """What the site has measured on its scanners, in the order of the file."""
        return tuple(each.scanner() for each in self.calibration)

    @property
    def triage_policy(self) -> TriagePolicy:
        """The domain's own type."""
        return TriagePolicy(l1_hu_below=self.triage.l1_hu_below)

    @property
    def analysis_sha256(self) -> str:
        """SHA-256, hexadecimal, of the settings that shape a result: part of its deterministic UIDs."""
        shaping = self.model_dump_json(
            include={"triage": True, "calibration": True, "density": True, "workers": {"level_probability"}}
        )
        return hashlib.sha256(shaping.encode()).hexdigest()


def load_settings() -> Settings:
    """The settings of this process.

    Raises
    ------
    ConfigurationError
        Where the file named by `OSTEONODE_CONFIG` is missing, or a key or value does not fit; the message names it.
    """
    named = os.environ.get(CONFIG_VARIABLE)
    if named and not Path(named).is_file():
        raise ConfigurationError(f"{CONFIG_VARIABLE} names {named}, and no such file exists")
    try:
        return Settings()
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise ConfigurationError(f"the settings do not fit: {problems}") from error
    except (InvalidIdentifier, ValueError) as error:
        raise ConfigurationError(f"the settings do not fit: {error}") from error
