# An image with one static executable on top of busybox.
#
#   docker build --tag patio .
#   docker run --detach --publish 3000:80 --volume patio:/storage patio

# What browsers get: scripts and styles bundled, the font copied from its package.
FROM node:24-slim AS assets
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --omit=dev --no-audit --no-fund
COPY static static
COPY script/emoji.mjs script/
RUN npm run build -- --outdir=/assets

FROM rust:1.95-slim-bookworm AS executable
WORKDIR /src
# The dependencies alone, so that a change of our own code does not build them again.
COPY .cargo .cargo
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
    && mv target/release/patio /patio

# Patio needs nothing from below, but those who run it do: ONCE restores a backup with `sleep`,
# Coolify asks for health with `wget` from inside, and `start` needs a shell. With musl, since that
# busybox too is one static executable.
FROM busybox:1.37-musl
LABEL org.opencontainers.image.title="Patio" \
      org.opencontainers.image.description="A team and community chat that you run yourself" \
      org.opencontainers.image.licenses="MIT"
COPY --from=executable /patio /bin/patio
# The public certificate authorities, for requests to other servers.
COPY --from=executable /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY script/start /bin/start
# A new volume takes over owner and mode. Group 0 is what platforms give to a user of their choice.
RUN install -d -o 65532 -g 0 -m 770 /storage && install -d -m 1777 /tmp
# The demo listens for this machine only, unless its own flag --listen says otherwise.
ENV PORT=80 LISTEN=:: DATA_DIR=/storage
EXPOSE 80
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["/bin/patio", "healthcheck"]
# No USER: a volume may belong to root, so `start` takes it over and then stops being root itself.
# No VOLUME: Railway refuses it, and a volume without a name is soon lost.
ENTRYPOINT ["/bin/start"]
