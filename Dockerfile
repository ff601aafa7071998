# syntax=docker/dockerfile:1
# An image of the gateway: nothing but Python, the locked dependencies and the wheel; runs as nobody on a read-only root.

FROM python:3.11.14-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
COPY requirements-image.lock requirements-build.lock ./
RUN python -m venv /opt/tokenhub \
    && /opt/tokenhub/bin/pip install --require-hashes -r requirements-image.lock \
    && python -m venv /opt/build \
    && /opt/build/bin/pip install --require-hashes -r requirements-build.lock
COPY pyproject.toml README.md LICENSE ./
COPY gateway gateway
COPY schemas schemas
COPY configs configs
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /tmp/wheel . \
    && /opt/tokenhub/bin/pip install --no-deps /tmp/wheel/tokenhub-*.whl \
    && /opt/tokenhub/bin/python -m compileall -q /opt/tokenhub/lib \
    && /opt/tokenhub/bin/tokenhub --version

FROM python:3.11.14-slim-bookworm AS serve
RUN groupadd --gid 65532 tokenhub \
    && useradd --uid 65532 --gid 65532 --no-create-home --shell /usr/sbin/nologin tokenhub \
    && install --directory --owner=65532 --group=65532 /var/lib/tokenhub
COPY --from=build /opt/tokenhub /opt/tokenhub
ENV PATH=/opt/tokenhub/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    TOKENHUB_DATA_DIR=/var/lib/tokenhub
USER 65532:65532
WORKDIR /var/lib/tokenhub
VOLUME /var/lib/tokenhub
EXPOSE 8080 9090
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]
ENTRYPOINT ["tokenhub"]
CMD ["serve", "/etc/tokenhub/config/tokenhub.yaml"]
