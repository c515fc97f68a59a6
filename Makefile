# Two commands matter: `make run` and `make test`. Both do all the set-up and are quick when run again.
# PYTHON=python3.12 chooses the interpreter (3.11 to 3.13); ARGS="..." goes to the program.
.DEFAULT_GOAL := help
SETUP := packaging/setup.sh
ARGS ?=
export PYTHON

.PHONY: help run test test-long lint bench lock clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | awk -F ':.*## ' '{printf "make %-10s %s\n", $$1, $$2}'

run: ## Set everything up and start Everlisten
	@$(SETUP) run $(ARGS)

test: ## Set up the test environment; lint, types, import rules and all tests but the slow ones
	@$(SETUP) test $(ARGS)

test-long: ## The longer proofs (marked slow)
	@$(SETUP) test-long $(ARGS)

lint: ## Only lint, types and import rules
	@$(SETUP) lint

bench: ## Speed and memory on real speech, at real-time pace (takes minutes)
	@$(SETUP) bench $(ARGS)

lock: ## Write packaging/lock/*.txt again; ARGS=--upgrade for newer versions
	@$(SETUP) lock $(ARGS)

clean: ## Remove the environments and everything that was built
	rm -rf .venv .venv-test .venv-lock build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
