# The image of TechCommerce: one static program, without a shell, that runs as anybody.
# How to build, run and debug it: docs/containers.md. Why it is so: docs/decisions/0015-one-static-image.md.

# The base of everything that only builds. Pinned; another may stand in, also one made here:
#   --build-arg RUST_IMAGE=docker.io/library/rust:1.95-slim-bookworm
ARG RUST_IMAGE=docker.io/library/rust:1.95-slim-bookworm@sha256:d7482085ff5b415f84dba5647ae71606650bdef00db7aeb69f4b3d170c3e4082

# ── The compiler, on the builder's own architecture, for the image's architecture ──────────────
# hadolint ignore=DL3006
FROM --platform=${BUILDPLATFORM:-linux/amd64} ${RUST_IMAGE} AS toolchain
ARG TARGETARCH=amd64
ARG CARGO_AUDITABLE_VERSION=0.7.7
SHELL ["/bin/sh", "-eu", "-c"]
# Named targets, also where it is the builder's own: then flags go to the program alone and not to
# build scripts and macros, which cannot be static.
ENV CC_x86_64_unknown_linux_gnu=x86_64-linux-gnu-gcc \
    CC_aarch64_unknown_linux_gnu=aarch64-linux-gnu-gcc \
    CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER=x86_64-linux-gnu-gcc \
    CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
# hadolint ignore=DL3008
RUN case "$TARGETARCH" in \
      amd64) rust=x86_64-unknown-linux-gnu; gnu=x86_64-linux-gnu; debian=x86-64-linux-gnu ;; \
      arm64) rust=aarch64-unknown-linux-gnu; gnu=aarch64-linux-gnu; debian=aarch64-linux-gnu ;; \
      *) echo "TARGETARCH must be amd64 or arm64, not $TARGETARCH" >&2; exit 1 ;; \
    esac; \
    if ! command -v "$gnu-gcc" >/dev/null; then \
      apt-get update; \
      apt-get install -y --no-install-recommends "gcc-$debian" "libc6-dev-$TARGETARCH-cross"; \
      rm -rf /var/lib/apt/lists/*; \
      rustup target add "$rust"; \
    fi; \
    echo "$rust" >/usr/local/lib/rust-target
# Writes the list of all crates into the program, so that scanners know what is in the image.
RUN --mount=type=cache,id=techcommerce-registry,target=/usr/local/cargo/registry,sharing=locked \
    CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_TARGET_DIR=/tmp/auditable \
      cargo install --locked --root /usr/local cargo-auditable --version "$CARGO_AUDITABLE_VERSION"; \
    rm -rf /tmp/auditable
# The whole program and the C library in one file: a name is looked up without further libraries
# since glibc 2.34. Where the sources lay is left out of it. What is put in place at its start is
# listed in short (glibc 2.36), which saves a megabyte.
ENV RUSTFLAGS="-C target-feature=+crt-static -C link-arg=-Wl,-z,pack-relative-relocs --remap-path-prefix=/usr/local/cargo/registry/src=crates" \
    CFLAGS="-ffile-prefix-map=/usr/local/cargo/registry/src=crates" \
    CARGO_INCREMENTAL=0
WORKDIR /src

# ── Only what says which crates are needed ─────────────────────────────────────────────────────
# While that stays the same, so does this stage's result, and the layer below is not built anew.
FROM toolchain AS manifests
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
COPY . .
RUN find . -type f ! -name Cargo.toml ! -name Cargo.lock ! -path '*/src/lib.rs' ! -path '*/src/main.rs' -delete; \
    find . -name lib.rs | while read -r file; do : >"$file"; done; \
    find . -name main.rs | while read -r file; do echo 'fn main() {}' >"$file"; done; \
    find . -name Cargo.toml | while read -r file; do \
      folder="$(dirname "$file")/src"; mkdir -p "$folder"; \
      test -e "$folder/main.rs" || : >"$folder/lib.rs"; \
    done; \
    find . -mindepth 1 -type d -empty -delete; \
    find . -exec touch -h -d @0 {} +

# ── The crates of others, then the program ─────────────────────────────────────────────────────
FROM toolchain AS build
ARG PROFILE=dist
COPY --from=manifests /src .
# Our own crates are empty here: what cargo noted of them goes, so that it looks at the real ones.
# The date is the same below: C is compiled anew when it changes.
RUN --mount=type=cache,id=techcommerce-registry,target=/usr/local/cargo/registry,sharing=locked \
    target="$(cat /usr/local/lib/rust-target)"; \
    SOURCE_DATE_EPOCH=0 cargo auditable build --locked --profile "$PROFILE" --target "$target" --package techcommerce; \
    find target -path '*/.fingerprint/techcommerce*' -delete
COPY apps apps
COPY contracts contracts
COPY crates crates
COPY docs/openapi.json docs/
COPY services services
# Seconds since 1970 of the commit: every time in the image, so that the same commit is the same image.
ARG SOURCE_DATE_EPOCH=0
ARG REVISION=unknown
RUN --mount=type=cache,id=techcommerce-registry,target=/usr/local/cargo/registry,sharing=locked \
    target="$(cat /usr/local/lib/rust-target)"; \
    SOURCE_DATE_EPOCH=0 TECHCOMMERCE_COMMIT="$REVISION" cargo auditable build --locked --profile "$PROFILE" --target "$target" --package techcommerce; \
    root=/image; \
    install -d "$root/usr/local/bin" "$root/etc/ssl/certs" "$root/etc/techcommerce" "$root/var/lib"; \
    install -m 755 "target/$target/$PROFILE/techcommerce" "$root/usr/local/bin/"; \
    install -m 644 /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"; \
    echo 'techcommerce:x:1001:1001:TechCommerce:/var/lib/techcommerce:/nowhere' >"$root/etc/passwd"; \
    echo 'techcommerce:x:1001:' >"$root/etc/group"; \
    echo 'hosts: files dns' >"$root/etc/nsswitch.conf"; \
    install -d -m 1777 "$root/tmp"; \
    install -d -m 750 /data/techcommerce; \
    find "$root" /data -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +

# ── The image ──────────────────────────────────────────────────────────────────────────────────
FROM scratch
COPY --from=build /image /
# The folder as an entry of its own, so that its mode comes along and its parents stay root's.
COPY --from=build --chown=1001:1001 /data /var/lib
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="TechCommerce" \
      org.opencontainers.image.description="A shop platform in one binary: seven services, or one process" \
      org.opencontainers.image.source="https://github.com/techcommerce/techcommerce" \
      org.opencontainers.image.documentation="https://github.com/techcommerce/techcommerce/blob/main/docs/containers.md" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
# In a container every interface is the container's own; which ports lead in is said outside.
ENV PATH=/usr/local/bin \
    TECHCOMMERCE_LISTEN_ADDRESS=0.0.0.0 \
    TECHCOMMERCE_LISTEN_MANAGEMENT_ADDRESS=0.0.0.0 \
    TECHCOMMERCE_DATA_DIR=/var/lib/techcommerce \
    TECHCOMMERCE_LOG_FORMAT=json
USER 1001:1001
WORKDIR /var/lib/techcommerce
# All that is ever written, so that the rest can be read-only.
VOLUME ["/var/lib/techcommerce"]
EXPOSE 3000 9464
# Asks our own readiness. Kubernetes ignores it and has probes of its own.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["/usr/local/bin/techcommerce", "health"]
ENTRYPOINT ["/usr/local/bin/techcommerce"]
CMD ["serve"]
