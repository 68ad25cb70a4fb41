# Two targets for a fresh Debian 12 machine: `make bench` and `make test`. Everything else is plain CMake (see README.md).
BUILD ?= build
JOBS ?= $(shell nproc)
CMAKE_ARGS ?=

.PHONY: bench test build deps perf clean help

help:
	@echo "make bench   install what is missing, build, run 'radz-bench --suite chest', print the table"
	@echo "make test    install what is missing, build twice (plain and sanitized), run all tests"
	@echo "make build   install what is missing, build"
	@echo "make perf    build the side-by-side timing programs of bench/perf/"
	@echo "make clean   remove the build folders"

deps:
	@sh cmake/install-deps.sh

build: deps
	cmake -S . -B $(BUILD) -G Ninja $(CMAKE_ARGS)
	cmake --build $(BUILD) -j $(JOBS)

bench: build
	$(BUILD)/radz-bench --suite chest

# The sanitized build leaves libtorch's side out of instrumentation: see tests/README.md.
test: build
	cmake -S . -B $(BUILD)-sanitized -G Ninja -DRADZ_SANITIZE=ON $(CMAKE_ARGS)
	cmake --build $(BUILD)-sanitized -j $(JOBS)
	ctest --test-dir $(BUILD) --output-on-failure -j $(JOBS)
	ctest --test-dir $(BUILD)-sanitized --output-on-failure -j $(JOBS)

perf: build
	cmake --build $(BUILD) --target perf -j $(JOBS)

clean:
	rm -rf $(BUILD) $(BUILD)-sanitized
