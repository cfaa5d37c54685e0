# pond: `make` builds, `make demo` shows, `make test` tests, `make check` checks. Each works as the first command after a clone.
BUILD   ?= build
PREFIX  ?= /usr/local
JOBS    ?= $(shell nproc)

all: $(BUILD)/release/pond

.PHONY: all setup demo test check asan debug cov bench fuzz soak interop install clean
setup:
	@scripts/setup.sh

$(BUILD)/%/build.ninja: | setup
	@scripts/configure.sh $(BUILD)/$* $*

.PHONY: $(BUILD)/release/pond
$(BUILD)/release/pond: $(BUILD)/release/build.ninja
	@ninja -C $(BUILD)/release -j$(JOBS) --quiet pond

demo: $(BUILD)/release/pond
	@scripts/demo.sh $(BUILD)/release/pond

test: $(BUILD)/release/build.ninja
	@scripts/test.sh $(BUILD)/release

check: $(BUILD)/release/build.ninja
	@scripts/check.sh

# Address and undefined-behaviour sanitizers: the same tests.
asan: $(BUILD)/asan/build.ninja
	@scripts/test.sh $(BUILD)/asan

debug: $(BUILD)/debug/build.ninja
	@ninja -C $(BUILD)/debug -j$(JOBS)

cov: $(BUILD)/cov/build.ninja
	@scripts/test.sh $(BUILD)/cov
	@gcovr --root . --object-directory $(BUILD)/cov --filter src/ --print-summary --html-details $(BUILD)/cov/report.html

fuzz: setup
	@scripts/fuzz.sh $(BUILD)/fuzz

bench: $(BUILD)/release/build.ninja
	@ninja -C $(BUILD)/release -j$(JOBS) --quiet
	@bench/run.sh $(BUILD)/release

# Long fault, crash and kill sweeps; hours rather than minutes.
soak: $(BUILD)/release/build.ninja
	@scripts/soak.sh $(BUILD)/release

interop: $(BUILD)/release/pond
	@tests/interop/run.sh $(BUILD)/release/pond

install: $(BUILD)/release/pond
	@scripts/install.sh $(BUILD)/release "$(DESTDIR)$(PREFIX)"

clean:
	rm -rf $(BUILD)
