# Commands for developers. `python3 demo`, `python3 tests` and `python3 docs` need no make.
.PHONY: demo test quick docs style types newest fuzz soak faults conformance matrix bench bench-brokers \
	client lock

demo:
	python3 demo

test:
	python3 tests

# Only the tests that start no other program.
quick:
	python3 tests --quick

# The documentation, to docs/_build/html.
docs:
	python3 docs

style:
	python3 tests --style

types:
	python3 tests --types

# The newest releases instead of the lock; what differs is listed before the tests run.
newest:
	python3 tests --newest

# Random handshakes, frames and events: 50 times as many as in the tests, and others each time.
fuzz:
	C10KWS_FUZZ=50 python3 tests tests/fuzz -n 2

# Minutes of clients of all kinds; fails if memory, descriptors, threads or the queue grow.
MINUTES = 5
soak:
	python3 tests/soak --minutes $(MINUTES)

# Faults of brokers, such as a Redis that is killed: the tables in docs/explanation/faults.rst. Minutes.
faults:
	python3 tests/faults

# The Autobahn|Testsuite, with the fast lane and without. Needs a Python 2.7.
conformance:
	python3 tests/conformance
	python3 tests/conformance --no-lane

# Every Python with every Django, by tox: the page docs/explanation/compatibility.rst, then all tests. Hours.
matrix:
	python3 matrix
	python3 matrix --tests

# Every server on the same work, on this machine; see benchmarks/ and docs/explanation/performance.rst.
bench:
	python3 benchmarks

# Rooms over several processes: the page docs/explanation/broker-benchmarks.rst. Needs redis-server.
bench-brokers:
	python3 benchmarks/brokers --page

# The scripts of django-tornado-websockets' pages: ours, and below them what differs. One file each,
# since a page may link them in any way; a test tells when they are out of date.
OURS = c10kws/static/c10kws
THEIRS = c10kws/compat/tornado_websockets/static/tornado_websockets
client:
	cat $(OURS)/client.js $(THEIRS)/differences/client.js > $(THEIRS)/client.js
	cat $(OURS)/progress.js $(THEIRS)/differences/progressbar.js > $(THEIRS)/modules/progressbar.js

# The locks, from their inputs: every version exact and hashed, for every supported Python. Needs uv.
LOCK = uv pip compile --quiet --universal --python-version 3.11 --upgrade --generate-hashes \
	--no-header --no-annotate --constraints requirements/lts.in pyproject.toml
lock:
	$(LOCK) requirements/tests.in --output-file requirements/tests.txt
	$(LOCK) requirements/demo.in --output-file requirements/demo.txt
	$(LOCK) requirements/matrix.in --output-file requirements/matrix.txt
	$(LOCK) requirements/benchmarks.in --output-file requirements/benchmarks.txt
