# Holdfast. `make help` lists what there is.
#
# One rule a kind of file; a new .c in a folder below is built without touching this file.
#   build/lib*.a       peer (all but os), os, sim (with fault), ctl
#   build/ipfs-cluster-*   the three programs
#   build/tests/...    one binary a *_test.c

B ?= build
CC ?= cc
CFLAGS ?= -O2 -g
comma = ,
WARN = -Wall -Wextra -Wformat-security -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
       -Wpointer-arith -Wvla -Wwrite-strings -Wundef
ifdef WERROR
WARN += -Werror
endif
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE $(WARN) $(CFLAGS) -Ipeer -I. -MMD -MP
OS_LIBS = -lev -lcurl -lssl -lcrypto -llmdb -lpthread
PEER_LIBS = -lsodium -lcjson
LIBS = $(OS_LIBS) $(PEER_LIBS) -lm

# One line a file; V=1 shows the commands, -s nothing.
MAKEFLAGS += --no-print-directory
Q = $(if $(V),,@)
say = @$(if $(V)$(findstring s,$(firstword -$(MAKEFLAGS))),:,printf '%-6s %s\n' '$(1)' '$(2)')
# What a person starts with one command uses all cores.
all_cores = $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc))

PROGRAM_SRC = $(wildcard peer/main.c peer/cmd_*.c)
OS_SRC = $(wildcard peer/os/*.c)
PEER_SRC = $(filter-out $(PROGRAM_SRC) $(OS_SRC),$(wildcard peer/*.c peer/*/*.c peer/*/*/*.c))
SIM_SRC = $(filter-out sim/main.c sim/main_memory.c,$(wildcard sim/*.c sim/*/*.c fault/*.c))
CTL_SRC = $(filter-out ctl/main.c,$(wildcard ctl/*.c))
TEST_LIB_SRC = $(wildcard tests/lib/*.c)
TEST_SRC = $(wildcard tests/unit/*_test.c tests/paper/*_test.c tests/contract/*_test.c)

obj = $(patsubst %.c,$(B)/obj/%.o,$(1))
PROGRAMS = $(if $(wildcard peer/main.c),$(B)/ipfs-cluster-service) \
           $(if $(wildcard ctl/main.c),$(B)/ipfs-cluster-ctl) \
           $(if $(wildcard sim/main.c),$(B)/ipfs-cluster-sim)
ARCHIVES = $(B)/libsim.a $(B)/libpeer.a $(B)/libos.a
TEST_ARCHIVES = $(B)/libtest.a $(B)/libctl.a $(ARCHIVES)
TESTS = $(patsubst %.c,$(B)/%,$(TEST_SRC))

.PHONY: all deps test check unit tidy unit-run kubo kubo-contract clean fmt help fuzz fuzz-targets asan tsan threads interop scenarios sweep sim system mutants
all: $(PROGRAMS) $(ARCHIVES)

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,cc,$<)
	$(Q)$(CC) $(ALL_CFLAGS) -c $< -o $@
.SECONDARY: # keeps the objects of tests: linking again compiles nothing

define archive
	$(call say,ar,$@)
	$(Q)rm -f $@ && ar rcs $@ $^
endef
$(B)/libpeer.a: $(call obj,$(PEER_SRC))
	$(archive)
$(B)/libos.a: $(call obj,$(OS_SRC))
	$(archive)
$(B)/libsim.a: $(call obj,$(SIM_SRC))
	$(archive)
$(B)/libctl.a: $(call obj,$(CTL_SRC))
	$(archive)
$(B)/libtest.a: $(call obj,$(TEST_LIB_SRC))
	$(archive)

# The archives name one another in both directions (os calls hooks of p2p, sim calls the peer), so: a group.
define link
	@mkdir -p $(@D)
	$(call say,link,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(1) $(LIBS) -o $@
endef
$(B)/ipfs-cluster-service: $(call obj,$(PROGRAM_SRC)) $(B)/libpeer.a $(B)/libos.a
	$(link)
$(B)/ipfs-cluster-ctl: $(call obj,ctl/main.c) $(B)/libctl.a $(B)/libpeer.a $(B)/libos.a
	$(link)
# Wrapped: so that peers may be refused memory (fault/memory.h).
$(B)/ipfs-cluster-sim: $(call obj,sim/main.c sim/main_memory.c) $(ARCHIVES)
	$(call link,-Wl$(comma)--wrap=malloc$(comma)--wrap=calloc$(comma)--wrap=realloc)

# ---- tests ----
# Wrapped: so that a test can make the n-th allocation fail (tests/lib/test_memory.h).
$(B)/tests/%_test: $(B)/obj/tests/%_test.o $(TEST_ARCHIVES)
	$(call link,-Wl$(comma)--wrap=malloc$(comma)--wrap=calloc$(comma)--wrap=realloc -lcriterion)

# On objects of their own, with the checks that walk whole structures (ASSERT_SLOW).
unit:
	@$(MAKE) B=$(B)/check CFLAGS='$(CFLAGS) -DSLOW_CHECKS' unit-run
unit-run: $(TESTS)
	@tests/pool tests/unit/run $(TESTS)

# The rules that a machine can check: what may include what, what the core may reach, sizes.
tidy: $(ARCHIVES) $(PROGRAMS)
	tests/tidy/run $(B)

# What the programs say of themselves: pages that are never written by hand.
.PHONY: docs
docs: $(PROGRAMS)
	$(B)/ipfs-cluster-service config reference > docs/CONFIG.md

# Under a minute: what is run before each commit.
check: all unit tidy

test: deps
	@$(MAKE) $(all_cores) check

# Writes the transcripts of tests/golden/raft again, as things are now: read the diff.
.PHONY: golden
golden: $(B)/tests/unit/raft_golden_test
	GOLDEN_REWRITE=1 $<
	git --no-pager diff --stat -- tests/golden

# The same tests under AddressSanitizer and UBSan, and a peer under 10,000 bad requests (what is freed is kept back for a short
# while only: that test looks at the peer's memory). A leak does not fail a Criterion test by itself: its report does.
ASAN_B = $(B)/asan
ASAN_CFLAGS = -O1 -g1 -fno-omit-frame-pointer -DSLOW_CHECKS -fsanitize=address,undefined -fno-sanitize-recover=all
asan_make = ASAN_OPTIONS=log_path=$(abspath $(ASAN_B))/reports/asan$(1) UBSAN_OPTIONS=print_stacktrace=1 \
    LSAN_OPTIONS=exitcode=0 $(MAKE) B=$(ASAN_B) CFLAGS='$(ASAN_CFLAGS)'
asan:
	rm -rf $(ASAN_B)/reports && mkdir -p $(ASAN_B)/reports
	+$(call asan_make) unit-run && $(call asan_make,:quarantine_size_mb=1) bad-requests; code=$$?; \
	    tests/asan_reports $(ASAN_B)/reports && exit $$code

# Every tests/mutants/*M*.patch is a defect: in a copy of the tree that has it, the test it names must fail.
# DRAW=N: so many of them, at random (the seed is printed, and DRAW_SEED=S repeats it).
M ?=
mutants:
	MUTANTS_B=$(B)/mutants tests/mutants/run $(if $(DRAW),--draw $(DRAW) $(DRAW_SEED)) $(M)

# ---- the simulator ----
SIM = $(B)/ipfs-cluster-sim
SEEDS ?= 10
N ?= 200
SEED ?= 1
# Every scenario with SEEDS seeds, each of them twice: the second run has to be the same, event by event.
scenarios: $(SIM)
	tests/doc_scenarios $(SIM) $(B)/doc_scenarios
	for file in scenarios/*/*.scn; do echo "$$file"; $(SIM) sweep --seeds $(SEEDS) --twice $$file || exit 1; done
# A cluster under N mixes of faults; one of them, with everything that happens.
sweep: $(SIM)
	$(SIM) sweep --seeds $(N) --twice
sim: $(SIM)
	$(SIM) run swarm --seed $(SEED) --trace

# Every seed that ever failed.
.PHONY: seeds
seeds: $(SIM)
	tests/seeds/run $(SIM)

# The same run, whatever compiled it.
.PHONY: determinism
determinism:
	tests/determinism $(B)/determinism

# The shrinker, beside scenarios that were made small by hand: M=... for some of them. Builds a simulator a mutant.
.PHONY: bench-shrink
bench-shrink:
	SHRINK_B=$(B)/shrink tests/shrink/run $(M)

# Each class of drawn faults is needed: a defect that a sweep notices with it only (tests/faults/necessary.txt).
.PHONY: necessary
necessary:
	FAULTS_B=$(B)/faults tests/faults/run $(M)

# ---- real processes ----
# demo.sh is run by itself.
SYSTEM = $(filter-out tests/system/demo.sh,$(wildcard tests/system/*.sh))
SYSTEM_HELPERS = $(addprefix $(B)/tests/,canned bad_requests notified)
system: all $(SYSTEM_HELPERS) $(B)/tests/load $(B)/tests/faults.so
	BUILD=$(B) tests/pool tests/system/run $(SYSTEM)
$(SYSTEM_HELPERS): $(B)/tests/%: $(B)/obj/tests/system/%.o $(B)/libpeer.a $(B)/libos.a
	$(link)

# 10,000 requests that no door should like; SEED=N: others.
.PHONY: bad-requests
bad-requests: all $(B)/tests/bad_requests
	BUILD=$(B) SEED=$(SEED) tests/pool tests/system/run tests/system/bad_requests_test.sh

# ---- power cuts ----
# A real peer's writes and syncs, recorded; the images that a power cut could have left, opened (docs/CRASH.md). `crash`
# takes some thousands of images, `long` all moments, with more of what may be lost at each.
CRASH = $(B)/tests/record.so $(B)/tests/load $(B)/tests/older $(B)/tests/crash
.PHONY: crash long crash-programs
crash-programs: $(B)/ipfs-cluster-service $(CRASH)
crash: crash-programs
	tests/crash/run $(B) --images 4000 --random 2 --daemons 200
long: all $(SIM) crash-programs
	tests/crash/run $(B) --images 0 --random 8 --prefixes --daemons 1000
	BUILD=$(B) WRK_SECONDS=60 tests/pool tests/system/run tests/system/thousand_clients_test.sh
	$(SIM) run tests/long/*.scn
$(B)/tests/%.so: tests/crash/%.c
	@mkdir -p $(@D)
	$(call say,cc,$@)
	$(Q)$(CC) $(ALL_CFLAGS) -fPIC -shared $< -o $@
$(B)/tests/load $(B)/tests/older: $(B)/tests/%: $(B)/obj/tests/crash/%.o $(B)/libpeer.a $(B)/libos.a
	$(link)
$(B)/tests/crash: $(call obj,$(addprefix tests/crash/,crash.c disk.c disk_lay.c ledger.c daemon.c)) $(TEST_ARCHIVES)
	$(link)

# Static analysis beyond the compilers' warnings. nullPointerRedundantCheck does not know that fatal() does not return.
.PHONY: analyze
analyze:
	cppcheck --quiet --enable=warning,portability --inline-suppr --std=c11 -Ipeer -I. -j2 --error-exitcode=1 \
	    --suppress=missingIncludeSystem --suppress=nullPointerRedundantCheck peer sim fault ctl

# ---- threads ----
# tests/threads/*_threads.c have a main() of their own: Criterion does not start under ThreadSanitizer.
THREADS = $(patsubst tests/threads/%.c,$(B)/tests/%,$(wildcard tests/threads/*_threads.c))
tsan:
	$(MAKE) B=$(B)/tsan CFLAGS='-O1 -g1 -fsanitize=thread' threads
threads: $(THREADS)
	for binary in $^; do timeout 120 $$binary || exit 1; done
$(B)/tests/%_threads: $(B)/obj/tests/threads/%_threads.o $(TEST_ARCHIVES)
	$(link)

# ---- numbers ----
# Never part of the tests: the machine decides what they are (docs/BENCHMARKS.md). Under three minutes.
BENCHES = $(patsubst bench/%.c,$(B)/bench/%,$(wildcard bench/bench_*.c))
.PHONY: bench bench-etcd
bench: $(PROGRAMS) $(BENCHES)
	bench/run $(B)
# Beside etcd, on the same disk: needs Go, and etcd or Debian's package of it. T="rates follower": only these tables.
T ?=
bench-etcd: $(PROGRAMS) $(BENCHES)
	bench/etcd/run $(B) $(T)
.PHONY: bench-repair
bench-repair: $(PROGRAMS) $(BENCHES)
	bench/repair $(B)
# T="drive lists sync join": only these tables. PINS=100000: less of it.
.PHONY: bench-scale
bench-scale: $(PROGRAMS) $(BENCHES)
	bench/scale $(B) $(T)
$(B)/bench/%: $(B)/obj/bench/%.o $(B)/obj/bench/bench.o $(ARCHIVES)
	$(link)

# The REST API and the proxy, beside real IPFS daemons (make kubo): needs wrk. T="rates proxied add"; MIB=256: less of it.
.PHONY: bench-doors
bench-doors: $(PROGRAMS) $(BENCHES)
	bench/doors $(B) $(T)

.PHONY: bench-sim
bench-sim: $(B)/bench/bench_sim
	$(B)/bench/bench_sim

# ---- other libp2p implementations ----
# js-libp2p against our wire, both ways. Needs Node and npm; what npm brings stays under $(B).
interop: $(B)/tests/p2p_echo
	tests/clients/p2p.sh $(B)
# Clients of the REST API that nobody here wrote, against two peers on real IPFS daemons.
.PHONY: clients
clients: all
	tests/clients/cluster.sh $(B)
$(B)/tests/p2p_echo: $(B)/obj/tests/clients/p2p_echo.o $(B)/libtest.a $(ARCHIVES)
	$(link)

# ---- fuzzing ----
# Every tests/fuzz/*_fuzz.c, each for FUZZ_SECONDS, from its committed corpus. The first line of each names the
# decoders that it is there for; less than FUZZ_COVER percent of one's lines reached fails, as does any finding.
FUZZ_SECONDS ?= 5
FUZZ_COVER ?= 80
FUZZ_B = $(B)/fuzz
FUZZ_SRC = $(wildcard tests/fuzz/*_fuzz.c)
FUZZ_CFLAGS = -O1 -g1 -DSLOW_CHECKS -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all \
              -fprofile-instr-generate -fcoverage-mapping
fuzz:
	$(MAKE) B=$(FUZZ_B) CC=clang CFLAGS='$(FUZZ_CFLAGS)' fuzz-targets
	tests/fuzz/run $(FUZZ_B) $(FUZZ_SECONDS) $(FUZZ_COVER) $(FUZZ_SRC)

fuzz-targets: $(patsubst tests/fuzz/%.c,$(B)/%,$(FUZZ_SRC))
$(B)/%_fuzz: $(B)/obj/tests/fuzz/%_fuzz.o $(TEST_ARCHIVES)
	$(call link,-fsanitize=fuzzer)

# A real IPFS daemon, of the version that tests/kubo/go.mod names. 2 to 4 minutes when Go's cache is cold.
KUBO ?= $(B)/kubo/ipfs
kubo: $(KUBO)
$(B)/kubo/ipfs: tests/kubo/go.mod tests/kubo/go.sum
	@mkdir -p $(@D)
	cd tests/kubo && go build -buildvcs=false -o $(abspath $@) github.com/ipfs/kubo/cmd/ipfs
	@touch $@

# The stand-in IPFS daemon beside two real ones, request by request (needs Go or KUBO=/path/to/ipfs, and Node).
kubo-contract: $(KUBO) $(B)/ipfs-cluster-sim
	tests/contract/kubo_contract.sh $(KUBO) $(B)/ipfs-cluster-sim $(B)/kubo-contract

# ---- the demo: a real cluster on this machine (README) ----
.PHONY: demo
demo: deps
	@$(MAKE) $(all_cores) all
	@BUILD=$(B) tests/system/demo.sh

deps:
	@.ci/install-deps

# ---- installing ----
# Programs, manual pages, completion of bash, systemd's unit; under DESTDIR when a package is made.
PREFIX ?= /usr/local
INSTALL = install
share = $(DESTDIR)$(PREFIX)/share
.PHONY: install uninstall
install: all
	$(INSTALL) -d $(DESTDIR)$(PREFIX)/bin $(share)/man/man1 $(share)/bash-completion/completions $(share)/doc/holdfast $(DESTDIR)$(PREFIX)/lib/systemd/system
	set -e; for name in ipfs-cluster-service ipfs-cluster-ctl; do \
	    $(INSTALL) -m 755 $(B)/$$name $(DESTDIR)$(PREFIX)/bin/$$name; \
	    $(B)/$$name man >$(share)/man/man1/$$name.1; \
	    $(B)/$$name completion >$(share)/bash-completion/completions/$$name; \
	done
	$(INSTALL) -m 644 docs/CONFIG.md docs/OPERATING.md $(share)/doc/holdfast
	sed 's:@PREFIX@:$(PREFIX):g' docs/deploy/ipfs-cluster.service.in >$(DESTDIR)$(PREFIX)/lib/systemd/system/ipfs-cluster.service
uninstall:
	for name in ipfs-cluster-service ipfs-cluster-ctl; do \
	    rm -f $(DESTDIR)$(PREFIX)/bin/$$name $(share)/man/man1/$$name.1 $(share)/bash-completion/completions/$$name; \
	done
	rm -rf $(share)/doc/holdfast
	rm -f $(DESTDIR)$(PREFIX)/lib/systemd/system/ipfs-cluster.service

fmt:
	git ls-files '*.c' '*.h' | xargs clang-format -i

clean:
	rm -rf $(B)

help:
	@echo 'make            build the three programs into $(B)/'
	@echo 'make demo       a real cluster of three peers: pins, a death, the pins move (KEEP=1: leave it running)'
	@echo 'make test       install what is missing, build, run all tests'
	@echo 'make check      the fast tests (under a minute)'
	@echo 'make golden     rewrite the transcripts of tests/golden: the diff says what changed'
	@echo 'make docs       write docs/CONFIG.md again, from the table of options'
	@echo 'make install    programs, manual pages, completion, systemd unit: PREFIX=/usr/local, DESTDIR='
	@echo 'make system     the programs as processes, on real sockets and disks'
	@echo 'make bad-requests  10,000 bad requests to all doors of a peer: SEED=1'
	@echo 'make kubo       build the real IPFS daemon for the system tests (needs Go)'
	@echo 'make kubo-contract  the stand-in IPFS daemon against two real ones (needs Go and Node)'
	@echo 'make scenarios  every scenario with SEEDS=10 seeds, in virtual time'
	@echo 'make sweep      a cluster under N=200 mixes of faults, each twice'
	@echo 'make sim        one of them with everything that happens: SEED=1'
	@echo 'make seeds      every seed that ever failed, again'
	@echo 'make determinism  the simulator built in three ways makes the same runs'
	@echo 'make necessary  each class of faults shows a defect that no sweep without it shows'
	@echo 'make bench-shrink  failures of known mutants made small: beside what was made small by hand (M=vote for some)'
	@echo 'make fuzz       each fuzz target for FUZZ_SECONDS=5, with the coverage of its decoders (needs clang)'
	@echo 'make asan       the tests, and a peer under bad requests, under AddressSanitizer and UBSan'
	@echo 'make mutants    each known defect in a copy of the tree: do the tests notice? M=c03 for some, DRAW=10 for ten, M=--matrix: by which scenario'
	@echo 'make crash      power cuts: what a recorded peer could have left on its disk, opened; make long: all of it, a thousand clients for a minute, and scenarios of a minute (tests/long)'
	@echo 'make clients    foreign clients of the REST API, on real IPFS daemons (needs Node, npm, make kubo)'
	@echo 'make interop    our libp2p against js-libp2p, both ways (needs Node and npm)'
	@echo 'make analyze    cppcheck over all sources'
	@echo 'make tsan       what has threads, under ThreadSanitizer'
	@echo 'make bench      the numbers of docs/BENCHMARKS.md, measured here and now (under three minutes)'
	@echo 'make bench-repair  a peer with 100,000 pins dies: until all have other holders'
	@echo 'make bench-scale  a million pins: listed, compared with the daemon, handed to it; T=lists: one table of it'
	@echo 'make bench-etcd  pins beside etcd on the same disk (needs Go; fetches etcd); T=rates: one table of it'
	@echo 'make bench-sim  how fast the simulator is'
	@echo 'make bench-doors  REST API and proxy beside real IPFS daemons (needs make kubo, wrk); T=rates: one table of it'
	@echo 'make fmt        lay the sources out'
	@echo 'CC, CFLAGS, LDFLAGS are honoured; B=DIR builds elsewhere; WERROR=1 makes warnings errors; V=1 shows commands.'

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)
