# An image with one static executable and nothing else: no shell, no libraries, no packages.
#
#   docker build --tag patio .
#   docker run --detach --publish 3000:80 --volume patio:/storage patio

# What browsers get: scripts and styles bundled, the font copied from its package.
FROM node:24-slim AS assets
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --omit=dev --no-audit --no-fund
COPY static static
RUN npm run build -- --outdir=/assets

FROM rust:1.95-slim-bookworm AS executable
WORKDIR /src
# The dependencies alone, so that a change of our own code does not build them again.
COPY Cargo.toml Cargo.lock ./
RUN mkdir src \
    && echo 'fn main() {}' | tee build.rs > src/main.rs \
    && touch src/lib.rs \
    && cargo build --release --locked \
    && rm -r build.rs src
COPY . .
COPY --from=assets /assets /assets
# Cargo goes by dates: those of the copied files may be older than the stand-ins they replace.
# Only the executable itself is linked statically; what is built above is used as it is.
RUN touch build.rs src/lib.rs src/main.rs \
    && PATIO_ASSETS=/assets cargo rustc --release --locked --bin patio -- -C target-feature=+crt-static \
    && mv target/release/patio /patio \
    && install --directory --mode=700 /storage /temporary

FROM scratch
LABEL org.opencontainers.image.title="Patio" \
      org.opencontainers.image.description="A team and community chat that you run yourself" \
      org.opencontainers.image.licenses="MIT"
COPY --from=executable /patio /patio
COPY --from=executable --chown=65532:65532 /storage /storage
# For the demo, which keeps nothing.
COPY --from=executable --chown=65532:65532 /temporary /tmp
ENV PORT=80 LISTEN=:: DATA_DIR=/storage
USER 65532:65532
VOLUME /storage
EXPOSE 80
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["/patio", "healthcheck"]
ENTRYPOINT ["/patio"]
