# OsteoNode. `make run` does the main job, `make test` tests everything; both set up what they need first.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   ?= .venv
BIN    := $(VENV)/bin
OUT    ?= out
SEED   ?= 7
PHANTOM = $(OUT)/phantom-$(SEED)

.DEFAULT_GOAL := help
.PHONY: help setup peers run test check format bench train-smoke clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

setup: $(VENV)/.ready  ## make the virtual environment

# numpy, setuptools and wheel come first: pyradiomics 3.0.1 needs them to build, and says so nowhere.
$(VENV)/.ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info[:2] == (3, 11) else "Python 3.11 is needed, got " + sys.version.split()[0])'
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check numpy==2.4.6 setuptools==84.2.1 wheel==0.48.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation pyradiomics==3.0.1
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --editable '.[dev]'
	@touch $@

peers:  # the real peers of the tests: Orthanc, DCMTK, dicom3tools, Redis
	@sh deploy/install-test-peers.sh

run: setup  ## analyse STUDY=folder, leave the results in OUT=folder (without STUDY: a synthetic chest CT)
ifndef STUDY
	@test -d "$(PHANTOM)/study" || $(BIN)/osteonode-train phantom --kind chest-ct --out "$(PHANTOM)" --seed $(SEED)
	$(BIN)/osteonode run "$(PHANTOM)/study" --out "$(OUT)/result"
else
	$(BIN)/osteonode run "$(STUDY)" --out "$(OUT)"
endif

# The sources of a package whose weights no test machine can have: the stand-in for it is held to them, and our networks are
# asked about the CTs of its own tests.
TOTALSEGMENTATOR = $(VENV)/totalsegmentator-2.18.0
$(TOTALSEGMENTATOR)/.ready: $(VENV)/.ready
	$(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps --no-build-isolation \
	  --no-binary TotalSegmentator --dest $(VENV) TotalSegmentator==2.18.0
	@mkdir -p $(TOTALSEGMENTATOR)
	tar --extract --file $(TOTALSEGMENTATOR).tar.gz --directory $(TOTALSEGMENTATOR) --strip-components 1
	@rm $(TOTALSEGMENTATOR).tar.gz
	@touch $@

# Tests that start processes and wait for them run two at a time, in the order of their files: the longest come first.
test: setup peers $(TOTALSEGMENTATOR)/.ready  ## run all tests, with real peers
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto tests/unit tests/contract tests/networks
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder \
		--ignore tests/unit --ignore tests/contract --ignore tests/networks

check: setup  ## format, lint, types, import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup  ## put the code into its format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup peers  ## the speed and memory tables
	$(BIN)/python -m tests.bench

# Nothing can be concluded from ten scans: the report says so in the place of every figure. Four epochs show as much as more
# would; all of it is 54 seconds of processor time, and took 90 seconds on two cores that had other work, too.
SMOKE = $(OUT)/train-smoke
train-smoke: setup  ## train both models of bone density on ten synthetic scans and judge them, a minute or two
	rm -rf "$(SMOKE)"
	$(BIN)/osteonode-train phantom-cohort --out "$(SMOKE)/data" --scans 10
	$(BIN)/osteonode-train fit bmd-screening --manifest "$(SMOKE)/data/data.csv" --out "$(SMOKE)/fit" --work "$(SMOKE)/work" \
	  --epochs 4 --data "Ten synthetic scans, to try the training on."
	$(BIN)/osteonode-train evaluate bmd-screening --manifest "$(SMOKE)/data/data.csv" --bundle "$(SMOKE)/fit/bundle" \
	  --out "$(SMOKE)/report" --work "$(SMOKE)/work"
	$(BIN)/osteonode-train release bmd-screening --bundle "$(SMOKE)/fit/bundle" \
	  --evaluation "$(SMOKE)/report/evaluation.json" --out "$(SMOKE)/released"

clean:  ## remove what the targets made, the environment too
	rm -rf $(VENV) $(OUT) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
