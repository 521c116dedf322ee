# make demo: sets up, then trains, scores and reports.  make test: sets up, then passes the tests.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DISTRIBUTIONS := -e plugins/mdgan -e plugins/baselines -e plugins/skvideo -e datasets
SOURCES := $(wildcard pyproject.toml plugins/*/pyproject.toml datasets/pyproject.toml constraints.txt Makefile)

# Every install is held to the versions that were tried together.
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt

.PHONY: demo test gpu lint docs wheels clean

demo: $(VENV)/ready
	$(BIN)/vgbench demo

test: $(VENV)/ready-to-develop lint
	$(BIN)/python -m pytest -n 2

# On a machine with a GPU: the tests that need one, then metrics and training steps in tables. Where $(PYTHON) has torch it serves as it is.
HAS_TORCH = $(shell $(PYTHON) -c 'import torch, av' 2>/dev/null && echo yes)
GPU_PYTHON = $(if $(HAS_TORCH),$(PYTHON),$(BIN)/python)
gpu:
	$(if $(HAS_TORCH),,$(MAKE) $(VENV)/ready-to-develop)
	$(GPU_PYTHON) -m pytest -q -m gpu -W default tests plugins/mdgan/tests
	$(GPU_PYTHON) benchmarks/gpu.py

lint: $(VENV)/ready-to-develop
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The page of metrics, made from their cards.
docs: $(VENV)/ready
	$(BIN)/python -c 'from pathlib import Path; from vgbench.metrics.page import write_page; write_page(Path("docs/metrics.md"))'

# Built wheels, installed into a fresh environment by the one line for people who do not clone, do the main job as well.
wheels:
	rm -rf build-wheels
	$(PYTHON) -m venv build-wheels/venv
	build-wheels/venv/bin/python -m pip wheel --quiet --no-deps --wheel-dir build-wheels . ./plugins/mdgan ./plugins/baselines ./plugins/skvideo ./datasets
	build-wheels/venv/bin/python -m pip install --quiet --find-links build-wheels 'vgbench[all]'
	mkdir build-wheels/empty
	cd build-wheels/empty && ../venv/bin/vgbench plugins
	cd build-wheels/empty && ../venv/bin/vgbench train mdgan --preset tiny --steps 2 --seed 0
	cd build-wheels/empty && ../venv/bin/vgbench eval --metrics mse,psnr,ssim --limit 4
	rm -rf build-wheels

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "vgbench needs Python 3.11 or newer; name one with: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/ready: $(VENV)/bin/python $(SOURCES)
	$(BIN)/python -m pip install --quiet -e '.[full]' $(DISTRIBUTIONS)
	touch $@

$(VENV)/ready-to-develop: $(VENV)/ready
	$(BIN)/python -m pip install --quiet -e '.[dev]' $(DISTRIBUTIONS)
	touch $@

clean:
	rm -rf $(VENV) build-wheels build dist *.egg-info plugins/*/*.egg-info datasets/*.egg-info
