# The front door. README's two commands are `sudo make up` and `sudo make test`.

# Debian packages by purpose; Ubuntu 22.04 and 24.04 have the same names.
BUILD_PACKAGES := ca-certificates git libc6-dev libcrypt-dev libmaxminddb-dev libnghttp2-dev libpcre2-dev libsqlite3-dev libssl-dev pkg-config zlib1g-dev
RUN_PACKAGES   := iproute2 nftables runc skopeo umoci
TEST_PACKAGES  := bind9 bind9-dnsutils bird2 curl dnsmasq-base exabgp frr gobgpd haproxy jq knot knot-dnsutils \
                  kubernetes-client mosquitto mosquitto-clients nghttp2-client nginx-light nsd openbgpd \
                  python3-grpcio python3-websockets testssl.sh unbound wrk
MESH_PACKAGES  := knot-dnsutils
BENCH_PACKAGES := bind9 bind9-dnsutils dnsperf gdnsd haproxy knot libnginx-mod-stream nghttp2-client nginx-light nsd wrk

# Tests look inside modules; with one set of flags they share what `make up` has built.
SWIFT_FLAGS := -c release -Xswiftc -enable-testing
ATOLL       := .build/release/atoll
# What `make up` hands to `atoll up`: make up UP="--name west --agents 1"
UP ?=

.PHONY: build up down mesh test check fmt bench soak fuzz docs install packages-build packages-run packages-test packages-mesh packages-bench
.DEFAULT_GOAL := build

build: packages-build
	@scripts/build $(SWIFT_FLAGS)

up: packages-run build
	@$(ATOLL) up $(UP)

down:
	@if [ -x $(ATOLL) ]; then $(ATOLL) down --all; else echo "nothing is built, so nothing of this checkout runs"; fi

mesh: packages-run packages-mesh build
	@scripts/mesh

test: packages-run packages-test build check
	@scripts/test $(SWIFT_FLAGS)

check: packages-build
	@scripts/check $(SWIFT_FLAGS)

fmt:
	@swift format -i -r --configuration .swift-format Sources Tests Package.swift

bench: packages-run packages-bench build
	@scripts/bench

soak: packages-test build
	@scripts/soak $(SWIFT_FLAGS)

fuzz: packages-build
	@scripts/fuzz

docs:
	@scripts/docs

# What is installed needs no Swift toolchain beside it, so it is built once more, linked statically.
PREFIX ?= /usr/local
install: packages-build
	@scripts/build -c release --static-swift-stdlib --scratch-path .build-install
	install -D -m 755 -s .build-install/release/atoll $(DESTDIR)$(PREFIX)/bin/atoll
	install -D -m 755 -s .build-install/release/atoll-sample $(DESTDIR)$(PREFIX)/libexec/atoll/atoll-sample

packages-build: ; @scripts/packages $(BUILD_PACKAGES)
packages-run:   ; @scripts/packages $(RUN_PACKAGES)
packages-test:
	@scripts/packages $(TEST_PACKAGES)
	@scripts/packages --unpack bird .build/peers/bird1
packages-mesh: ; @scripts/packages $(MESH_PACKAGES)
packages-bench: ; @scripts/packages $(BENCH_PACKAGES)
