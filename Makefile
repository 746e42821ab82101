# Two commands do everything on a fresh Debian 12: `make run` and `make test`.

.PHONY: run test unit setup check doctor clean

run: setup        ## build what is missing, run the default lab.yaml, say where the report is
	.venv/bin/lab run

test: setup       ## every test: style, types, unit, contract, real guests, the command line
	.venv/bin/python -m pytest

unit: setup       ## the fast ones: no guests, no network
	.venv/bin/python -m pytest tests/style tests/unit tests/contract

doctor: setup     ## what this host can do
	.venv/bin/lab doctor

setup:
	@tools/setup

clean:            ## the virtual environment and tool caches; images and runs stay
	rm -rf .venv .mypy_cache .ruff_cache .hypothesis
