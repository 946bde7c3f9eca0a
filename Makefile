# Two commands matter: `make demo` and `make test`. Both do all the set-up themselves.
.DEFAULT_GOAL := help
SHELL := bash
PYTHON := .venv/bin/python
SAM := .venv-sam/bin/sam
# uv lives in an environment of its own: nothing is installed into the machine's Python.
UV := env -u VIRTUAL_ENV .uv/bin/python -m uv
# What roles asked for in all local clouds of the tests, and the tests that hold the template's policies against it.
ACCESS := $(CURDIR)/build/access
PRIVILEGE := tests/access/test_least_privilege.py
CODE := functions autoflow layers tests benchmarks

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 18

setup: .venv/.synced .venv-sam/.synced .venv-audit/.synced ## Make the locked environments

.venv/.synced: requirements/dev.txt pyproject.toml | .uv/bin/uv
	test -x $(PYTHON) || $(UV) venv --quiet .venv
	$(UV) pip sync --quiet --require-hashes --python .venv requirements/dev.txt
	$(UV) pip install --quiet --python .venv --no-deps --editable .
	@touch $@

.venv-sam/.synced: requirements/sam.txt | .uv/bin/uv
	test -x $(SAM) || $(UV) venv --quiet .venv-sam
	$(UV) pip sync --quiet --require-hashes --python .venv-sam requirements/sam.txt
	@touch $@

.venv-benchmark/.synced: requirements/benchmark.txt | .uv/bin/uv
	test -x .venv-benchmark/bin/python || $(UV) venv --quiet --python $(PYTHON) .venv-benchmark
	$(UV) pip sync --quiet --require-hashes --python .venv-benchmark requirements/benchmark.txt
	@touch $@

.venv-audit/.synced: requirements/audit.txt | .uv/bin/uv
	test -x .venv-audit/bin/python || $(UV) venv --quiet --python $(PYTHON) .venv-audit
	$(UV) pip sync --quiet --require-hashes --python .venv-audit requirements/audit.txt
	@touch $@

.uv/bin/uv: requirements/installer.txt
	python3 -m venv .uv
	.uv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $<
	@touch $@

demo: .venv/.synced ## Run the whole workflow on this machine, on real data, and show what came out (PORT=4566)
	.venv/bin/autoflow demo $(if $(PORT),--port $(PORT))

test: setup lint ## Everything that CI checks
	rm -rf $(ACCESS)
	AUTOFLOW_ACCESS_RECORDS=$(ACCESS) $(PYTHON) -m pytest -n 2 --dist loadfile --no-loadscope-reorder --ignore $(PRIVILEGE)
	AUTOFLOW_ACCESS_RECORDS=$(ACCESS) $(PYTHON) -m pytest $(PRIVILEGE)

lint: setup ## Style, types, template and its security
	$(PYTHON) -m ruff check $(CODE)
	$(PYTHON) -m ruff format --check $(CODE)
	$(PYTHON) -m mypy $(CODE)
	.venv/bin/cfn-lint template.yaml
	AWS_DEFAULT_REGION=us-east-1 SAM_CLI_TELEMETRY=0 $(SAM) validate --lint
	.venv-audit/bin/checkov --config-file .checkov.yaml

audit: .venv-audit/.synced ## Look all locked packages up in PyPI's list of vulnerabilities (needs the network)
	.venv-audit/bin/pip-audit --strict --disable-pip --require-hashes --vulnerability-service pypi --progress-spinner off \
		$(addprefix -r ,$(filter-out %-constraints.txt,$(wildcard requirements/*.txt)) $(wildcard layers/*/requirements.txt))

format: .venv/.synced ## Rewrite the code in the project's style
	$(PYTHON) -m ruff check --fix $(CODE)
	$(PYTHON) -m ruff format $(CODE)

quality: .venv/.synced ## Measure model quality against AutoGluon run directly (DATA=folder with the data sets)
	$(PYTHON) -m benchmarks.quality $(DATA)

confidence: .venv/.synced ## Measure whether promised precision and intervals hold on unseen rows (DATA=folder with the data sets)
	$(PYTHON) -m benchmarks.confidence $(DATA)

bench-transform: .venv/.synced .venv-benchmark/.synced ## Measure Transform Data against pandas, awswrangler and the engine alone (SIZES="400x5 …", MBxruns)
	$(PYTHON) -m benchmarks.transform_data $(SIZES)

faults: .venv/.synced ## Break everything that can be broken, count what came of it, and write the table of docs/reliability.md
	$(PYTHON) -m benchmarks.faults

lock: | .uv/bin/uv ## Resolve all dependencies anew
	$(UV) pip compile --quiet --upgrade --python-version 3.13 --generate-hashes -c requirements/localstack-constraints.txt \
		--group dev --custom-compile-command "make lock" -o requirements/dev.txt pyproject.toml
	$(UV) pip compile --quiet --upgrade --python-version 3.13 --generate-hashes \
		--group pyproject.toml:sam --custom-compile-command "make lock" -o requirements/sam.txt
	$(UV) pip compile --quiet --upgrade --python-version 3.13 --generate-hashes \
		--group pyproject.toml:benchmark --custom-compile-command "make lock" -o requirements/benchmark.txt
	for group in audit installer; do \
		$(UV) pip compile --quiet --upgrade --python-version 3.13 --generate-hashes \
			--group pyproject.toml:$$group --custom-compile-command "make lock" -o requirements/$$group.txt; done
	for layer in core data report statistics; do \
		$(UV) pip compile --quiet --upgrade --python-version 3.13 --generate-hashes -c requirements/dev.txt \
			--custom-compile-command "make lock" -o layers/$$layer/requirements.txt layers/$$layer/requirements.in; done

clean: ## Remove what the build made
	rm -rf .aws-sam build .pytest_cache .mypy_cache .ruff_cache .hypothesis

.PHONY: help setup demo test lint audit format quality confidence bench-transform faults lock clean
