# Everything stays inside the clone: builds in .venv/ and target/, the database of the demo in var/.
#
# PYTHON=...       the interpreter for .venv; default: the first of python3, python3.14 ... that is 3.10 or newer
# CARGO_FLAGS=...  default --locked: exactly the versions of Cargo.lock
# DEMO=...         the folder for the database of `run` and `serve`; default var/demo
# DOCS_PORT=...    where `make docs` serves the documentation; default 8000
# FUZZ_SECONDS=... for how long `make fuzz` runs each target; default 60

PYTHON ?=
CARGO_FLAGS ?= --locked
DEMO ?= var/demo
DOCS_PORT ?= 8000
FUZZ_SECONDS ?= 60

VENV := .venv
BIN := $(VENV)/bin
# What it takes to build the package, and what to develop it.
BUILD := $(VENV)/.build-dependencies
DEV := $(VENV)/.dev-dependencies
WHEEL_TOOLS := $(VENV)/.wheel-dependencies
# The package as users get it, and as tests use it: the same code, compiled faster. .venv has the one or the other.
RELEASE_PACKAGE := target/.package-release
TEST_PACKAGE := target/.package-test
# Includes folders, so that a deleted file counts as a change.
SOURCES := $(shell find src -not -name '.*') Cargo.toml Cargo.lock pyproject.toml

# The rules below and the tests expect the build here, whatever the user's settings are.
export CARGO_TARGET_DIR := $(CURDIR)/target
MATURIN := env -u CONDA_PREFIX PIP_QUIET=1 VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/maturin
WITH_POSTGRES := $(BIN)/python tests/with_postgres.py
# Twice as many as cores, as pytest has them: many tests wait for a server or a limit of time.
TEST_THREADS := $(shell echo $$((2 * $$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1))))
# zig links against an old glibc, so that the wheel works on older systems than the one that builds it.
WHEEL_FLAGS := $(if $(filter Linux,$(shell uname -s)),--zig --compatibility manylinux2014)
# Folders of this machine stay out of it.
WHEEL_RUSTFLAGS := --remap-path-prefix=$(CURDIR)=. --remap-path-prefix=$(HOME)=.
# What `make bench` runs, file by file.
BENCHMARKS := python_faces logins rest server nodes imports

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help build package run serve test chaos fuzz lint lint-rust lint-python docs site openapi pictures bench bench-micro bench-peers bench-scale instructions plots wheel clean

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-14s %s\n", $$1, $$2 }'

build: $(RELEASE_PACKAGE) ## Install the package and its command into .venv, and build target/release/zato-sso
	cargo build --release $(CARGO_FLAGS)

package: $(TEST_PACKAGE) ## Install the package into .venv, compiled quickly, to run single tests

run: $(RELEASE_PACKAGE) ## Build and show it at work: a database, a super-user, a session from Python, a login over REST
	$(BIN)/python examples/demo.py --directory $(DEMO) run

serve: $(RELEASE_PACKAGE) ## Start the REST server on the database of `make run`
	@exec $(BIN)/python examples/demo.py --directory $(DEMO) serve

test: $(TEST_PACKAGE) ## Run all tests, on SQLite and on a PostgreSQL that it starts itself
	.ci/browser_tools
	.ci/database_tools
	RUST_TEST_THREADS=$(TEST_THREADS) $(WITH_POSTGRES) -- sh -ec 'cargo test $(CARGO_FLAGS); $(BIN)/python -m pytest -n auto --dist worksteal'

chaos: $(TEST_PACKAGE) ## Kill the server under load 50 times, on SQLite and on PostgreSQL, and look for what is lost
	$(BIN)/python tests/chaos/kill_server.py --kills $(or $(KILLS),50)
	$(WITH_POSTGRES) --durable -- $(BIN)/python tests/chaos/kill_server.py --kills $(or $(KILLS),50) --postgresql

fuzz: ## Fuzz all parsers, FUZZ_SECONDS=60 each; FUZZ_SEED=... repeats a run
	FUZZ_SECONDS=$(FUZZ_SECONDS) FUZZ_SEED=$(or $(FUZZ_SEED),$$(date +%s)) \
		cargo test $(CARGO_FLAGS) --test it fuzz -- --nocapture

lint: lint-rust lint-python ## Check format, lints, types, stubs and licences

# All features at once, so that every dependency is looked at once.
lint-rust: $(TEST_PACKAGE)
	cargo fmt --check
	cargo clippy $(CARGO_FLAGS) --all-features --all-targets -- -D warnings
	@if cargo deny --version >/dev/null 2>&1; then cargo deny check; \
	else echo "cargo-deny is not installed: advisories were not checked"; fi

lint-python: $(TEST_PACKAGE)
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/python -m pyright --pythonpath $(BIN)/python
	$(BIN)/python -m mypy.stubtest zato_sso._core zato_sso.aio zato_sso.bound
	$(BIN)/python tests/check_licences.py

docs: site ## Build the documentation and serve it on http://127.0.0.1:8000
	@echo "http://127.0.0.1:$(DOCS_PORT)/, until Ctrl-C"
	@exec $(BIN)/python -m http.server $(DOCS_PORT) --bind 127.0.0.1 --directory target/site >/dev/null 2>&1

site: $(DEV) ## Build the documentation as a site into target/site
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

openapi: ## Update docs/openapi.json
	ZATO_SSO_UPDATE_OPENAPI=1 cargo test $(CARGO_FLAGS) --lib openapi

pictures: $(TEST_PACKAGE) ## Draw docs/pages-*.png, the pictures of the sign-in page and the administration
	.ci/browser_tools
	UPDATE_PICTURES=1 $(BIN)/python -m pytest -q tests/python/test_pictures.py -k "drawn and sqlite"

bench: $(DEV) build ## Run the benchmarks, each compared with a yardstick
	cargo build --release $(CARGO_FLAGS) --example parts
	@mkdir -p target/bench
	$(WITH_POSTGRES) --durable -- sh -ec 'cargo bench --quiet $(CARGO_FLAGS) --features server --bench main_job > target/bench/.main_job; \
		$(BIN)/python benches/main_job.py < target/bench/.main_job; \
		for part in $(BENCHMARKS); do echo; $(BIN)/python benches/$$part.py; done'
	@echo
	@$(BIN)/python benches/report.py

bench-micro: build ## Run the criterion benchmarks of the hot pieces
	cargo bench $(CARGO_FLAGS) --features server --bench micro

bench-peers: $(DEV) build ## Compare with fastapi-users, Django, better-auth and others, which it installs into target/bench
	cargo build --release $(CARGO_FLAGS) --example parts
	$(BIN)/python benches/peers/run.py
	@echo
	$(BIN)/python benches/peers/openid.py

instructions: $(DEV) ## Compare instruction counts of the hot pieces with the known ones; UPDATE=1 updates these
	cargo build --release $(CARGO_FLAGS) --example hot
	$(BIN)/python benches/instructions.py $(if $(UPDATE),--update)

plots: $(DEV) ## Draw docs/plots from the last figures, with matplotlib in target/bench
	test -d target/bench/plots || $(BIN)/python -m venv target/bench/plots
	target/bench/plots/bin/pip install --quiet --requirement benches/plots.txt
	target/bench/plots/bin/python benches/plots.py

bench-scale: $(DEV) build ## Benchmark with a million users and five million sessions: takes minutes and 10 GB in target/
	$(WITH_POSTGRES) --durable -- $(BIN)/python benches/scale.py

wheel: $(WHEEL_TOOLS) ## Build the wheel and the source distribution into dist/, and check them
	rm -rf dist
	$(BIN)/python .ci/wheel_papers.py sbom target/zato_sso.cdx.json
	PATH="$(CURDIR)/$(BIN):$$PATH" RUSTFLAGS="$(WHEEL_RUSTFLAGS)" $(MATURIN) build --release $(CARGO_FLAGS) $(WHEEL_FLAGS) \
		--interpreter $(BIN)/python --sbom-include target/zato_sso.cdx.json --out dist
	$(MATURIN) sdist --out dist
	$(BIN)/abi3audit --strict --summary dist/*.whl
	$(BIN)/auditwheel show dist/*.whl
	$(BIN)/check-wheel-contents dist/*.whl
	$(BIN)/twine check --strict dist/*.whl dist/*.tar.gz
	$(BIN)/python .ci/wheel_papers.py provenance dist

clean: ## Remove everything that was built; keep the databases in var/
	rm -rf $(VENV) target dist tests/browser/node_modules tests/interop/node_modules .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find python tests examples -name __pycache__ -prune -exec rm -rf {} +
	rm -f python/zato_sso/*.so

$(VENV)/bin/python:
	@for python in $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11 python3.10 python); do \
		if "$$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1; then \
			echo "$$python -m venv $(VENV)"; exec "$$python" -m venv $(VENV); \
		fi; \
	done; \
	echo "make: no Python 3.10 or newer with the modules venv and ensurepip was found. Install one" \
		"(on Debian python3 and python3-venv), or name one: make PYTHON=/path/to/python" >&2; \
	exit 1

$(BUILD): pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --group build
	@touch $@

$(DEV): $(BUILD)
	$(BIN)/python -m pip install --quiet --group dev
	@touch $@

$(WHEEL_TOOLS): $(DEV)
	$(BIN)/python -m pip install --quiet --group wheel
	@touch $@

$(RELEASE_PACKAGE): $(BUILD) $(SOURCES)
	$(MATURIN) develop --release $(CARGO_FLAGS)
	@rm -f $(TEST_PACKAGE)
	@touch $@

$(TEST_PACKAGE): $(DEV) $(SOURCES)
	$(MATURIN) develop $(CARGO_FLAGS)
	@rm -f $(RELEASE_PACKAGE)
	@touch $@
