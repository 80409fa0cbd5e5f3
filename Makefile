# The commands of CommerceCore Payments. Each needs Python 3.11 or newer and nothing else.

.DEFAULT_GOAL := help
.PHONY: help run test test-stripe prove prove-long bench benchmark fuzz check format requirements audit sbom environment development-environment

# The first Python that is new enough. Another: make run PYTHON=/path/to/python3.12
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
# What make test hands to pytest: make test ARGS="-k refund"
ARGS ?=

help:
	@echo "make run     serves on 127.0.0.1:\$${PORT:-8000}, in Stripe's offline sandbox unless STRIPE_SECRET_KEY is set"
	@echo "make test    runs the tests on SQLite and on PostgreSQL at once; ARGS=\"-k name\" goes to pytest"
	@echo "make test-stripe  holds the contract with Stripe against Stripe's test mode: needs STRIPE_SECRET_KEY=sk_test_..."
	@echo "make prove   kills, races and simulates, and compares the books with Stripe's: minutes; make prove-long takes hours"
	@echo "make bench   measures what a payment, a list, an event, a comparison and a page of the admin cost, as ratios: most of an hour; needs PostgreSQL"
	@echo "make fuzz    plays schemathesis over the description of the API, against a sandbox of its own; ARGS=\"--cases 50000 --postgres-url postgres://...\""
	@echo "make check   runs the linters, the type checker and Django's checks"
	@echo "make format  formats the code and sorts its imports"
	@echo "make requirements  compiles requirements*.in to pinned requirements*.txt"
	@echo "make audit   asks PyPI whether a pinned requirement has a known vulnerability; make sbom writes sbom.json"

# exec, so that no shell stands between make and the server: a signal to make reaches it.
run: environment
	@exec .venv/bin/python manage.py serve

test: development-environment
	@exec .venv/bin/python -m commercecore_payments.testing $(ARGS)

test-stripe: development-environment
	@exec .venv/bin/python -m commercecore_payments.testing.stripe_contract $(ARGS)

# The proofs that money moves exactly once: docs/reliability.md. ARGS=--quick is their form for every commit;
# ARGS="simulation --seed 7" plays one of them again.
prove: development-environment
	@exec .venv/bin/python -m proofs $(ARGS)

prove-long: development-environment
	@exec .venv/bin/python -m proofs --long $(ARGS)

# The promises of docs/performance.md. ARGS="--only lists" measures one part alone, ARGS=--quick sees that all of them run.
bench benchmark: development-environment
	@exec .venv/bin/python -m benchmarks $(ARGS)

# Made-up requests over the whole description of the API: ARGS="--cases 50000" is the long form, ARGS="--seconds 30" a quick one.
fuzz: development-environment
	@exec .venv/bin/python -m commercecore_payments.testing.fuzz $(ARGS)

check: development-environment
	@exec .ci/check

format: development-environment
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

environment:
	@test -n "$(PYTHON)" || { echo "CommerceCore Payments needs Python 3.11 or newer, and none was found. Name one: make run PYTHON=/path/to/python3.12" >&2; exit 1; }
	@exec $(PYTHON) install.py requirements.txt

development-environment: environment
	@exec $(PYTHON) install.py requirements-dev.txt

# pip-tools is needed for nothing else, so it has an environment of its own.
PIP_COMPILE = .venv/pip-tools/bin/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe \
	--no-emit-find-links --no-emit-index-url --no-emit-trusted-host
requirements: environment
	$(PYTHON) -m venv .venv/pip-tools
	.venv/pip-tools/bin/pip install --quiet pip-tools==7.6.2
	CUSTOM_COMPILE_COMMAND="make requirements" $(PIP_COMPILE) --output-file requirements.txt requirements.in
	CUSTOM_COMPILE_COMMAND="make requirements" $(PIP_COMPILE) --output-file requirements-dev.txt requirements-dev.in

audit: environment
	@exec .venv/bin/python dependency_audit.py

# What the service is made of, as CycloneDX has it: the same bytes for the same requirements.txt.
sbom: environment
	@test -x .venv/sbom/bin/cyclonedx-py || { $(PYTHON) -m venv .venv/sbom && .venv/sbom/bin/pip install --quiet cyclonedx-bom==7.5.0; }
	@.venv/sbom/bin/cyclonedx-py requirements --output-reproducible --output-format JSON --output-file sbom.json requirements.txt
	@echo "sbom.json: $$(grep -c '"purl"' sbom.json) components"
