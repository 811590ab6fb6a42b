# Every command anyone needs.  `make help` prints them; the rules that build
# things are in scripts/*.mk, and everything built goes to build/.

# ---- settings, each of which can be given on the command line ----

HARTS   ?= 4
MEM     ?= 1G
MACHINE ?= virt
CPU     ?=
APPEND  ?=
DTB     ?=
TYPE    ?= ps
BOARD   ?= qemu-virt
DEBUG   ?= 0
UNSAFE_NO_FENCE ?= 0
FUZZ_SECONDS ?= 60
STEPS   ?= 1000000
SEED    ?= 1
SOAK_SECONDS ?= 600
SOAK_SEED ?= 1
TRANSFERS ?= 2000000
V       ?= 0

# ---- where things go ----

BUILD := build
OUT   := $(BUILD)$(if $(filter 1,$(DEBUG)),/debug)$(if \
	$(filter 1,$(UNSAFE_NO_FENCE)),/unfenced)

# A rule that needs tools of a group has $(call setup,GROUP) behind its `|`:
# scripts/setup looks for them, in a few milliseconds, and installs what is
# missing.
SETUP_GROUPS := build test fuzz image debug bench style
setup = setup-$(1)

# `$(say) WORD FILE` announces a step; V=1 shows the command itself.
quiet := $(if $(filter 1,$(V)),,@)
say   := @printf '  %-8s%s\n'

export PYTHONDONTWRITEBYTECODE := 1

MAKEFLAGS += --no-builtin-rules --no-print-directory
ifeq ($(MAKELEVEL)$(filter -j% --jobs%,$(MAKEFLAGS)),0)
MAKEFLAGS += --jobs=$(shell nproc)
endif
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

include scripts/stubs.mk
include scripts/kernel.mk
include scripts/userland.mk
include scripts/unit.mk
include scripts/lint.mk

# How scripts/qemu is told what to start.
MACHINE_OPTIONS = --harts '$(HARTS)' --mem '$(MEM)' --machine '$(MACHINE)' \
	$(if $(CPU),--cpu '$(CPU)') $(if $(DTB),--dtb '$(DTB)')
GUEST = --kernel $(KERNEL_IMAGE) --initrd $(ARCHIVE) $(MACHINE_OPTIONS) \
	$(if $(APPEND),--append '$(APPEND)')

##@ Use

.PHONY: help all run run-uboot image
help: ## print this list
	@sed -n -e 's/^##@ \(.*\)/\n\1:/p' \
	    -e 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(firstword \
	    $(MAKEFILE_LIST)) | while IFS="$$(printf '\t')" read -r name what; \
	    do test -z "$$what" && printf '%s\n' "$$name" || \
	    printf '  %-14s %s\n' "$$name" "$$what"; done
	@printf '\nSettings, as in `make run HARTS=1 MEM=128M`:\n'
	@printf '  HARTS=4 MEM=1G MACHINE=virt CPU=rv64,sstc=off DTB=FILE\n'
	@printf '  APPEND="words for the kernel"   DEBUG=1 (checks on)   V=1\n'
	@printf '  UNSAFE_NO_FENCE=1 (build/unfenced/: stale translations are kept, for tests)\n'
	@printf '  TESTS="words": the suites of `make test` named by one of them\n'
	@printf '\nStubs are made from .defs files: userland/mig/mig, docs/adding.md\n'

all: $(KERNEL_ELF) $(KERNEL_IMAGE) $(ARCHIVE) $(U)/flags ## build the kernel and the programs, run nothing

run: all ## boot in QEMU to the shell; Ctrl-A X leaves
	@scripts/qemu $(GUEST)

image: all | $(call setup,image) ## make a bootable disk image: BOARD=qemu-virt or visionfive2
	@scripts/mkimage --board '$(BOARD)' --kernel $(KERNEL_IMAGE) \
	    --archive $(ARCHIVE) --append '$(APPEND)' $(BUILD)/baton-$(BOARD).img

run-uboot: image ## boot that image in QEMU through OpenSBI and U-Boot
	@scripts/qemu $(MACHINE_OPTIONS) --disk $(BUILD)/baton-$(BOARD).img

##@ Check

.PHONY: test kernel-checked kernel-unfenced unit soak model fuzz coverage \
	bench bench-compare bench-profile bench-baseline lint tidy
test: all kernel-checked kernel-unfenced unit-build | $(call setup,image) $(call setup,debug) $(call setup,bench) ## run every test; ends with "N passed, N failed"
	@scripts/run-tests $(TESTS)

# The kernel once more, with lock ranks and invariants checked.
kernel-checked:
	@$(MAKE) DEBUG=1 $(BUILD)/debug/baton.img

# And once without the fences that keep received memory still, to see that a
# test fails then.
kernel-unfenced:
	@$(MAKE) UNSAFE_NO_FENCE=1 $(BUILD)/unfenced/baton.img

unit: unit-build ## run the host unit tests alone
	@scripts/run-tests unit

soak: all kernel-checked kernel-unfenced $(HOST)/test_vm_calls ## storms over ports and memory: SOAK_SECONDS=600 SOAK_SEED=1 TRANSFERS=2000000
	@VM_STEPS=20000000 VM_SEED=$$((1000 + $(SOAK_SEED))) \
	    $(HOST)/test_vm_calls
	@SOAK_SECONDS=$(SOAK_SECONDS) SOAK_SEED=$(SOAK_SEED) \
	    TRANSFERS=$(TRANSFERS) \
	    scripts/run-tests --progress 'the storm' 'hostile senders'

model: $(MODEL) $(HOST)/test_vm_calls ## random operations on ports and memory beside models: STEPS=1000000 SEED=1
	@test/host/test_words
	@$(MODEL) --steps $(STEPS) --seed $(SEED)
	@VM_STEPS=$(STEPS) VM_SEED=$(SEED) $(HOST)/test_vm_calls

fuzz: $(FUZZERS) ## give each fuzzer FUZZ_SECONDS=60
	@for fuzzer in $(FUZZERS); do mkdir -p $$fuzzer.corpus && \
	    $$fuzzer -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 \
	    -artifact_prefix=$$fuzzer. $$fuzzer.corpus || exit 1; done

# A kernel and unit tests of their own, built so that lines can be told apart.
coverage: all | $(call setup,test) ## which lines of ipc/ tests run: a table, build/coverage/index.html
	@$(MAKE) COVERAGE=1 OUT=$(BUILD)/coverage HOST=$(BUILD)/coverage/unit \
	    $(BUILD)/coverage/baton.img unit-build-ipc
	@scripts/coverage --initrd $(ARCHIVE) $(BUILD)/coverage ipc

BENCH = scripts/bench-report --kernel $(KERNEL_IMAGE) --initrd $(ARCHIVE)
BASELINE := userland/bench/baseline.json

BENCH_CODE = --elf $(KERNEL_ELF) --program $(U)/programs/bench

bench: all | $(call setup,bench) ## count instructions per operation: a table, build/bench/index.html and results.json
	@$(BENCH) $(BENCH_CODE) --page $(BUILD)/bench/index.html \
	    $(BUILD)/bench/results.json large

# `make bench-compare A.json B.json`, `make bench-profile NAME`: the words
# behind these are no targets.
ifneq ($(filter bench-compare bench-profile,$(firstword $(MAKECMDGOALS))),)
BENCH_WORDS := $(wordlist 2,$(words $(MAKECMDGOALS)),$(MAKECMDGOALS))
.PHONY: $(BENCH_WORDS)
$(BENCH_WORDS):
	@:
endif

bench-compare: ## what changed: BEFORE.json AFTER.json; alone, since the baseline
	@scripts/bench-compare $(or $(BENCH_WORDS),$(BASELINE) \
	    $(BUILD)/bench/results.json)

bench-profile: all ## where the instructions of a row go, by function: NAME, as rpc.port
	@scripts/bench-profile --kernel $(KERNEL_IMAGE) --initrd $(ARCHIVE) \
	    $(BENCH_CODE) $(or $(BENCH_WORDS),$(error which row? as in \
	    `make bench-profile rpc.null.inter`))

bench-baseline: all ## record what costs may not exceed by 2 %: userland/bench/baseline.json
	@$(BENCH) --baseline $(BASELINE)

lint: all lint-headers lint-dialects | $(call setup,style) ## compile each header alone, check layout and style
	@scripts/format --check
	@scripts/check-style

tidy: | $(call setup,build) $(call setup,style) ## clang-tidy over the kernel: slow, reports only
	@clang-tidy --quiet $(filter %.c,$(KERNEL_SOURCES)) -- \
	    --target=riscv64-unknown-elf -std=gnu17 -ffreestanding \
	    -march=rv64imac -mabi=lp64 -Wno-unknown-warning-option \
	    $(filter -I% -D%,$(KERNEL_FLAGS))

##@ Work

.PHONY: debug trace format size setup clean
debug: all | $(call setup,debug) ## a gdb prompt on the booting kernel
	@scripts/debug $(GUEST) --elf $(KERNEL_ELF)

trace: all | $(call setup,debug) ## build/trace.json, a timeline of what harts did: TYPE="ps"
	@scripts/trace $(GUEST) --elf $(KERNEL_ELF) --type '$(TYPE)' \
	    $(BUILD)/trace.json

format: | $(call setup,style) ## lay out the source by .clang-format
	@scripts/format

size: all ## how large the kernel and the programs are
	@scripts/size $(KERNEL_ELF) $(KERNEL_IMAGE) $(PROGRAMS)

setup: $(SETUP_GROUPS:%=setup-%) ## install every package that any target needs

clean: ## remove everything that was built
	rm -rf $(BUILD)

.PHONY: $(SETUP_GROUPS:%=setup-%)
$(SETUP_GROUPS:%=setup-%): setup-%:
	@scripts/setup $*
