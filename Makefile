# havip. `make` alone lists the targets.
VERSION ?= $(shell git describe --tags --always --abbrev=12 --dirty 2>/dev/null || echo 0.0.0-dev)
GO ?= go
# what the lab's tests build and run is not seen by the cache of test results
TEST_FLAGS ?= -count=1
ACCEPTANCE_FLAGS ?=
# the race detector needs a C compiler; a machine with nothing but Go tests without it
RACE := $(shell command -v $(firstword $(shell $(GO) env CC)) >/dev/null 2>&1 && echo -race)
STATICCHECK := $(GO) run honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOFUMPT := $(GO) run mvdan.cc/gofumpt@v0.12.0
SHELL_FILES := .ci/run test/failover/measure.sh test/failover/page.sh $(wildcard test/cloud/*.sh test/cloud/lib/*.sh test/acceptance/testdata/*.sh) test/cloud/lib/ebtables test/cloud/guest/make-image.sh test/cloud/guest/firstboot

# what `make dist` leaves in dist: COMMAND-OS-ARCH
DIST := havip-linux-amd64 havip-linux-arm64 havip-darwin-amd64 havip-darwin-arm64 havip-windows-amd64.exe \
	havip-lab-linux-amd64 havip-lab-linux-arm64

# the lab needs root; the build does not
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

.PHONY: help demo build agent dist dist-check test mutants fuzz bench bench-costs bench-needs soak soak-sim lint docs cloud-up cloud-down cloud-status cloud-states acceptance failover-table page clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

demo: build ## the whole main job in a cloud on this machine (Linux, root); nothing of it is left
	@$(GO) build -buildvcs=false -o bin/havip-lab ./cmd/havip-lab
	@$(SUDO) bin/havip-lab demo --havip bin/havip

build: agent ## bin/havip, with the agents for linux amd64 and arm64 inside
	CGO_ENABLED=0 $(GO) build -tags embedagent -trimpath -buildvcs=false -ldflags "-s -w -buildid= -X main.version=$(VERSION)" -o bin/havip ./cmd/havip

agent: ## the agents that the CLI embeds, in agent/bundle/dist
	$(GO) run ./agent/bundle/mkbundle -version $(VERSION)

# Nothing of this machine goes in: not its folders, nor what its Go is set to.
dist: export GOFLAGS =
dist: export GOEXPERIMENT =
dist: export GOAMD64 = v1
dist: export GOARM64 = v8.0
dist: export CGO_ENABLED = 0
dist: agent ## dist/: the binaries of a release and SHA256SUMS; the same source, version and Go give the same bytes
	rm -rf dist && mkdir dist
	@set -e; for f in $(DIST); do \
	  cmd=$${f%-*-*}; os=$${f#$$cmd-}; arch=$${f##*-}; echo "dist/$$f"; \
	  GOOS=$${os%-*} GOARCH=$${arch%.exe} $(GO) build -tags embedagent -trimpath -buildvcs=false \
	    -ldflags "-s -w -buildid= -X main.version=$(VERSION)" -o dist/$$f ./cmd/$$cmd; \
	done
	cd dist && sha256sum $(DIST) >SHA256SUMS

# The second build starts from an empty cache: one that the first had filled would hide a difference.
dist-check: ## that HEAD gives the same SHA256SUMS from two folders (10 min)
	@set -e; tmp=$$(mktemp -d); trap 'rm -rf "$$tmp"' EXIT; \
	one=$$tmp/a two=$$tmp/another/and/longer/folder; mkdir -p $$one $$two; \
	git archive HEAD | tar -x -C $$one; git archive HEAD | tar -x -C $$two; \
	$(MAKE) -C $$one dist VERSION=$(VERSION); \
	GOCACHE=$$tmp/cache $(MAKE) -C $$two dist VERSION=$(VERSION); \
	diff $$one/dist/SHA256SUMS $$two/dist/SHA256SUMS; \
	cd $$two/dist; sha256sum -c SHA256SUMS

# The simulator runs its thousands of seeds without the race detector.
test: ## everything that needs no cloud; root adds the tests in network namespaces
	$(if $(RACE),$(GO) test $(TEST_FLAGS) ./agent/sim)
	$(GO) test $(RACE) -timeout 20m $(TEST_FLAGS) ./...

# One at a time: each is given one worker, so that the figures of two runs can be compared.
FUZZTIME ?= 10m
SEEDS ?= 1000000
START ?= 1
soak-sim: ## SEEDS (a million) scenarios of agent/sim from seed START on; a failing one prints its trace
	GOGC=1000 $(GO) test -count=1 -timeout 0 -v ./agent/sim -run '^TestSeeds$$' -args -seeds $(SEEDS) -start $(START)

mutants: ## that agent/sim notices each rule of agent/vrrp that is bent or dropped
	$(GO) run ./test/mutants

fuzz: ## every fuzz target, each for FUZZTIME (10m)
	@set -e; for dir in $$(grep -rl --include=*_test.go '^func Fuzz' . | xargs -n1 dirname | sort -u); do \
	  for target in $$(sed -n 's/^func \(Fuzz[A-Za-z]*\).*/\1/p' $$dir/*_test.go); do \
	    echo "$$dir $$target"; $(GO) test $$dir -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -parallel 1; \
	  done; \
	done

# Each run of it is whole; one that is broken off leaves nothing behind and changes no file.
ROUNDS ?= 10
bench-needs:
	@[ "$$(id -u)" = 0 ] || { echo "error: needs root, for network namespaces"; exit 1; }
	@command -v keepalived >/dev/null || { echo "error: keepalived is not installed"; \
	  echo "hint: apt-get install --no-install-recommends keepalived"; exit 1; }

bench: bench-needs ## side by side with keepalived, for docs/performance.md (root, keepalived; 15 min); ROUNDS=3 only prints (6 min)
	@mkdir -p bin
	HAVIP_REQUIRE_NETNS=1 $(GO) test -count=1 -timeout 30m -v ./test/bench -args -rounds $(ROUNDS) -result $(CURDIR)/bin/bench.json \
	  $(if $(filter-out 1 2 3 4 5 6 7 8 9,$(ROUNDS)),-document $(CURDIR)/docs/performance.md)

bench-costs: bench-needs ## processor and memory beside keepalived's, printed (root, keepalived; 3 min); COSTS='255 routers' for some rows
	HAVIP_REQUIRE_NETNS=1 $(GO) test -count=1 -timeout 10m -v ./test/bench -args -costs '$(or $(COSTS),.)'

lint: ## vet, staticcheck, gofumpt; shellcheck where it is installed
	$(GO) vet ./...
	$(GO) vet -tags acceptance ./test/...
	$(STATICCHECK) ./...
	@files=$$($(GOFUMPT) -l $$(git ls-files -co --exclude-standard '*.go')); \
	  if [ -n "$$files" ]; then echo "gofumpt would change:"; echo "$$files"; exit 1; fi
	@if command -v shellcheck >/dev/null; then cd test/cloud && shellcheck $(SHELL_FILES:%=../../%); \
	  else echo "shellcheck is not installed, the shell files are not checked"; fi

# Full counts of what `make test` does in part. SOAK_FLAGS=-seed=N repeats the deaths of a run.
soak: soak-sim ## soak-sim, 200 deaths of the active, a flood over each family, a failover test killed in each fault (90 min, root)
	HAVIP_REQUIRE_NETNS=1 $(GO) test -count=1 -timeout 60m -v -run 'Dies|Flood' ./test/mishap -args -deaths 200 -flood 4000000 $(SOAK_FLAGS)
	HAVIP_REQUIRE_NETNS=1 $(GO) test -count=1 -timeout 30m -v -run Killed ./test/failover -args -all

docs: ## docs/commands, from the commands themselves
	$(GO) generate ./docs/...

cloud-up: ## a real OpenStack on this machine (Debian 12, root); BACKEND=linuxbridge|ovn, FRESH=1
	BACKEND=$(BACKEND) FRESH=$(FRESH) test/cloud/up.sh

cloud-down: ## stop it, leaving nothing behind; WIPE=1 deletes its data too
	WIPE=$(WIPE) test/cloud/down.sh

cloud-status: ## what of it runs and answers
	@test/cloud/status.sh

cloud-states: ## show that cloud-up works from any state an earlier run left (destroys the cloud, 20 min)
	test/cloud/states.sh

# OS_CLOUD names the OpenStack to test; without it the one of `make cloud-up`, from its namespace "internet"
ifeq ($(and $(OS_CLOUD),$(filter-out local,$(or $(HAVIP_CLOUD),other))),)
acceptance: export OS_CLIENT_CONFIG_FILE = /var/lib/oscloud/clouds.yaml
acceptance: export OS_CLOUD = demo-appcred
acceptance: export HAVIP_ACC_IMAGE ?= debian
acceptance: export HAVIP_ACC_FLAVOR ?= m1.tiny
acceptance: export HAVIP_ACC_EXTERNAL ?= public
acceptance: export HAVIP_ACC_KEY ?= /var/lib/oscloud/id_ed25519
acceptance: export HAVIP_ACC_USER ?= debian
acceptance: EXEC = -exec "ip netns exec internet"
endif
acceptance: export HAVIP_BIN = $(CURDIR)/bin/havip
acceptance: build ## the suite against a real OpenStack: the one of cloud-up, or the one that OS_CLOUD names
	$(GO) test -tags acceptance -count=1 -timeout 30m -v $(EXEC) $(ACCEPTANCE_FLAGS) ./test/acceptance

PLACE ?= lab
failover-table: ROUNDS = 3
failover-table: ## each fault of the failover test measured, as a table (root): ROUNDS=3, PLACE=lab (15 min) or cloud, of cloud-up (20 min)
	@$(MAKE) --no-print-directory build >&2
	@$(SUDO) ROUNDS=$(ROUNDS) test/failover/measure.sh $(PLACE)

page: build ## the failover test's page from the lab: valid HTML, and pictures of it in bin/page (root; chromium, java, npm)
	@$(SUDO) test/failover/page.sh

clean: ## what was built
	rm -rf bin dist
	find agent/bundle/dist -type f ! -name .gitkeep -delete
