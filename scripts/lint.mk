# What `make lint` compiles besides the build itself: every header alone, since
# a header has to stand by itself, in C as the kernel or the programs see it.

KERNEL_HEADERS := $(wildcard arch/riscv64/include/arch/*.h arch/riscv64/*.h \
	kernel/*.h ipc/*.h vm/*.h drivers/*.h)
USER_HEADERS := $(shell find kernel/include userland/include -name '*.h' \
	2>/dev/null)
LINTED := $(patsubst %,$(BUILD)/lint/kernel/%,$(KERNEL_HEADERS)) \
	$(patsubst %,$(BUILD)/lint/user/%,$(USER_HEADERS))

include_alone = mkdir -p $(@D) && echo '\#include "$<"' | $(CC) $(1) \
	-fsyntax-only -MF $@.d -MT $@ -x c - && touch $@

$(BUILD)/lint/kernel/%: % $(BUILD_RULES) | $(call setup,build) \
	$(KERNEL_STUB_HEADERS)
	$(quiet)$(call include_alone,$(KERNEL_FLAGS))

$(BUILD)/lint/user/%: % $(BUILD_RULES) | $(call setup,build) \
	$(LIBMACH_STUB_HEADERS)
	$(quiet)$(call include_alone,$(USER_FLAGS))

.PHONY: lint-headers
lint-headers: $(LINTED)

# The headers that programs see, in every dialect of C and in C++: silent when
# all is well.
.PHONY: lint-dialects
lint-dialects: all
	$(quiet)! test/host/test_dialects | grep -v '^ok\|^1\.\.'

-include $(LINTED:=.d)
