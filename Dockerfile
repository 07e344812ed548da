# syntax=docker/dockerfile:1
#
#   docker build --tag tarquet .
#   docker run --rm --user "$(id -u):$(id -g)" --volume "$PWD:/data" tarquet \
#       extract --tar-path examples/flights.tar.kaggle --out-dir out
#
# Workers lock themselves in with Landlock and seccomp, which Docker's own seccomp profile lets them do; `--sandbox require`
# says whether it does here. Compressed archives are read through a memfd, so /dev/shm may be as small as it is.

# Both stages are of one release of Debian: what is built needs the C library of the first.
FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --package tarquet \
    && install --strip target/release/tarquet /usr/local/bin/tarquet

# The C library, libgcc, and a user that is not root; no shell.
FROM gcr.io/distroless/cc-debian12:nonroot
LABEL org.opencontainers.image.title="tarquet" \
      org.opencontainers.image.description="Turns a huge archive of JSON files into a typed, partitioned Parquet dataset" \
      org.opencontainers.image.source="https://github.com/tarquet/tarquet" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
COPY --from=build /usr/local/bin/tarquet /usr/local/bin/tarquet
COPY LICENSE-MIT LICENSE-APACHE /usr/share/doc/tarquet/
WORKDIR /data
ENTRYPOINT ["/usr/local/bin/tarquet"]
CMD ["--help"]
