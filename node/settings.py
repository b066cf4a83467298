"""The node's settings: read once from a TOML file and the environment, checked, frozen.

The file is named by `OSTEONODE_CONFIG`, else `osteonode.toml` in the working folder is read where it exists. An
environment variable overrides the file: `OSTEONODE_LISTEN__PORT=104`. Unknown keys are errors.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from node.domain.calibration import CalibratedScanner, Calibration, CalibrationMethod
from node.domain.completeness import CompletenessPolicy
from node.domain.destination import Destination
from node.domain.errors import ConfigurationError, InvalidIdentifier
from node.domain.identifiers import AETitle
from node.domain.networks import (
    LEAST_LEVEL_PROBABILITY,
    USUAL_LEVEL_PROBABILITY,
    BackendName,
    ClassifierChoice,
    SpineChoice,
)
from node.domain.selection import SelectionRule
from node.domain.triage import TriagePolicy
from node.domain.work import CT_BONE

CONFIG_VARIABLE = "OSTEONODE_CONFIG"
DEFAULT_FILE = Path("osteonode.toml")

#: sun_path of a Unix socket holds 108 bytes on Linux; Redis writes a temporary name beside it.
SOCKET_PATH_MAX = 90

#: Words in a Series Description for pictures that are no stack of slices. A low-dose scan is one, a dose report is not.
NO_VOLUME = r"(?<![a-z])(mips?|minips?|vrt|scouts?|topogram|surview|dose[ _-]?(report|info|sheet|page|record))(?![a-z])"

Seconds = Annotated[float, Field(gt=0)]
Port = Annotated[int, Field(ge=0, le=65535)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ListenSettings(_Section):
    """The DICOM listener."""

    host: str = Field("127.0.0.1", description="Address to bind; loopback until told otherwise.")
    port: Port = Field(11112, description="TCP port; 0 takes a free one.")
    processes: int = Field(2, ge=1, le=64, description="Listener processes that share the socket.")
    allowed_calling_aes: tuple[str, ...] = Field(
        (), description="AE titles that may send; empty means that only loopback may."
    )
    max_associations: int = Field(50, ge=1, description="Associations at one time, all processes together.")
    acse_timeout_s: Seconds = Field(30.0, description="Longest wait for an association to be negotiated.")
    dimse_timeout_s: Seconds = Field(60.0, description="Longest wait for the rest of a DIMSE message.")
    network_timeout_s: Seconds = Field(60.0, description="An association silent for this long is ended.")
    max_object_mb: int = Field(4096, ge=1, description="Largest object that is accepted, MB.")
    min_free_disk_mb: int = Field(2048, ge=0, description="With less free disk than this nothing is accepted, MB.")
    tls_certificate: Path | None = Field(None, description="PEM file; with it the listener speaks TLS only.")
    tls_key: Path | None = Field(None, description="PEM file of the certificate's key.")
    tls_client_ca: Path | None = Field(
        None, description="PEM file; with it senders must show a certificate of this CA."
    )


class CompletenessSettings(_Section):
    """When a study counts as complete."""

    study_quiet_s: float = Field(60.0, ge=0, description="Nothing arrived for the study for this long.")
    series_quiet_s: float = Field(
        300.0, ge=0, description="Nothing arrived for this long for a series in which slices are missing."
    )
    longest_wait_s: Seconds = Field(1800.0, description="Closed this long after its first image, whatever is missing.")

    def policy(self) -> CompletenessPolicy:
        """The domain's own type."""
        return CompletenessPolicy(**self.model_dump())


class SelectionSettings(_Section):
    """Which series a pipeline reads."""

    pipeline: str = Field(CT_BONE, description="Pipeline that this rule is for.")
    modalities: tuple[str, ...] = Field(("CT",), description="Modalities that suit.")
    body_parts: tuple[str, ...] = Field(
        (), description="Body Part Examined values that suit, in capitals; empty means all. Missing counts as unknown."
    )
    exclude_descriptions: tuple[str, ...] = Field(
        (NO_VOLUME,), description="Regular expressions that exclude a series; case does not matter."
    )
    descriptions: tuple[str, ...] = Field(
        (), description="Regular expressions of which the Series Description must hold one; empty means all."
    )
    slice_mm: float = Field(6.0, gt=0, description="Thickest slices that suit, mm.")
    coverage_mm: float = Field(60.0, ge=0, description="Shortest stack that suits, mm.")
    min_slices: int = Field(10, ge=1, description="Fewest slices.")
    max_slices: int = Field(3000, ge=1, description="Most slices; of 512 x 512 no more than 1,600 are read.")
    require: tuple[str, ...] = Field(
        (), description="Facts whose absence excludes: body_part, description, kvp, kernel."
    )

    def rule(self) -> SelectionRule:
        """The domain's own type."""
        return SelectionRule(
            pipeline=self.pipeline,
            modalities=frozenset(self.modalities),
            body_parts=frozenset(self.body_parts),
            exclude_descriptions=self.exclude_descriptions,
            descriptions=self.descriptions,
            slice_mm=self.slice_mm,
            coverage_mm=self.coverage_mm,
            slices=(self.min_slices, self.max_slices),
            require=frozenset(self.require),
        )


class WorkerSettings(_Section):
    """The Celery workers."""

    device: str = Field("cpu", pattern=r"^(cpu|cuda(:\d+)?)$", description="cpu, cuda or cuda:N; never a silent other.")
    threads: int = Field(0, ge=0, description="CPU threads of the network; 0 takes all cores.")
    backend: BackendName = Field(
        BackendName.OSTEONODE, description="What sees the whole scan: our network, or that of others."
    )
    bundle: Path | None = Field(
        None, description="Model folder of what sees the whole scan; empty takes the shipped one."
    )
    body_bundle: Path | None = Field(
        None, description="Model folder of the network that sees one body finely; empty takes the shipped one."
    )
    ribs_bundle: Path | None = Field(
        None, description="Model folder of the network that sees the ribs of one vertebra; empty takes the shipped one."
    )
    level_probability: float = Field(
        USUAL_LEVEL_PROBABILITY,
        ge=LEAST_LEVEL_PROBABILITY,
        lt=1.0,
        description="How probable the name of a vertebra must be; 0.99 is a score of 0.95 where nothing is calibrated.",
    )
    classifier: bool = Field(True, description="Whether a classifier of bone density answers beside the measurement.")
    classifier_bundle: Path | None = Field(
        None, description="Model folder of that classifier; empty takes the shipped one."
    )
    release_keys: tuple[Path, ...] = Field(
        (),
        description="PEM files of the Ed25519 public keys that may release models for clinical use; without one, all "
        "models must be for research.",
    )
    lease_s: Seconds = Field(60.0, description="A worker silent for this long has lost its work.")

    @property
    def networks(self) -> SpineChoice:
        """Which networks find vertebrae, and how sure their names must be."""
        return SpineChoice(
            backend=self.backend,
            bundle=self.bundle,
            body_bundle=self.body_bundle,
            ribs_bundle=self.ribs_bundle,
            level_probability=self.level_probability,
            release_keys=self.release_keys,
        )

    @property
    def second_answer(self) -> ClassifierChoice | None:
        """Which classifier is asked; `None` for none."""
        if not self.classifier:
            return None
        return ClassifierChoice(bundle=self.classifier_bundle, release_keys=self.release_keys)


class CalibrationSettings(_Section):
    """What a site has measured on one scanner: density in mg/cm3 is slope times HU plus intercept.

    The first entry that holds for a series is taken.
    """

    name: str = Field(min_length=1, description="How reports call it, such as the phantom and the month.")
    manufacturer: str = Field(description="Manufacturer (0008,0070), with * for anything; case does not matter.")
    model: str = Field(description="Manufacturer's Model Name (0008,1090), with * for anything.")
    kvp: float = Field(description="Tube voltage, 100 to 140 kV.")
    kernel: str = Field("*", description="Convolution Kernel, with * for anything.")
    slope_mg_cm3_per_hu: float = Field(description="Slope, mg/cm3 for each HU.")
    intercept_mg_cm3: float = Field(description="Intercept, mg/cm3.")
    standard_error_mg_cm3: float = Field(
        description="Standard deviation of the densities that it gives around the true ones, mg/cm3."
    )

    def scanner(self) -> CalibratedScanner:
        """The domain's own type."""
        calibration = Calibration(
            name=self.name,
            method=CalibrationMethod.ASYNCHRONOUS,  # what stands in a table was measured on another day
            slope_mg_cm3_per_hu=self.slope_mg_cm3_per_hu,
            intercept_mg_cm3=self.intercept_mg_cm3,
            standard_error_mg_cm3=self.standard_error_mg_cm3,
        )
        return CalibratedScanner(
            manufacturer=self.manufacturer,
            model=self.model,
            kvp=self.kvp,
            kernel=self.kernel,
            calibration=calibration,
        )


class DensitySettings(_Section):
    """How densities are come by where no [[calibration]] holds for a scan."""

    internal_calibration: bool = Field(
        False,
        description="Whether the patient's own air, fat, muscle and blood may calibrate it, to 18 mg/cm3 at best.",
    )


class TriageSettings(_Section):
    """What makes a study urgent."""

    l1_hu_below: float | None = Field(None, description="Urgent where L1's core is below this mean CT number, HU.")


class BrokerSettings(_Section):
    """Redis."""

    url: str = Field("", description="redis://, rediss:// or redis+socket://; empty starts a private server.")
    message_s: Seconds = Field(300.0, description="A message that nobody took for this long is lost and sent again.")


class DatabaseSettings(_Section):
    """The index."""

    url: str = Field("", description="SQLAlchemy URL; empty takes index.sqlite in the node's folder.")


class FlowerSettings(_Section):
    """Celery's monitor."""

    enabled: bool = Field(True, description="Whether `osteonode up` runs flower.")
    host: str = Field("127.0.0.1", description="Address to bind; flower has no log-in of its own here.")
    port: Port = Field(5555, description="TCP port.")


class DispatchSettings(_Section):
    """How the node calls destinations."""

    tls_certificate: Path | None = Field(None, description="PEM file of the node's certificate as a sender.")
    tls_key: Path | None = Field(None, description="PEM file of the certificate's key.")
    tls_authorities: Path | None = Field(
        None, description="PEM file of the CAs that destinations' certificates are of."
    )


class DestinationSettings(_Section):
    """A PACS that results are sent to."""

    name: str = Field(description="How logs and queues call it.")
    host: str = Field(description="Host name or address.")
    port: Port = Field(description="TCP port.")
    ae_title: str = Field(description="Its AE title.")
    research_results: bool = Field(False, description="Whether it accepts results of research models.")
    not_evaluable_reports: bool = Field(False, description="Whether it wants reports that nothing could be assessed.")
    pictures: bool = Field(
        True, description="Whether it wants a picture of what was measured (Secondary Capture), too."
    )
    urgent_key_objects: bool = Field(False, description="Whether urgent findings are marked by a Key Object Selection.")
    urgent_research: bool = Field(False, description="Whether research findings may raise urgency, too.")
    tls: bool = Field(False, description="Whether the association is encrypted.")

    def destination(self) -> Destination:
        """The domain's own type."""
        return Destination(**self.model_dump(exclude={"ae_title"}), ae_title=AETitle(self.ae_title))


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
